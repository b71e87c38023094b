"""Threads that do blocking work for an event loop, and that nobody must wait for.

The threads of `concurrent.futures` are joined when the interpreter ends: after
Ctrl-C, a program would hang until a stalled server's time limit has passed.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Workers:
    """Daemon threads, begun when there is work for them; they live until `close`.

    Args:
        most: How many threads there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle = threading.Semaphore(0)
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]
        self._jobs = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread; work that waits for one is dropped when this is cancelled."""
        done: Future[T] = Future()
        self._jobs.put((done, work))
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._most:
            thread = threading.Thread(target=self._work, name="shoestring-read", daemon=True)
            self._threads.append(thread)
            thread.start()
        return await asyncio.wrap_future(done)

    def close(self) -> None:
        """Let the threads end after the work that they are at; what waits for one is cancelled."""
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is not None:
                job[0].cancel()
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            _do(*job)
            del job  # else its result would live until there is more to do
            self._idle.release()


def _do(done: "Future[Any]", work: Callable[[], Any]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # whoever waits for the work is told, whatever it is
        done.set_exception(error)
    else:
        done.set_result(result)

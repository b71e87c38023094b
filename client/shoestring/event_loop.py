"""An event loop in a thread of its own, for the synchronous names."""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_LINGER = 0.002
"""Seconds. Less than any round trip, and more than many packets take."""

_FEW = 8
"""Sockets. With so few, the line is waited for, and every millisecond counts."""

_POLL = 0.2
"""Seconds. Waiting without a limit can't be interrupted on Windows."""

_interrupt: ContextVar[threading.Event | None] = ContextVar("interrupt", default=None)
"""Tells a thread that waits that nobody waits for it any more."""


class BatchingSelector(selectors.DefaultSelector):
    """Waits a little when something has arrived, so that more of it can be read at once.

    On a slow line, data trickle in packet by packet, on many connections; to be woken for
    each of them costs more than all the rest of the client.
    """

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `selectors.BaseSelector.select`."""
        found = super().select(timeout)
        if len(self.get_map()) <= _FEW or not found:
            return found
        time.sleep(_LINGER)
        return super().select(0) or found


class EventLoopThread:
    """An event loop in a daemon thread of its own; made anew in a process that was forked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and wait for it. Ctrl-C cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return _wait(future)
        except BaseException:
            future.cancel()
            raise

    def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine, and wait for it where that can be done: not in the loop's own thread."""
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        if threading.current_thread() is not self._thread:
            _wait(future)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.SelectorEventLoop(BatchingSelector())
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="shoestring", daemon=True
                )
                self._thread.start()
            return self._loop


async def in_thread(work: Callable[[], T]) -> T:
    """Run in a thread what waits for such loops; to cancel the task interrupts that, as Ctrl-C does.

    Args:
        work: What to run.
    """
    interrupt = threading.Event()
    token = _interrupt.set(interrupt)
    try:
        return await asyncio.to_thread(work)
    except asyncio.CancelledError:
        interrupt.set()
        raise
    finally:
        _interrupt.reset(token)


def _wait(future: "Future[T]") -> T:
    interrupt = _interrupt.get()
    while True:
        try:
            return future.result(timeout=_POLL)
        except NotYet:
            if future.done():
                return future.result()
            if interrupt is not None and interrupt.is_set():
                raise KeyboardInterrupt from None
        except CancelledError:
            raise KeyboardInterrupt from None

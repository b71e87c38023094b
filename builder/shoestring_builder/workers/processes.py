"""Processes of this machine."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from shoestring_builder.workers.work import Result, Task, caught
from shoestring_schema.errors import LostWorkerError, SourceError


class Processes:
    """Several processes: see `Workers`.

    Where one of them dies, all are replaced by half as many, and go on with what is left: mostly
    it was memory that ran out, and nobody is there at night to try with fewer. Where there is
    just one left and it dies as well, that is an error.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._executor = _start(count)

    def finished(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result | SourceError]]:
        """See `Workers.finished`."""
        left = dict(enumerate(tasks))
        while left:
            try:
                for index, result in self._finished(function, dict(left)):
                    del left[index]
                    yield index, result
            except BrokenProcessPool:
                self._replace()

    def close(self) -> None:
        """End them, after what they are about to do."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _finished(
        self, function: Callable[[Task], Result], tasks: Mapping[int, Task]
    ) -> Iterator[tuple[int, Result | SourceError]]:
        futures: dict[Future[Result | SourceError], int] = {}
        try:
            for index, task in tasks.items():
                futures[self._executor.submit(caught, function, task)] = index
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            for future in futures:
                future.cancel()

    def _replace(self) -> None:
        self.close()
        if self._count == 1:
            raise LostWorkerError(
                "A worker process died while it rendered, and so did the one in its place, most "
                "likely for want of memory: free some, or build again with fewer --workers; the "
                "site is as it was."
            )
        self._count //= 2
        self._executor = _start(self._count)


def _start(count: int) -> ProcessPoolExecutor:
    # Not fork: GDAL's threads and locks do not survive it, and Windows has none.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=context, initializer=_begin)


def _begin() -> None:
    """Leave Ctrl-C to the parent, and end with it: it may be killed without a word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

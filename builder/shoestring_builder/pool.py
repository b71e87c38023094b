"""Doing many things at once: a function over tasks, in this process or in several.

Results come in the order of the tasks, whatever finishes first.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from tqdm import tqdm

from shoestring_schema.errors import LostWorkerError, SourceError

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers, and how to show their progress.

    Attributes:
        executor: The processes, or None to work in this one.
        progress: True shows a progress bar, False does not, None shows one on a terminal.
    """

    executor: ProcessPoolExecutor | None
    progress: bool | None

    def run(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        label: str,
        *,
        done: Callable[[Result], object] | None = None,
    ) -> list[Result | SourceError]:
        """Call a function with each task.

        Args:
            function: A function of a module, so that other processes find it.
            tasks: Its arguments, plain values.
            label: What the progress bar says.
            done: Called in this process with each result, as soon as it is there.

        Returns:
            For each task the result, or what is wrong with its source.

        Raises:
            PublishError: The site can't be written; what is not yet begun is left undone.
        """
        results: dict[int, Result | SourceError] = {}
        with self._bar(len(tasks), label) as bar:
            for index, result in self._finished(function, tasks):
                results[index] = result
                if done is not None and not isinstance(result, SourceError):
                    done(result)
                bar.update()
        return [results[index] for index in range(len(tasks))]

    def _finished(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result | SourceError]]:
        if self.executor is None:
            for index, task in enumerate(tasks):
                yield index, _caught(function, task)
            return
        futures: dict[Future[Result | SourceError], int] = {}
        try:
            for index, task in enumerate(tasks):
                futures[self.executor.submit(_caught, function, task)] = index
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool:
            raise LostWorkerError(
                "A worker process died while it rendered, most likely for want of memory: "
                "build again with fewer --workers; the site is as it was."
            ) from None
        finally:
            for future in futures:
                future.cancel()

    def _bar(self, total: int, label: str) -> "tqdm[None]":
        hidden = None if self.progress is None else not self.progress
        return tqdm(total=total, desc=label, unit="", delay=2, disable=hidden, file=sys.stderr)


@contextmanager
def open_pool(workers: int, *, progress: bool | None) -> Iterator[Pool]:
    """Start workers, and end them.

    Args:
        workers: Number of processes; with one, all is done in this process.
        progress: See `Pool`.
    """
    if workers <= 1:
        yield Pool(None, progress)
        return
    # Not fork: GDAL's threads and locks do not survive it, and Windows has none.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker)
    try:
        yield Pool(executor, progress)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _caught(function: Callable[[Task], Result], task: Task) -> Result | SourceError:
    """A bad source file is a result: the others are rendered all the same."""
    try:
        return function(task)
    except SourceError as error:
        return error


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it: it may be killed without a word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

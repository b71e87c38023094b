"""Doing many things at once: a function over tasks, by whatever workers there are.

Results come in the order of the tasks, whatever finishes first.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tqdm import tqdm

from shoestring_builder.workers.here import Here
from shoestring_builder.workers.processes import Processes
from shoestring_builder.workers.work import Result, Task, Workers
from shoestring_schema.errors import SourceError


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers, and how to show their progress.

    Attributes:
        workers: Who works.
        progress: True shows a progress bar, False does not, None shows one on a terminal.
    """

    workers: Workers
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
            function: A function of a module, so that other processes find it. It may be called
                twice with a task, where a worker was lost: what it writes comes in one step.
            tasks: Its arguments, plain values.
            label: What the progress bar says.
            done: Called in this process with each result, as soon as it is there.

        Returns:
            For each task the result, or what is wrong with its source.

        Raises:
            PublishError: The site can't be written; what is not yet begun is left undone.
            LostWorkerError: There is nobody left who could do it.
        """
        results: dict[int, Result | SourceError] = {}
        with self._bar(len(tasks), label) as bar:
            for index, result in self.workers.finished(function, tasks):
                results[index] = result
                if done is not None and not isinstance(result, SourceError):
                    done(result)
                bar.update()
        return [results[index] for index in range(len(tasks))]

    def _bar(self, total: int, label: str) -> "tqdm[None]":
        hidden = None if self.progress is None else not self.progress
        return tqdm(total=total, desc=label, unit="", delay=2, disable=hidden, file=sys.stderr)


@contextmanager
def open_pool(workers: Workers | int, *, progress: bool | None) -> Iterator[Pool]:
    """Work with workers, and let them go.

    Args:
        workers: Them, or a number of processes; with one, all is done in this process.
        progress: See `Pool`.
    """
    if isinstance(workers, int):
        workers = Here() if workers <= 1 else Processes(workers)
    try:
        yield Pool(workers, progress)
    finally:
        workers.close()

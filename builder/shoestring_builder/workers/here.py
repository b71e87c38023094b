"""This process, one task after the other."""

from collections.abc import Callable, Iterator, Sequence

from shoestring_builder.workers.work import Result, Task, caught
from shoestring_schema.errors import SourceError


class Here:
    """No workers at all: see `Workers`."""

    def finished(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result | SourceError]]:
        """See `Workers.finished`."""
        for index, task in enumerate(tasks):
            yield index, caught(function, task)

    def close(self) -> None:
        """Nobody is there who could go."""

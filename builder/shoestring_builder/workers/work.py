"""What all kinds of workers have in common."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from shoestring_schema.errors import SourceError

Task = TypeVar("Task")
Result = TypeVar("Result")


class Workers(Protocol):
    """Who calls a function with each of many tasks."""

    def finished(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result | SourceError]]:
        """Results as they are there, each with the number of its task.

        Where the caller wants no more of them, what is not begun is left undone.

        Raises:
            PublishError: The site can't be written.
            LostWorkerError: There is nobody left who could do it.
        """
        ...

    def close(self) -> None:
        """Let them go."""
        ...


def caught(function: Callable[[Task], Result], task: Task) -> Result | SourceError:
    """A bad source file is a result: the others are rendered all the same."""
    try:
        return function(task)
    except SourceError as error:
        return error

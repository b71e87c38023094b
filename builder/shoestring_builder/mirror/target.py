"""Where a copy of a site lives, and what is asked of such a place.

A name appears there in one step, with all of its bytes, or not at all: that is what the proof
of publishing asks of a file system, an object store or a program on another machine.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """What a target holds under a name.

    Attributes:
        size: Bytes.
        time: Since when, in seconds since 1970: when the copy came there.
    """

    size: int
    time: float


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A file that travels.

    Attributes:
        name: Relative to the site, and to the target.
        path: Where it lies.
        size: Bytes.
        time: When it was last written, in seconds since 1970.
    """

    name: str
    path: Path
    size: int
    time: float


Sent = Callable[[Outgoing], object]
"""Called with each file as soon as it is there; by whatever thread."""


class Target(Protocol):
    """A place that holds the copy of a site. All names are relative to it."""

    def listing(self) -> dict[str, Stored]:
        """All files that are there.

        Raises:
            TransferError: The target can't be reached, or refuses.
        """

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        """The content of small files; those that are missing are left out.

        Raises:
            TransferError: The target can't be reached, or refuses.
        """

    def send(self, files: Sequence[Outgoing], sent: Sent) -> None:
        """Store files; each is there as a whole, or not at all.

        Raises:
            TransferError: One could not be stored; others may be there.
            PublishError: The same, where the target is a folder.
        """

    def show(self, pointers: Mapping[str, bytes]) -> None:
        """Replace small files, each in one step, and after all that was sent is there to stay.

        Raises:
            TransferError: One could not be replaced; others may be.
            PublishError: The same, where the target is a folder.
        """

    def remove(self, names: Sequence[str]) -> None:
        """Take files away; those that are gone already are no error.

        Raises:
            TransferError: One could not be removed; others may be gone.
            PublishError: The same, where the target is a folder.
        """

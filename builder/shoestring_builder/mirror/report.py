"""What a copy did, for people and programs."""

from dataclasses import dataclass

from shoestring_builder.publish.room import in_words


@dataclass(frozen=True, slots=True)
class Volume:
    """So many files.

    Attributes:
        files: Their number.
        size: Their bytes.
    """

    files: int = 0
    size: int = 0

    def __str__(self) -> str:
        return f"{self.files} file{'' if self.files == 1 else 's'} ({in_words(self.size)})"


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What a copy did, or would do.

    Attributes:
        snapshot: The snapshot that the target shows.
        sent: What travelled, without pointers.
        pointers: How many pointers were replaced.
        removed: What no kept snapshot names any more.
        hindrance: Why nothing was removed, although something might have been.
        dry_run: Whether it was only looked what there is to do.
    """

    snapshot: str
    sent: Volume
    pointers: int
    removed: Volume
    hindrance: str | None = None
    dry_run: bool = False

    def __str__(self) -> str:
        if self.dry_run:
            return (
                f"would send {self.sent} and {self.pointers} pointers, remove {self.removed}, "
                f"and show snapshot {self.snapshot}"
            )
        done = f"sent {self.sent}, removed {self.removed}"
        if not self.sent.files and not self.pointers and not self.removed.files:
            done = "nothing new"
        return f"{done}; it shows snapshot {self.snapshot}"

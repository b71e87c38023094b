"""What a pull did, for people and programs."""

from dataclasses import dataclass, field

from shoestring_builder.mirror.report import Volume


@dataclass(frozen=True, slots=True)
class PullReport:
    """What a pull did, or would do.

    Attributes:
        folder: The copy.
        snapshot: The snapshot that the copy shows; nothing in a dry run.
        upstream: The snapshot of the site that it is of.
        fetched: Files that came, or would come; without documents.
        removed: What the copy needs no more.
        changed: Whether readers of the copy see anything new.
        notes: Sentences on what is worth knowing.
        dry_run: Whether it was only looked what there is to do.
        seconds: How long it would take, as far as that can be measured; None in a pull.
    """

    folder: str
    snapshot: str
    upstream: str
    fetched: Volume
    removed: Volume = field(default_factory=Volume)
    changed: bool = False
    notes: tuple[str, ...] = ()
    dry_run: bool = False
    seconds: float | None = None

    def __str__(self) -> str:
        if self.dry_run:
            about = "" if self.seconds is None else f", in about {_time(self.seconds)}"
            return f"would fetch {self.fetched}{about}, of snapshot {self.upstream}"
        removed = f", removed {self.removed}" if self.removed.files else ""
        done = f"fetched {self.fetched}{removed}"
        if not self.changed and not self.fetched.files and not self.removed.files:
            done = "nothing new"
        return f"{done}; it is of snapshot {self.upstream}"


def _time(seconds: float) -> str:
    """For people: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

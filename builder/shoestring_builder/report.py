"""What a build did, for people and programs."""

from dataclasses import dataclass, field

from shoestring_builder.publish.clean_up import Freed
from shoestring_schema.site import ChangeDocument, Counts


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """What a build did to a collection.

    Attributes:
        id: The collection.
        rendered: Number of layers that were made.
        reused: Number of layers that were there already, of a run that came to no end or of an
            earlier snapshot.
        kept: Number of published layers that were left as they are.
        missing: Published layers whose sources are no longer there, as
            ``2018-01-02 B04``; they are kept.
        dropped: Number of published layers that went, as their sources are no longer there.
        left: Sentences on sources that are still being copied, and left for the next run.
        failed: Sentences on what could not be built and why.
        damaged: Sentences on published files that were not as the catalogue says.
        changed: Whether readers see anything new.
        change: Which layers differ from those that were published; None where none does.
    """

    id: str
    rendered: int = 0
    reused: int = 0
    kept: int = 0
    missing: tuple[str, ...] = ()
    dropped: int = 0
    left: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    changed: bool = False
    change: ChangeDocument | None = None

    def __str__(self) -> str:
        made = self.rendered + self.reused
        if self.failed and not made and not self.kept:
            return f"{self.id}: nothing could be built"
        reused = f", {self.reused} used again" if self.reused else ""
        done = f"{_count(self.rendered, 'layer')} rendered{reused}, {self.kept} kept"
        if not self.changed and not made and not self.dropped:
            done = f"nothing new, {_count(self.kept, 'layer')} kept"
        gone = f", {len(self.missing)} of them without their sources" if self.missing else ""
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        left = f", {_count(len(self.left), 'file')} left" if self.left else ""
        failed = f", {_count(len(self.failed), 'failure')}" if self.failed else ""
        return f"{self.id}: {done}{gone}{dropped}{left}{failed}"


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes:
        collections: One report each, in the order of the configuration.
        changed: Whether readers see anything new.
        snapshot: The snapshot that the site shows; None where there is nothing to show.
        freed: What the clean-up of earlier snapshots removed.
        unwatched: Why `status.json` could not be written, if so.
    """

    collections: tuple[CollectionReport, ...]
    changed: bool
    snapshot: str | None = None
    freed: Freed = field(default_factory=Freed)
    unwatched: str | None = None

    @property
    def failed(self) -> tuple[str, ...]:
        """Sentences on what could not be built, each once."""
        return tuple(dict.fromkeys(reason for own in self.collections for reason in own.failed))

    @property
    def left(self) -> tuple[str, ...]:
        """Sentences on sources that were left for the next run, each once."""
        return tuple(dict.fromkeys(reason for own in self.collections for reason in own.left))

    @property
    def damaged(self) -> tuple[str, ...]:
        """Sentences on published files that were not as the catalogue says."""
        return tuple(sentence for own in self.collections for sentence in own.damaged)


def change_text(change: ChangeDocument) -> str:
    """What a snapshot changed in a collection, in a few words."""
    layers = change.layers.added + change.layers.replaced + change.layers.dropped
    return f"{change.collection}: {counts_text(change.dates)} ({_count(layers, 'layer')})"


def counts_text(counts: Counts, what: str = "date") -> str:
    """``3 dates added, 1 date replaced``."""
    numbers = {"added": counts.added, "replaced": counts.replaced, "dropped": counts.dropped}
    return ", ".join(f"{_count(own, what)} {done}" for done, own in numbers.items() if own)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

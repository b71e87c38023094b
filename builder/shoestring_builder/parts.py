"""The parts of a collection: which stay as they are published, which are written anew."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shoestring_builder.partition import divide
from shoestring_builder.publish.published import PublishedCollection, PublishedPart
from shoestring_builder.record import ItemRecord


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A part of a collection as it is to be published.

    Attributes:
        period: The year, month or day that its items lie in.
        items: Its items, in order of time.
        kept: The published part that it is; None where it is written anew.
    """

    period: str
    items: tuple[ItemRecord, ...]
    kept: PublishedPart | None = None

    @property
    def year(self) -> str:
        """The folder of its files."""
        return self.period[:4]


def sort_parts(
    items: Sequence[ItemRecord], published: PublishedCollection | None, mark: str
) -> Iterator[PartRecord]:
    """Divide items into parts, and find those that are published already; pure.

    A part is kept where it has the same items, is described by the same settings, and all of its
    files are there. So what a run costs follows what is new, and not what is there.

    Args:
        items: Those of the collection, in order of time.
        published: The collection as readers see it now.
        mark: Fingerprint of the settings that items are described by.
    """
    before = {part.document.period: part for part in published.parts} if published else {}
    own = {item.moment: item for item in items}
    for period, moments in divide(tuple(own)).items():
        part, mine = before.get(period), tuple(own[moment] for moment in moments)
        if part is not None and part.whole and part.document.source == mark and part.items == mine:
            yield PartRecord(period, part.items, part)
        else:
            yield PartRecord(period, mine)

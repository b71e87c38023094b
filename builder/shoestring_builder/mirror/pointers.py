"""The few files of a copy that change, in the order in which they do."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shoestring_builder.describe.pointers import SNAPSHOTS, catalogue_pointer, collection_pointer
from shoestring_builder.publish.current import CATALOG, COLLECTION
from shoestring_builder.publish.door_pointers import door_pointers, shown_doors
from shoestring_builder.publish.history import Snapshots, history_data
from shoestring_builder.publish.names import collection_data, snapshot_data
from shoestring_builder.publish.snapshot import DATABASE
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import CatalogDocument, CollectionEntry, SnapshotMark

OF_SITE = ("status.json", "status.html")
"""Files that no snapshot names and that change: copied as they are, if they are there."""

OF_COLLECTIONS = ("feed.xml",)
"""The same, of each collection."""

IN_COLLECTIONS = (COLLECTION, DATABASE, *OF_COLLECTIONS)
"""What goes when its collection is shown no more."""


@dataclass(frozen=True, slots=True)
class Pointers:
    """The content of all pointers that a copy shall have.

    Attributes:
        groups: Name to content; a group is replaced after the one before it. The last is
            `catalog.json` alone: that is the moment at which the copy changes.
        collections: The collections that are shown.
    """

    groups: tuple[Mapping[str, bytes], ...]
    collections: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset(name for group in self.groups for name in group)

    def but(self, there: Mapping[str, bytes]) -> tuple[Mapping[str, bytes], ...]:
        """The groups without what is there already, to the last bit; pure."""
        return tuple(
            {name: data for name, data in group.items() if there.get(name) != data}
            for group in self.groups
        )


def pointers_to(site: Path, mark: SnapshotMark, snapshots: Snapshots) -> Pointers:
    """Make the pointers to a snapshot: from its documents, whatever the site shows meanwhile.

    Args:
        site: The site.
        mark: The snapshot.
        snapshots: The list of those that the copy will keep.

    Raises:
        CatalogueError: A document of the snapshot is damaged or gone, or a `database.json` is
            another snapshot's.
    """
    data = snapshot_data(site, mark.id)
    catalogue = decode(data, CatalogDocument, mark.id)
    entries = catalogue.collections or ()
    first: dict[str, bytes] = {}
    for entry in entries:
        name = f"{entry.id}/{COLLECTION}"
        first[name] = collection_pointer(collection_data(site, entry), mark)
        if entry.database is not None:
            first[f"{entry.id}/{DATABASE}"] = _database(site, entry)
    first |= door_pointers(site, shown_doors(site, catalogue))
    first |= dict(_extras(site, (entry.id for entry in entries)))
    last = {CATALOG: catalogue_pointer(data, mark)}
    shown = frozenset(entry.id for entry in entries)
    return Pointers((first, {SNAPSHOTS: history_data(snapshots)}, last), shown)


def _database(site: Path, entry: CollectionEntry) -> bytes:
    path = site / entry.id / DATABASE
    with suppress(OSError):
        data = path.read_bytes()
        if "1220" + hashlib.sha256(data).hexdigest() == entry.database:
            return data
    raise CatalogueError(
        f"{path} is not of the snapshot that is being copied: a builder was at work meanwhile, or "
        "it is damaged; publish again after the next build."
    )


def _extras(site: Path, collections: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    names = (*OF_SITE, *(f"{own}/{name}" for own in collections for name in OF_COLLECTIONS))
    for name in names:
        with suppress(OSError):
            yield name, (site / name).read_bytes()

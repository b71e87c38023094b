"""The snapshot that a site shows now."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shoestring_builder.clock import parse_instant
from shoestring_builder.describe.catalogue import children_of
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import CatalogDocument, CollectionEntry, SnapshotMark
from shoestring_schema.version import require_readable

CATALOG = "catalog.json"
COLLECTION = "collection.json"


@dataclass(frozen=True, slots=True)
class Current:
    """What `catalog.json` says; nothing, where there is none.

    Attributes:
        document: The whole of it.
        mark: Which snapshot it shows; None for a new site, or one of an earlier builder.
        entries: The collections of the snapshot, by their identifiers.
        titles: The collections that are listed, with their names for people.
    """

    document: CatalogDocument | None
    mark: SnapshotMark | None
    entries: Mapping[str, CollectionEntry]
    titles: Mapping[str, str]

    def document_of(self, collection: str) -> str:
        """The name of a collection's document in its folder."""
        entry = self.entries.get(collection)
        return COLLECTION if entry is None else posixpath.basename(entry.href)


def read_current(site: Path) -> Current:
    """Read what a site shows.

    Args:
        site: The site's folder; there may be none yet.

    Raises:
        CatalogueError: `catalog.json` is damaged, or of a newer version.
    """
    path = site / CATALOG
    if not path.is_file():
        return Current(None, None, {}, {})
    try:
        document = decode(path.read_bytes(), CatalogDocument, str(path))
        require_readable(document.version or "", str(path))
        _require_time(document.snapshot, path)
    except CatalogueError as error:
        if not (site / "snapshots.json").is_file():
            raise
        raise CatalogueError(
            f"{str(error).rstrip('.')}; `shoestring rollback` writes it again."
        ) from None
    return Current(
        document=document,
        mark=document.snapshot,
        entries={entry.id: entry for entry in document.collections or ()},
        titles=children_of(document.links),
    )


def _require_time(mark: SnapshotMark | None, path: Path) -> None:
    try:
        _ = mark and parse_instant(mark.time)
    except ValueError:
        raise CatalogueError(f"{path} has a snapshot of no time that there is.") from None

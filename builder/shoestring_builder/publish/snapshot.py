"""Files into the site, in the order that keeps every reader's snapshot whole.

First what never changes and nobody knows of yet, to the last byte: layers, thumbnails, items,
parts, indexes, parts' catalogues, the collections' documents, the snapshot's. Then the pointers:
those of collections, the list of snapshots, and last `catalog.json`, which is what readers of
ours begin with: its one rename is the moment at which the site changes.
"""

import hashlib
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shoestring_builder.describe.catalogue import ListedCollection, describe_catalogue
from shoestring_builder.describe.collection import CollectionDocuments
from shoestring_builder.describe.database import database_of
from shoestring_builder.describe.doors import address_of, has_site_doors, placed, site_doors
from shoestring_builder.describe.file import File
from shoestring_builder.describe.pointers import (
    SNAPSHOTS,
    base_url_of,
    catalogue_pointer,
    collection_pointer,
    unmarked,
)
from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.part import DoorSite
from shoestring_builder.layer import LayerKey, RenderedLayer
from shoestring_builder.publish.current import CATALOG, COLLECTION, Current
from shoestring_builder.publish.door_pointers import door_pointers, shown_doors
from shoestring_builder.publish.history import (
    Snapshots,
    history_data,
    next_mark,
    read_history,
    with_current,
)
from shoestring_builder.publish.names import (
    collection_data,
    read_snapshot,
    snapshot_data,
)
from shoestring_builder.publish.newest import read_newest
from shoestring_builder.publish.published import read_published
from shoestring_builder.publish.room import require_room
from shoestring_builder.publish.site_folder import SiteFolder, has_size
from shoestring_builder.record import LayerRecord, hashed_name, record_of, year_of
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import (
    CatalogDocument,
    ChangeDocument,
    CollectionEntry,
    SnapshotMark,
)

DATABASE = "database.json"


@dataclass(frozen=True, slots=True)
class WrittenCollection:
    """A collection whose files are all in place; no pointer leads to them yet.

    Attributes:
        entry: What the snapshot will say of it.
        database: `database.json`, or None where it is switched off.
        change: What is new in it.
    """

    entry: CollectionEntry
    database: bytes | None
    change: ChangeDocument | None


def place_layers(
    site: SiteFolder, collection: str, layers: Sequence[RenderedLayer]
) -> dict[LayerKey, LayerRecord]:
    """Put rendered layers where they will be published; no document names them yet.

    Raises:
        PublishError: They can't be put there.
    """
    records = {layer.key: record_of(layer) for layer in layers}
    for layer in layers:
        year = year_of(layer.key.moment)
        site.place(layer.path, f"{collection}/{year}/{records[layer.key].href}")
    return records


def write_collection(
    site: SiteFolder,
    collection: str,
    documents: CollectionDocuments,
    change: ChangeDocument | None,
) -> WrittenCollection:
    """Write a collection's documents, none of which a pointer leads to yet.

    Raises:
        PublishError: The site can't be written, or has too little room.
    """
    files = (*documents.files, *documents.doors, documents.collection)
    new = [own for own in files if not has_size(site.path / collection / own.name, len(own.data))]
    if new:
        pointers = (documents.collection.data, documents.database or b"")
        sizes = [len(data) for data in (*(own.data for own in new), *pointers)]
        require_room(site.path, sizes, f'the documents of collection "{collection}"')
    for file in documents.files:
        site.write(f"{collection}/{file.name}", file.data)
    for file in documents.doors:
        site.mend(f"{collection}/{file.name}", file.data)
    site.mend(f"{collection}/{documents.collection.name}", documents.collection.data)
    entry = _entry(collection, documents.collection, documents.database)
    return WrittenCollection(entry, documents.database, change)


def mend_documents(site: SiteFolder, current: Current) -> None:
    """Make documents of collections that were damaged again, from the pointers to them.

    Without them a collection that is no longer configured would be lost.

    Raises:
        PublishError: The site can't be written.
    """
    for entry in current.entries.values():
        with suppress(CatalogueError, OSError):
            try:
                collection_data(site.path, entry)
            except CatalogueError:
                data = unmarked((site.path / entry.id / COLLECTION).read_bytes())
                if File("", data).checksum == entry.checksum:
                    site.mend(posixpath.normpath(entry.href), data)


def publish(
    site: SiteFolder,
    catalogue: CatalogueTable,
    titles: Mapping[str, str],
    written: Mapping[str, WrittenCollection],
    current: Current,
    now: datetime,
) -> tuple[str | None, bool]:
    """Make a snapshot of the site and show it.

    Args:
        site: The site.
        catalogue: Its configuration.
        titles: Configured collections and their titles; those that were never built are left
            out, those that could not be built now stay as they are.
        written: The collections that were built.
        current: What the site shows now.
        now: The time.

    Returns:
        The snapshot, and whether anything changed for readers; no snapshot where there is no
        collection.

    Raises:
        PublishError: It can't be written.
        CatalogueError: What was just written can't be read back.
    """
    listed = list(_listed(site, titles, written, current))
    if not listed:
        return None, False
    doors = _site_doors(site.path, catalogue, listed)
    for door in placed("", doors):
        site.mend(door.name, door.data)
    file = describe_catalogue(catalogue, listed, doors)
    snapshot = file.name.removeprefix("catalog-").removesuffix(".json")
    before = read_history(site.path, current.mark, now)
    site.mend(file.name, file.data)
    mark = next_mark(before, snapshot, now)
    changes = [own.change for own in written.values() if own.change is not None]
    after = with_current(before, mark, changes, now)
    databases = {name: own.database for name, own in written.items() if own.database is not None}
    return snapshot, show(site, mark, after, databases)


def show(
    site: SiteFolder,
    mark: SnapshotMark,
    snapshots: Snapshots,
    databases: Mapping[str, bytes] | None = None,
) -> bool:
    """Let all pointers lead to a snapshot whose files are in place.

    Args:
        site: The site.
        mark: The snapshot.
        snapshots: The list of those that the site keeps.
        databases: Those `database.json` that are known; others are made again.

    Returns:
        Whether a pointer changed.

    Raises:
        CatalogueError: A document of the snapshot is damaged; nothing was changed.
        PublishError: The site can't be written.
    """
    data = snapshot_data(site.path, mark.id)
    catalogue = decode(data, CatalogDocument, mark.id)
    entries = catalogue.collections or ()
    pointers = {entry: collection_pointer(collection_data(site.path, entry), mark)
                for entry in entries}  # fmt: skip
    shown = shown_doors(site.path, catalogue)
    doors = door_pointers(site.path, shown)
    site.flush()
    site.commit()
    changed = False
    for entry, pointer in pointers.items():
        changed |= site.swap(f"{entry.id}/{COLLECTION}", pointer)
        changed |= _show_database(site, entry, catalogue, (databases or {}).get(entry.id))
    for name, door in doors.items():
        changed |= site.swap(name, door)
    changed |= site.swap(SNAPSHOTS, history_data(snapshots))
    site.flush()
    changed |= site.swap(CATALOG, catalogue_pointer(data, mark))
    site.flush()
    if changed:
        _remove_others(site, snapshots, {entry.id for entry in entries}, shown.keys())
    return changed


def _listed(
    site: SiteFolder,
    titles: Mapping[str, str],
    written: Mapping[str, WrittenCollection],
    current: Current,
) -> Iterator[ListedCollection]:
    """The configured collections, then others that the site shows."""
    others = {name: title for name, title in current.titles.items() if name not in titles}
    for name, title in {**titles, **others}.items():
        own = written.get(name)
        entry = _carried(site, name, current) if own is None else own.entry
        if entry is not None:
            yield ListedCollection(entry, title)


def _site_doors(
    site: Path, catalogue: CatalogueTable, listed: Sequence[ListedCollection]
) -> list[DoorFile]:
    """The doors of the site; a collection that can't be read is left out."""
    if not has_site_doors(catalogue.written_doors):
        return []
    newest = []
    for own in listed:
        with suppress(CatalogueError):
            newest.append(read_newest(site, own.entry, catalogue.base_url))
    address = f"{catalogue.base_url.rstrip('/')}/" if catalogue.base_url else ""
    shown = DoorSite(catalogue.id, catalogue.title or catalogue.id, address, tuple(newest))
    return site_doors(shown, catalogue.written_doors)


def _carried(site: SiteFolder, name: str, current: Current) -> CollectionEntry | None:
    """A collection as the site shows it now, if its document is still there."""
    entry = current.entries.get(name)
    if entry is not None:
        with suppress(CatalogueError):  # then no reader can have it, nor anything beside it
            collection_data(site.path, entry)
            return entry
        return None
    path = site.path / name / COLLECTION
    if current.mark is not None or not path.is_file():
        return None
    data = path.read_bytes()  # of an earlier builder, which wrote no more than pointers
    checksum = File("", data).checksum
    file = File(hashed_name("collection", checksum, ".json"), data)
    site.write(f"{name}/{file.name}", data)
    database = path.with_name(DATABASE)
    return _entry(name, file, database.read_bytes() if database.is_file() else None)


def _entry(collection: str, document: File, database: bytes | None) -> CollectionEntry:
    return CollectionEntry(
        id=collection,
        href=f"./{collection}/{document.name}",
        size=len(document.data),
        checksum=document.checksum,
        database=None if database is None else File(DATABASE, database).checksum,
    )


def _show_database(
    site: SiteFolder, entry: CollectionEntry, catalogue: CatalogDocument, known: bytes | None
) -> bool:
    name = f"{entry.id}/{DATABASE}"
    if entry.database is None:
        return site.remove(name)
    path = site.path / name
    if path.is_file() and "1220" + hashlib.sha256(path.read_bytes()).hexdigest() == entry.database:
        return False
    return site.swap(name, make_database(site.path, entry, catalogue) if known is None else known)


def make_database(site: Path, entry: CollectionEntry, catalogue: CatalogDocument) -> bytes:
    """`database.json` of a snapshot, from its items.

    Args:
        site: The site's folder, which holds all that the snapshot names.
        entry: The collection.
        catalogue: The snapshot's document, or the pointer to it.

    Raises:
        CatalogueError: A document is damaged or missing.
    """
    published = read_published(site / entry.id, posixpath.basename(entry.href))
    if published is None:
        raise CatalogueError(f"{site / entry.id} holds no document: build again.")
    public = base_url_of(catalogue.links)
    bands = [band.name for band in published.document.bands]
    return database_of(bands, published.items, address_of(entry.id, public))


def _remove_others(
    site: SiteFolder, snapshots: Snapshots, shown: AbstractSet[str], doors: AbstractSet[str]
) -> None:
    """Remove the pointers to collections, and to doors, that only other snapshots hold."""
    others: set[str] = set()
    other_doors: set[str] = set()
    for own in snapshots:
        with suppress(CatalogueError):  # damaged: what it held stays
            catalogue = read_snapshot(site.path, own.id)
            others |= {entry.id for entry in catalogue.collections or ()}
            other_doors |= shown_doors(site.path, catalogue).keys()
    for name in sorted(others - shown):
        site.remove(f"{name}/{COLLECTION}")
        site.remove(f"{name}/{DATABASE}")
    for name in sorted(other_doors - doors):
        site.remove(name)

"""Are the snapshots of a site whole, and do its pointers show the one that they say?"""

import itertools
import posixpath
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from shoestring_builder.check.doors import door_pointer_faults, linked_door_faults
from shoestring_builder.check.layer import file_faults, name_faults
from shoestring_builder.check.site_reader import SiteReader
from shoestring_builder.describe.pointers import (
    SNAPSHOTS,
    catalogue_pointer,
    collection_pointer,
)
from shoestring_builder.publish.history import is_as_written
from shoestring_builder.publish.names import LinkedCollection, snapshot_name
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import (
    CatalogDocument,
    CollectionEntry,
    ItemDocument,
    Link,
    PartDocument,
    SnapshotDocument,
    SnapshotMark,
    SnapshotsDocument,
)
from shoestring_schema.version import require_readable

Faults = Iterator[str]
Json = dict[str, Any]

_POINTER = "catalog.json"


class _LinkedItem(msgspec.Struct, frozen=True):
    links: tuple[Link, ...] = ()


class _LinkedPart(msgspec.Struct, frozen=True):
    features: tuple[_LinkedItem, ...]


def pointer_faults(reader: SiteReader, catalogue: CatalogDocument) -> Faults:
    """Check that all pointers show the snapshot that `catalog.json` names.

    Args:
        reader: The site.
        catalogue: Its `catalog.json`.
    """
    mark, entries = catalogue.snapshot, catalogue.collections
    if mark is None and entries is None:  # of an earlier builder
        return
    if mark is None or entries is None:
        yield f"{_POINTER} names a snapshot or its collections, but not both."
        return
    name = snapshot_name(mark.id)
    try:
        reader.file(_POINTER, name)
        document = reader.read(name, CatalogDocument)
        same = (document.collections, document.id) == (entries, catalogue.id)
        if not same or reader.data(_POINTER) != catalogue_pointer(reader.data(name), mark):
            yield f"{_POINTER} does not say what {name} says, which it claims to show."
        yield from door_pointer_faults(reader, name, document)
    except CatalogueError as error:
        yield str(error)
    folders = []
    for entry in entries:
        folders.append(entry.id)
        try:
            yield from _collection_faults(reader, entry, mark)
        except CatalogueError as error:
            yield str(error)
    children = [posixpath.dirname(posixpath.normpath(link.href)) for link in catalogue.links
                if link.rel == "child"]  # fmt: skip
    if not set(folders) <= set(children) or len(set(folders)) < len(folders):
        yield f"{_POINTER} does not link to just the collections of its snapshot."


def kept_snapshots(reader: SiteReader, mark: SnapshotMark | None) -> tuple[list[str], list[str]]:
    """Check the list of snapshots.

    Args:
        reader: The site.
        mark: The current snapshot.

    Returns:
        Faults, and the snapshots that are listed.
    """
    if mark is None:
        return [], []
    try:
        document = reader.read(SNAPSHOTS, SnapshotsDocument)
        require_readable(document.version, SNAPSHOTS)
        as_written = is_as_written(reader.data(SNAPSHOTS))
    except CatalogueError as error:
        return [str(error)], [mark.id]
    reader.named.add(SNAPSHOTS)
    listed = document.snapshots
    faults = list(_list_faults(listed, mark))
    if not faults and not as_written:
        faults.append(f"{SNAPSHOTS} is not as it was written: a part of it has changed.")
    return faults, list(dict.fromkeys([mark.id, *(own.id for own in listed)]))


def snapshot_faults(reader: SiteReader, snapshot: str) -> Faults:
    """Check that every file that a snapshot names is there and the one that was published."""
    name = snapshot_name(snapshot)
    try:
        reader.file(SNAPSHOTS, name)
        document = reader.read(name, CatalogDocument)
        yield from name_faults(reader, name)
        yield from linked_door_faults(reader, name, document.links)
        for entry in document.collections or ():
            target = reader.follow(name, entry.href)
            yield from file_faults(reader, target, entry.size, entry.checksum)
            yield from _document_faults(reader, target)
    except CatalogueError as error:
        yield str(error)


def _list_faults(listed: tuple[SnapshotDocument, ...], mark: SnapshotMark) -> Faults:
    known: Mapping[str, SnapshotDocument] = {own.id: own for own in listed}
    if len(known) < len(listed):
        yield f"{SNAPSHOTS} lists a snapshot twice."
    if any(one.time > other.time for one, other in itertools.pairwise(listed)):
        yield f"{SNAPSHOTS} does not list its snapshots in the order of their times."
    if mark.id not in known:
        yield f"{SNAPSHOTS} lacks {mark.id}, which {_POINTER} shows."
    elif known[mark.id].time != mark.time:
        yield f"{SNAPSHOTS} and {_POINTER} disagree on the time of {mark.id}."


def _collection_faults(reader: SiteReader, entry: CollectionEntry, mark: SnapshotMark) -> Faults:
    """Check the pointers of a collection."""
    name = reader.follow(_POINTER, entry.href)
    yield from file_faults(reader, name, entry.size, entry.checksum)
    pointer = f"{entry.id}/collection.json"
    shown, published = dict(reader.read(pointer, Json)), reader.read(name, Json)
    stated = shown.pop("shoestring:snapshot", None)
    marked = stated == {"id": mark.id, "time": mark.time}
    as_written = reader.data(pointer) == collection_pointer(reader.data(name), mark)
    if shown != published or (marked and not as_written):
        yield f"{pointer} does not say what {name} says, which it should show."
    if not marked:
        yield f"{pointer} is not marked as of snapshot {mark.id}."
    database = f"{entry.id}/database.json"
    if entry.database is not None:
        reader.file(_POINTER, database)
        if reader.digest(database).checksum != entry.database:
            yield f"{database} is not that of snapshot {mark.id}: its checksum differs."


def _document_faults(reader: SiteReader, name: str) -> Faults:
    """Check all files that a collection's document names."""
    document = reader.read(name, LinkedCollection)
    for part in document.parts:
        try:
            target = reader.follow(name, part.href)
            yield from file_faults(reader, target, part.size, part.checksum)
            if reader.first_time(target):
                for item in reader.read(target, PartDocument).features:
                    yield from _item_faults(reader, target, item)
                for linked in reader.read(target, _LinkedPart).features:
                    yield from linked_door_faults(reader, target, linked.links)
            if part.index is not None:
                index = reader.follow(name, part.index.href)
                yield from file_faults(reader, index, part.index.size, part.index.checksum)
        except CatalogueError as error:
            yield str(error)
    for asset in document.assets.values():
        try:
            mirror = reader.follow(name, asset.href)
            yield from file_faults(reader, mirror, asset.size, asset.checksum)
        except CatalogueError as error:
            yield str(error)
    for link in document.links:
        if link.rel == "child":
            try:
                yield from _year_faults(reader, reader.follow(name, link.href))
            except CatalogueError as error:
                yield str(error)


def _item_faults(reader: SiteReader, part: str, item: ItemDocument) -> Faults:
    for asset in item.assets.values():
        for source in asset.sources:  # their owner may replace them, and none of ours is lost
            with suppress(CatalogueError):
                reader.follow(part, source.href)
        try:
            target = reader.follow(part, asset.href)
            yield from file_faults(reader, target, asset.size, asset.checksum)
        except CatalogueError as error:
            yield str(error)


def _year_faults(reader: SiteReader, name: str) -> Faults:
    yield from name_faults(reader, name)
    links = reader.read(name, CatalogDocument).links if reader.first_time(name) else ()
    yield from linked_door_faults(reader, name, links)
    for link in links:
        if link.rel == "item":
            yield from name_faults(reader, reader.follow(name, link.href))

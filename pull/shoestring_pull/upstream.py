"""A site that is pulled from: what its documents say, held against what a copy can take over."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from shoestring.crs import parse_crs
from shoestring.location import Location
from shoestring.snapshots import fetch_snapshot
from shoestring.transport import Transport
from shoestring_builder.clock import parse_instant
from shoestring_builder.describe.catalogue import children_of
from shoestring_builder.media import hash_of
from shoestring_builder.publish.names import snapshot_name
from shoestring_builder.publish.published import items_in
from shoestring_builder.record import ItemRecord
from shoestring_pull.documents import Documents
from shoestring_pull.names import document_of, name_of, problem_of
from shoestring_schema.document import MAX_BYTES, decode
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment
from shoestring_schema.moments import unpack_moments
from shoestring_schema.site import (
    AssetDocument,
    CatalogDocument,
    CollectionDocument,
    CollectionEntry,
    Link,
    Part,
    SnapshotMark,
)
from shoestring_schema.version import require_readable

Json = Mapping[str, Any]


class LinkedCollection(CollectionDocument, frozen=True, kw_only=True):
    """A collection's document with the fields of STAC that name files.

    Attributes:
        links: Relation ``child`` names the catalogues of the parts.
        assets: Files of the collection itself.
    """

    links: tuple[Link, ...] = ()
    assets: dict[str, AssetDocument] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upstream:
    """A snapshot of a site.

    Attributes:
        location: Where its `catalog.json` lies.
        mark: The snapshot.
        data: The snapshot's document.
        document: The same, decoded.
    """

    location: Location
    mark: SnapshotMark
    data: bytes
    document: CatalogDocument

    @property
    def id(self) -> str:
        """The catalogue's identifier."""
        return self.document.id

    @property
    def entries(self) -> tuple[CollectionEntry, ...]:
        """Its collections."""
        return self.document.collections or ()

    @property
    def titles(self) -> Mapping[str, str]:
        """Names for people of its collections."""
        return children_of(self.document.links)


@dataclass(frozen=True, slots=True)
class UpstreamCollection:
    """A collection of a site.

    Attributes:
        entry: What the snapshot says of it.
        name: Its document, relative to the site.
        data: The document.
        document: The same, decoded.
        raw: The same, with all that the contract does not list.
        grid: Its grid.
        moments: Those of each part.
    """

    entry: CollectionEntry
    name: str
    data: bytes
    document: LinkedCollection
    raw: Json
    grid: Grid
    moments: tuple[tuple[Moment, ...], ...]

    @property
    def id(self) -> str:
        """Its identifier and folder."""
        return self.entry.id

    @property
    def dates(self) -> tuple[Moment, ...]:
        """All moments, in order."""
        return tuple(sorted(moment for own in self.moments for moment in own))

    @property
    def catalogues(self) -> Iterator[str]:
        """The STAC catalogues of its parts, relative to the site."""
        for link in self.document.links:
            if link.rel == "child":
                yield document_of(link.href, self.name, self.id)


@dataclass(frozen=True, slots=True)
class UpstreamPart:
    """A part of a collection.

    Attributes:
        document: What the collection says of it.
        name: Its items' document, relative to the site.
        items: Its items.
    """

    document: Part
    name: str
    items: tuple[ItemRecord, ...]


async def read_upstream(
    location: Location, transport: Transport, snapshot: str | None = None
) -> Upstream:
    """Read which snapshot a site shows.

    Args:
        location: Where its `catalog.json` lies.
        transport: Gets it.
        snapshot: Which snapshot; without it, the current one.

    Raises:
        CatalogueError: It is no site, or one without snapshots.
        SelectionError: It does not keep this snapshot.
        TransferError: It did not arrive.
    """
    where = location.address
    data = await transport.fetch(location, max_bytes=MAX_BYTES)
    pointer = decode(data, CatalogDocument, where)
    if pointer.version is None or pointer.snapshot is None or pointer.collections is None:
        raise CatalogueError(
            f"{where} is not a site that can be pulled: give the address of a site of Shoestring's; one of an "
            "earlier version must be built again first."
        )
    require_readable(pointer.version, where)
    mark = pointer.snapshot
    if snapshot is not None and snapshot != mark.id:
        mark = SnapshotMark(id=snapshot, time=mark.time)
    _require_time(mark, where)
    data = await fetch_snapshot(location, mark.id, transport)
    document = decode(data, CatalogDocument, f"{where}, snapshot {mark.id}")
    _require_folders(document, where)
    return Upstream(location, mark, data, document)


async def read_collection(entry: CollectionEntry, documents: Documents) -> UpstreamCollection:
    """Read a collection's document.

    Raises:
        CatalogueError: It is not what the contract says, or can't be taken over.
        TransferError: It did not arrive.
    """
    name = name_of(entry.href, "catalog.json")
    if name != f"{entry.id}/collection-{entry.checksum[4:20]}.json":
        raise CatalogueError(
            f'catalog.json names {entry.href[:200]!r} as the document of "{entry.id}": that is not where a site keeps '
            "it; tell its publisher."
        )
    data = await documents.read(name, entry.checksum, entry.size)
    document = decode(data, LinkedCollection, name)
    require_readable(document.version, name)
    raw = decode(data, dict[str, Any], name)
    try:
        parse_crs(document.grid.crs)
        grid = Grid(document.grid.crs, document.grid.transform, document.grid.shape)
        moments = tuple(tuple(unpack_moments(part.dates)) for part in document.parts)
        _ = sorted(moment for own in moments for moment in own)
    except (ValueError, TypeError, SelectionError) as error:
        raise CatalogueError(f"{name} can't be read: {str(error).rstrip('.')}.") from None
    _require_sound(document, entry, name)
    return UpstreamCollection(entry, name, data, document, raw, grid, moments)


async def read_part(
    collection: UpstreamCollection, part: Part, documents: Documents
) -> tuple[UpstreamPart, bytes]:
    """Read the items of a part.

    Returns:
        The part, and the bytes of its document.

    Raises:
        CatalogueError: It is not what the collection says.
        TransferError: It did not arrive.
    """
    name = document_of(part.href, collection.name, collection.id)
    require_hash(name, part.checksum)
    data = await documents.read(name, part.checksum, part.size)
    try:
        items = tuple(items_in(data, collection.document, name))
        same = {item.moment for item in items} == set(unpack_moments(part.dates))
    except SelectionError as error:
        raise CatalogueError(f"{name}: {error}") from None
    if not same:
        raise CatalogueError(
            f"{name} holds other dates than its collection says: tell its publisher."
        )
    return UpstreamPart(part, name, items), data


def require_hash(name: str, checksum: str) -> None:
    """A name stands for the content that is stated beside it.

    Raises:
        CatalogueError: It stands for another.
    """
    if hash_of(name) != checksum[4:20]:
        raise CatalogueError(
            f"{name[:200]} has the name of another content than its catalogue states: nothing was written; tell its "
            "publisher."
        )


def snapshot_file(upstream: Upstream) -> str:
    """The name of the snapshot's document."""
    return snapshot_name(upstream.mark.id)


def _require_time(mark: SnapshotMark, where: str) -> None:
    try:
        parse_instant(mark.time)
    except ValueError:
        raise CatalogueError(f"{where} has a snapshot of no time that there is.") from None


def _require_folders(document: CatalogDocument, where: str) -> None:
    """Each collection has a folder of its own, on every file system."""
    names = [entry.id for entry in document.collections or ()]
    for name in names:
        problem = problem_of(name)
        if problem:
            raise CatalogueError(
                f"{where} has a collection {name!r}, {problem}: nothing was written."
            )
    if len({name.casefold() for name in names}) < len(names):
        raise CatalogueError(
            f"{where} has collections whose names differ by nothing but case, or one twice: nothing was written."
        )


def _require_sound(document: CollectionDocument, entry: CollectionEntry, name: str) -> None:
    bands = [band.name for band in document.bands]
    if document.id != entry.id:
        raise CatalogueError(f"{name} calls itself {document.id!r}: tell its publisher.")
    if not bands or len({band.casefold() for band in bands}) < len(bands):
        raise CatalogueError(f"{name} has no bands, or one twice: tell its publisher.")
    if any(problem_of(band) for band in bands):
        raise CatalogueError(f"{name} has a band whose name can't be that of a file.")
    if document.mask is not None and document.mask.band not in bands:
        raise CatalogueError(
            f"{name} masks by {document.mask.band!r}, which is not one of its bands."
        )

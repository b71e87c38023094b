"""What a site's JSON documents say, as typed values.

A site is STAC 1.1: ``catalog.json`` links to collections, each collection to
*parts* (a year of items, in one immutable file). Fields that our catalogue
adds to STAC begin with ``shoestring:``; their JSON Schemas
(``schemas/*.json``) are generated from these types. Fields of STAC that no
reader of ours needs are not listed here and pass unread.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from shoestring_schema.configuration import DataType, Name

Checksum = Annotated[str, Meta(pattern="^1220[0-9a-f]{64}$", description="Multihash: SHA-256.")]
Number = float | Literal["nan", "inf", "-inf"]
Count = Annotated[int, Meta(ge=0)]
SnapshotId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$(?!\n)")]
Instant = Annotated[
    str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$(?!\n)")
]
"""``2018-01-02T13:00:00Z``."""
Dimension = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class _Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all: frozen; what is not listed is left alone."""


class Link(_Document, frozen=True):
    """A STAC link.

    Attributes:
        rel: Relation: ``root``, ``parent``, ``child``, ``item``, …
        href: Where it points to, relative to the document.
        type: Media type.
        title: A name for people.
        size: ``file:size``: bytes of what it points to, of relation ``alternate``.
        checksum: ``file:checksum``: its multihash.
    """

    rel: str
    href: str
    type: str | None = None
    title: str | None = None
    size: Count | None = field(default=None, name="file:size")
    checksum: str | None = field(default=None, name="file:checksum")


class GridDocument(_Document, frozen=True):
    """``shoestring:grid``: the collection's grid.

    Attributes:
        crs: ``EPSG:32630`` where the CRS has a code, else WKT 2.
        transform: Affine coefficients a to f: pixel (column, row) to CRS (x, y).
        shape: Rows and columns.
    """

    crs: str
    transform: tuple[float, float, float, float, float, float]
    shape: tuple[Dimension, Dimension]


class BandDocument(_Document, frozen=True):
    """One of ``shoestring:bands``: what is the same in all layers of a band.

    Attributes:
        name: The band's name, also the key of its assets.
        data_type: NumPy name of the type of the stored numbers.
        nodata: Stored number that means "no data".
        scale: Stored number times scale plus offset is the value.
        offset: See `scale`.
        unit: Unit of the value.
        factor: Stored coarser than the grid by this whole factor; deliver each
            stored pixel factor x factor times.
        common_name: STAC's common name.
        title: A name for people.
    """

    name: Name
    data_type: DataType
    nodata: Number | None = None
    scale: float = 1.0
    offset: float = 0.0
    unit: str | None = None
    factor: Annotated[int, Meta(ge=1, le=1000)] = 1
    common_name: str | None = None
    title: str | None = None


class MaskDocument(_Document, frozen=True):
    """``shoestring:mask``: which pixels are clear.

    Attributes:
        band: The band that tells.
        clear: Classes that are clear; or
        clear_below: Clear is where the stored number is below this and not nodata.
    """

    band: Name
    clear: tuple[int, ...] | None = None
    clear_below: float | None = None


class LevelDocument(_Document, frozen=True):
    """A level of a file: full resolution, or an overview.

    Attributes:
        shape: Rows and columns of its pixels.
        block: Rows and columns of a block's pixels.
    """

    shape: tuple[Dimension, Dimension]
    block: tuple[Dimension, Dimension]


class StackDocument(_Document, frozen=True):
    """A stack of a tile index: files that are alike.

    Attributes:
        levels: Full resolution first.
        files: Band to how many files of it there are; runs are in the order of the names.
        place: Row and column, on the grid of these bands, of the files' first pixel.
    """

    levels: Annotated[tuple[LevelDocument, ...], Meta(min_length=1, max_length=32)]
    files: dict[Name, Count]
    place: tuple[int, int] = (0, 0)


class IndexDocument(_Document, frozen=True):
    """The tile index of a part: see `shoestring_schema.tile_index`.

    Attributes:
        href: The file, relative to the collection document.
        size: Bytes.
        checksum: Multihash of the file.
        head_size: Bytes of its head.
        stacks: What lies behind the head, in this order.
    """

    href: str
    size: Count
    checksum: Checksum
    head_size: Count
    stacks: tuple[StackDocument, ...]


class Part(_Document, frozen=True):
    """One of ``shoestring:parts``: an immutable file of items.

    Attributes:
        period: The year, month or day that its items lie in: ``2017``, ``2018-03``, ``2018-03-05``.
        href: The file (a STAC ItemCollection), relative to the collection document.
        dates: The moments of its items, in order: ``2018-01-02`` or
            ``2018-01-02T13:00:00Z``; or many at even distances in a word, as
            ``R72/2018-01-02/P5D`` (see `shoestring_schema.moments`).
        size: Bytes.
        checksum: Multihash of the file.
        source: Fingerprint of all but its layers that its items are described by, a dot, and
            that of its doors: which they are, and the address that they hold.
        index: Where the blocks of its layers lie, if that is known.
    """

    href: str
    dates: tuple[str, ...]
    size: Count
    checksum: Checksum
    period: str | None = None
    source: str | None = None
    index: IndexDocument | None = None


class SnapshotMark(_Document, frozen=True):
    """``shoestring:snapshot`` of a pointer: which snapshot of the site it shows.

    Attributes:
        id: The snapshot: first 16 hex digits of the SHA-256 of ``catalog-<id>.json``.
        time: When it was first published, UTC.
    """

    id: SnapshotId
    time: Instant


class CollectionEntry(_Document, frozen=True):
    """One of ``shoestring:collections``: a collection as a snapshot holds it.

    Attributes:
        id: The collection.
        href: Its document, relative to the catalogue; it never changes.
        size: Bytes of the document.
        checksum: Multihash of the document.
        database: Multihash of its ``database.json``, where there is one.
    """

    id: Name
    href: str
    size: Count
    checksum: Checksum
    database: Checksum | None = None


class CatalogDocument(_Document, frozen=True):
    """``catalog.json``, the pointer to the current snapshot, or ``catalog-<id>.json``, a snapshot.

    Attributes:
        id: Identifier.
        version: Version of the catalogue contract.
        title: A name for people.
        description: A paragraph for people.
        links: Relation ``child`` names the collections, for other tools: in the pointer by their
            addresses that stay, in a snapshot by their documents that never change.
        collections: The snapshot's collections; sites of earlier builders have links only.
        snapshot: In the pointer: which snapshot it shows.
        doors: The kinds of files for other tools that are wanted, also where they need an
            address that the site lacks.
    """

    type: Literal["Catalog"]
    id: str
    description: str = ""
    title: str | None = None
    links: tuple[Link, ...] = ()
    version: str | None = field(default=None, name="shoestring:version")
    collections: tuple[CollectionEntry, ...] | None = field(
        default=None, name="shoestring:collections"
    )
    snapshot: SnapshotMark | None = field(default=None, name="shoestring:snapshot")
    doors: tuple[str, ...] | None = field(default=None, name="shoestring:doors")


class CollectionDocument(_Document, frozen=True):
    """``collection-<hash>.json``, or ``collection.json``: the same as a pointer.

    Attributes:
        id: Identifier and folder name.
        title: A name for people.
        description: A paragraph for people.
        version: Version of the catalogue contract.
        grid: The grid that all layers share.
        bands: The bands, in order.
        mask: Which pixels are clear.
        parts: Where the items are, in order of time.
        snapshot: In the pointer: which snapshot of the site it shows.
    """

    type: Literal["Collection"]
    id: Name
    version: str = field(name="shoestring:version")
    grid: GridDocument = field(name="shoestring:grid")
    bands: tuple[BandDocument, ...] = field(name="shoestring:bands")
    parts: tuple[Part, ...] = field(name="shoestring:parts")
    mask: MaskDocument | None = field(default=None, name="shoestring:mask")
    title: str | None = None
    description: str = ""
    license: str = "other"
    snapshot: SnapshotMark | None = field(default=None, name="shoestring:snapshot")


class SourceFile(_Document, frozen=True):
    """One of ``shoestring:sources``: a file that a VRT reads.

    Attributes:
        href: The file, relative to the item.
        size: Bytes.
        checksum: Multihash of the file.
    """

    href: str
    size: Count
    checksum: Checksum


class AssetDocument(_Document, frozen=True):
    """An asset of an item.

    Attributes:
        href: The file, relative to the item.
        type: Media type.
        roles: ``data`` for layers, ``thumbnail`` for the picture.
        size: ``file:size``: bytes.
        checksum: ``file:checksum``: multihash.
        header_size: ``shoestring:header_size``: bytes before the first block of pixels:
            so much must be read to know where every block lies.
        source: ``shoestring:source``: fingerprint of what the layer was made from and how.
        sources: ``shoestring:sources``: the files that a VRT reads.
    """

    href: str
    type: str | None = None
    roles: tuple[str, ...] = ()
    size: Count | None = field(default=None, name="file:size")
    checksum: Checksum | None = field(default=None, name="file:checksum")
    header_size: Count | None = field(default=None, name="shoestring:header_size")
    source: str | None = field(default=None, name="shoestring:source")
    sources: tuple[SourceFile, ...] = field(default=(), name="shoestring:sources")


class ItemProperties(_Document, frozen=True):
    """Properties of an item.

    Attributes:
        date: ``shoestring:date``: the item's moment, as in its part's `dates`.
        clear_percent: ``shoestring:clear_percent``: share of the pixels with data in the
            mask band that are clear.
    """

    date: str = field(name="shoestring:date")
    clear_percent: float | None = field(default=None, name="shoestring:clear_percent")


class ItemDocument(_Document, frozen=True):
    """An item: all layers of one moment."""

    type: Literal["Feature"]
    id: str
    properties: ItemProperties
    assets: dict[str, AssetDocument]


class PartDocument(_Document, frozen=True):
    """A part: a STAC ItemCollection, sorted by moment. Its hrefs are relative to itself."""

    type: Literal["FeatureCollection"]
    features: tuple[ItemDocument, ...]


class Counts(_Document, frozen=True):
    """How many dates, or layers, differ from the snapshot before.

    Attributes:
        added: Those that are new.
        replaced: Those that have other content.
        dropped: Those that are gone.
    """

    added: Count = 0
    replaced: Count = 0
    dropped: Count = 0


class ChangeDocument(_Document, frozen=True):
    """What a snapshot changed in a collection.

    Attributes:
        collection: The collection.
        dates: Moments; one counts as replaced where any of its layers differs.
        layers: Their layers.
        first: The earliest of these moments, as in a part's `dates`.
        last: The latest of them.
    """

    collection: Name
    dates: Counts = Counts()
    layers: Counts = Counts()
    first: str | None = None
    last: str | None = None


class SnapshotDocument(_Document, frozen=True):
    """One of the snapshots that a site keeps.

    Attributes:
        id: The snapshot: it is ``catalog-<id>.json``.
        time: When it was first published, UTC.
        until: When another one replaced it; without it, it may be the current one.
        changes: What it changed, by collection.
    """

    id: SnapshotId
    time: Instant
    until: Instant | None = None
    changes: tuple[ChangeDocument, ...] = ()


class SnapshotsDocument(_Document, frozen=True):
    """``snapshots.json``: the snapshots that a site keeps, in the order of their times.

    Which one is current is for ``catalog.json`` to say.

    Attributes:
        version: Version of the catalogue contract.
        snapshots: Them.
        checksum: Multihash of this document without this field, as it would be written: nothing
            else tells whether its times are right.
    """

    version: str = field(name="shoestring:version")
    snapshots: tuple[SnapshotDocument, ...] = ()
    checksum: str | None = None

"""All documents of a site, from values; pure.

What a document says depends on its layers and the configuration alone: no
clock, no order of files, no earlier run.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from shoestring_builder.describe.about import about_collection
from shoestring_builder.describe.geoparquet import GEOPARQUET_TYPE, WRITER_VERSION, geoparquet_of
from shoestring_builder.describe.item import (
    EXTENSIONS,
    GEOJSON_TYPE,
    STAC_VERSION,
    Document,
    Frame,
    item_document,
    link,
)
from shoestring_builder.describe.item_table import imaginary_item, table_of
from shoestring_builder.describe.pointers import ASSETS, LATEST, PARTS, pretty
from shoestring_builder.parts import PartRecord
from shoestring_builder.publish.published import mirror_key
from shoestring_builder.record import ItemRecord, hashed_name, picture_facts, year_of
from shoestring_schema import SCHEMA_VERSION
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.moment import file_stem, format_moment
from shoestring_schema.moments import pack_moments
from shoestring_schema.site import (
    AssetDocument,
    CollectionEntry,
    GridDocument,
    IndexDocument,
    Link,
    Part,
)

_COLLECTION = re.compile(r"collection(-[0-9a-f]{16})?\.json")


@dataclass(frozen=True, slots=True)
class File:
    """A document as it will stand in the site.

    Attributes:
        name: Relative to the collection's folder.
        data: Its bytes.
    """

    name: str
    data: bytes

    @property
    def checksum(self) -> str:
        """Multihash of the content."""
        return "1220" + hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class CollectionDocuments:
    """All documents of a collection.

    Attributes:
        files: Those items, parts and catalogues of parts that are new.
        collection: The collection's own; like them, it never changes.
        database: `database.json`, or None where it is switched off.
    """

    files: tuple[File, ...]
    collection: File
    database: bytes | None


@dataclass(frozen=True, slots=True)
class ListedCollection:
    """A collection as a catalogue lists it.

    Attributes:
        entry: What a snapshot says of it.
        title: A name for people.
    """

    entry: CollectionEntry
    title: str


@dataclass(frozen=True, slots=True)
class _DescribedPart:
    """A part, as the collection names it.

    Attributes:
        record: What it holds.
        document: What the collection says of it.
        catalogue: Its STAC catalogue, relative to the collection's folder.
        mirror: The GeoParquet of its items, if there is one.
        files: Those of its documents that are new.
    """

    record: PartRecord
    document: Part
    catalogue: str
    mirror: AssetDocument | None = None
    files: tuple[File, ...] = ()


def describe_collection(
    frame: Frame,
    parts: Sequence[PartRecord],
    catalogue: CatalogueTable,
    indexes: Mapping[str, IndexDocument],
) -> CollectionDocuments:
    """Write down a collection. Parts that are kept are not written down again.

    Args:
        frame: What its items have in common.
        parts: Its parts, in order of time; at least one.
        catalogue: The site's configuration.
        indexes: The tile indexes of the parts that are new, by their periods.
    """
    mark, address = settings_mark(frame, catalogue), mirror_address(frame.table.id, catalogue)
    described = [_part(frame, part, mark, indexes.get(part.period), address) for part in parts]
    bands = [band.name for band in frame.survey.bands]
    base = address_of(frame.table.id, catalogue.base_url)
    items = (item for part in parts for item in part.items)
    return CollectionDocuments(
        files=tuple(file for part in described for file in part.files),
        collection=_hashed("collection", _collection(frame, described, catalogue)),
        database=database_of(bands, items, base) if catalogue.database else None,
    )


def settings_mark(frame: Frame, catalogue: CatalogueTable) -> str:
    """Fingerprint of all that a part is made of but for its layers.

    It is that of a part of imaginary layers, with all fields that there can be: so it changes with
    whatever changes in how parts are described, in the settings or in this program.
    """
    item, address = imaginary_item(frame), mirror_address(frame.table.id, catalogue)
    record = PartRecord("2000-02", (item,))
    part = _new_part(frame, record, "", None, "")
    meanings = [picture_facts(frame.table, item), frame.survey.mask]
    documents = b"".join(file.data for file in part.files) + msgspec.json.encode(meanings)
    if address:
        table = table_of(frame, record, [item_document(frame, item)], address)
        documents += msgspec.json.encode([WRITER_VERSION, table])
    return hashlib.sha256(documents).hexdigest()[:16]


def describe_catalogue(catalogue: CatalogueTable, collections: Sequence[ListedCollection]) -> File:
    """Write ``catalog-<id>.json``: a snapshot of the site, whose name is its identifier.

    Args:
        catalogue: The site's configuration.
        collections: Its collections, in the order of listing.
    """
    title = catalogue.title or catalogue.id
    links = [
        link("root", "./catalog.json", title=title),
        link(LATEST, f"{catalogue.base_url.rstrip('/') if catalogue.base_url else '.'}/catalog.json"),
        *(link("child", own.entry.href, title=own.title) for own in collections),
    ]  # fmt: skip
    document = {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "shoestring:version": SCHEMA_VERSION,
        "id": catalogue.id,
        "title": title,
        "description": catalogue.description or title,
        "shoestring:collections": [own.entry for own in collections],
        "links": links,
    }
    return _hashed("catalog", pretty(document))


def children_of(links: Iterable[Link]) -> dict[str, str]:
    """Collections that a catalogue lists: identifiers (folders) and titles."""
    children = {}
    for child in links:
        folder, _, name = child.href.removeprefix("./").partition("/")
        if child.rel == "child" and _COLLECTION.fullmatch(name) and folder not in ("", ".", ".."):
            children[folder] = child.title or folder
    return children


def address_of(collection: str, base_url: str | None) -> str:
    """What hrefs in `database.json` begin with: the collection's public address, or nothing."""
    return f"{base_url.rstrip('/')}/{collection}/" if base_url else ""


def mirror_address(collection: str, catalogue: CatalogueTable) -> str:
    """The address of a collection whose items are written as GeoParquet too, or nothing."""
    return address_of(collection, catalogue.base_url) if catalogue.geoparquet else ""


def database_of(bands: Sequence[str], items: Iterable[ItemRecord], base: str) -> bytes:
    """`database.json`: ``{"2018-01-02": [url, …]}``, one date a line, None where a band is missing.

    Args:
        bands: Names of the collection's bands, in order.
        items: Its items, in order of time.
        base: See `address_of`.
    """
    lines = []
    for item in items:
        hrefs = [
            f"{base}{year_of(item.moment)}/{item.layers[band].href}"
            if band in item.layers
            else None
            for band in bands
        ]
        lines.append(f"{_text(format_moment(item.moment))}: {_text(hrefs)}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _part(
    frame: Frame, record: PartRecord, mark: str, index: IndexDocument | None, address: str
) -> _DescribedPart:
    kept = record.kept
    if kept is None or kept.catalogue is None:
        return _new_part(frame, record, mark, index, address)
    return _DescribedPart(record, kept.document, kept.catalogue, kept.mirror)


def _new_part(
    frame: Frame, record: PartRecord, mark: str, index: IndexDocument | None, address: str
) -> _DescribedPart:
    period, year = record.period, record.year
    documents = [item_document(frame, item) for item in record.items]
    items = [
        _hashed(f"{year}/{file_stem(item.moment)}", _compact(document))
        for item, document in zip(record.items, documents, strict=True)
    ]
    collected = {"type": "FeatureCollection", "features": documents}
    part = _hashed(f"{year}/items-{period}", _compact(collected))
    catalogue = pretty(_part_catalogue(frame, record, items))
    file = _hashed(f"{year}/catalog-{period}", catalogue)
    document = Part(
        href=f"./{part.name}",
        dates=pack_moments([item.moment for item in record.items]),
        size=len(part.data),
        checksum=part.checksum,
        period=period,
        source=mark,
        index=index,
    )
    described = _DescribedPart(record, document, f"./{file.name}", None, (*items, part, file))
    return _with_mirror(frame, described, documents, address) if address else described


def _with_mirror(
    frame: Frame, part: _DescribedPart, documents: Sequence[Document], address: str
) -> _DescribedPart:
    """A part with the GeoParquet of its items."""
    table = table_of(frame, part.record, documents, address)
    stem = f"{part.record.year}/items-{part.record.period}"
    file = _hashed(stem, geoparquet_of(table), ".parquet")
    mirror = AssetDocument(f"./{file.name}", size=len(file.data), checksum=file.checksum)
    return replace(part, mirror=mirror, files=(*part.files, file))


def _part_catalogue(frame: Frame, record: PartRecord, items: Sequence[File]) -> Document:
    """The same items for tools that walk links."""
    links = [
        link("root", "../../catalog.json"),
        link("parent", "../collection.json", title=frame.title),
    ]
    links += [
        link("item", f"./{file.name.rpartition('/')[2]}", kind=GEOJSON_TYPE,
             title=format_moment(item.moment))
        for file, item in zip(items, record.items, strict=True)
    ]  # fmt: skip
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": f"{frame.table.id}-{record.period}",
        "title": record.period,
        "description": f"{frame.title}, {record.period}.",
        "links": links,
    }


def _collection(frame: Frame, parts: Sequence[_DescribedPart], catalogue: CatalogueTable) -> bytes:
    document = about_collection(frame, [part.record for part in parts])
    document |= _own_fields(frame, parts)
    mirrors = {
        mirror_key(part.document): _mirror_asset(part.record.period, part.mirror)
        for part in parts
        if part.mirror is not None
    }
    if mirrors:
        document["stac_extensions"].append(EXTENSIONS["file"])
        document[ASSETS] = mirrors
    return pretty(document | {"links": _collection_links(frame, parts, catalogue)})


def _mirror_asset(period: str, mirror: AssetDocument) -> Document:
    """What the collection says of the GeoParquet of a part."""
    return {
        "href": mirror.href,
        "title": f"Items of {period} (GeoParquet)",
        "type": GEOPARQUET_TYPE,
        "roles": ["collection-mirror", "stac-items"],
        "file:size": mirror.size,
        "file:checksum": mirror.checksum,
    }


def _own_fields(frame: Frame, parts: Sequence[_DescribedPart]) -> Document:
    """What our catalogue adds to a STAC collection."""
    grid, mask = frame.survey.grid, frame.survey.mask
    fields: Document = {
        "shoestring:grid": GridDocument(crs=grid.crs, transform=grid.transform, shape=grid.shape),
        "shoestring:bands": frame.survey.bands,
        PARTS: [part.document for part in parts],
    }
    return fields | ({} if mask is None else {"shoestring:mask": mask})


def _collection_links(
    frame: Frame, parts: Sequence[_DescribedPart], catalogue: CatalogueTable
) -> list[Document]:
    title = catalogue.title or catalogue.id
    return [
        link("root", "../catalog.json", title=title),
        link("parent", "../catalog.json", title=title),
        *(link("child", part.catalogue, title=part.record.period) for part in parts),
    ]


def _hashed(stem: str, data: bytes, suffix: str = ".json") -> File:
    checksum = File(stem, data).checksum
    return File(hashed_name(stem, checksum, suffix), data)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _compact(document: Document) -> bytes:
    return msgspec.json.encode(document) + b"\n"

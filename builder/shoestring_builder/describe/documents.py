"""All documents of a site, from values; pure.

What a document says depends on its layers and the configuration alone: no
clock, no order of files, no earlier run.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from shoestring_builder.describe.about import about_collection
from shoestring_builder.describe.doors import (
    address_of,
    collection_doors,
    door_asset,
    door_link,
    door_part,
    doors_mark,
    moved,
    part_doors,
    placed,
    with_item_doors,
)
from shoestring_builder.describe.file import File, hashed_file
from shoestring_builder.describe.geoparquet import GEOPARQUET_TYPE, geoparquet_of
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
from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.newest import NEWEST
from shoestring_builder.doors.part import PartIndex
from shoestring_builder.parts import PartRecord
from shoestring_builder.publish.published import mirror_key
from shoestring_builder.record import ItemRecord, picture_facts, year_of
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
class CollectionDocuments:
    """All documents of a collection.

    Attributes:
        files: Those items, parts, catalogues and doors of parts that are new.
        collection: The collection's own; like them, it never changes.
        database: `database.json`, or None where it is switched off.
        doors: The doors of its newest dates.
    """

    files: tuple[File, ...]
    collection: File
    database: bytes | None
    doors: tuple[File, ...] = ()


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


@dataclass(frozen=True, slots=True)
class _Settings:
    """What all parts of a collection are described by.

    Attributes:
        frame: The collection.
        catalogue: The site's configuration.
        home: The collection's folder, if it is known.
        mark: See `settings_mark`.
    """

    frame: Frame
    catalogue: CatalogueTable
    home: Path | None
    mark: str


def describe_collection(
    frame: Frame,
    parts: Sequence[PartRecord],
    catalogue: CatalogueTable,
    indexes: Mapping[str, IndexDocument],
    *,
    home: Path | None = None,
    mark: str | None = None,
) -> CollectionDocuments:
    """Write down a collection. Parts that are kept are not written down again.

    Args:
        frame: What its items have in common.
        parts: Its parts, in order of time; at least one.
        catalogue: The site's configuration.
        indexes: The tile indexes of the parts that are new, by their periods.
        home: The collection's folder, where these lie; without it, no door can look into them.
        mark: The `settings_mark`, where it is known.
    """
    mark = mark or settings_mark(frame, catalogue)
    settings = _Settings(frame, catalogue, home, mark)
    described = [_part(settings, part, indexes.get(part.period)) for part in parts]
    bands = [band.name for band in frame.survey.bands]
    base = address_of(frame.table.id, catalogue.base_url)
    items = (item for part in parts for item in part.items)
    doors = _newest_doors(frame, parts, catalogue)
    return CollectionDocuments(
        files=tuple(file for part in described for file in part.files),
        doors=placed("", doors),
        collection=hashed_file("collection", _collection(frame, described, doors, catalogue)),
        database=database_of(bands, items, base) if catalogue.database else None,
    )


def settings_mark(frame: Frame, catalogue: CatalogueTable, settings: str | None = None) -> str:
    """Fingerprint of all that a part is made of but for its layers.

    Its first half is that of a part of imaginary layers, with all fields that there can be: so it
    changes with whatever changes in how parts are described, in the settings or in this program.
    The second one is that of its doors and of the address that they hold.

    Args:
        frame: The collection.
        catalogue: The site's configuration.
        settings: The first half, where it is known.
    """
    return f"{settings or _settings_mark(frame, catalogue)}.{doors_mark(frame.table.id, catalogue)}"


def _settings_mark(frame: Frame, catalogue: CatalogueTable) -> str:
    item = imaginary_item(frame)
    documents, doors = with_item_doors(frame, [item_document(frame, item)], catalogue.written_doors)
    part = _bare_part(frame, PartRecord("2000-02", (item,)), "", documents, ())
    meanings = [picture_facts(frame.table, item), frame.survey.mask]
    data = [*(file.data for file in part.files), *(door.data for door in doors)]
    return hashlib.sha256(b"".join(data) + msgspec.json.encode(meanings)).hexdigest()[:16]


def describe_catalogue(
    catalogue: CatalogueTable,
    collections: Sequence[ListedCollection],
    doors: Sequence[DoorFile] = (),
) -> File:
    """Write ``catalog-<id>.json``: a snapshot of the site, whose name is its identifier.

    Args:
        catalogue: The site's configuration.
        collections: Its collections, in the order of listing.
        doors: The doors of the site.
    """
    title = catalogue.title or catalogue.id
    links = [
        link("root", "./catalog.json", title=title),
        link(LATEST, f"{catalogue.base_url.rstrip('/') if catalogue.base_url else '.'}/catalog.json"),
        *(link("child", own.entry.href, title=own.title) for own in collections),
        *map(door_link, doors),
    ]  # fmt: skip
    document = {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        **_extensions_of(doors),
        "shoestring:version": SCHEMA_VERSION,
        "id": catalogue.id,
        "title": title,
        "description": catalogue.description or title,
        "shoestring:collections": [own.entry for own in collections],
        "shoestring:doors": catalogue.intended_doors,
        "links": links,
    }
    return hashed_file("catalog", pretty(document))


def children_of(links: Iterable[Link]) -> dict[str, str]:
    """Collections that a catalogue lists: identifiers (folders) and titles."""
    children = {}
    for child in links:
        folder, _, name = child.href.removeprefix("./").partition("/")
        if child.rel == "child" and _COLLECTION.fullmatch(name) and folder not in ("", ".", ".."):
            children[folder] = child.title or folder
    return children


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


def _newest_doors(
    frame: Frame, parts: Sequence[PartRecord], catalogue: CatalogueTable
) -> list[DoorFile]:
    """The doors of the collection itself."""
    records = [item for part in parts for item in part.items][-NEWEST:]
    items: list[Document] = []
    for record in records:
        documents, _ = with_item_doors(
            frame, [item_document(frame, record)], catalogue.written_doors
        )
        items += moved(documents, year_of(record.moment))
    address = address_of(frame.table.id, catalogue.base_url)
    return collection_doors(door_part(frame, "", items, address), catalogue.written_doors)


def _part(settings: _Settings, record: PartRecord, index: IndexDocument | None) -> _DescribedPart:
    kept, frame, wanted = record.kept, settings.frame, settings.catalogue.written_doors
    if kept is not None and kept.catalogue is not None:
        return _DescribedPart(record, kept.document, kept.catalogue, kept.mirror)
    documents = [item_document(frame, item) for item in record.items]
    items, of_items = with_item_doors(frame, documents, wanted)
    base = address_of(frame.table.id, settings.catalogue.base_url)
    own = door_part(frame, record.period, items, f"{base}{record.year}/" if base else "")
    if index is not None and settings.home is not None:
        own = replace(own, index=PartIndex(settings.home / index.href, index))
    doors = part_doors(own, wanted)
    part = _bare_part(frame, record, settings.mark, items, doors)
    document = msgspec.structs.replace(part.document, index=index)
    files = (*placed(f"{record.year}/", (*of_items, *doors)), *part.files)
    part = replace(part, document=document, files=files)
    return _with_mirror(frame, part, items, base) if "parquet" in wanted else part


def _bare_part(
    frame: Frame,
    record: PartRecord,
    mark: str,
    documents: Sequence[Document],
    doors: Sequence[DoorFile],
) -> _DescribedPart:
    """A part with its documents, and nothing beside them."""
    period, year = record.period, record.year
    items = [
        hashed_file(f"{year}/{file_stem(item.moment)}", _compact(document))
        for item, document in zip(record.items, documents, strict=True)
    ]
    collected = {"type": "FeatureCollection", "features": documents}
    part = hashed_file(f"{year}/items-{period}", _compact(collected))
    catalogue = pretty(_part_catalogue(frame, record, items, doors))
    file = hashed_file(f"{year}/catalog-{period}", catalogue)
    document = Part(
        href=f"./{part.name}",
        dates=pack_moments([item.moment for item in record.items]),
        size=len(part.data),
        checksum=part.checksum,
        period=period,
        source=mark,
    )
    return _DescribedPart(record, document, f"./{file.name}", None, (*items, part, file))


def _with_mirror(
    frame: Frame, part: _DescribedPart, documents: Sequence[Document], address: str
) -> _DescribedPart:
    """A part with the GeoParquet of its items."""
    table = table_of(frame, part.record, documents, address)
    stem = f"{part.record.year}/items-{part.record.period}"
    file = hashed_file(stem, geoparquet_of(table), ".parquet")
    mirror = AssetDocument(f"./{file.name}", size=len(file.data), checksum=file.checksum)
    return replace(part, mirror=mirror, files=(*part.files, file))


def _part_catalogue(
    frame: Frame, record: PartRecord, items: Sequence[File], doors: Sequence[DoorFile]
) -> Document:
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
    links += map(door_link, doors)
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        **_extensions_of(doors),
        "id": f"{frame.table.id}-{record.period}",
        "title": record.period,
        "description": f"{frame.title}, {record.period}.",
        "links": links,
    }


def _extensions_of(doors: Sequence[DoorFile]) -> Document:
    """What a catalogue says of the fields of its links."""
    return {"stac_extensions": [EXTENSIONS["file"]]} if doors else {}


def _collection(
    frame: Frame,
    parts: Sequence[_DescribedPart],
    doors: Sequence[DoorFile],
    catalogue: CatalogueTable,
) -> bytes:
    document = about_collection(frame, [part.record for part in parts])
    document |= _own_fields(frame, parts)
    assets = {door.pointer: door_asset(door) for door in doors}
    assets |= {
        mirror_key(part.document): _mirror_asset(part.record.period, part.mirror)
        for part in parts
        if part.mirror is not None
    }
    if assets:
        document["stac_extensions"].append(EXTENSIONS["file"])
        document[ASSETS] = assets
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


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _compact(document: Document) -> bytes:
    return msgspec.json.encode(document) + b"\n"

"""All documents of a site, from values; pure.

What a document says depends on its layers and the configuration alone: no
clock, no order of files, no earlier run.
"""

import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from shoestring_builder.describe.item import (
    EXTENSIONS,
    GEOJSON_TYPE,
    STAC_VERSION,
    Document,
    Frame,
    band_fields,
    item_document,
    link,
)
from shoestring_builder.describe.pointers import LATEST, pretty
from shoestring_builder.record import ItemRecord, hashed_name, year_of
from shoestring_schema import SCHEMA_VERSION
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.moment import file_stem, format_moment, interval
from shoestring_schema.site import CollectionEntry, GridDocument, IndexDocument, Link, Part

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
        files: Items, parts and years' catalogues.
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
class _Year:
    """The documents of a year of items."""

    year: str
    items: tuple[File, ...]
    part: File
    catalogue: File
    dates: tuple[str, ...]
    index: IndexDocument | None


def describe_collection(
    frame: Frame,
    items: Sequence[ItemRecord],
    catalogue: CatalogueTable,
    indexes: Mapping[str, IndexDocument],
) -> CollectionDocuments:
    """Write down a collection.

    Args:
        frame: What its items have in common.
        items: Its items, in order of time; at least one.
        catalogue: The site's configuration.
        indexes: The tile indexes by year.
    """
    years = [
        _year(frame, year, tuple(records), indexes.get(year))
        for year, records in itertools.groupby(items, key=lambda item: year_of(item.moment))
    ]
    files = [file for year in years for file in (*year.items, year.part, year.catalogue)]
    bands = [band.name for band in frame.survey.bands]
    base = address_of(frame.table.id, catalogue.base_url)
    return CollectionDocuments(
        files=tuple(files),
        collection=_hashed("collection", _collection(frame, items, years, catalogue)),
        database=database_of(bands, items, base) if catalogue.database else None,
    )


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


def _year(
    frame: Frame, year: str, records: tuple[ItemRecord, ...], index: IndexDocument | None
) -> _Year:
    documents = [item_document(frame, record) for record in records]
    items = tuple(
        _hashed(f"{year}/{file_stem(record.moment)}", _compact(document))
        for record, document in zip(records, documents, strict=True)
    )
    part = {"type": "FeatureCollection", "features": documents}
    return _Year(
        year=year,
        items=items,
        part=_hashed(f"{year}/items", _compact(part)),
        catalogue=_hashed(f"{year}/catalog", pretty(_year_catalogue(frame, year, items, records))),
        dates=tuple(format_moment(record.moment) for record in records),
        index=index,
    )


def _year_catalogue(
    frame: Frame, year: str, items: Sequence[File], records: Sequence[ItemRecord]
) -> Document:
    links = [
        link("root", "../../catalog.json"),
        link("parent", "../collection.json", title=frame.title),
    ]
    links += [
        link("item", f"./{item.name.rpartition('/')[2]}", kind=GEOJSON_TYPE,
             title=format_moment(record.moment))
        for item, record in zip(items, records, strict=True)
    ]  # fmt: skip
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": f"{frame.table.id}-{year}",
        "title": year,
        "description": f"{frame.title}, {year}.",
        "links": links,
    }


def _collection(
    frame: Frame, items: Sequence[ItemRecord], years: Sequence[_Year], catalogue: CatalogueTable
) -> bytes:
    table = frame.table
    document: Document = {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [EXTENSIONS[name] for name in ("projection", "raster", "eo")],
        "shoestring:version": SCHEMA_VERSION,
        "id": table.id,
        "title": frame.title,
        "description": table.description or frame.title,
        "license": table.license,
    }
    if table.attribution:
        document["providers"] = [{"name": table.attribution, "roles": ["producer"]}]
    document |= {
        "extent": _extent(frame, items),
        "summaries": _summaries(frame),
        "item_assets": {band.name: band_fields(frame, band) for band in frame.survey.bands},
        **_own_fields(frame, years),
        "links": _collection_links(frame, years, catalogue),
    }
    return pretty(document)


def _own_fields(frame: Frame, years: Sequence[_Year]) -> Document:
    """What our catalogue adds to a STAC collection."""
    grid, mask = frame.survey.grid, frame.survey.mask
    fields: Document = {
        "shoestring:grid": GridDocument(crs=grid.crs, transform=grid.transform, shape=grid.shape),
        "shoestring:bands": frame.survey.bands,
        "shoestring:parts": [
            Part(href=f"./{year.part.name}", dates=year.dates, size=len(year.part.data),
                 checksum=year.part.checksum, index=year.index)
            for year in years
        ],
    }  # fmt: skip
    return fields | ({} if mask is None else {"shoestring:mask": mask})


def _collection_links(
    frame: Frame, years: Sequence[_Year], catalogue: CatalogueTable
) -> list[Document]:
    title = catalogue.title or catalogue.id
    return [
        link("root", "../catalog.json", title=title),
        link("parent", "../catalog.json", title=title),
        *(link("child", f"./{year.catalogue.name}", title=year.year) for year in years),
    ]


def _extent(frame: Frame, items: Sequence[ItemRecord]) -> Document:
    first, _ = interval(items[0].moment)
    _, last = interval(items[-1].moment)
    return {
        "spatial": {"bbox": [list(frame.footprint.bbox)]},
        "temporal": {"interval": [[format_moment(first), format_moment(last)]]},
    }


def _summaries(frame: Frame) -> Document:
    summaries: Document = {}
    for key in ("proj:code", "proj:epsg"):
        if frame.projection[key] is not None:
            summaries[key] = [frame.projection[key]]
    if frame.metres is not None:
        summaries["gsd"] = sorted({frame.metres * band.factor for band in frame.survey.bands})
    bands = [band_fields(frame, band) for band in frame.survey.bands]
    summaries["eo:bands"] = [fields["eo:bands"][0] for fields in bands]
    return summaries


def _hashed(stem: str, data: bytes) -> File:
    checksum = File(stem, data).checksum
    return File(hashed_name(stem, checksum, ".json"), data)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _compact(document: Document) -> bytes:
    return msgspec.json.encode(document) + b"\n"

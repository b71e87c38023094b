"""The documents of a part: its items, one by one and together, their STAC catalogue, their tables; pure.

What a document says depends on its layers and the configuration alone: no
clock, no order of files, no earlier run.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from shoestring_builder.describe.doors import (
    address_of,
    door_link,
    door_part,
    doors_mark,
    extensions_of,
    part_doors,
    placed,
    with_item_doors,
)
from shoestring_builder.describe.file import File, hashed_file
from shoestring_builder.describe.geoparquet import geoparquet_of
from shoestring_builder.describe.item import (
    GEOJSON_TYPE,
    STAC_VERSION,
    Document,
    Frame,
    item_document,
    link,
)
from shoestring_builder.describe.item_table import imaginary_item, table_of
from shoestring_builder.describe.pointers import pretty
from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.part import PartIndex
from shoestring_builder.parts import PartRecord
from shoestring_builder.record import picture_facts
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.moment import file_stem, format_moment
from shoestring_schema.moments import pack_moments
from shoestring_schema.site import AssetDocument, IndexDocument, Part


@dataclass(frozen=True, slots=True)
class DescribedPart:
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
class PartSettings:
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


def describe_part(
    settings: PartSettings, record: PartRecord, index: IndexDocument | None
) -> DescribedPart:
    """Write down a part; one that is kept is not written down again.

    Args:
        settings: What all parts of its collection have in common.
        record: What it holds.
        index: Its tile index, where the part is new.
    """
    kept, frame, wanted = record.kept, settings.frame, settings.catalogue.written_doors
    if kept is not None and kept.catalogue is not None:
        return DescribedPart(record, kept.document, kept.catalogue, kept.mirror)
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


def _bare_part(
    frame: Frame,
    record: PartRecord,
    mark: str,
    documents: Sequence[Document],
    doors: Sequence[DoorFile],
) -> DescribedPart:
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
    return DescribedPart(record, document, f"./{file.name}", None, (*items, part, file))


def _with_mirror(
    frame: Frame, part: DescribedPart, documents: Sequence[Document], address: str
) -> DescribedPart:
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
        **extensions_of(doors),
        "id": f"{frame.table.id}-{record.period}",
        "title": record.period,
        "description": f"{frame.title}, {record.period}.",
        "links": links,
    }


def _compact(document: Document) -> bytes:
    return msgspec.json.encode(document) + b"\n"

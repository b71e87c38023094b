"""All documents of a collection, from values; pure.

What a document says depends on its layers and the configuration alone: no
clock, no order of files, no earlier run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shoestring_builder.describe.about import about_collection
from shoestring_builder.describe.database import database_of
from shoestring_builder.describe.doors import (
    address_of,
    collection_doors,
    door_asset,
    door_part,
    moved,
    placed,
    with_item_doors,
)
from shoestring_builder.describe.file import File, hashed_file
from shoestring_builder.describe.geoparquet import GEOPARQUET_TYPE
from shoestring_builder.describe.item import EXTENSIONS, Document, Frame, item_document, link
from shoestring_builder.describe.part import (
    DescribedPart,
    PartSettings,
    describe_part,
    settings_mark,
)
from shoestring_builder.describe.pointers import ASSETS, PARTS, pretty
from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.newest import NEWEST
from shoestring_builder.parts import PartRecord
from shoestring_builder.publish.published import mirror_key
from shoestring_builder.record import year_of
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.site import AssetDocument, GridDocument, IndexDocument


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
    settings = PartSettings(frame, catalogue, home, mark)
    described = [describe_part(settings, part, indexes.get(part.period)) for part in parts]
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


def _collection(
    frame: Frame,
    parts: Sequence[DescribedPart],
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


def _own_fields(frame: Frame, parts: Sequence[DescribedPart]) -> Document:
    """What our catalogue adds to a STAC collection."""
    grid, mask = frame.survey.grid, frame.survey.mask
    fields: Document = {
        "shoestring:grid": GridDocument(crs=grid.crs, transform=grid.transform, shape=grid.shape),
        "shoestring:bands": frame.survey.bands,
        PARTS: [part.document for part in parts],
    }
    return fields | ({} if mask is None else {"shoestring:mask": mask})


def _collection_links(
    frame: Frame, parts: Sequence[DescribedPart], catalogue: CatalogueTable
) -> list[Document]:
    title = catalogue.title or catalogue.id
    return [
        link("root", "../catalog.json", title=title),
        link("parent", "../catalog.json", title=title),
        *(link("child", part.catalogue, title=part.record.period) for part in parts),
    ]

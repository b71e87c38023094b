"""The table of a part's items; pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urljoin

from shoestring_builder.describe.about import about_collection
from shoestring_builder.describe.item import Document, Frame, item_document, link
from shoestring_builder.describe.item_rows import ItemTable, completed, rows_of
from shoestring_builder.layer import Statistics
from shoestring_builder.parts import PartRecord
from shoestring_builder.record import ItemRecord, LayerRecord, ThumbnailRecord
from shoestring_schema.site import SourceFile

_NO_CHECKSUM = "1220" + 64 * "0"


def imaginary_item(frame: Frame) -> ItemRecord:
    """An item with all fields that there can be."""
    statistics = Statistics(0.0, 1.0, 0.5, 0.25, 100.0)
    source = SourceFile(href="a", size=1, checksum=_NO_CHECKSUM)
    layer = LayerRecord("b", 1, _NO_CHECKSUM, 1, statistics, 50.0, "c", (source,))
    picture = ThumbnailRecord("d", 1, _NO_CHECKSUM, "e")
    layers = {band.name: layer for band in frame.survey.bands}
    return ItemRecord(date(2000, 2, 29), layers, picture)


def table_of(
    frame: Frame, record: PartRecord, documents: Sequence[Document], address: str
) -> ItemTable:
    """The items of a part as rows, with all that is to be said of them.

    Args:
        frame: The collection.
        record: The part.
        documents: Its items' documents.
        address: Public address of the collection's folder; it ends with a slash.
    """
    folder = f"{address}{record.year}/"
    rows = rows_of(documents, folder)
    (example,) = rows_of([item_document(frame, _likely(frame, imaginary_item(frame)))], folder)
    geometry_type = frame.footprint.geometry["type"]
    return ItemTable(
        rows, completed(example, rows), geometry_type, _summary(frame, record, address)
    )


def _likely(frame: Frame, item: ItemRecord) -> ItemRecord:
    """An item with those fields only that layers of its collection's layout have."""
    rare: dict[str, Any] = {"sources": ()} if frame.table.layout == "cog" else {"header_size": None}
    layers = {band: replace(layer, **rare) for band, layer in item.layers.items()}
    return replace(item, layers=layers)


def _summary(frame: Frame, record: PartRecord, address: str) -> Document:
    """The collection as far as a part of it goes: nothing of other parts, so it need not change."""
    about = about_collection(frame, (record,)).items()
    links = [
        link("root", urljoin(address, "../catalog.json")),
        link("canonical", f"{address}collection.json", title=frame.title),
    ]
    return {key: own for key, own in about if not key.startswith("shoestring:")} | {"links": links}

"""Parts of collections with their indexes, from sites that a test wrote by hand."""

import json
from pathlib import Path

import msgspec

from shoestring_builder.doors.part import DoorPart, PartIndex
from shoestring_schema.grid import Grid
from shoestring_schema.site import CollectionDocument

ADDRESS = "https://example.org/ghana/fields/2018/"


def door_part(
    home: Path, number: int = 0, period: str = "2018", address: str = ADDRESS
) -> DoorPart:
    """A part of the collection in a folder, as doors get it."""
    document = msgspec.json.decode((home / "collection.json").read_bytes(), type=CollectionDocument)
    own, grid = document.parts[number], document.grid
    assert own.index is not None
    items = json.loads((home / own.href).read_text("utf-8"))["features"]
    return DoorPart(
        collection=document.id,
        title=document.title or document.id,
        period=own.period or period,
        grid=Grid(grid.crs, grid.transform, grid.shape),
        bands=document.bands,
        items=tuple(items),
        address=address,
        mask=document.mask,
        index=PartIndex(home / own.index.href, own.index),
    )

"""The newest dates of a collection, as its documents in a site tell of them."""

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from shoestring_builder.describe.doors import address_of
from shoestring_builder.doors.newest import NEWEST, in_folder
from shoestring_builder.doors.part import DoorPart
from shoestring_builder.publish.names import collection_data, document_data
from shoestring_schema.document import decode
from shoestring_schema.grid import Grid
from shoestring_schema.site import CollectionDocument, CollectionEntry, Part


class _Items(msgspec.Struct, frozen=True):
    features: list[dict[str, Any]]


def read_newest(site: Path, entry: CollectionEntry, base_url: str | None) -> DoorPart:
    """Read what the doors of a site show of a collection.

    Args:
        site: The site's folder.
        entry: The collection, whose documents are all in place.
        base_url: The site's public address.

    Raises:
        CatalogueError: A document is damaged or missing.
    """
    data = collection_data(site, entry)
    document = decode(data, CollectionDocument, str(site / posixpath.normpath(entry.href)))
    items: list[Mapping[str, Any]] = []
    for part in reversed(document.parts):
        if len(items) >= NEWEST:
            break
        items = [*_items(site, entry.id, part), *items]
    grid = Grid(document.grid.crs, document.grid.transform, document.grid.shape)
    return DoorPart(
        collection=document.id,
        title=document.title or document.id,
        period="",
        grid=grid,
        bands=document.bands,
        items=tuple(items[-NEWEST:]),
        address=address_of(document.id, base_url),
        mask=document.mask,
    )


def _items(site: Path, collection: str, part: Part) -> list[Mapping[str, Any]]:
    name = posixpath.normpath(f"{collection}/{part.href}")
    data = document_data(site, name, part.checksum)
    year = posixpath.basename(posixpath.dirname(name))
    return [in_folder(item, year) for item in decode(data, _Items, str(site / name)).features]

"""Items as rows of a table, as stac-geoparquet wants them; pure, and without a library for it.

What a row says is an item's document with its properties beside the other fields, times as times,
the geometry as well-known binary, and absolute hrefs: a table has no place that links could be
relative to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

import shapely
from shapely.geometry import shape

from shoestring_builder.describe.item import Document

Row = dict[str, Any]

SIDES = ("xmin", "ymin", "xmax", "ymax")
"""Fields of a bounding box, in the order of STAC's list."""

TIMES = frozenset({"datetime", "start_datetime", "end_datetime"})
"""Properties that are stored as times."""

_OF_LINKS = ("rel", "href", "type")
"""Fields that all links have."""


@dataclass(frozen=True, slots=True)
class ItemTable:
    """All that a GeoParquet file of items says, however it is written.

    Attributes:
        rows: An item each, in order of time.
        example: A row with every field that there is.
        geometry_type: That of all their geometries.
        collection: What the file says of the collection, as STAC; nothing in it depends on other
            parts.
    """

    rows: tuple[Row, ...]
    example: Row
    geometry_type: str
    collection: Document


def rows_of(items: Iterable[Mapping[str, Any]], folder: str) -> tuple[Row, ...]:
    """Items as rows.

    Args:
        items: Their documents.
        folder: Address of the folder that their hrefs are relative to; it ends with a slash.
    """
    rows: list[Row] = []
    outline, binary = None, b""
    for item in items:
        if item["geometry"] != outline:  # mostly all have that of their collection
            outline = item["geometry"]
            binary = shapely.to_wkb(shape(outline), flavor="iso", byte_order=1)
        rows.append(_row(item, binary, folder))
    return tuple(rows)


def completed(example: Row, rows: Iterable[Row]) -> Row:
    """An example with the fields that it lacks and one of the rows has.

    It should lack none, so that the files of all parts have the same columns, whatever their items
    lack; but what an item says must not be lost in any case.
    """
    whole = dict(example)
    for row in rows:
        for key, value in row.items():
            if key not in whole:
                whole[key] = value
            elif isinstance(value, dict) and isinstance(whole[key], dict):
                whole[key] = completed(whole[key], (value,))
    return whole


def _row(item: Mapping[str, Any], geometry: bytes, folder: str) -> Row:
    row = {key: value for key, value in item.items() if key != "properties"}
    row["geometry"] = geometry
    row["bbox"] = dict(zip(SIDES, item["bbox"], strict=True))
    row["links"] = [_link(link, folder) for link in item["links"]]
    row["assets"] = {key: _asset(asset, folder) for key, asset in item["assets"].items()}
    for key, value in item["properties"].items():
        row[key] = datetime.fromisoformat(value) if key in TIMES else value
    return row


def _link(link: Mapping[str, Any], folder: str) -> Row:
    """A link with what all have, so without titles and sizes: STAC knows no null."""
    return _absolute({key: link[key] for key in _OF_LINKS if key in link}, folder)


def _asset(asset: Mapping[str, Any], folder: str) -> Row:
    row = _absolute(asset, folder)
    if "shoestring:sources" in asset:
        sources = asset["shoestring:sources"]
        row["shoestring:sources"] = [_absolute(source, folder) for source in sources]
    return row


def _absolute(document: Mapping[str, Any], folder: str) -> Row:
    return {**document, "href": _joined(folder, document["href"])}


def _joined(folder: str, href: str) -> str:
    """What `urljoin` says, which takes its time: layers lie in the folder, links are few."""
    if "/" in href or ":" in href or href in (".", ".."):
        return _known(folder, href)
    return folder + href


@lru_cache(maxsize=64)
def _known(folder: str, href: str) -> str:
    return urljoin(folder, href)

"""Tile indexes for sites that a test wrote by hand, from files of any kind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from shoestring_builder.index.assemble import FileEntry, LayerEntry, write_index
from shoestring_builder.index.clear import (
    Geometry,
    MaskLayer,
    clear_shares,
    geometry_of,
    level_sizes,
)
from shoestring_builder.index.index_file import Bytes, Slots
from shoestring_builder.index.layer_files import read_layer
from shoestring_schema.moment import parse_moment
from shoestring_schema.site import CollectionDocument, IndexDocument
from shoestring_schema.tile_index import RECORD, Records
from support.site import SiteFolder

NAME = "index-0123456789abcdef.bin"

Change = Callable[[Records], None]
"""Changes the records of a layer's blocks before they are written: a lie."""


def add_index(site: SiteFolder, change: Change | None = None) -> IndexDocument:
    """Index the layers of a site that was written, beside its items."""
    home = site.folder / site.name
    collection = msgspec.json.decode(
        (home / "collection.json").read_bytes(), type=CollectionDocument
    )
    layers = [
        _layer(collection, home / asset["href"], date, band, change)
        for date, assets in sorted(site.items.items())
        for band, asset in assets.items()
    ]
    document = write_index(layers, home / NAME)
    document = msgspec.structs.replace(document, href=f"./{NAME}")
    raw = json.loads((home / "collection.json").read_text("utf-8"))
    raw["shoestring:parts"][0]["index"] = msgspec.to_builtins(document)
    (home / "collection.json").write_text(json.dumps(raw), "utf-8")
    return document


def edit_index(site: SiteFolder, **changes: Any) -> None:  # noqa: ANN401
    """Change what the collection says of its index."""
    path = site.folder / site.name / "collection.json"
    raw = json.loads(path.read_text("utf-8"))
    raw["shoestring:parts"][0]["index"] |= changes
    path.write_text(json.dumps(raw), "utf-8")


def _layer(
    collection: CollectionDocument, path: Path, date: str, band: str, change: Change | None
) -> LayerEntry:
    own = next(document for document in collection.bands if document.name == band)
    nodata = None if own.nodata is None else float(own.nodata)
    found, records = read_layer(path, nodata)
    records = records.copy()
    if change is not None:
        change(records)
    entries, start = [], 0
    for file in found.files:
        geometry = geometry_of(own.factor, file.place, file.stored.levels)
        entries.append(
            FileEntry(f"./{file.href}", file.stored.size, file.stored.header_size, file.stored.formats,
                      geometry, _slots(records.view(np.uint8)[start:], geometry, RECORD.itemsize),
                      _clear(collection, path.parent, date, band, geometry))
        )  # fmt: skip
        start += RECORD.itemsize * sum(level_sizes(geometry))
    return LayerEntry(band, parse_moment(date), tuple(entries), found.pieces)


def _clear(
    collection: CollectionDocument, home: Path, date: str, name: str, geometry: Geometry
) -> Slots | int:
    rule = collection.mask
    if rule is None:
        return 255
    path = home / f"{date.replace(':', '')}_{rule.band}.tif"
    if not path.exists():
        return 0
    band = next(document for document in collection.bands if document.name == rule.band)
    nodata = None if band.nodata is None else float(band.nodata)
    mask = MaskLayer(path, rule, nodata, band.factor, collection.grid.shape)
    own = geometry if name == rule.band and geometry.place == (0, 0) else None
    *_, shares = clear_shares(mask, [geometry], own)
    return _slots(shares, geometry, 1)


def _slots(data: Bytes, geometry: Geometry, width: int) -> Slots:
    ends = np.cumsum([0, *(width * blocks for blocks in level_sizes(geometry))])
    return Slots(data, tuple(map(int, ends[:-1])), width, 0, width)

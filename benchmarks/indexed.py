"""The tile index of a benchmark's site, by the builder's own functions; twins are read once."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from shoestring_builder.index.assemble import FileEntry, LayerEntry, write_index
from shoestring_builder.index.clear import geometry_of, level_sizes
from shoestring_builder.index.index_file import Slots
from shoestring_builder.index.layer_files import LayerFiles, read_layer
from shoestring_schema.moment import parse_moment
from shoestring_schema.tile_index import RECORD, Records

ALL_CLEAR = 255
"""The collections of benchmarks have no mask."""


def write_part_index(folder: Path, items: list[dict[str, Any]], band: str) -> dict[str, Any]:
    """Index the layers of one band of a part.

    Args:
        folder: The part's folder, in the collection's, with all files.
        items: Its items.
        band: Key of the layers' assets; without nodata but 0.

    Returns:
        What the collection says of the index.
    """
    known: dict[int, tuple[LayerFiles, Records]] = {}
    layers = []
    for item in items:
        path = folder / item["assets"][band]["href"]
        twin = path.stat().st_ino
        if twin not in known:
            known[twin] = read_layer(path, 0.0)
        layers.append(_entry(path.name, item["properties"]["shoestring:date"], band, *known[twin]))
    name = "index-bench.bin"
    document = msgspec.to_builtins(write_index(layers, folder / name))
    return {**document, "href": f"./{folder.name}/{name}"}


def _entry(name: str, day: str, band: str, found: LayerFiles, records: Records) -> LayerEntry:
    (file,) = found.files
    geometry = geometry_of(1, file.place, file.stored.levels)
    ends = np.cumsum([0, *(RECORD.itemsize * blocks for blocks in level_sizes(geometry))])
    slots = Slots(
        records.view(np.uint8), tuple(map(int, ends[:-1])), RECORD.itemsize, 0, RECORD.itemsize
    )
    stored = file.stored
    own = FileEntry(
        f"./{name}", stored.size, stored.header_size, stored.formats, geometry, slots, ALL_CLEAR
    )
    return LayerEntry(band, parse_moment(day), (own,), found.pieces)

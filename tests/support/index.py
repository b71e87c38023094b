"""Tile indexes of a site: read by the contract's words, and computed anew from the files.

What is expected is found with GDAL and by counting, not by the builder's own functions.
"""

import itertools
import zlib
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import numpy as np
import rasterio
from numpy.typing import NDArray

from shoestring_schema.site import CollectionDocument, IndexDocument, PartDocument
from shoestring_schema.tile_index import (
    BlockFormat,
    Head,
    IndexedFile,
    Layout,
    Piece,
    RunKey,
    blocks_of,
    offsets_of,
    unpack_head,
    unseal,
)
from shoestring_schema.vrt import parse_vrt
from support.wrap import decode

Array = NDArray[Any]
Record = tuple[int, int, int, int, int]
"""Offset, size, checksum, valid share, clear share."""


@dataclass(frozen=True)
class TileIndex:
    """An index that was read.

    Attributes:
        folder: Of its year.
        collection: What names it.
        document: What the collection says of it.
        head: Its head.
        data: Its bytes.
    """

    folder: Path
    collection: CollectionDocument
    document: IndexDocument
    head: Head
    data: bytes

    def record(self, band: str, piece: Piece, level: int, row: int, column: int) -> Record:
        """What is told of a block."""
        stack = self.document.stacks[piece.stack]
        key = RunKey(piece.stack, level, row, column, sorted(stack.files).index(band))
        start, end = Layout(self.document).run(key)
        own = unseal(key, self.data[start:end], "index")[piece.file : piece.file + 1]
        (record,) = zip(offsets_of(own).tolist(), own["size"].tolist(), own["crc"].tolist(),
                        own["valid"].tolist(), own["clear"].tolist(), strict=True)  # fmt: skip
        return record

    def file(self, band: str, piece: Piece) -> IndexedFile:
        """The file of a piece."""
        return self.head.files[piece.stack][band][piece.file]

    def pixels(self, band: str, piece: Piece, level: int = 0) -> Array:
        """All pixels of a file's level, from nothing but its blocks' bytes."""
        file, stack = self.file(band, piece), self.document.stacks[piece.stack]
        document = stack.levels[level]
        rows, columns = blocks_of(document)
        records = [
            self.record(band, piece, level, row, column)
            for row, column in itertools.product(range(rows), range(columns))
        ]
        data = (self.folder / unquote(file.href)).read_bytes()
        blocks = [data[offset : offset + size] for offset, size, *_ in records]
        how: BlockFormat = self.head.formats[file.formats[level]]
        pixels = decode(how, blocks, (rows, columns), document.block)
        return pixels[: document.shape[0], : document.shape[1]]


def read_collection(site: Path, name: str = "s2") -> CollectionDocument:
    """A collection's document."""
    return msgspec.json.decode(
        (site / name / "collection.json").read_bytes(), type=CollectionDocument
    )


def read_index(site: Path, name: str = "s2", part: int = -1) -> TileIndex:
    """The index of one of a collection's parts."""
    collection = read_collection(site, name)
    document = collection.parts[part].index
    assert document is not None
    path = site / name / document.href
    data = path.read_bytes()
    head = unpack_head(data[: document.head_size], "index")
    assert (len(data), Layout(document).size) == (document.size, document.size)
    return TileIndex(path.parent, collection, document, head, data)


def require_right(site: Path, name: str = "s2") -> None:
    """Every index of a collection says of every layer what its files say."""
    collection = read_collection(site, name)
    for number, part in enumerate(collection.parts):
        index = read_index(site, name, number)
        items = msgspec.json.decode((site / name / part.href).read_bytes(), type=PartDocument)
        layers = {
            (band, item.properties.date)
            for item in items.features
            for band, asset in item.assets.items()
            if "data" in asset.roles
        }
        assert {(band, date) for band, own in index.head.layers.items() for date in own} == layers
        clear = {date: _clear(index, items, date) for _, date in layers}
        hrefs = {(band, item.properties.date): item.assets[band].href
                 for item in items.features for band in index.head.layers if band in item.assets}  # fmt: skip
        for band, date in layers:
            _require_layer(index, band, date, hrefs[band, date], clear[date])


def layer_pixels(index: TileIndex, band: str, date: str) -> Array:
    """A layer, put together from nothing but blocks."""
    own = next(document for document in index.collection.bands if document.name == band)
    shape = tuple(-(size // -own.factor) for size in index.collection.grid.shape)
    pixels = np.full(shape, 0 if own.nodata is None else float(own.nodata)).astype(own.data_type)
    for piece in index.head.layers[band][date]:
        found = index.pixels(band, piece)
        if piece.source is None or piece.target is None:
            return found
        row, column, height, width = piece.source
        found = found[row : row + height, column : column + width]
        row, column, height, width = piece.target
        target = pixels[row : row + height, column : column + width]
        keep = np.ones(found.shape, bool) if piece.nodata is None else found != float(piece.nodata)
        target[keep] = found[keep]
    return pixels


def _clear(index: TileIndex, items: PartDocument, date: str) -> Array | int:
    """Which pixels of the grid are clear, or what holds for all blocks."""
    rule = index.collection.mask
    if rule is None:
        return 255
    (item,) = (item for item in items.features if item.properties.date == date)
    if rule.band not in item.assets:
        return 0
    band = next(band for band in index.collection.bands if band.name == rule.band)
    with rasterio.open(index.folder / item.assets[rule.band].href) as dataset:
        clear = _is_clear(index, dataset.read(1))
    rows, columns = index.collection.grid.shape
    return clear.repeat(band.factor, 0).repeat(band.factor, 1)[:rows, :columns]


def _is_clear(index: TileIndex, pixels: Array) -> Array:
    """Which of the mask's stored pixels are clear."""
    rule = index.collection.mask
    assert rule is not None
    band = next(band for band in index.collection.bands if band.name == rule.band)
    clear = pixels < rule.clear_below if rule.clear is None else np.isin(pixels, rule.clear)
    return clear & (True if band.nodata is None else pixels != band.nodata)


def _require_layer(index: TileIndex, band: str, date: str, href: str, clear: Array | int) -> None:
    path = index.folder / href
    own = next(document for document in index.collection.bands if document.name == band)
    nodata = None if own.nodata is None else float(own.nodata)
    pieces = index.head.layers[band][date]
    sources = parse_vrt(path.read_bytes(), href).sources if href.endswith(".vrt") else (None,)
    assert len(pieces) == len(sources)
    for piece, source in zip(pieces, sources, strict=True):
        name, number, place = href, 1, (0, 0)
        if source is not None:
            name, number = source.href, source.band
            place = (
                source.target.row - source.source.row,
                source.target.column - source.source.column,
            )
            assert piece.source == _box(source.source)
            assert piece.target == _box(source.target)
        file = index.file(band, piece)
        assert (unquote(file.href), index.document.stacks[piece.stack].place) == (name, place)
        _require_file(index, band, piece, index.folder / name, number, nodata, own.factor, clear)


def _box(window: Any) -> tuple[int, int, int, int]:  # noqa: ANN401
    return window.row, window.column, window.height, window.width


def _require_file(
    index: TileIndex, band: str, piece: Piece, path: Path, number: int, nodata: float | None,
    factor: int, clear: Array | int,
) -> None:  # fmt: skip
    stack, data = index.document.stacks[piece.stack], path.read_bytes()
    rule = index.collection.mask
    own_mask = rule is not None and rule.band == band and piece.source is None
    assert index.file(band, piece).size == len(data)
    for level, document in enumerate(stack.levels):
        options = {"overview_level": level - 1} if level else {}
        with rasterio.open(path) as whole, rasterio.open(path, **options) as dataset:
            pixels = dataset.read(number)
            assert (pixels.shape, dataset.block_shapes[0]) == (document.shape, document.block)
            assert np.array_equal(index.pixels(band, piece, level), pixels, equal_nan=True)
            rows, columns = blocks_of(document)
            for row, column in itertools.product(range(rows), range(columns)):
                offset, size = (
                    int(whole.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", number,
                                           level - 1 if level else None) or 0)
                    for what in ("OFFSET", "SIZE")
                )  # fmt: skip
                window = _window(document, row, column)
                expected = (
                    offset, size, zlib.crc32(data[offset : offset + size]),
                    _share(_valid(pixels[window], nodata)),
                    clear if isinstance(clear, int)
                    else _share(_is_clear(index, pixels[window])) if level and own_mask
                    else _share(clear[_footprint(window, document.shape, stack, factor)]),
                )  # fmt: skip
                assert index.record(band, piece, level, row, column) == expected


def _window(level: Any, row: int, column: int) -> tuple[slice, slice]:  # noqa: ANN401
    spans = []
    for place, block, size in zip((row, column), level.block, level.shape, strict=True):
        spans.append(slice(place * block, min((place + 1) * block, size)))
    return spans[0], spans[1]


def _footprint(
    window: tuple[slice, slice],
    shape: tuple[int, int],
    stack: Any,  # noqa: ANN401
    factor: int,
) -> tuple[slice, ...]:
    spans = []
    for span, size, whole, place in zip(
        window, shape, stack.levels[0].shape, stack.place, strict=True
    ):
        first = floor(span.start * whole / size + 1e-9) + place
        last = ceil(span.stop * whole / size - 1e-9) + place
        spans.append(slice(max(first * factor, 0), max(last * factor, 0)))
    return tuple(spans)


def _valid(pixels: Array, nodata: float | None) -> Array:
    valid: Array = ~np.isnan(pixels) & (True if nodata is None else pixels != nodata)
    return valid


def _share(flags: Array) -> int:
    if not flags.any():
        return 0
    return 255 if flags.all() else int(np.rint(255 * flags.mean()).clip(1, 254))

"""Decoding blocks that were fetched as bytes: GDAL reads them from a TIFF made around them.

A rectangle of a TIFF's blocks, with the tags that tell how they are stored, is
itself a TIFF. It is put together in memory, so that GDAL decodes with every
codec that it knows, and the pixels are those that it reads from the whole file.

Format: TIFF 6.0, https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
"""

import struct
from collections.abc import Mapping

import numpy as np
import rasterio
import rasterio.windows
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from shoestring.blocks import Blocks
from shoestring.reader import Pixels
from shoestring_schema.errors import CatalogueError
from shoestring_schema.grid import Window
from shoestring_schema.tile_index import BlockFormat

MAX_BLOCK_BYTES = 256 * 2**20
"""No block of a layer is larger: GDAL allocates a block before it decodes it."""

KEPT = frozenset(
    {258, 259, 262, 266, 277, 284, 317, 322, 323, 338, 339, 347, 530, 532, 50674, 42113}
)
"""Tags that tell how pixels are stored; no other is taken from a catalogue."""

_WIDTH, _LENGTH, _OFFSETS, _COUNTS = 256, 257, 324, 325
_PIXEL_SCALE, _TIEPOINT = 33550, 33922
_LONG, _DOUBLE = 4, 12
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_MAX_SIZE = 2**32 - 1

_GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_NUM_THREADS": 1,
}


def decode(blocks: Blocks, data: Mapping[int, bytes | memoryview], part: Window) -> Pixels:
    """The pixels of blocks.

    Args:
        blocks: Which blocks, and how they are stored.
        data: Number (row-major) to bytes; blocks that are left out read as nodata, or 0.
        part: Which of the file's pixels, all of them in these blocks.

    Returns:
        Array of the shape of `part`, in the file's data type.

    Raises:
        CatalogueError: The bytes are not blocks of the format that the index says.
    """
    where = blocks.location.address
    tiff = wrap(
        blocks.format, blocks.pixels, data, blocks.window.height * blocks.window.width, where
    )
    try:
        with (
            rasterio.Env(**_GDAL),
            MemoryFile(tiff) as memory,
            memory.open(driver="GTiff") as dataset,
        ):
            _check(dataset, blocks)
            inner = part.shift(-blocks.pixels.row, -blocks.pixels.column)
            pixels: Pixels = dataset.read(
                blocks.format.sample,
                window=rasterio.windows.Window(inner.column, inner.row, inner.width, inner.height),
            )
    except RasterioError as error:
        raise CatalogueError(
            f"{where} holds blocks that can't be decoded ({error.__cause__ or error}): the site must be built anew."
        ) from None
    return pixels


def wrap(
    format: BlockFormat,
    pixels: Window,
    data: Mapping[int, bytes | memoryview],
    count: int,
    where: str,
) -> bytes:
    """Put blocks together as a TIFF.

    Args:
        format: How they are stored.
        pixels: The rectangle that they cover.
        data: Number (row-major) to bytes.
        count: How many blocks there are, with those that are left out.
        where: URL or path of the file, for messages.

    Raises:
        CatalogueError: The format's tags can't be those of a TIFF.
    """
    order = ">" if format.big_endian else "<"
    tags = _checked(format, where)
    empty = bytes(4 * count)
    tags |= {
        _WIDTH: (_LONG, 1, struct.pack(order + "I", pixels.width)),
        _LENGTH: (_LONG, 1, struct.pack(order + "I", pixels.height)),
        _OFFSETS: (_LONG, count, empty),
        _COUNTS: (_LONG, count, empty),
        _PIXEL_SCALE: (_DOUBLE, 3, struct.pack(order + "3d", 1, 1, 0)),  # rasterio warns of files
        _TIEPOINT: (_DOUBLE, 6, struct.pack(order + "6d", *[0] * 6)),  # that lie nowhere
    }
    first = len(_directory(tags, order))
    if first + sum(map(len, data.values())) > _MAX_SIZE:
        raise CatalogueError(
            f"{where}: these are more than 4 GB of blocks at once; ask for a smaller ROI."
        )
    offsets, counts = np.zeros((2, count), order + "u4")
    for number, block in data.items():
        offsets[number], counts[number] = first, len(block)
        first += len(block)
    tags[_OFFSETS] = (_LONG, count, offsets.tobytes())
    tags[_COUNTS] = (_LONG, count, counts.tobytes())
    return b"".join([_directory(tags, order), *data.values()])


def _directory(tags: Mapping[int, tuple[int, int, bytes]], order: str) -> bytes:
    """The TIFF's head: its first 8 bytes, its directory, and values that do not fit there."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    parts = [mark, struct.pack(order + "IH", 8, len(tags))]
    place, values = 8 + 2 + 12 * len(tags) + 4, []
    for code in sorted(tags):
        kind, count, value = tags[code]
        parts.append(struct.pack(order + "HHI", code, kind, count))
        if len(value) <= 4:
            parts.append(value.ljust(4, b"\0"))
        else:
            parts.append(struct.pack(order + "I", place))
            values.append(value + bytes(len(value) % 2))
            place += len(values[-1])
    return b"".join([*parts, bytes(4), *values])


def _checked(format: BlockFormat, where: str) -> dict[int, tuple[int, int, bytes]]:
    for tag in format.tags:
        if tag.code not in KEPT or _TYPE_SIZES.get(tag.type, 0) * tag.count != len(tag.value):
            raise CatalogueError(
                f"{where} is said to have a TIFF tag {tag.code} that it can't have: the site must be built anew."
            )
    return {tag.code: (tag.type, tag.count, tag.value) for tag in format.tags}


def _check(dataset: rasterio.DatasetReader, blocks: Blocks) -> None:
    """What GDAL will allocate is what the index says."""
    rows, columns = dataset.block_shapes[0]
    size = rows * columns * dataset.count * np.dtype(dataset.dtypes[0]).itemsize
    if (
        (rows, columns) != blocks.block
        or size > MAX_BLOCK_BYTES
        or blocks.format.sample > dataset.count
    ):
        raise CatalogueError(
            f"{blocks.location.address} is said to have blocks of {blocks.block[0]} x {blocks.block[1]} pixels, and "
            f"has others, of {rows} x {columns}: the site must be built anew."
        )

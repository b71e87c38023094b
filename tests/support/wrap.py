"""A TIFF made around single blocks, as a reader of the tile index makes one."""

import struct
import warnings
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from shoestring_schema.tile_index import BlockFormat, Tag


def decode(
    how: BlockFormat, blocks: Sequence[bytes], shape: tuple[int, int], block: tuple[int, int]
) -> NDArray[Any]:
    """Pixels of a rectangle of blocks.

    Args:
        how: How they are stored.
        blocks: Their bytes in row-major order; none where a block is not in its file.
        shape: Rows and columns of blocks.
        block: Rows and columns of a block's pixels.
    """
    with warnings.catch_warnings(), MemoryFile(wrap(how, blocks, shape, block)) as memory:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # blocks are not on a map
        with memory.open(driver="GTiff") as file:
            pixels: NDArray[Any] = file.read(how.sample)
            return pixels


def wrap(
    how: BlockFormat, blocks: Sequence[bytes], shape: tuple[int, int], block: tuple[int, int]
) -> bytes:
    """A classic TIFF of one image that holds these blocks."""
    order = ">" if how.big_endian else "<"
    tags = [(tag.code, tag.type, tag.count, tag.value) for tag in how.tags]
    for code, size in ((256, shape[1] * block[1]), (257, shape[0] * block[0])):
        tags.append((code, 4, 1, struct.pack(order + "I", size)))
    longs = f"{order}{len(blocks)}I"
    tags.append((325, 4, len(blocks), struct.pack(longs, *map(len, blocks))))
    # Once to know how long the header is, once with the places that follow from it.
    at = len(_header(order, [*tags, (324, 4, len(blocks), bytes(4 * len(blocks)))]))
    places = []
    for data in blocks:
        places.append(at if data else 0)
        at += len(data)
    return b"".join([
        _header(order, [*tags, (324, 4, len(blocks), struct.pack(longs, *places))]), *blocks,
    ])  # fmt: skip


def tag_of(how: BlockFormat, code: int) -> Tag | None:
    """One of the tags."""
    return next((tag for tag in how.tags if tag.code == code), None)


def _header(order: str, tags: list[tuple[int, int, int, bytes]]) -> bytes:
    entries, values = b"", b""
    start = 8 + 2 + 12 * len(tags) + 4
    for code, kind, count, value in sorted(tags):
        if len(value) > 4:
            place = struct.pack(order + "I", start + len(values))
            values += value + bytes(len(value) % 2)
        else:
            place = value.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", code, kind, count) + place
    first = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return first + struct.pack(order + "H", len(tags)) + entries + bytes(4) + values

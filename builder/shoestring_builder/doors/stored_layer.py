"""Where the blocks of a layer lie, as the tile index of its part tells; no layer is opened."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoestring_builder.index.index_file import IndexFile, Slots
from shoestring_schema.tile_index import RECORD, BlockFormat, Records, blocks_of, offsets_of

Integers = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class StoredLayer:
    """A layer that is a file of its own, at full resolution.

    Attributes:
        href: The file, relative to the index.
        shape: Rows and columns of its pixels.
        block: Rows and columns of a block's pixels.
        format: How its blocks are decoded.
        offsets: Where each block lies: (row, column).
        sizes: Bytes of each block, 0 where it is not in the file: (row, column).
    """

    href: str
    shape: tuple[int, int]
    block: tuple[int, int]
    format: BlockFormat
    offsets: Integers
    sizes: Integers


def stored_layer(index: IndexFile, band: str, date: str) -> StoredLayer | None:
    """What an index tells of a layer.

    Args:
        index: The index of its part.
        band: Its band.
        date: Its moment, as in the head of the index.

    Returns:
        None where the layer is put together from several files, or can only be read by opening it.
    """
    pieces = index.head.layers.get(band, {}).get(date, ())
    if [piece.source for piece in pieces] != [None]:
        return None
    (piece,) = pieces
    file = index.head.files[piece.stack][band][piece.file]
    level = index.document.stacks[piece.stack].levels[0]
    rows, columns = blocks_of(level)
    records = _records(index.slots(piece.stack, band, piece.file), rows, columns)
    return StoredLayer(
        href=file.href,
        shape=level.shape,
        block=level.block,
        format=index.head.formats[file.formats[0]],
        offsets=offsets_of(records),
        sizes=records["size"].astype(np.uint64),
    )


def _records(slots: Slots, rows: int, columns: int) -> Records:
    """The records of the blocks of full resolution: (row, column)."""
    own = np.stack([slots.row(0, row, columns) for row in range(rows)])
    records: Records = own.view(RECORD)[..., 0]
    return records

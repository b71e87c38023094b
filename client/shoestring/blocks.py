"""The blocks of files under a window, as a tile index tells them. Pure values."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shoestring.location import Location
from shoestring.mask import Flags
from shoestring.sampling import Picked
from shoestring.spans import Span
from shoestring_schema.grid import Window
from shoestring_schema.tile_index import BlockFormat

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The blocks of a file that a window touches; arrays have the shape of `window`.

    Attributes:
        location: The file.
        file_size: Its bytes.
        format: How its blocks are stored.
        block: Rows and columns of a block's pixels.
        window: Which rows and columns of blocks.
        offsets: First byte of each block, uint64.
        sizes: Its bytes, uint32; 0 where it is not in the file and all nodata.
        sums: CRC-32 of these bytes, uint32.
        valid: How much of it holds data, uint8: 0 nothing, 255 all.
        clear: How much of it is clear, likewise.
        wanted: Which blocks are to be fetched.
    """

    location: Location
    file_size: int
    format: BlockFormat
    block: tuple[int, int]
    window: Window
    offsets: npt.NDArray[np.uint64]
    sizes: npt.NDArray[np.uint32]
    sums: npt.NDArray[np.uint32]
    valid: Bytes
    clear: Bytes
    wanted: Flags

    @property
    def pixels(self) -> Window:
        """The pixels of all these blocks, those beyond the raster's edges too."""
        rows, columns = self.block
        own = self.window
        return Window(own.row * rows, own.column * columns, own.height * rows, own.width * columns)

    @property
    def fetched_bytes(self) -> int:
        """Bytes of the blocks that are to be fetched."""
        return int(self.sizes[self.wanted].sum(dtype=np.int64))

    def spans(self) -> Iterator[tuple[int, Span]]:
        """Number, in row-major order, and place in the file of each block that is wanted."""
        numbers = np.flatnonzero(self.wanted).tolist()
        starts, sizes = self.offsets[self.wanted].tolist(), self.sizes[self.wanted].tolist()
        for number, start, size in zip(numbers, starts, sizes, strict=True):
            yield number, Span(start, start + size)

    def spread(self, flags: Flags, part: Window) -> Flags:
        """A flag for each block as one for each pixel of a part of the file."""
        rows = np.arange(part.row, part.row + part.height) // self.block[0]
        columns = np.arange(part.column, part.column + part.width) // self.block[1]
        wide = flags.take(columns - self.window.column, 1)
        return wide.take(rows - self.window.row, 0)

    def rows(self, first: int, last: int) -> "Blocks":
        """Some of the rows of blocks.

        Args:
            first: Number of the first one, from 0 for the window's first.
            last: Number of the first one behind.
        """
        own = self.window
        return replace(
            self,
            window=Window(own.row + first, own.column, last - first, own.width),
            offsets=self.offsets[first:last],
            sizes=self.sizes[first:last],
            sums=self.sums[first:last],
            valid=self.valid[first:last],
            clear=self.clear[first:last],
            wanted=self.wanted[first:last],
        )

    def only(self, wanted: Flags) -> "Blocks":
        """The same, with fewer blocks to fetch."""
        return replace(self, wanted=self.wanted & wanted)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A file's share of a window of a layer.

    Attributes:
        blocks: The file's blocks under it, of one level.
        picked: Which of their pixels stand for which of the result's.
        nodata: Pixels of this value leave what lies below as it is; None: all count.
    """

    blocks: Blocks
    picked: Picked
    nodata: float | None = None

    def strips(self, most: int) -> "list[Piece]":
        """The same in several pieces, each of some rows of blocks.

        Args:
            most: Bytes to fetch for one of them, unless a row of blocks is more.
        """
        sizes = np.where(self.blocks.wanted, self.blocks.sizes, 0).sum(1, dtype=np.int64)
        if sizes.sum() <= most:
            return [self]
        found, first, size = [], 0, 0
        for row, own in enumerate(sizes.tolist()):
            if row > first and size + own > most:
                found.append(self._rows(first, row))
                first, size = row, 0
            size += own
        found.append(self._rows(first, len(sizes)))
        return [strip for strip in found if len(strip.picked.rows)]

    def _rows(self, first: int, last: int) -> "Piece":
        top, height = self.blocks.window.row, self.blocks.block[0]
        low, high = np.searchsorted(
            self.picked.rows, [(top + first) * height, (top + last) * height]
        )
        return replace(
            self, blocks=self.blocks.rows(first, last), picked=self.picked.part(int(low), int(high))
        )

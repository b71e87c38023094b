"""The tile index: where every block of every layer lies, what it holds, how clear it is.

With it a reader fetches a window's blocks without opening a file first, and
leaves out those that hold no data or no clear pixel. One immutable file a part
(`Part.index`), made so that what a window needs of it for all dates is one
short range a row of blocks, at a place that follows from `collection.json`
alone::

    file    head, then one array a stack
    head    zlib stream of JSON: `Head`
    stack   levels (full resolution first) > rows of blocks > columns of blocks >
            bands (in the order of their names): runs
    run     one record a file of that band, then 4 bytes: the run's seal
    record  16 bytes:  0  48 bits  offset of the block in the file
                       6   8 bits  how much of it holds data: 0 nothing, 255 all
                       7   8 bits  how much of it is clear:   0 nothing, 255 all
                       8  32 bits  bytes of the block; 0: it is not in the file (offset 0), and
                                   its pixels are the file's nodata value, 0 where that has none
                      12  32 bits  CRC-32 of these bytes

All numbers are unsigned and little-endian. A *stack* is made of files that are
alike: same shape, same blocks on every level, same place on the grid; files of
several bands may share one. A *block* is a tile of a TIFF. A *seal* is the
CRC-32 of five 32-bit numbers (stack, level, row, column, number of the band in
that order, all from 0) and the run's records, so a run that was damaged, or that is another
one, is noticed; the record's own CRC-32 does the same for the block.

A block is clear by the mask of its date (`MaskDocument`), counted on the
collection's grid: 0 where the date has no mask layer, 255 where the collection
has no mask. But the overviews of a mask layer that is one file tell of their own
pixels, so that who masks by an overview knows what it says. Between 0 and 255
both shares are rounded, never to 0 or 255.
"""

import struct
import zlib
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import Count, IndexDocument, LevelDocument, StackDocument

RECORD = np.dtype(
    [("offset_low", "<u4"), ("offset_high", "<u2"), ("valid", "u1"), ("clear", "u1"),
     ("size", "<u4"), ("crc", "<u4")]
)  # fmt: skip
"""A record as NumPy reads it."""

SEAL = 4
"""Bytes of a run's seal."""

MAX_HEAD = 64 * 2**20
"""Bytes. No head is larger, unpacked."""

Records = npt.NDArray[np.void]


class Tag(msgspec.Struct, frozen=True, array_like=True):
    """A tag of a TIFF, as it stands in the file.

    Attributes:
        code: Its number.
        type: The TIFF's number of its type.
        count: How many values.
        value: Their bytes, in the file's byte order (base64 in JSON).
    """

    code: Annotated[int, Meta(ge=254, le=65535)]
    type: Annotated[int, Meta(ge=1, le=18)]
    count: Count
    value: bytes


class BlockFormat(msgspec.Struct, frozen=True):
    """What is needed beside its bytes to decode a block: put these tags around it.

    Attributes:
        tags: The file's tags that tell how pixels are stored: type, codec, predictor,
            shape of a block.
        big_endian: The file's byte order.
        sample: Which of the samples of a pixel is meant, from 1, where a block holds several.
    """

    tags: tuple[Tag, ...]
    big_endian: bool = False
    sample: Annotated[int, Meta(ge=1, le=65535)] = 1


class IndexedFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file of a stack.

    Attributes:
        href: Where it lies, relative to the index.
        size: Its bytes.
        formats: For each level, which of the head's formats its blocks have.
        header_size: Bytes before its first block, for readers that open it.
    """

    href: str
    size: Count
    formats: tuple[Count, ...]
    header_size: Count | None = None


Box = tuple[Count, Count, Count, Count]
"""Row, column, height, width in pixels."""


class Piece(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A file's share of a layer.

    Attributes:
        stack: Number of the stack, from 0.
        file: Number of the file in the band's run, from 0.
        source: Which of the file's pixels; None for all of them, from the layer's first pixel on.
        target: Where they lie in the layer.
        nodata: Pixels of this value leave what lies below as it is.
    """

    stack: Count
    file: Count
    source: Box | None = None
    target: Box | None = None
    nodata: float | str | None = None


class Head(msgspec.Struct, frozen=True):
    """What an index says of files and layers.

    Attributes:
        formats: The ways in which blocks are stored.
        files: For each stack: band to files, in the order of the records of a run.
        layers: Band to date (as in `Part.dates`) to what the layer is made of, lowest first;
            nothing where it can only be read by opening the file that its item names.
    """

    formats: tuple[BlockFormat, ...]
    files: tuple[dict[str, tuple[IndexedFile, ...]], ...]
    layers: dict[str, dict[str, tuple[Piece, ...]]]


@dataclass(frozen=True, slots=True)
class RunKey:
    """Names a run.

    Attributes:
        stack: Number of the stack.
        level: Number of the level; 0 is full resolution.
        row: Row of blocks.
        column: Column of blocks.
        band: Number of the band among the stack's, in the order of their names.
    """

    stack: int
    level: int
    row: int
    column: int
    band: int


class Layout:
    """Where the runs of an index are. Pure arithmetic.

    Args:
        index: The index as `collection.json` describes it.
    """

    def __init__(self, index: IndexDocument) -> None:
        self._runs = [_run_spans(stack) for stack in index.stacks]
        self._columns = [[blocks_of(level)[1] for level in stack.levels] for stack in index.stacks]
        sizes = [
            prod(blocks_of(level)) * self._runs[number][-1]
            for number, stack in enumerate(index.stacks)
            for level in stack.levels
        ]
        ends = iter(list(accumulate(sizes, initial=index.head_size)))
        self._levels = [[next(ends) for _ in stack.levels] for stack in index.stacks]
        self.size = next(ends)
        """Bytes of the whole index."""

    def cell(self, stack: int, level: int, row: int, column: int) -> tuple[int, int]:
        """First byte, and first byte behind, of all runs of a block."""
        size = self._runs[stack][-1]
        place = row * self._columns[stack][level] + column
        start = self._levels[stack][level] + place * size
        return start, start + size

    def run(self, key: RunKey) -> tuple[int, int]:
        """First byte, and first byte behind, of a run."""
        start, _ = self.cell(key.stack, key.level, key.row, key.column)
        spans = self._runs[key.stack]
        return start + spans[key.band], start + spans[key.band + 1]


def blocks_of(level: LevelDocument) -> tuple[int, int]:
    """Rows and columns of blocks on a level."""
    (height, width), (rows, columns) = level.shape, level.block
    return -(height // -rows), -(width // -columns)


def seal(key: RunKey, records: bytes) -> bytes:
    """The bytes that stand behind the records of a run."""
    return _crc(key, records).to_bytes(SEAL, "little")


def unseal(key: RunKey, run: bytes, where: str) -> Records:
    """The records of a run, by file.

    Args:
        key: Which run it should be.
        run: Its bytes.
        where: URL or path of the index, for the message.

    Raises:
        CatalogueError: It is not this run, or damaged.
    """
    records = run[:-SEAL]
    if len(run) < SEAL or len(records) % RECORD.itemsize or seal(key, records) != run[-SEAL:]:
        raise CatalogueError(
            f"{where} is not the index that its collection names, or damaged (block {key.row}, {key.column}): open "
            "the catalogue again, and tell its publisher if that does not help."
        )
    return np.frombuffer(records, RECORD)


def offsets_of(records: Records) -> npt.NDArray[np.uint64]:
    """Offsets of blocks from their two halves."""
    high = records["offset_high"].astype(np.uint64)
    offsets: npt.NDArray[np.uint64] = records["offset_low"] | high << np.uint64(32)
    return offsets


def make_records(
    offsets: npt.NDArray[np.uint64],
    sizes: npt.NDArray[np.uint32],
    sums: npt.NDArray[np.uint32],
    valid: npt.NDArray[np.uint8],
) -> Records:
    """Records of blocks, of which none is clear yet. All arrays have one shape."""
    records = np.zeros(offsets.shape, RECORD)
    records["offset_low"], records["offset_high"] = offsets & np.uint64(0xFFFFFFFF), offsets >> 32
    records["size"], records["crc"], records["valid"] = sizes, sums, valid
    return records


def shares(parts: npt.NDArray[np.int64], wholes: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Shares as bytes: 0 only for nothing, 255 only for all; 0 of 0 is nothing."""
    rounded = np.rint(255 * parts / np.maximum(wholes, 1)).clip(1, 254)
    whole = np.where((parts == wholes) & (wholes > 0), 255, rounded)
    return np.where(parts == 0, 0, whole).astype(np.uint8)


def pack_head(head: Head) -> bytes:
    """The first bytes of an index."""
    return zlib.compress(msgspec.json.encode(head), 9)


def unpack_head(data: bytes, where: str) -> Head:
    """Read the head of an index.

    Raises:
        CatalogueError: It is damaged, too large, or not what the contract says.
    """
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, MAX_HEAD)
    except zlib.error as error:
        raise CatalogueError(f"{where} is no tile index, or damaged ({error}).") from None
    if not stream.eof or stream.unused_data:
        raise CatalogueError(f"{where} is no tile index, or damaged: its head does not end.")
    return decode(text, Head, where)


def _run_spans(stack: StackDocument) -> list[int]:
    """Where each band's run begins within a cell, and the cell's size."""
    counts = (stack.files[band] for band in sorted(stack.files))
    return list(accumulate((RECORD.itemsize * count + SEAL for count in counts), initial=0))


def _crc(key: RunKey, records: bytes) -> int:
    place = struct.pack("<5I", key.stack, key.level, key.row, key.column, key.band)
    return zlib.crc32(records, zlib.crc32(place))

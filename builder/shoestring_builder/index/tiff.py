"""The header of a TIFF: how its pixels are stored, and where every block of them lies.

TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf) and BigTIFF, in
either byte order. A file may be a stranger's: whatever it claims is held against its size
before it is read.
"""

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from shoestring_schema.errors import SourceError
from shoestring_schema.site import LevelDocument
from shoestring_schema.tile_index import BlockFormat, Tag, blocks_of

Integers = NDArray[np.uint64]

MAX_BLOCKS = 2**24
"""Blocks of a level, all of its planes together."""

MAX_BLOCK = 2**28
"""Bytes of a block, unpacked: each is read as one."""

_MAX_LEVELS, _MAX_HEADERS, _MAX_TAGS, _MAX_TAG = 32, 1024, 4096, 2**20
_SHORT, _LONG = 3, 4
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
          16: 8, 17: 8, 18: 8}  # fmt: skip
_UNSIGNED = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COLOUR = 254, 256, 257, 258, 262
_SAMPLES, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _OFFSETS, _COUNTS = 277, 284, 322, 323, 324, 325
_EXTRA, _SAMPLE_FORMAT = 338, 339
_IS_OVERVIEW, _IS_MASK = 1, 4
_BLACK_IS_ZERO, _PALETTE = 1, 3

_DECODING = frozenset(
    {_BITS, 259, _COLOUR, 266, _SAMPLES, _PLANAR, 317, _TILE_WIDTH, _TILE_HEIGHT, _EXTRA,
     _SAMPLE_FORMAT, 347, 530, 532, 50674, 42113}
)  # fmt: skip
"""Tags that a block can't be decoded without: type, codec, predictor, JPEG's tables, LERC's
parameters; and GDAL's nodata value (42113), which stands in blocks that are not in the file."""

_WANTED = _DECODING | {_SUBFILE, _WIDTH, _HEIGHT, _OFFSETS, _COUNTS}


@dataclass(frozen=True, slots=True)
class TiffLevel:
    """Full resolution, or an overview.

    Attributes:
        document: Its shape and that of its blocks.
        offsets: Where each block lies, 0 where it is not in the file: (plane, row, column).
        sizes: Bytes of each block, 0 where it is not in the file: (plane, row, column).
        tags: Those that decoding needs, by code.
        big_endian: The byte order.
    """

    document: LevelDocument
    offsets: Integers
    sizes: Integers
    tags: Mapping[int, Tag]
    big_endian: bool

    def plane(self, band: int) -> int:
        """Which of the planes holds a raster band (from 1)."""
        return band - 1 if len(self.offsets) > 1 else 0

    def format(self, band: int) -> BlockFormat:
        """How the blocks of a raster band (from 1) are decoded."""
        tags = dict(self.tags)
        if len(self.offsets) > 1:
            tags = {code: _of_plane(tag, band - 1) for code, tag in tags.items() if code != _EXTRA}
            tags |= {code: self._short(code, 1) for code in (_SAMPLES, _PLANAR)}
        if len(self.offsets) > 1 or self._first(_COLOUR) == _PALETTE:
            tags[_COLOUR] = self._short(_COLOUR, _BLACK_IS_ZERO)  # numbers, whatever their colours
        return BlockFormat(
            tags=tuple(tags[code] for code in sorted(tags)),
            big_endian=self.big_endian,
            sample=1 if len(self.offsets) > 1 else band,
        )

    def _first(self, code: int) -> int | None:
        tag = self.tags.get(code)
        return None if tag is None else int(_integers(tag, big_endian=self.big_endian)[0])

    def _short(self, code: int, value: int) -> Tag:
        return Tag(code, _SHORT, 1, struct.pack(">H" if self.big_endian else "<H", value))


@dataclass(frozen=True, slots=True)
class Tiff:
    """A TIFF that is stored in tiles.

    Attributes:
        size: Bytes of the file.
        levels: Full resolution first, then the overviews in the order of the file.
        header_end: Bytes up to the end of the last part of the headers, wherever they lie.
    """

    size: int
    levels: tuple[TiffLevel, ...]
    header_end: int

    @property
    def header_size(self) -> int:
        """Bytes before the first block, of whatever level."""
        firsts = (level.offsets[level.sizes > 0] for level in self.levels)
        return min((int(first.min()) for first in firsts if first.size), default=self.size)


def read_tiff(path: Path) -> Tiff | None:
    """Read the header of a TIFF.

    Args:
        path: The file.

    Returns:
        What it says; None where the file is stored in strips, or in blocks too large or too
        many to be told one by one.

    Raises:
        SourceError: It is no TIFF, cut short or damaged.
    """
    try:
        with path.open("rb") as file:
            return parse_tiff(file, os.fstat(file.fileno()).st_size)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise damaged(path, str(reason)) from None


def parse_tiff(file: BinaryIO, size: int) -> Tiff | None:
    """Read the header of a TIFF of which no more than that may be at hand.

    Args:
        file: The file's first bytes, or all of them.
        size: Bytes of the whole file.

    Returns:
        See `read_tiff`.

    Raises:
        ValueError: It is no TIFF, damaged, or its header is not all there.
    """
    reader = HeaderReader(file, size)
    levels = _levels(reader)
    return Tiff(size, levels, reader.end) if levels else None


def damaged(path: Path, reason: str) -> SourceError:
    """The error for a file whose blocks can't be told or read."""
    return SourceError(
        f"{path} can't be indexed ({reason}): it is cut short or damaged, so copy or download it "
        "again, or remove it from the site where it is a layer; then build again."
    )


class HeaderReader:
    """Numbers and tags of a TIFF; raises `ValueError` where they are not in the file.

    Args:
        file: The file's first bytes, or all of them.
        size: Bytes of the whole file.

    Attributes:
        end: Where the last of what was read so far ends.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self.size, self.end = file, size, 0
        start = self.take(0, 8)
        order, version = start[:2], start[2:4]
        if order not in (b"II", b"MM"):
            raise ValueError("it does not begin as one")
        self.big_endian = order == b"MM"
        self._large = self._number(version) == 43
        if not self._large and self._number(version) != 42:
            raise ValueError("it does not begin as one")
        self._first = self._number(self.take(8, 8) if self._large else start[4:])

    def take(self, offset: int, count: int) -> bytes:
        """Some bytes, all of them in the file."""
        if offset + count > self.size:
            raise ValueError("its header points behind its end")
        self._file.seek(offset)
        data = self._file.read(count)
        if len(data) < count:
            raise ValueError("it is being changed")
        self.end = max(self.end, offset + count)
        return data

    def headers(
        self, wants: Callable[[int], bool] = _WANTED.__contains__
    ) -> Iterator[dict[int, Tag]]:
        """The tags of each image of the file that are wanted, one image after the other."""
        word, entry = (8, 20) if self._large else (4, 12)
        at, seen = self._first, set[int]()
        while at:
            if at in seen or len(seen) >= _MAX_HEADERS:
                raise ValueError("its headers have no end")
            seen.add(at)
            width = 8 if self._large else 2
            count = self._number(self.take(at, width))
            if count > _MAX_TAGS:
                raise ValueError(f"a header has {count} tags")
            data = self.take(at + width, count * entry + word)
            yield dict(self._tags(data[:-word], entry, wants))
            at = self._number(data[-word:])

    def _tags(
        self, data: bytes, entry: int, wants: Callable[[int], bool]
    ) -> Iterator[tuple[int, Tag]]:
        for start in range(0, len(data), entry):
            code = self._number(data[start : start + 2])
            if wants(code):
                yield code, self._tag(code, data[start + 2 : start + entry])

    def _tag(self, code: int, entry: bytes) -> Tag:
        kind = self._number(entry[:2])
        inline = entry[10:] if self._large else entry[6:]
        count = self._number(entry[2 : -len(inline)])
        size = count * _SIZES.get(kind, 0)
        limit = 8 * MAX_BLOCKS if code in (_OFFSETS, _COUNTS) else _MAX_TAG
        if not 0 < size <= limit:
            raise ValueError(f"tag {code} has {count} values of type {kind}")
        value = self.take(self._number(inline), size) if size > len(inline) else inline[:size]
        return Tag(code, kind, count, value)

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, "big" if self.big_endian else "little")


def _levels(reader: HeaderReader) -> tuple[TiffLevel, ...]:
    """The levels; none where one of them can't be told by its blocks."""
    levels: list[TiffLevel] = []
    for number, tags in enumerate(reader.headers()):
        if number and not is_overview(_one(reader, tags, _SUBFILE, 0)):
            continue  # a mask, or another image
        level = _level(reader, tags)
        if level is None or len(levels) == _MAX_LEVELS:
            return ()
        levels.append(level)
    if not levels:
        raise ValueError("it holds no image")
    return tuple(levels)


def is_overview(kind: int) -> bool:
    """Whether an image is an overview of the first one, by its tag NewSubfileType."""
    return bool(kind & _IS_OVERVIEW) and not kind & _IS_MASK


def _level(reader: HeaderReader, tags: dict[int, Tag]) -> TiffLevel | None:
    if _OFFSETS not in tags or _COUNTS not in tags:
        return None
    document = LevelDocument(
        shape=(_one(reader, tags, _HEIGHT), _one(reader, tags, _WIDTH)),
        block=(_one(reader, tags, _TILE_HEIGHT), _one(reader, tags, _TILE_WIDTH)),
    )
    if not all(0 < edge < 2**31 for edge in (*document.shape, *document.block)):
        raise ValueError(f"an image has {document.shape} pixels in blocks of {document.block}")
    samples = _one(reader, tags, _SAMPLES, 1)
    planes = samples if _one(reader, tags, _PLANAR, 1) == 2 else 1
    rows, columns = blocks_of(document)
    unpacked = _unpacked(reader, tags, document, samples // planes)
    if not 0 < planes * rows * columns <= MAX_BLOCKS or unpacked > MAX_BLOCK:
        return None
    shape = planes, rows, columns
    sizes = _array(reader, tags[_COUNTS], shape)
    offsets = np.where(sizes == 0, np.uint64(0), _array(reader, tags[_OFFSETS], shape))
    _require_inside(offsets, sizes, min(reader.size, 2 * unpacked + 2**16), reader.size)
    decoding = {code: tag for code, tag in tags.items() if code in _DECODING}
    return TiffLevel(document, offsets, sizes, decoding, reader.big_endian)


def _unpacked(
    reader: HeaderReader, tags: dict[int, Tag], document: LevelDocument, samples: int
) -> int:
    """Bytes of a block that is not compressed."""
    rows, columns = document.block
    bits = _one(reader, tags, _BITS, 1)
    return -(rows * columns * samples * bits // -8)


def _require_inside(offsets: Integers, sizes: Integers, largest: int, end: int) -> None:
    if int(sizes.max()) > largest:
        raise ValueError(f"a block has {int(sizes.max())} bytes")
    if bool((offsets > np.uint64(end) - sizes).any()):
        raise ValueError("a block lies behind its end")


def _array(reader: HeaderReader, tag: Tag, shape: tuple[int, int, int]) -> Integers:
    values = _integers(tag, big_endian=reader.big_endian)
    if values.size != shape[0] * shape[1] * shape[2]:
        raise ValueError(f"tag {tag.code} has {values.size} values for {shape} blocks")
    return values.reshape(shape)


def _one(reader: HeaderReader, tags: dict[int, Tag], code: int, default: int | None = None) -> int:
    tag = tags.get(code)
    if tag is None:
        if default is None:
            raise ValueError(f"tag {code} is missing")
        return default
    return int(_integers(tag, big_endian=reader.big_endian)[0])


def _integers(tag: Tag, *, big_endian: bool) -> Integers:
    if tag.type not in _UNSIGNED:
        raise ValueError(f"tag {tag.code} is of type {tag.type}")
    order = ">" if big_endian else "<"
    return np.frombuffer(tag.value, order + _UNSIGNED[tag.type]).astype(np.uint64)


def _of_plane(tag: Tag, plane: int) -> Tag:
    """What a tag with a value for each sample says of one of them."""
    if tag.code not in (_BITS, _SAMPLE_FORMAT) or tag.count == 1:
        return tag
    width = _SIZES[tag.type]
    at = width * min(plane, tag.count - 1)
    return Tag(tag.code, tag.type, 1, tag.value[at : at + width])

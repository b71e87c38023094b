"""The header of a TIFF: what of the source's is kept, and a new one for some of its blocks. Pure.

The layout is that of GDAL's COGs: a note on the layout, all headers with their small values, the
lists of blocks, then the blocks, those of the coarsest overview first.

TIFF 6.0: https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
Note on the layout: https://gdal.org/en/stable/drivers/raster/cog.html#header-ghost-area
"""

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from shoestring_builder.index.tiff import HeaderReader, is_overview
from shoestring_schema.tile_index import Tag

_SUBFILE, _WIDTH, _HEIGHT, _SAMPLES = 254, 256, 257, 277
_TILE_WIDTH, _TILE_HEIGHT, _OFFSETS, _COUNTS = 322, 323, 324, 325
_SCALE, _TIE_POINTS, _MATRIX, _METADATA = 33550, 33922, 34264, 42112
_SHORT, _LONG, _LONG8 = 3, 4, 16

_DROPPED = frozenset({_SUBFILE, _WIDTH, _HEIGHT, 273, 279, _OFFSETS, _COUNTS, 330, 34665, 34853})
"""Tags that are made anew, or lead to other places of the source: strips, more images, EXIF."""

_NOTE = b"LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
"""Without GDAL's words on what stands between blocks: here nothing does."""

_STATISTICS = re.compile(rb'\s*<Item name="STATISTICS_[^>]*>[^<]*</Item>')
"""What GDAL's programs write of the pixels: of the source's, all of them."""

_LARGEST = 2**32 - 1

Sizes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Image:
    """What a header says of one of a TIFF's images.

    Attributes:
        shape: Rows and columns of its pixels.
        block: Rows and columns of a block.
        samples: Of a pixel.
        tags: The other tags that are kept.
    """

    shape: tuple[int, int]
    block: tuple[int, int]
    samples: int
    tags: Mapping[int, Tag]


@dataclass(frozen=True, slots=True)
class SourceHeader:
    """What the header of a TIFF says, but for where its blocks lie.

    Attributes:
        big_endian: The byte order.
        levels: Full resolution first, then the overviews in the order of the file.
    """

    big_endian: bool
    levels: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class NewLevel:
    """A level of a new file.

    Attributes:
        image: The level of the source.
        shape: Rows and columns of its pixels.
        sizes: Bytes of each block, 0 where it is not in the file: (row, column).
    """

    image: Image
    shape: tuple[int, int]
    sizes: Sizes


def read_header(data: bytes, size: int) -> SourceHeader:
    """Read the header of a TIFF without the lists of its blocks, which lie behind it in a COG.

    Args:
        data: The file's first bytes.
        size: Bytes of the whole file.

    Raises:
        ValueError: It is no TIFF, damaged, or not all of that is at hand.
    """
    reader = HeaderReader(BytesIO(data), size)
    images = [
        _image(tags, big_endian=reader.big_endian)
        for number, tags in enumerate(reader.headers(_is_small))
        if not number or is_overview(_one(tags, _SUBFILE, 0, big_endian=reader.big_endian))
    ]
    if not images:
        raise ValueError("it holds no image")
    return SourceHeader(reader.big_endian, tuple(images))


def new_header(
    source: SourceHeader, levels: Sequence[NewLevel], shift: tuple[int, int]
) -> tuple[bytes, int]:
    """The header of a file that holds some blocks of another.

    Args:
        source: The header of the other.
        levels: Full resolution first. Blocks follow the header from the last level to the first,
            each in row-major order, with nothing between them.
        shift: Row and column of the other's pixel that is the first.

    Returns:
        The header, and the bytes of the whole file.

    Raises:
        ValueError: The other's place on earth is told in a way that can't be shifted.
    """
    total = int(sum(level.sizes.sum() for level in levels))
    order = ">" if source.big_endian else "<"
    tables = [
        _tags(level, order, shift if number == 0 else None) for number, level in enumerate(levels)
    ]
    entries = 512 * len(levels) + sum(len(tag.value) for table in tables for tag in table.values())
    writer = _Writer(order, large=total + 24 * sum(own.sizes.size for own in levels) + entries
                     > _LARGEST)  # fmt: skip
    blank = writer.header(tables, [np.zeros_like(level.sizes) for level in levels], levels)
    starts = _starts(levels, len(blank))
    return writer.header(tables, starts, levels), len(blank) + total


def _starts(levels: Sequence[NewLevel], start: int) -> list[Sizes]:
    """Where each block lies; 0 where it is not in the file."""
    found: list[Sizes] = []
    for level in reversed(levels):
        ends = start + np.cumsum(level.sizes.ravel(), dtype=np.uint64)
        begins = (ends - level.sizes.ravel()).reshape(level.sizes.shape)
        found.insert(0, np.where(level.sizes == 0, np.uint64(0), begins))
        start = int(ends[-1]) if ends.size else start
    return found


def _tags(level: NewLevel, order: str, shift: tuple[int, int] | None) -> dict[int, Tag]:
    """All tags of an image, but where its blocks lie."""
    tags = {code: tag for code, tag in level.image.tags.items() if code not in _DROPPED}
    if shift is None:
        tags[_SUBFILE] = Tag(_SUBFILE, _LONG, 1, struct.pack(order + "I", 1))
    else:
        tags |= _shifted(tags, order, shift)
    if _METADATA in tags:
        text = _STATISTICS.sub(b"", tags[_METADATA].value)
        tags[_METADATA] = Tag(_METADATA, tags[_METADATA].type, len(text), text)
    for code, value in zip((_HEIGHT, _WIDTH), level.shape, strict=True):
        tags[code] = Tag(code, _LONG, 1, struct.pack(order + "I", value))
    return tags


def _shifted(tags: Mapping[int, Tag], order: str, shift: tuple[int, int]) -> dict[int, Tag]:
    """The tags that tell where an image lies, for one that begins at another pixel."""
    row, column = shift
    if _MATRIX in tags:
        matrix = _doubles(tags[_MATRIX], order, 16)
        matrix[3] += matrix[0] * column + matrix[1] * row
        matrix[7] += matrix[4] * column + matrix[5] * row
        return {_MATRIX: _of_doubles(_MATRIX, order, matrix)}
    if _TIE_POINTS in tags and _SCALE in tags:
        tie = _doubles(tags[_TIE_POINTS], order, 6)
        scale = _doubles(tags[_SCALE], order, 3)
        tie[3] += scale[0] * column
        tie[4] -= scale[1] * row
        return {_TIE_POINTS: _of_doubles(_TIE_POINTS, order, tie)}
    raise ValueError("its place is not told by a tie point and a scale, nor by a matrix")


def _doubles(tag: Tag, order: str, count: int) -> list[float]:
    if tag.count != count or len(tag.value) != 8 * count:
        raise ValueError(f"tag {tag.code} has {tag.count} values, not {count}")
    return list(struct.unpack(f"{order}{count}d", tag.value))


def _of_doubles(code: int, order: str, values: Sequence[float]) -> Tag:
    return Tag(code, 12, len(values), struct.pack(f"{order}{len(values)}d", *values))


class _Writer:
    """Writes headers, as a classic TIFF or a BigTIFF."""

    def __init__(self, order: str, *, large: bool) -> None:
        self._order, self._large = order, large
        self._word = "Q" if large else "I"
        self._width = 8 if large else 4

    def header(
        self, tables: Sequence[Mapping[int, Tag]], starts: Sequence[Sizes],
        levels: Sequence[NewLevel],
    ) -> bytes:  # fmt: skip
        """All bytes before the first block."""
        parts = [self._beginning()]
        whole = [self._with_blocks(*own) for own in zip(tables, starts, levels, strict=True)]
        place = len(parts[0])
        for number, tags in enumerate(whole):
            parts.append(self._directory(tags, place, is_last=number == len(whole) - 1))
            place += len(parts[-1])
        return self._with_lists(b"".join(parts), whole)

    def _beginning(self) -> bytes:
        note = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_NOTE) + _NOTE
        mark = b"II" if self._order == "<" else b"MM"
        start = (16 if self._large else 8) + len(note)
        start += start % 2
        kind = (
            struct.pack(self._order + "HHHQ", 43, 8, 0, start)
            if self._large
            else struct.pack(self._order + "HI", 42, start)
        )
        return (mark + kind + note).ljust(start, b"\0")

    def _with_blocks(
        self, tags: Mapping[int, Tag], starts: Sizes, level: NewLevel
    ) -> dict[int, Tag]:
        kind = _LONG8 if self._large else _LONG
        lists = {_OFFSETS: (kind, starts), _COUNTS: (_LONG, level.sizes)}
        return dict(tags) | {
            code: Tag(code, own, values.size, self._packed(values, own))
            for code, (own, values) in lists.items()
        }

    def _packed(self, values: Sizes, kind: int) -> bytes:
        return values.astype(self._order + ("u8" if kind == _LONG8 else "u4")).tobytes()

    def _directory(self, tags: Mapping[int, Tag], place: int, *, is_last: bool) -> bytes:
        """An image's tags, and behind them those of their values that are small and do not fit.

        Where the lists of blocks lie is put in by `_with_lists`.
        """
        entries, values = [], b""
        size = (8 if self._large else 2) + len(tags) * (20 if self._large else 12) + self._width
        for code in sorted(tags):
            tag = tags[code]
            inline = tag.value.ljust(self._width, b"\0")
            if len(tag.value) > self._width and code in (_OFFSETS, _COUNTS):
                inline = bytes(self._width)
            elif len(tag.value) > self._width:
                inline = struct.pack(self._order + self._word, place + size + len(values))
                values += tag.value + bytes(len(tag.value) % 2)
            entries.append(struct.pack(self._order + "HH" + self._word, code, tag.type, tag.count))
            entries.append(inline)
        following = 0 if is_last else place + size + len(values)
        count = struct.pack(self._order + ("Q" if self._large else "H"), len(tags))
        last = struct.pack(self._order + self._word, following)
        return b"".join([count, *entries, last, values])

    def _with_lists(self, data: bytes, whole: Sequence[Mapping[int, Tag]]) -> bytes:
        """The lists of blocks behind all headers, and where they lie put into these."""
        result, lists = bytearray(data), bytearray()
        for place, tags in zip(self._places(data), whole, strict=True):
            for number, code in enumerate(sorted(tags)):
                value = tags[code].value
                if code in (_OFFSETS, _COUNTS) and len(value) > self._width:
                    at = place + number * (20 if self._large else 12) + (12 if self._large else 8)
                    where = struct.pack(self._order + self._word, len(data) + len(lists))
                    result[at : at + self._width] = where
                    lists += value + bytes(len(value) % 2)
        return bytes(result + lists)

    def _places(self, data: bytes) -> list[int]:
        """Where the first entry of each header lies."""
        (at,) = struct.unpack_from(self._order + self._word, data, 8 if self._large else 4)
        head, found = "Q" if self._large else "H", []
        while at:
            (count,) = struct.unpack_from(self._order + head, data, at)
            found.append(at + (8 if self._large else 2))
            end = found[-1] + count * (20 if self._large else 12)
            (at,) = struct.unpack_from(self._order + self._word, data, end)
        return found


def _image(tags: Mapping[int, Tag], *, big_endian: bool) -> Image:
    def one(code: int, default: int | None = None) -> int:
        return _one(tags, code, default, big_endian=big_endian)

    return Image(
        shape=(one(_HEIGHT), one(_WIDTH)),
        block=(one(_TILE_HEIGHT), one(_TILE_WIDTH)),
        samples=one(_SAMPLES, 1),
        tags={code: tag for code, tag in tags.items() if code not in _DROPPED},
    )


def _is_small(code: int) -> bool:
    """Whether a tag is no list of blocks or strips."""
    return code not in (_OFFSETS, _COUNTS, 273, 279)


def _one(tags: Mapping[int, Tag], code: int, default: int | None, *, big_endian: bool) -> int:
    tag = tags.get(code)
    if tag is None or tag.type not in (_SHORT, _LONG, _LONG8):
        if default is None:
            raise ValueError(f"tag {code} is missing: it is not stored in tiles")
        return default
    width = {_SHORT: 2, _LONG: 4, _LONG8: 8}[tag.type]
    return int.from_bytes(tag.value[:width], "big" if big_endian else "little")

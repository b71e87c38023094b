"""What an index says of a format is a stranger's word."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shoestring import tiff
from shoestring.blocks import Blocks
from shoestring.location import Location
from shoestring_schema.errors import CatalogueError
from shoestring_schema.grid import Window
from shoestring_schema.tile_index import BlockFormat, Tag

pytestmark = pytest.mark.pixels

SHORT = 3
WHOLE = Window(0, 0, 16, 16)


def short(code: int, value: int) -> Tag:
    """A tag of one 16-bit number."""
    return Tag(code, SHORT, 1, struct.pack("<H", value))


PLAIN = {258: 16, 259: 1, 262: 1, 277: 1, 284: 1, 322: 16, 323: 16, 339: 1}
"""One sample of 16 bits, not compressed, in blocks of 16 x 16 pixels."""


def blocks(tags: dict[int, Any], block: tuple[int, int] = (16, 16)) -> Blocks:
    """One block of a format."""
    made = tuple(
        tag if isinstance(tag, Tag) else short(code, tag) for code, tag in sorted(tags.items())
    )
    one = np.ones((1, 1), np.uint32)
    return Blocks(
        Location("https://example.org/a.tif"), 10**6, BlockFormat(made), block, Window(0, 0, 1, 1),
        one.astype(np.uint64), one * 512, one, one.astype(np.uint8), one.astype(np.uint8), one > 0,
    )  # fmt: skip


def test_a_block_decodes_to_its_pixels() -> None:
    """Bytes that are not compressed come back as the numbers that they are."""
    pixels = np.arange(256, dtype="<u2").reshape(16, 16)
    assert np.array_equal(tiff.decode(blocks(PLAIN), {0: pixels.tobytes()}, WHOLE), pixels)


def test_big_endian_blocks_decode_too() -> None:
    """The order of bytes is the file's."""
    pixels = np.arange(256, dtype=">u2").reshape(16, 16)
    tags = tuple(Tag(code, SHORT, 1, struct.pack(">H", value)) for code, value in PLAIN.items())
    made = blocks(PLAIN)
    big = type(made)(**{name: getattr(made, name) for name in made.__slots__}
                     | {"format": BlockFormat(tags, big_endian=True)})  # fmt: skip
    assert np.array_equal(tiff.decode(big, {0: pixels.tobytes()}, WHOLE), pixels)


WRONG = {
    "a tag that places blocks": PLAIN | {324: 7},
    "a tag with too few bytes": PLAIN | {258: Tag(258, SHORT, 3, b"\x10\0")},
    "a type that is none": PLAIN | {258: Tag(258, 13, 1, b"\x10\0\0\0")},
    "other blocks": PLAIN | {322: 32},
    "an unknown codec": PLAIN | {259: 4711},
    "no type of pixels": PLAIN | {258: 77},
    "far too many samples": PLAIN | {277: 65535},
}


@pytest.mark.parametrize("tags", WRONG.values(), ids=WRONG)
def test_a_format_that_is_wrong_is_one_sentence(tags: dict[int, Any]) -> None:
    """Whatever a format says, GDAL is given no more than a small TIFF, and a failure names the file."""
    with pytest.raises(CatalogueError, match=r"^https://example.org/a.tif .*built anew") as caught:
        tiff.decode(blocks(tags), {0: bytes(512)}, WHOLE)
    assert "\n" not in str(caught.value)


def test_blocks_too_large_to_decode_are_refused() -> None:
    """No memory is set aside for a block beyond the limit."""
    side = 16384
    made = blocks(PLAIN | {322: side, 323: side}, block=(side, side))
    with pytest.raises(CatalogueError, match="built anew"):
        tiff.decode(made, {0: bytes(512)}, WHOLE)


def test_bytes_that_do_not_decode_are_named(tmp_path: Path) -> None:
    """A block that its codec can't read is an error, not pixels."""
    with pytest.raises(CatalogueError, match="can't be decoded"):
        tiff.decode(blocks(PLAIN | {259: 50000}), {0: bytes(range(256)) * 2}, WHOLE)

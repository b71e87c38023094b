"""How blocks of a TIFF are told to Zarr: their type, their codec, what undoes their predictor.

TIFF 6.0 and its technical note 3 have the predictors. Zarr's own ``delta`` is none of them: it goes
on from the end of a row to the next one, and reads wrong pixels without a word. Those of imagecodecs
keep to rows.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shoestring_schema.tile_index import BlockFormat

Codec = Mapping[str, Any]

_BITS, _COMPRESSION, _SAMPLES, _PREDICTOR, _SAMPLE_FORMAT, _NODATA = 258, 259, 277, 317, 339, 42113
_KINDS = {1: "u", 2: "i", 3: "f"}
_NUMBERS = {1: "u1", 3: "u2", 4: "u4", 16: "u8"}
_COMPRESSORS: Mapping[int, Codec | None] = {
    1: None,
    8: {"id": "zlib", "level": 1},
    32946: {"id": "zlib", "level": 1},
    50000: {"id": "zstd", "level": 1},
}
"""By TIFF's number; the level matters to writers alone, but must be there."""

_PLAIN, _DIFFERENCES, _FLOATING = 1, 2, 3


@dataclass(frozen=True, slots=True)
class BlockCoding:
    """What an array of Zarr version 2 says of its chunks.

    Attributes:
        dtype: Type of the stored numbers, as ``<u2``.
        compressor: The codec, or None.
        filters: What undoes the predictor, or nothing.
        nodata: The nodata value that files state: that of blocks that they do not hold.
    """

    dtype: str
    compressor: Codec | None
    filters: tuple[Codec, ...]
    nodata: float | None

    @property
    def key(self) -> tuple[object, ...]:
        """What tells two ways of storing apart."""
        return self.dtype, str(self.compressor), str(self.filters), str(self.nodata)


def block_coding(how: BlockFormat, block: tuple[int, int]) -> BlockCoding:
    """Say in Zarr's words how blocks are stored.

    Args:
        how: The same in TIFF's words.
        block: Rows and columns of a block.

    Raises:
        ValueError: Zarr would read other pixels; the message says why.
    """
    numbers = {tag.code: _number(tag.type, tag.value, how) for tag in how.tags}
    if how.big_endian:
        raise ValueError("their bytes are in big-endian order")
    if numbers.get(_SAMPLES, 1) != 1:
        raise ValueError("several bands lie in a block")
    compression = numbers.get(_COMPRESSION, 1)
    if compression not in _COMPRESSORS:
        raise ValueError(f"their codec has TIFF's number {compression}")
    dtype = _dtype(numbers.get(_BITS, 1), numbers.get(_SAMPLE_FORMAT, 1))
    predictor = numbers.get(_PREDICTOR, _PLAIN)
    filters = _filters(predictor, dtype, (1, *block))
    nodata = next((float(_text(tag.value)) for tag in how.tags if tag.code == _NODATA), None)
    return BlockCoding(dtype.str, _COMPRESSORS[compression], filters, nodata)


def _dtype(bits: int, kind: int) -> np.dtype[Any]:
    if bits not in (8, 16, 32, 64) or kind not in _KINDS:
        raise ValueError(f"their numbers have {bits} bits, and TIFF's type {kind}")
    return np.dtype(f"{_KINDS[kind]}{bits // 8}").newbyteorder("<")


def _filters(
    predictor: int, dtype: np.dtype[Any], shape: tuple[int, int, int]
) -> tuple[Codec, ...]:
    if predictor == _PLAIN:
        return ()
    names = {_DIFFERENCES: "imagecodecs_delta"} if dtype.kind in "ui" else {}
    names |= {_FLOATING: "imagecodecs_floatpred"} if dtype.kind == "f" else {}
    if predictor not in names:
        raise ValueError(f"their numbers are of type {dtype.name}, with predictor {predictor}")
    return ({"id": names[predictor], "shape": shape, "dtype": dtype.str, "axis": -1, "dist": 1},)


def _number(kind: int, value: bytes, how: BlockFormat) -> int:
    """The first number of a tag; 0 where it holds none."""
    if kind not in _NUMBERS:
        return 0
    width = int(_NUMBERS[kind][1])
    return int.from_bytes(value[:width], "big" if how.big_endian else "little")


def _text(value: bytes) -> str:
    return value.split(b"\0", 1)[0].decode("ascii", "replace").strip()


def packed_zeros(coding: BlockCoding, block: tuple[int, int]) -> bytes:
    """A block of zeros as files would hold it; no predictor changes it."""
    zeros = bytes(block[0] * block[1] * np.dtype(coding.dtype).itemsize)
    if coding.compressor is None:
        return zeros
    if coding.compressor["id"] == "zlib":
        return zlib.compress(zeros)
    import pyarrow as pa

    packed: bytes = pa.compress(zeros, "zstd", asbytes=True)
    return packed

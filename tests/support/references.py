"""Kerchunk's references read by their specification and Zarr's, without any library for them."""

import json
import zlib
from base64 import b64decode
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Array = NDArray[Any]


class References:
    """A file of references whose addresses lie in a folder.

    Args:
        data: Its bytes.
        address: What stands for the folder.
        folder: The folder.
    """

    def __init__(self, data: bytes, address: str, folder: Path) -> None:
        document = json.loads(data)
        assert document["version"] == 1
        self.keys: dict[str, Any] = document["refs"]
        self._address, self._folder = address, folder

    def attributes(self, name: str = "") -> dict[str, Any]:
        """Those of an array, or of all."""
        found: dict[str, Any] = json.loads(self.keys[f"{name}/.zattrs".lstrip("/")])
        return found

    def about(self, name: str) -> dict[str, Any]:
        """The metadata of an array."""
        found: dict[str, Any] = json.loads(self.keys[f"{name}/.zarray"])
        return found

    def read(self, name: str) -> Array:
        """All numbers of an array as they are stored; its fill value where a chunk is missing."""
        about = self.about(name)
        shape, chunks = about["shape"], about["chunks"]
        counts = [-(size // -chunk) for size, chunk in zip(shape, chunks, strict=True)]
        padded = [count * chunk for count, chunk in zip(counts, chunks, strict=True)]
        fill = about["fill_value"]
        whole = np.full(padded, 0 if fill is None else float(fill)).astype(about["dtype"])
        for number in product(*map(range, counts)):
            chunk = self._chunk(name, number or (0,))
            place = tuple(
                slice(k * size, (k + 1) * size) for k, size in zip(number, chunks, strict=True)
            )
            if chunk is None:
                assert fill is not None, "Zarr leaves open what is there"
            else:
                whole[place] = _decoded(chunk, about)
        return whole[tuple(slice(size) for size in shape)]

    def _chunk(self, name: str, number: tuple[int, ...]) -> bytes | None:
        found = self.keys.get(f"{name}/{'.'.join(map(str, number))}")
        if found is None or isinstance(found, str):
            return None if found is None else b64decode(found.removeprefix("base64:"))
        address, offset, size = found
        assert address.startswith(self._address)
        data = (self._folder / address.removeprefix(self._address)).read_bytes()
        return data[offset : offset + size]


def _decoded(chunk: bytes, about: dict[str, Any]) -> Array:
    dtype, shape = np.dtype(about["dtype"]), about["chunks"]
    size = int(np.prod(shape)) * dtype.itemsize
    codec = about["compressor"]
    if codec is not None and codec["id"] == "zlib":
        chunk = zlib.decompress(chunk)
    elif codec is not None:
        chunk = pa.decompress(chunk, size, codec["id"], asbytes=True)
    for own in about["filters"] or ():
        assert (own["shape"], own["dtype"], own["axis"], own["dist"]) == (shape, dtype.str, -1, 1)
        chunk = _UNDO[own["id"]](chunk, dtype, shape)
    return np.frombuffer(chunk, dtype).reshape(shape)


def _sums(chunk: bytes, dtype: np.dtype[Any], shape: list[int]) -> bytes:
    """TIFF's predictor 2: each row is differences, modulo the range of its type."""
    rows = np.frombuffer(chunk, dtype).reshape(shape)
    return np.add.accumulate(rows, axis=-1, dtype=dtype).tobytes()


def _floats(chunk: bytes, dtype: np.dtype[Any], shape: list[int]) -> bytes:
    """TIFF's predictor 3: each row is differences of its bytes, the highest bytes first."""
    rows = np.frombuffer(chunk, "u1").reshape(-1, shape[-1] * dtype.itemsize)
    planes = np.add.accumulate(rows, axis=-1, dtype="u1").reshape(-1, dtype.itemsize, shape[-1])
    pixels = np.ascontiguousarray(planes.transpose(0, 2, 1))
    return pixels.view(dtype.newbyteorder(">")).astype(dtype).tobytes()


_UNDO = {"imagecodecs_delta": _sums, "imagecodecs_floatpred": _floats}

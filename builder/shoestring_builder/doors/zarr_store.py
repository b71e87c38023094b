"""A Zarr store of version 2 in one JSON file: what kerchunk's references, version 1, are made of.

https://fsspec.github.io/kerchunk/spec.html: a key of the store is text, bytes in base64, or a place
in a file elsewhere.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Attributes = Mapping[str, Any]
Place = tuple[str, int, int]
"""Address of a file, first byte, count of bytes."""


class ZarrStore:
    """A store that is being put together."""

    def __init__(self, attributes: Attributes) -> None:
        self._keys: dict[str, str | Place] = {
            ".zgroup": _text({"zarr_format": 2}),
            ".zattrs": _text(attributes),
        }

    def add_array(
        self, name: str, about: Mapping[str, Any], dimensions: tuple[str, ...], own: Attributes
    ) -> None:
        """Describe an array.

        Args:
            name: Its name.
            about: Shape, chunks, dtype, fill_value, compressor and filters, as in Zarr.
            dimensions: Their names.
            own: Its attributes.
        """
        fixed = {"zarr_format": 2, "order": "C", "dimension_separator": "."}
        self._keys[f"{name}/.zarray"] = _text({**fixed, **about})
        self._keys[f"{name}/.zattrs"] = _text({"_ARRAY_DIMENSIONS": dimensions, **own})

    def add_values(
        self, name: str, values: NDArray[Any], dimensions: tuple[str, ...], own: Attributes
    ) -> None:
        """Add a small array with its values, as one chunk."""
        about = {
            "shape": values.shape,
            "chunks": values.shape,
            "dtype": values.dtype.str,
            "fill_value": None,
            "compressor": None,
            "filters": None,
        }
        self.add_array(name, about, dimensions, own)
        self.add_chunk(name, (0,) * max(1, values.ndim), values.tobytes())

    def add_chunk(self, name: str, number: tuple[int, ...], chunk: bytes | Place) -> None:
        """Add a chunk of an array: its bytes, or where they lie."""
        key = f"{name}/{'.'.join(map(str, number))}"
        if isinstance(chunk, bytes):
            self._keys[key] = "base64:" + b64encode(chunk).decode()
        else:
            self._keys[key] = chunk

    def to_bytes(self) -> bytes:
        """The file."""
        return msgspec.json.encode({"version": 1, "refs": self._keys}) + b"\n"


def fill_value(nodata: float | str | None, dtype: str) -> int | float | str | None:
    """What Zarr's metadata say of a nodata value: None where no pixel can have it."""
    kind = np.dtype(dtype)
    if nodata is None:
        return None
    value = float(nodata)
    if kind.kind == "f":
        return _floating(value, kind)
    if not value.is_integer() or not np.iinfo(kind).min <= value <= np.iinfo(kind).max:
        return None
    return int(value)


def _floating(number: float, kind: np.dtype[Any]) -> float | str:
    """As pixels of this type hold it: files and documents tell it with other digits."""
    with np.errstate(over="ignore"):
        value = float(kind.type(number))
    if np.isfinite(value):
        return value
    return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _text(document: Mapping[str, Any]) -> str:
    return msgspec.json.encode(document).decode()

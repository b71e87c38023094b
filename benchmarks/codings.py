"""What codecs make of real pixels: bytes, and the time to encode and to decode them."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from shoestring_builder.render.rounding import rounded

Pixels = np.ndarray[Any, Any]

ERROR, STEP = 5, 8.0
"""Stored numbers that a pixel may be off by, and the step to which that lets us round."""


@dataclass(frozen=True, slots=True)
class Coding:
    """A way to store pixels.

    Attributes:
        name: For people.
        options: Of GDAL's COG driver.
        step: Pixels are rounded to multiples of this before.
        lossy: Whether other pixels come back.
    """

    name: str
    options: Mapping[str, str]
    step: float = 0.0
    lossy: bool = False


def _with_levels(codec: str, levels: tuple[int, ...]) -> list[Coding]:
    return [
        Coding(f"{codec} {level}", {"compress": codec, "level": str(level), "predictor": "YES"})
        for level in levels
    ]


CODINGS = [
    *_with_levels("ZSTD", (1, 3, 6, 9, 12, 15, 19)),
    *_with_levels("DEFLATE", (1, 6, 9, 12)),
    Coding("ZSTD 9, no predictor", {"compress": "ZSTD", "level": "9", "predictor": "NO"}),
    Coding("LERC_ZSTD 9, exact", {"compress": "LERC_ZSTD", "level": "9"}),
    Coding("LERC_DEFLATE 9, exact", {"compress": "LERC_DEFLATE", "level": "9"}),
    Coding(f"LERC_ZSTD 9, {ERROR} off at most",
           {"compress": "LERC_ZSTD", "level": "9", "max_z_error": str(ERROR)}, lossy=True),
    Coding(f"LERC_DEFLATE 9, {ERROR} off at most",
           {"compress": "LERC_DEFLATE", "level": "9", "max_z_error": str(ERROR)}, lossy=True),
    Coding(f"rounded to {STEP:g}, ZSTD 9: {ERROR} off at most",
           {"compress": "ZSTD", "level": "9", "predictor": "YES"}, STEP, lossy=True),
]  # fmt: skip


def measure(own: Pixels, coding: Coding, block: int, *, runs: int) -> dict[str, float]:
    """Bytes a pixel, and seconds for a million pixels to encode and to decode; one thread."""
    with MemoryFile() as plain:
        write(rounded(own, coding.step, None), plain.name)
        with plain.open() as source:
            data = _encode(source, coding, block)
            encode = _seconds(lambda: _encode(source, coding, block), runs)
    decode = _seconds(lambda: _decode(data), runs)
    megapixels = own.size / 1e6
    return {
        "bytes": len(data) / own.size,
        "encode": encode / megapixels,
        "decode": decode / megapixels,
    }


def stored(own: Pixels, coding: Coding, block: int, nodata: float | None = None) -> Pixels:
    """The pixels that come back."""
    with MemoryFile() as plain:
        write(rounded(own, coding.step, nodata), plain.name, nodata)
        with plain.open() as source:
            return _decode(_encode(source, coding, block))


def write(own: Pixels, name: str, nodata: float | None = None) -> None:
    """Write pixels as a plain GeoTIFF."""
    with rasterio.open(
        name, "w", driver="GTiff", height=own.shape[0], width=own.shape[1], count=1, dtype=own.dtype,
        crs="EPSG:32631", transform=from_origin(500000, 5000000, 10, 10), tiled=True, nodata=nodata,
    ) as file:  # fmt: skip
        file.write(own, 1)


def _encode(source: Any, coding: Coding, block: int) -> bytes:  # noqa: ANN401
    with MemoryFile() as coded:
        rasterio.shutil.copy(
            source, coded.name, driver="COG", overviews="NONE", blocksize=str(block),
            num_threads="1", **coding.options,
        )  # fmt: skip
        return bytes(coded.read())


def _decode(data: bytes) -> Pixels:
    with MemoryFile(data) as memory, memory.open() as file:
        own: Pixels = file.read(1)
        return own


def _seconds(work: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)

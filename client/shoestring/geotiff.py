"""A stack as GeoTIFF files, one a layer."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.transform import Affine

from shoestring.plan import Band
from shoestring.stack import Pixels, Stack
from shoestring_schema.errors import OutputError
from shoestring_schema.moment import Moment, file_stem, format_moment

_DEVICES = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10)),
}
"""What Windows takes for a device, whatever stands after the first dot."""


def save(stack: Stack, folder: Path) -> list[Path]:
    """See `Stack.save`."""
    names = {
        (band, date): _file_name(stack, band, date) for band in stack.bands for date in stack[band]
    }
    _check_names(list(names.values()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} can't be made a folder ({error.strerror}): choose another."
        ) from None
    written = []
    for (band, date), name in names.items():
        path = folder / name
        _write_whole(path, stack[band][date], stack, band, date)
        written.append(path)
    return written


def _file_name(stack: Stack, band: str, date: Moment) -> str:
    """A name that is one on every file system: what a catalogue says must not choose a folder."""
    parts = (
        re.sub(r"[^A-Za-z0-9._-]", "-", text) for text in (stack.collection, band, file_stem(date))
    )
    name = "_".join(parts).lstrip(".") + ".tif"
    return f"_{name}" if name.partition(".")[0].upper() in _DEVICES else name


def _check_names(names: list[str]) -> None:
    if len({name.casefold() for name in names}) != len(names):
        raise OutputError(
            "Some band names differ by case or signs only and would share a file: save them apart."
        )


def _write_whole(path: Path, pixels: Pixels, stack: Stack, band: str, date: Moment) -> None:
    """Write beside, then rename: the file is whole or not there."""
    beside = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        _write(beside, pixels, stack, band, date)
        beside.replace(path)
    except (OSError, RasterioError) as error:
        raise OutputError(
            f"{path} can't be written ({error}): check the folder and the room in it."
        ) from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _write(path: Path, pixels: Pixels, stack: Stack, band: str, date: Moment) -> None:
    info = stack.info[band]
    data, nodata = _stored(pixels, info, scaled=stack.wish.scaled)
    rows, columns = data.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=rows,
        width=columns,
        count=1,
        dtype=data.dtype,
        nodata=nodata,
        crs=stack.grid.crs,
        transform=Affine(*stack.grid.transform),
        **_creation_options(data),
    ) as file:
        file.write(data, 1)
        file.set_band_description(1, band)
        file.update_tags(
            TIFFTAG_DATETIME=_tiff_time(date), DATE=format_moment(date), COLLECTION=stack.collection
        )
        if not stack.wish.scaled:
            file.scales, file.offsets = (info.scale,), (info.offset,)
        if info.unit:
            file.units = (info.unit,)


def _stored(pixels: Pixels, band: Band, *, scaled: bool) -> tuple[Pixels, float | None]:
    """The array to write and its nodata: in the stored type, where that is exact."""
    nodata = None if band.nodata is None else float(band.nodata)
    kind = np.dtype(band.data_type)
    if not scaled and pixels.dtype == kind:
        if kind.kind != "f":
            return pixels, nodata
        return (pixels, float("nan")) if nodata is None else (_fill(pixels, nodata, kind), nodata)
    if not scaled and kind.itemsize <= 2 and (nodata is not None or not np.isnan(pixels).any()):
        return _fill(pixels, nodata, kind), nodata
    return pixels.astype(np.float32, copy=False), float("nan")


def _fill(pixels: Pixels, nodata: float | None, kind: "np.dtype[Any]") -> Pixels:
    """NaN becomes nodata; all else is exact in float32 for types of two bytes."""
    if nodata is None:
        return pixels.astype(kind)
    return np.where(np.isnan(pixels), nodata, pixels).astype(kind)


def _creation_options(data: Pixels) -> Mapping[str, Any]:
    tiled = min(data.shape) >= 256
    layout = {"tiled": True, "blockxsize": 256, "blockysize": 256} if tiled else {}
    return {"compress": "deflate", "predictor": 3 if data.dtype.kind == "f" else 2, **layout}


def _tiff_time(date: Moment) -> str:
    return date.strftime("%Y:%m:%d %H:%M:%S")

"""Orders for single layers, and what gdalwarp makes of the same files."""

import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from shoestring_builder.layer import BandRecipe, LayerKey, RenderedLayer, RenderTask, SourceBand
from shoestring_builder.render.layer_file import render
from shoestring_builder.render.mosaic import open_mosaic
from shoestring_schema.configuration import DataType
from shoestring_schema.grid import Grid
from support.tools import require_tool

Array = NDArray[Any]
_GDAL_TYPES = {"uint8": "Byte", "uint16": "UInt16", "int16": "Int16", "int32": "Int32",
               "float32": "Float32", "float64": "Float64"}  # fmt: skip
_ALGORITHMS = {"nearest": "near", "cubic_spline": "cubicspline"}


def write_tiff(
    path: Path, pixels: Array, grid: Grid, nodata: float | None = None, **options: object
) -> Path:
    """Write pixels (2-D, or 3-D with bands first) as a GeoTIFF on the grid's origin."""
    bands = pixels[None] if pixels.ndim == 2 else pixels
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="GTiff", count=bands.shape[0], height=bands.shape[1],
        width=bands.shape[2], dtype=bands.dtype, crs=grid.crs or None,
        transform=Affine(*grid.transform), nodata=nodata, **options,
    ) as target:  # fmt: skip
        target.write(bands)
    return path


def square(crs: str, left: float, top: float, size: float, shape: tuple[int, int]) -> Grid:
    """A grid of square pixels with north at the top."""
    return Grid(crs, (size, 0.0, left, 0.0, -size, top), shape)


def recipe(
    grid: Grid, data_type: DataType = "uint16", nodata: float | None = 0, **more: object
) -> BandRecipe:
    """A recipe; what is not said is as plain as can be."""
    plain: dict[str, Any] = {
        "name": "B04", "scale": 1.0, "offset": 0.0, "unit": None, "resampling": "nearest",
        "overview_resampling": "average", "may_reproject": True, "layout": "cog",
        "block_size": 256, "step": 0.0, "clear": None,
    }  # fmt: skip
    return BandRecipe(grid=grid, data_type=data_type, nodata=nodata, **(plain | more))


def source(path: Path, band: int = 1) -> SourceBand:
    """A raster band of a file."""
    told = path.stat()
    return SourceBand(path, band, "", told.st_size, told.st_mtime_ns)


def order(
    sources: Sequence[SourceBand | Path],
    how: BandRecipe,
    folder: Path,
    *,
    home: Path | None = None,
    site: Path | None = None,
) -> RenderTask:
    """An order whose staging folder is `folder`/staging."""
    staging = folder / "staging"
    staging.mkdir(parents=True, exist_ok=True)
    bands = tuple(source(s) if isinstance(s, Path) else s for s in sources)
    key = LayerKey(date(2018, 1, 2), how.name)
    return RenderTask(key, bands, how, "fingerprint", staging, home or folder, site or folder)


def rendered(sources: Sequence[SourceBand | Path], how: BandRecipe, folder: Path) -> RenderedLayer:
    """Make a layer."""
    return render(order(sources, how, folder))


def mosaicked(sources: Sequence[SourceBand | Path], how: BandRecipe, folder: Path) -> Array:
    """Pixels of the whole mosaic, without a file."""
    with open_mosaic(order(sources, how, folder).sources, how, folder) as mosaic:
        return mosaic.read(how.grid.whole)


def read(path: Path | str) -> Array:
    """Pixels of the first band."""
    with rasterio.open(path) as dataset:
        pixels: Array = dataset.read(1)
        return pixels


def gdalwarp(paths: Sequence[Path], how: BandRecipe, out: Path, *more: str) -> Array:
    """What GDAL's own program makes of files, in this order, with these options."""
    a, _, left, _, e, top = how.grid.transform
    rows, columns = how.grid.shape
    extent = (left, top + e * rows, left + a * columns, top)
    out.unlink(missing_ok=True)
    command = [
        require_tool("gdalwarp"), "-q", "-et", "0", "-ovr", "NONE", "-t_srs", how.grid.crs,
        "-te", *map(repr, extent), "-ts", str(columns), str(rows),
        "-r", _ALGORITHMS.get(how.resampling, how.resampling), "-ot", _GDAL_TYPES[how.data_type],
    ]  # fmt: skip
    if how.nodata is not None:
        command += ["-dstnodata", str(how.nodata)]
    subprocess.run([*command, *more, *map(str, paths), str(out)], check=True, capture_output=True)
    return read(out)


def differences(one: Array, other: Array) -> tuple[int, float]:
    """Number of pixels that differ, and by how much at most; NaN is NaN."""
    same = (one == other) | ((one != one) & (other != other))
    if same.all():
        return 0, 0.0
    apart = np.abs(one.astype(np.float64) - other.astype(np.float64))[~same]
    return int(apart.size), float(np.max(apart))

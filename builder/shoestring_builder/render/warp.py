"""A source that does not fall on the grid's pixels, warped onto them.

GDAL's warper does it, with the exact transformation of every pixel. It works
in blocks; what could make a pixel depend on the block that it is computed in
is fixed here for the whole grid: coordinates count from the grid's origin,
and the width of the resampling kernel is that of the whole source.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil, dist, floor, isfinite, isnan
from pathlib import Path
from uuid import uuid4

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.warp import transform, transform_bounds

from shoestring_builder.render.chunks import chunks
from shoestring_builder.render.geotiff import create_geotiff
from shoestring_builder.render.raster_source import (
    Flags,
    Pixels,
    RasterSource,
    holds_data,
    no_nodata,
    rasterio_window,
    reading,
    same_number,
)
from shoestring_builder.render.warped_vrt import WarpOrder
from shoestring_schema.grid import Grid, Window

_MARGIN = 16
"""Pixels of the grid. Around a source's outline, which is known from points along its edges."""


@dataclass(frozen=True, slots=True)
class WarpedSource:
    """A source seen through the grid.

    Attributes:
        source: The source, of one band that holds data where it is not nodata.
        view: The warper's view of it; a second band tells where it covers the grid if the
            recipe has no nodata value.
        reach: The window of the grid outside of which there is nothing of the source.
    """

    source: RasterSource
    view: DatasetReader
    reach: Window | None

    def read(self, window: Window) -> tuple[Pixels, Flags]:
        """Pixels of a window of the grid, and which of them hold data.

        Raises:
            SourceError: The file is cut short or damaged.
        """
        area = rasterio_window(window)
        nodata = self.source.recipe.nodata
        with reading(self.source.origin):
            pixels = self.view.read(1, window=area)
            if nodata is None:
                return pixels, self.view.read(2, window=area) > 0
        return pixels, holds_data(pixels, nodata)


@contextmanager
def open_warped(source: RasterSource, workspace: Path) -> Iterator[WarpedSource]:
    """View a source through its recipe's grid.

    Args:
        source: The source.
        workspace: A folder for a temporary copy, where the warper can't take the file itself.

    Raises:
        SourceError: The file is cut short or damaged, or can't be brought onto the grid.
        One of GDAL_ERRORS: No room for the copy.
    """
    if not _needs_copy(source):
        with _view(source) as view:
            yield view
        return
    path = workspace / f"source-{uuid4().hex}.tif"
    try:
        _copy(source, path)
        with rasterio.open(path) as dataset:
            nodata = dataset.nodata
            with _view(replace(source, dataset=dataset, band=1, nodata=nodata)) as view:
                yield view
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _view(source: RasterSource) -> Iterator[WarpedSource]:
    recipe = source.recipe
    reach = reach_of(source)
    order = WarpOrder(
        path=Path(source.dataset.name),
        band=source.band,
        source=source.grid,
        source_nodata=source.nodata,
        target=recipe.grid,
        nodata=recipe.nodata,
        data_type=recipe.data_type,
        resampling=recipe.resampling,
        scale=_kernel_scale(source, reach or recipe.grid.whole),
        advice=_advice(source),
    )
    with reading(source.origin):
        view = rasterio.open(order.to_xml())
    with view:
        yield WarpedSource(source, view, reach)


def _needs_copy(source: RasterSource) -> bool:
    """Whether the warper would take this file's pixels for something else than they are.

    It knows one number that means "no data", takes NaN beside such a number as data, and
    clamps numbers that the band's type can't hold.
    """
    nodata, kind = source.recipe.nodata, np.dtype(source.data_type).kind
    return (
        source.has_mask
        or (nodata is not None and kind == "f" and not isnan(nodata))
        or (nodata is not None and not same_number(source.nodata, nodata))
        or (kind != "f" and not np.can_cast(source.data_type, source.recipe.data_type, "safe"))
    )


def _copy(source: RasterSource, path: Path) -> None:
    """Write a source's band as a file of its own, in the recipe's type, with one nodata value."""
    recipe, dataset = source.recipe, source.dataset
    nodata = source.nodata if recipe.nodata is None else recipe.nodata
    with create_geotiff(
        path,
        crs=dataset.crs,
        transform=dataset.transform,
        shape=dataset.shape,
        data_type=recipe.data_type,
        nodata=nodata,
    ) as copy:
        for window in chunks(dataset.shape):
            pixels, valid = source.read(window)
            if recipe.nodata is not None:
                pixels[~valid] = recipe.nodata
            elif source.has_mask and not valid.all():
                raise no_nodata(source.origin, recipe)
            copy.write(pixels, 1, window=rasterio_window(window))


def _kernel_scale(source: RasterSource, reach: Window) -> tuple[float, float]:
    """How many pixels of the grid one of the source spans, across and down; at most 1.

    GDAL would take it block by block from the blocks' sizes, and the result would depend on
    them. Here it is that of the middle of what source and grid share. As GDAL does, reciprocals
    near to a whole number are rounded to it.
    """
    row, column = reach.row + reach.height / 2, reach.column + reach.width / 2
    target = source.recipe.grid
    points = [target.xy(row, column), target.xy(row, column + 1), target.xy(row + 1, column)]
    if not source.same_crs:
        with reading(source.origin):
            xs, ys = transform(_crs(target), source.dataset.crs, *zip(*points, strict=True))
        points = list(zip(xs, ys, strict=True))
    middle, right, below = (source.grid.row_column(x, y) for x, y in points)
    return _rounded(dist(middle, right)), _rounded(dist(middle, below))


def _rounded(source_pixels: float) -> float:
    if not isfinite(source_pixels) or source_pixels <= 1:
        return 1.0
    whole = round(source_pixels)
    return 1 / (whole if abs(source_pixels - whole) < 0.05 else source_pixels)


def _advice(source: RasterSource) -> dict[str, str]:
    """Where the source lies, for the transformation to the grid's CRS; as gdalwarp gives it.

    Longitudes beyond 180 degrees mean the same places as those below. Among several
    transformations between datums the best one for the place is taken.
    """
    if source.same_crs:
        return {}
    left, bottom, right, top = source.grid.bounds
    if source.dataset.crs.is_geographic:
        if (left < -180 or right > 180) and right - left <= 360:
            return {"CENTER_LONG": repr((left + right) / 2)}
        area = left, bottom, right, top
    else:
        with reading(source.origin):
            area = transform_bounds(source.dataset.crs, CRS.from_epsg(4326), *source.grid.bounds)
    known = all(map(isfinite, area)) and area[0] < area[2]
    return {"AREA_OF_INTEREST": ",".join(map(repr, area))} if known else {}


def reach_of(source: RasterSource) -> Window | None:
    """The part of the grid that a source can reach; the whole grid where that can't be told."""
    grid, bounds = source.recipe.grid, source.grid.bounds
    if not source.same_crs:
        with reading(source.origin):
            bounds = transform_bounds(source.dataset.crs, _crs(grid), *bounds, densify_pts=100)
    left, bottom, right, top = bounds
    if not all(map(isfinite, bounds)) or left > right:  # over a pole; across the antimeridian
        return grid.whole
    points = [grid.row_column(x, y) for x in (left, right) for y in (bottom, top)]
    rows, columns = zip(*points, strict=True)
    first = floor(min(rows)) - _MARGIN, floor(min(columns)) - _MARGIN
    last = ceil(max(rows)) + _MARGIN, ceil(max(columns)) + _MARGIN
    reach = Window(*first, last[0] - first[0], last[1] - first[1])
    return reach.intersect(grid.whole)


def _crs(grid: Grid) -> CRS:
    return CRS.from_user_input(grid.crs)

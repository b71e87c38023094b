"""Where and when the pixels of a Zarr store lie, by the CF conventions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from rasterio.crs import CRS

from shoestring_builder.doors.zarr_store import ZarrStore
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS = {"seconds": timedelta(seconds=1), "microseconds": timedelta(microseconds=1)}


def grid_names(factor: int) -> tuple[str, str, str]:
    """Names of rows, of columns and of the CRS, of bands that are coarser by a factor."""
    end = f"_{factor}" if factor > 1 else ""
    return f"y{end}", f"x{end}", f"spatial_ref{end}"


def add_grid(store: ZarrStore, grid: Grid, factor: int) -> None:
    """Add coordinates of the pixels of bands that are coarser by a factor, and their CRS.

    Pixels of a turned grid have no column's x and no row's y; their place is told by the CRS's
    ``GeoTransform`` alone.
    """
    y, x, reference = grid_names(factor)
    coarse = grid.coarsen(factor)
    crs = CRS.from_user_input(grid.crs)
    a, b, c, d, e, f = coarse.transform
    wkt = crs.to_wkt()
    about = {"crs_wkt": wkt, "spatial_ref": wkt, "GeoTransform": f"{c} {a} {b} {f} {d} {e}"}
    store.add_values(reference, np.array(0, "<i4"), (), about)
    if b == d == 0:
        for name, first, step, size in ((y, f, e, coarse.shape[0]), (x, c, a, coarse.shape[1])):
            centres = (first + step * (np.arange(size) + 0.5)).astype("<f8")
            store.add_values(name, centres, (name,), _axis(crs, name[0]))


def add_times(store: ZarrStore, name: str, moments: Sequence[Moment]) -> None:
    """Add a coordinate of moments: whole days, or seconds, or parts of them."""
    unit, numbers = _numbers(moments)
    about = {
        "standard_name": "time",
        "axis": "T",
        "units": f"{unit} since 1970-01-01",
        "calendar": "proleptic_gregorian",
    }
    store.add_values(name, np.array(numbers, "<i8"), (name,), about)


def _numbers(moments: Sequence[Moment]) -> tuple[str, list[int]]:
    instants = [moment for moment in moments if isinstance(moment, datetime)]
    if not instants:
        first = _EPOCH.date().toordinal()
        return "days", [moment.toordinal() - first for moment in moments]
    unit = "microseconds" if any(instant.microsecond for instant in instants) else "seconds"
    return unit, [(instant - _EPOCH) // _STEPS[unit] for instant in instants]


def _axis(crs: CRS, axis: str) -> Mapping[str, str]:
    if crs.is_geographic:
        name, unit = {"x": ("longitude", "degrees_east"), "y": ("latitude", "degrees_north")}[axis]
    else:
        name, unit = f"projection_{axis}_coordinate", crs.linear_units
    return {"standard_name": name, "axis": axis.upper(), "units": unit}

"""A stack as an xarray Dataset."""

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import numpy as np

from shoestring.stack import Stack, empty_like
from shoestring_schema.errors import MissingExtraError
from shoestring_schema.moment import Moment

if TYPE_CHECKING:
    import xarray


def to_dataset(stack: Stack) -> "xarray.Dataset":
    """See `Stack.to_xarray`."""
    try:
        import rioxarray  # noqa: F401 - registers the accessor .rio
        import xarray
    except ImportError:
        raise MissingExtraError("to_xarray()", "xarray") from None
    variables = {band: _variable(stack, band) for band in stack.bands}
    coordinates = {"time": [_numpy_time(date) for date in stack.dates], **_centres(stack)}
    dataset = xarray.Dataset(
        variables, coordinates, {"title": stack.collection, "Conventions": "CF-1.8"}
    )
    dataset = dataset.rio.write_crs(stack.grid.crs).rio.write_transform(_affine(stack))
    dataset.coords["time"].attrs = {"standard_name": "time", "axis": "T"}
    described: xarray.Dataset = dataset.rio.write_coordinate_system()
    return described


def _variable(
    stack: Stack, band: str
) -> "tuple[tuple[str, ...], np.ndarray[tuple[int, ...], np.dtype[np.generic]], dict[str, object]]":
    layers = stack[band]
    dates = stack.dates
    data = np.empty((len(dates), *stack.grid.shape), stack.wish.type_of(stack.info[band]))
    for place, date in enumerate(dates):
        data[place] = layers[date] if date in layers else empty_like(stack, band)
    return ("time", "y", "x"), data, _attributes(stack, band)


def _attributes(stack: Stack, band: str) -> dict[str, object]:
    info = stack.info[band]
    attributes: dict[str, object] = {"long_name": info.title or info.common_name or band}
    if stack.wish.scaled:
        return {**attributes, "units": info.unit} if info.unit else attributes
    if not stack.wish.masked and info.nodata is not None:
        attributes["_FillValue"] = np.dtype(info.data_type).type(float(info.nodata))
    if (info.scale, info.offset) != (1.0, 0.0):
        attributes |= {"scale_factor": info.scale, "add_offset": info.offset}
    elif info.unit:
        attributes["units"] = info.unit
    return attributes


def _centres(stack: Stack) -> dict[str, list[float]]:
    rows, columns = stack.grid.shape
    return {
        "y": [stack.grid.xy(row + 0.5, 0.5)[1] for row in range(rows)],
        "x": [stack.grid.xy(0.5, column + 0.5)[0] for column in range(columns)],
    }


def _affine(stack: Stack) -> object:
    from rasterio.transform import Affine

    return Affine(*stack.grid.transform)


def _numpy_time(moment: Moment) -> np.datetime64:
    instant = moment if isinstance(moment, datetime) else datetime.combine(moment, time.min)
    return np.datetime64(
        instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant, "ns"
    )

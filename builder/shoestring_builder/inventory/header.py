"""What a source file says of itself: CRS, transform, types, nodata, names, times."""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import rasterio
from rasterio.crs import CRS
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError

from shoestring_schema.errors import SourceError

_SECONDS = {"s": 1, "second": 1, "sec": 1, "minute": 60, "min": 60, "h": 3600, "hour": 3600,
            "hr": 3600, "d": 86400, "day": 86400}  # fmt: skip
_CALENDARS = ("standard", "gregorian", "proleptic_gregorian")


@dataclass(frozen=True, slots=True)
class RasterBand:
    """One raster band of a file.

    Attributes:
        number: From 1.
        data_type: NumPy name of its type.
        nodata: Number that means "no data", or None.
        names: What it is called: description, GRIB element, netCDF variable.
        time: Its valid time in UTC, where the file says one.
    """

    number: int
    data_type: str
    nodata: float | None
    names: tuple[str, ...]
    time: datetime | None


@dataclass(frozen=True, slots=True)
class SourceHeader:
    """A source file, before any of its pixels are read.

    Attributes:
        path: The file.
        crs: ``EPSG:32630`` where the CRS has a code, else WKT 2; None where it has none.
        transform: Affine coefficients a to f.
        shape: Rows and columns.
        bands: Its raster bands.
    """

    path: Path
    crs: str | None
    transform: tuple[float, float, float, float, float, float]
    shape: tuple[int, int]
    bands: tuple[RasterBand, ...]

    def named(self, name: str) -> tuple[RasterBand, ...]:
        """The raster bands of this name."""
        return tuple(band for band in self.bands if name in band.names)


HeaderReader = Callable[[Path], SourceHeader]
"""Reads a file's header; raises SourceError."""


def read_header(path: Path) -> SourceHeader:
    """Open a file and take down what it says of itself.

    Raises:
        SourceError: GDAL can't open it, it holds no raster, or its times can't be understood.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said later, of its layer
            with rasterio.open(path) as dataset:
                return _header(path, dataset)
    except (RasterioError, OSError) as error:
        raise SourceError(
            f"{path} can't be opened ({_one_line(error)}): replace it or take it away."
        ) from None


def crs_text(crs: CRS) -> str:
    """A CRS as the catalogue writes it: ``EPSG:n`` where it surely has a code, else WKT 2."""
    code = crs.to_epsg(confidence_threshold=100)
    return f"EPSG:{code}" if code else str(crs.to_wkt(version="WKT2_2019"))


def _header(path: Path, dataset: Any) -> SourceHeader:  # noqa: ANN401 (rasterio has no types)
    if not dataset.count:
        hint = f" but {len(dataset.subdatasets)} data sets" if dataset.subdatasets else ""
        raise SourceError(
            f"{path} holds no raster of its own{hint}: write each variable into a file of its own."
        )
    try:
        crs = crs_text(dataset.crs) if dataset.crs else None
    except CRSError as error:
        raise SourceError(f"{path} has a CRS that can't be read: {_one_line(error)}.") from None
    tags = dataset.tags()
    bands = tuple(_band(path, dataset, number, tags) for number in dataset.indexes)
    a, b, c, d, e, f = tuple(dataset.transform)[:6]
    return SourceHeader(path, crs, (a, b, c, d, e, f), dataset.shape, bands)


def _band(path: Path, dataset: Any, number: int, tags: Mapping[str, str]) -> RasterBand:  # noqa: ANN401
    own = dataset.tags(number)
    names = (dataset.descriptions[number - 1], own.get("GRIB_ELEMENT"), own.get("NETCDF_VARNAME"))
    return RasterBand(
        number=number,
        data_type=dataset.dtypes[number - 1],
        nodata=dataset.nodatavals[number - 1],
        names=tuple(name for name in names if name),
        time=_time(path, own, tags),
    )


def _time(path: Path, own: Mapping[str, str], tags: Mapping[str, str]) -> datetime | None:
    grib = re.match(r"\s*(\d+)", own.get("GRIB_VALID_TIME", ""))
    if grib:
        return datetime.fromtimestamp(int(grib[1]), UTC)
    for key, value in own.items():
        dimension = key.removeprefix("NETCDF_DIM_")
        units = tags.get(f"{dimension}#units", "")
        if dimension != key and " since " in units:
            calendar = tags.get(f"{dimension}#calendar", "standard")
            return _cf_time(path, float(value), units, calendar)
    return None


def _cf_time(path: Path, value: float, units: str, calendar: str) -> datetime:
    """A time as the CF conventions write it: ``days since 1900-01-01 00:00:0.0``."""
    unit, _, origin = units.partition(" since ")
    seconds = _SECONDS.get(unit.strip().lower().removesuffix("s") or "s")
    numbers = re.match(r"\s*(\d+)-(\d+)-(\d+)(?:[T ]+(\d+):(\d+)(?::(\d+))?)?", origin)
    if seconds is None or numbers is None or calendar.lower() not in _CALENDARS:
        raise SourceError(
            f'{path} counts time in "{units}" of the calendar "{calendar}", which can\'t be read: '
            "convert it to seconds, hours or days of the standard calendar."
        )
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers.groups())
    start = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return start + timedelta(seconds=round(value * seconds))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")

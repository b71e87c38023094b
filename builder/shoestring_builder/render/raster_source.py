"""A source file that was opened and found fit for a band's grid, and its pixels.

Whatever is wrong with a source is found here and said as one `SourceError`
that names the file and the remedy; nothing else of the builder reads sources.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterioWindow

from shoestring_builder.inventory.header import crs_text
from shoestring_builder.layer import BandRecipe, SourceBand
from shoestring_schema.errors import SourceError
from shoestring_schema.grid import SNAP, Grid, Window

# GDAL's own errors, which rasterio lets through in places, have no public base.
from rasterio._err import CPLE_BaseError  # isort: skip

GDAL_ERRORS = (RasterioError, CPLE_BaseError, OSError)
"""Everything that rasterio raises when GDAL fails."""

Pixels = NDArray[Any]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RasterSource:
    """One band of an open file.

    Attributes:
        origin: The order that it was opened for.
        recipe: What its pixels are for.
        dataset: The open file.
        band: Number of the raster band in `dataset`, from 1.
        nodata: The file's own nodata value; where it has none, the recipe's.
        same_crs: Whether its CRS is the grid's.
    """

    origin: SourceBand
    recipe: BandRecipe
    dataset: DatasetReader
    band: int
    nodata: float | None
    same_crs: bool

    @property
    def data_type(self) -> str:
        """NumPy name of the type of the file's pixels."""
        return str(self.dataset.dtypes[self.band - 1])

    @property
    def grid(self) -> Grid:
        """The file's own pixels; its CRS in the words of the recipe's grid if it is the same."""
        a, b, c, d, e, f = tuple(self.dataset.transform)[:6]
        crs = self.recipe.grid.crs if self.same_crs else crs_text(self.dataset.crs)
        return Grid(crs, (a, b, c, d, e, f), self.dataset.shape)

    @property
    def has_mask(self) -> bool:
        """Whether a mask or alpha band tells which pixels hold data."""
        return MaskFlags.per_dataset in self.dataset.mask_flag_enums[self.band - 1]

    @property
    def place(self) -> Window | None:
        """Where the file's pixels lie on the grid, or None where they do not fall on its pixels.

        The window may reach beyond the grid's edges.
        """
        if not self.same_crs:
            return None
        return place_on(self.recipe.grid, self.grid)

    def read(self, window: Window) -> tuple[Pixels, Flags]:
        """Pixels of a window of the file, and which of them hold data.

        Returns:
            Two arrays of the window's shape: pixels in the recipe's data type, and flags.

        Raises:
            SourceError: The file is cut short or damaged, or a number does not fit.
        """
        area = rasterio_window(window)
        with reading(self.origin):
            pixels = self.dataset.read(self.band, window=area)
            mask = self.dataset.read_masks(self.band, window=area) if self.has_mask else None
        valid = holds_data(pixels, self.nodata, self.recipe.nodata)
        if mask is not None:
            valid &= mask != 0
        return self._convert(pixels, valid), valid

    def _convert(self, pixels: Pixels, valid: Flags) -> Pixels:
        """Pixels in the recipe's type; none that holds data is changed, roundings apart."""
        target = np.dtype(self.recipe.data_type)
        if np.can_cast(pixels.dtype, target, "safe"):
            return pixels.astype(target, copy=False)
        values = pixels[valid]
        values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        lowest, highest = _limits(target, whole=pixels.dtype.kind != "f")
        for value in (values.min(), values.max()) if values.size else ():
            if not lowest <= value <= highest:
                raise self._unfit(value)
        with np.errstate(over="ignore", invalid="ignore"):  # pixels without data
            return pixels.astype(target)

    def _unfit(self, value: np.generic) -> SourceError:
        return SourceError(
            f"{self.origin.path} holds {value} ({self.data_type}), which band "
            f'"{self.recipe.name}" can\'t store as {self.recipe.data_type}: '
            f"state a wider data_type for the band, or convert the file."
        )


def holds_data(pixels: Pixels, *nodata: float | None) -> Flags:
    """Which pixels are neither NaN nor one of the numbers that mean "no data".

    Where no number means it, all of them are data, as GDAL has it.
    """
    if all(number is None for number in nodata):
        return np.ones(pixels.shape, bool)
    valid = np.ones(pixels.shape, bool) if pixels.dtype.kind != "f" else ~np.isnan(pixels)
    for number in {as_pixel(value, pixels.dtype) for value in nodata if value is not None}:
        if number is not None:
            valid &= pixels != number
    return valid


def same_number(one: float | None, other: float | None) -> bool:
    """Whether two nodata values are the same; NaN is NaN here."""
    return one == other or (one != one and other != other)


def as_pixel(number: float, data_type: "np.dtype[Any]") -> Any:  # noqa: ANN401 (its scalar type)
    """A number as a pixel of a type, or None where no pixel of that type can have it."""
    if data_type.kind == "f":
        with np.errstate(over="ignore"):
            return data_type.type(number)
    lowest, highest = _limits(data_type, whole=True)
    if not isfinite(number) or number != int(number) or not lowest <= number <= highest:
        return None
    return data_type.type(int(number))


def place_on(grid: Grid, raster: Grid) -> Window | None:
    """The window that a raster fills on a grid, or None where it is not made of its pixels.

    Args:
        grid: The grid.
        raster: Pixels in the same CRS, of the same size or not.
    """
    top, left = map(round, grid.row_column(*raster.xy(0, 0)))
    for row, column in _corners(raster):
        on_row, on_column = grid.row_column(*raster.xy(row, column))
        if max(abs(on_row - top - row), abs(on_column - left - column)) > SNAP:
            return None
    return Window(top, left, *raster.shape)


@contextmanager
def open_source(origin: SourceBand, recipe: BandRecipe) -> Iterator[RasterSource]:
    """Open a source and check that it can become part of the band's grid.

    Raises:
        SourceError: The file can't be opened, has no such raster band, no CRS, a CRS that
            may not be reprojected, or numbers of another kind.
    """
    with warnings.catch_warnings():
        # A file without georeference is told by our own error.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        dataset = _open(origin)
    with dataset:
        with reading(origin):
            source = _checked(dataset, origin, recipe)
        yield source


@contextmanager
def reading(origin: SourceBand) -> Iterator[None]:
    """Say a failure of GDAL as the fault of a source."""
    try:
        yield
    except GDAL_ERRORS as error:
        raise SourceError(
            f"{origin.path} can't be read to its end ({cause(error)}): it is cut short or "
            "damaged, so copy or download it again."
        ) from error


def cause(error: BaseException) -> str:
    """The innermost reason of an error, on one line, without a full stop."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split()).rstrip(".")


def rasterio_window(window: Window) -> RasterioWindow:
    """A window as rasterio takes it: columns first."""
    return RasterioWindow(window.column, window.row, window.width, window.height)


def _corners(grid: Grid) -> tuple[tuple[int, int], ...]:
    rows, columns = grid.shape
    return (0, 0), (0, columns), (rows, 0), (rows, columns)


def no_nodata(origin: SourceBand, recipe: BandRecipe) -> SourceError:
    """The error for a source that leaves pixels without data where no number can say so."""
    return SourceError(
        f'{origin.path} leaves pixels of the grid without data, and band "{recipe.name}" has no '
        "nodata value to write there: state nodata for the band."
    )


def _open(origin: SourceBand) -> DatasetReader:
    try:
        return rasterio.open(origin.path)
    except GDAL_ERRORS as error:
        raise SourceError(
            f"{origin.path} can't be opened as a raster ({cause(error)}): copy or download it "
            "again, or take it out of the folder."
        ) from error


def _checked(dataset: DatasetReader, origin: SourceBand, recipe: BandRecipe) -> RasterSource:
    _check_band(dataset, origin, recipe)
    _check_place(dataset, origin)
    same = _same_crs(dataset.crs, recipe.grid)
    if not (same or recipe.may_reproject):
        raise _other_crs(dataset.crs, origin, recipe)
    own = dataset.nodatavals[origin.band - 1]
    nodata = recipe.nodata if own is None else own
    return RasterSource(origin, recipe, dataset, origin.band, nodata, same)


def _check_band(dataset: DatasetReader, origin: SourceBand, recipe: BandRecipe) -> None:
    if not 1 <= origin.band <= dataset.count:
        raise SourceError(
            f"{origin.path} has no raster band {origin.band}, only {dataset.count}: "
            f'correct source_band of band "{recipe.name}".'
        )
    data_type, target = dataset.dtypes[origin.band - 1], np.dtype(recipe.data_type)
    if data_type.startswith("complex") or (data_type.startswith("float") and target.kind != "f"):
        raise SourceError(
            f'{origin.path} holds {data_type} where band "{recipe.name}" is stored as '
            f"{recipe.data_type}: convert the file to {recipe.data_type} like the others, or "
            f"state data_type for the band."
        )


def _check_place(dataset: DatasetReader, origin: SourceBand) -> None:
    if dataset.crs is None:
        raise SourceError(
            f"{origin.path} has no CRS: state it in the file, for example with "
            "gdal_edit.py -a_srs EPSG:32630 and the file's name."
        )
    if dataset.transform == Affine.identity() or dataset.transform.is_degenerate:
        raise SourceError(
            f"{origin.path} does not say where its pixels lie: state it in the file, for "
            "example with gdal_edit.py -a_ullr and its corners."
        )


def _same_crs(crs: CRS, grid: Grid) -> bool:
    return bool(crs == CRS.from_user_input(grid.crs)) or crs_text(crs) == grid.crs


def _other_crs(crs: CRS, origin: SourceBand, recipe: BandRecipe) -> SourceError:
    return SourceError(
        f"{origin.path} is in {_crs_name(crs)} and the collection's grid in "
        f"{_crs_name(CRS.from_user_input(recipe.grid.crs))}: state grid = {{ crs = …, resolution "
        "= … } for the collection, so that files are reprojected, or take the file out."
    )


def _crs_name(crs: CRS) -> str:
    """A CRS in a message: its code, else the name that its WKT begins with."""
    text = crs_text(crs)
    return text if text.startswith("EPSG:") else f"the CRS {text.split(chr(34))[1]!r}"


def _limits(data_type: "np.dtype[Any]", *, whole: bool) -> tuple[float, float]:
    """Smallest and largest number that a type can hold.

    Args:
        data_type: Integer or floating point.
        whole: Whether every whole number between them must be held exactly.
    """
    if data_type.kind != "f":
        limits = np.iinfo(data_type)
        return limits.min, limits.max
    numbers = np.finfo(data_type)
    highest = 2.0 ** (numbers.nmant + 1) if whole else float(numbers.max)
    return -highest, highest

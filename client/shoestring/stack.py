"""The result of an extraction: band -> date -> array, and the ways out of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from shoestring.plan import Band, Wish
from shoestring.selection import pick
from shoestring_schema.errors import UnknownNameError
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment, format_moment, parse_moment

if TYPE_CHECKING:
    import xarray

Pixels = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One band at one moment, on the window's grid.

    Attributes:
        date: When: `datetime.date`, or `datetime.datetime` in UTC.
        band: Name of the band.
        pixels: Array of shape (rows, columns); float32 with NaN if masked, else as stored.
        clear: Share of the ROI's pixels that are clear and hold data, 0 to 1; None where
            nothing was masked.
    """

    date: Moment
    band: str
    pixels: Pixels
    clear: float | None = None

    def __repr__(self) -> str:
        rows, columns = self.pixels.shape
        clear = "" if self.clear is None else f", {self.clear:.0%} clear"
        return f"<Layer {self.band} {format_moment(self.date)}: {rows} x {columns} {self.pixels.dtype}{clear}>"


class Dates(dict[Moment, Pixels]):
    """Date to array, in order of time. A date may also be written as text."""

    def __missing__(self, key: object) -> Pixels:
        moment = parse_moment(key) if isinstance(key, str) else key
        if moment in self and moment is not key:
            return self[moment]  # type: ignore[index]
        shown = ", ".join(map(format_moment, list(self)[:5])) or "none"
        raise UnknownNameError(f"There is no layer of {key}: the dates begin with {shown}.")


@dataclass(frozen=True, slots=True, eq=False)
class Stack(Mapping[str, Dates]):
    """Arrays by band and date: ``stack["B04"][date]``.

    Attributes:
        collection: Identifier of the collection.
        grid: The window's grid: CRS, transform and shape of every array.
        layers: Band to date to array.
        info: Band to what its stored numbers mean.
        wish: How the layers were wanted: masked, scaled.
        clear: Date to the clear share of the ROI, where dates were judged.
        left_out: Date to its clear share, for those that were not clear enough.
    """

    collection: str
    grid: Grid
    layers: Mapping[str, Dates]
    info: Mapping[str, Band]
    wish: Wish = field(default_factory=Wish)
    clear: Mapping[Moment, float] = field(default_factory=dict)
    left_out: Mapping[Moment, float] = field(default_factory=dict)

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands, in the order asked for."""
        return tuple(self.layers)

    @property
    def dates(self) -> tuple[Moment, ...]:
        """All dates that one of the bands has, in order."""
        return tuple(sorted({date for dates in self.layers.values() for date in dates}))

    @property
    def nbytes(self) -> int:
        """Size of all arrays in bytes."""
        return sum(pixels.nbytes for dates in self.layers.values() for pixels in dates.values())

    def __getitem__(self, band: str) -> Dates:
        return pick(band, self.layers, "band")

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def to_xarray(self) -> "xarray.Dataset":
        """The stack as a Dataset with dims time, y, x and a variable for each band.

        Coordinates are pixel centres; the CRS is in the coordinate ``spatial_ref`` as CF
        and rioxarray have it. A layer that is missing is filled with NaN, or with nodata
        where arrays are as stored.

        Raises:
            MissingExtraError: xarray or rioxarray is not installed.
        """
        from shoestring.to_xarray import to_dataset

        return to_dataset(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Write one GeoTIFF a layer: ``<collection>_<band>_<date>.tif``.

        Files keep CRS, date, scale and nodata, and the stored type where it can hold the
        layer exactly (pixels that do not count become nodata); else they are float32.

        Args:
            folder: Made where it does not exist. Files of the same name are replaced.

        Returns:
            The paths written.

        Raises:
            OutputError: The folder can't be written. Each file is whole or not there.
        """
        from shoestring.geotiff import save

        return save(self, Path(folder))

    def __repr__(self) -> str:
        from shoestring.show import stack_text

        return stack_text(self)

    def _repr_html_(self) -> str:
        from shoestring.show import stack_html

        return stack_html(self)


def empty_like(stack: Stack, band: str) -> Pixels:
    """An array that stands for a missing layer: NaN, or nodata (0 where there is none)."""
    kind = stack.wish.type_of(stack.info[band])
    nodata = stack.info[band].nodata
    fill = np.nan if kind.kind == "f" else float(nodata or 0)
    return np.full(stack.grid.shape, fill, dtype=kind)

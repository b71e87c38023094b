"""Several sources onto one grid, piece by piece.

A source whose pixels fall on the grid's is copied; every other one is warped.
Later sources cover earlier ones wherever they hold data, which is what
``gdalwarp`` makes of the same files in the same order.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import rasterio

from shoestring_builder.layer import BandRecipe, SourceBand
from shoestring_builder.render.raster_source import (
    Flags,
    Pixels,
    RasterSource,
    as_pixel,
    no_nodata,
    open_source,
)
from shoestring_builder.render.warp import open_warped
from shoestring_schema.errors import SourceError
from shoestring_schema.grid import Window

_OPEN = 64
"""Files held open at a time: systems allow as few as 256, and other workers want theirs."""


class Placed(Protocol):
    """A source as pixels of the grid."""

    @property
    def reach(self) -> Window | None:
        """The window of the grid outside of which there is nothing of the source."""

    def read(self, window: Window) -> tuple[Pixels, Flags]:
        """Pixels of a window within `reach`, in the band's type, and which of them hold data."""


@dataclass(frozen=True, slots=True)
class CopiedSource:
    """A source whose pixels are pixels of the grid.

    Attributes:
        source: The source.
        place: Where its pixels lie on the grid; may reach beyond the edges.
    """

    source: RasterSource
    place: Window

    @property
    def reach(self) -> Window | None:
        """The part of the grid that the source covers."""
        return self.place.intersect(self.source.recipe.grid.whole)

    def read(self, window: Window) -> tuple[Pixels, Flags]:
        """Pixels of a window of the grid that the source covers, and which hold data.

        Raises:
            SourceError: The file is cut short or damaged, or a number does not fit.
        """
        return self.source.read(window.shift(-self.place.row, -self.place.column))


@dataclass(frozen=True, slots=True)
class Mosaic:
    """The mosaic of a layer's sources.

    Attributes:
        recipe: The band's grid, type and nodata value.
        sources: Lowest first.
        reaches: The part of the grid that each source can reach.
    """

    recipe: BandRecipe
    sources: tuple[SourceBand, ...]
    reaches: tuple[Window | None, ...]
    _shelf: "_Shelf"

    def read(self, window: Window) -> Pixels:
        """Pixels of a window of the grid.

        Returns:
            An array of the window's shape in the recipe's data type.

        Raises:
            SourceError: A source can't be read, or leaves pixels without data where the band
                has no nodata value.
        """
        pixels = np.full(window.shape, _nodata_pixel(self.recipe), self.recipe.data_type)
        covered = np.zeros(window.shape, bool) if self.recipe.nodata is None else None
        for number, reach in enumerate(self.reaches):
            shared = reach and reach.intersect(window)
            if shared is None:
                continue
            there = shared.shift(-window.row, -window.column).slices
            values, valid = self._shelf[number].read(shared)
            np.copyto(pixels[there], values, where=valid)
            if covered is not None:
                covered[there] |= valid
        if covered is not None and not covered.all():
            raise no_nodata(self.sources[-1], self.recipe)
        return pixels


@contextmanager
def open_mosaic(
    sources: Sequence[SourceBand], recipe: BandRecipe, workspace: Path
) -> Iterator[Mosaic]:
    """Look at all sources of a layer and make ready to read their mosaic.

    Args:
        sources: Lowest first.
        recipe: The band's grid, type, nodata value and resampling.
        workspace: A folder for temporary copies.

    Raises:
        SourceError: A source can't be used, or the band's nodata value can't be stored.
        One of GDAL_ERRORS: No room for a temporary copy.
    """
    _nodata_pixel(recipe)
    # One thread: of a JPEG 2000 file that was cut short, GDAL's threads return pixels that were
    # never decoded, and no error.
    with (
        rasterio.Env(GDAL_NUM_THREADS="1"),
        closing(_Shelf(lambda number: place(sources[number], recipe, workspace))) as shelf,
    ):
        reaches = tuple(shelf[number].reach for number in range(len(sources)))
        yield Mosaic(recipe, tuple(sources), reaches, shelf)


@contextmanager
def place(origin: SourceBand, recipe: BandRecipe, workspace: Path) -> Iterator[Placed]:
    """Open a source as pixels of the grid.

    Raises:
        SourceError: It can't be used.
        One of GDAL_ERRORS: No room for a temporary copy.
    """
    with open_source(origin, recipe) as source:
        where = source.place
        if where is not None:
            yield CopiedSource(source, where)
            return
        with open_warped(source, workspace) as warped:
            yield warped


class _Shelf:
    """Opened sources by number; those not asked for in a long time are closed."""

    def __init__(self, opener: Callable[[int], AbstractContextManager[Placed]]) -> None:
        self._opener = opener
        self._opened: OrderedDict[int, tuple[ExitStack, Placed]] = OrderedDict()

    def __getitem__(self, number: int) -> Placed:
        if number not in self._opened:
            while len(self._opened) >= _OPEN:
                self._opened.popitem(last=False)[1][0].close()
            with ExitStack() as stack:
                placed = stack.enter_context(self._opener(number))
                self._opened[number] = stack.pop_all(), placed
        self._opened.move_to_end(number)
        return self._opened[number][1]

    def close(self) -> None:
        """Close all."""
        with ExitStack() as stack:
            for opened, _ in self._opened.values():
                stack.push(opened)
            self._opened.clear()


def _nodata_pixel(recipe: BandRecipe) -> Any:  # noqa: ANN401 (a NumPy scalar of the recipe's type)
    data_type = np.dtype(recipe.data_type)
    if recipe.nodata is None:
        return data_type.type(0)
    pixel = as_pixel(recipe.nodata, data_type)
    if pixel is None:
        raise SourceError(
            f'Band "{recipe.name}" states nodata = {recipe.nodata}, which {recipe.data_type} '
            "can't store: state another nodata, or another data_type."
        )
    return pixel

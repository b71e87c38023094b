"""Which pixels of a layer a result is made of: for each of its own, the one under its centre. Pure.

At the collection's resolution that is the pixel itself, or the coarser one that
covers it. A coarser result takes its pixels from an overview: the one that GDAL
chooses when it reads into a smaller array with nearest neighbour.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shoestring.mask import Pixels
from shoestring_schema.grid import Grid, Window

NEARLY = 1.2
"""An overview is taken although it is coarser than the result by up to this factor; as in GDAL."""

EDGE = 1e-9
"""Pixels. A centre that lies on the edge of two pixels, but for rounding, is in the later one; as in GDAL."""

Numbers = npt.NDArray[np.intp]
Shape = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Picked:
    """Pixels of a file's level that stand for some of a result's.

    Attributes:
        slices: Which of the result's pixels: rows and columns.
        level: Number of the level; 0 is full resolution.
        rows: For each of these rows, that of the level; ascending.
        columns: Likewise.
    """

    slices: tuple[slice, slice]
    level: int
    rows: Numbers
    columns: Numbers

    @property
    def shape(self) -> Shape:
        """Rows and columns of the result."""
        return len(self.rows), len(self.columns)

    @property
    def window(self) -> Window:
        """The rectangle of the level's pixels that holds them."""
        top, left = int(self.rows[0]), int(self.columns[0])
        return Window(top, left, int(self.rows[-1]) - top + 1, int(self.columns[-1]) - left + 1)

    def part(self, first: int, last: int) -> "Picked":
        """Some of the rows: numbers of the first, and of the first behind."""
        rows, columns = self.slices
        own = slice(rows.start + first, rows.start + last)
        return replace(self, slices=(own, columns), rows=self.rows[first:last])

    def of(self, pixels: Pixels) -> Pixels:
        """Pick from the pixels of `window`."""
        return _take(_take(pixels, self.columns, 1), self.rows, 0)


@dataclass(frozen=True, eq=False)
class Sampling:
    """Where the centres of a result's pixels lie in the layers of a band.

    Attributes:
        grid: The grid of the band's layers.
        rows: Positions in pixels from the first row's upper edge, ascending, float64.
        columns: Likewise from the first column's left edge.
        step: How many rows and columns of the band a pixel of the result is wide.
    """

    grid: Grid
    rows: npt.NDArray[np.float64]
    columns: npt.NDArray[np.float64]
    step: tuple[float, float]

    @property
    def shape(self) -> Shape:
        """Rows and columns of the result."""
        return len(self.rows), len(self.columns)

    @cached_property
    def window(self) -> Window:
        """The pixels of the band, at full resolution, that the result lies in."""
        whole = self.pick(self.grid.whole, self.grid.whole, [self.grid.shape])
        assert whole is not None
        return whole.window

    @property
    def is_coarser(self) -> bool:
        """Whether the result has fewer pixels than the band, so that overviews may do."""
        return min(self.step) > 1

    def level(self, shapes: Sequence[Shape]) -> int:
        """The level that GDAL would read: the coarsest that is not much coarser than the result.

        Args:
            shapes: Rows and columns of a file's levels, full resolution first.
        """
        best, factor = 0, 1.0
        for number, shape in enumerate(shapes[1:] if self.is_coarser else (), 1):
            own = min(shapes[0][0] / shape[0], shapes[0][1] / shape[1])
            if factor < own < NEARLY * min(self.step):
                best, factor = number, own
        return best

    def part(self, target: Window) -> tuple[slice, slice] | None:
        """Which of the result's pixels have their centres in a part of the layer."""
        rows = _between(self.rows, target.row, target.row + target.height)
        columns = _between(self.columns, target.column, target.column + target.width)
        return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None

    def pick(self, source: Window, target: Window, shapes: Sequence[Shape]) -> Picked | None:
        """The pixels of a file that stand for the result's.

        Args:
            source: Which of the file's pixels the layer shows.
            target: Where they lie in the layer, of the same shape.
            shapes: Rows and columns of the file's levels, full resolution first.

        Returns:
            The pixels, or None where none of the result's has its centre in `target`.
        """
        slices = self.part(target)
        if slices is None:
            return None
        level = self.level(shapes)
        whole, shape = shapes[0], shapes[level]
        return Picked(
            slices,
            level,
            _scaled(self.rows[slices[0]] + (source.row - target.row), whole[0], shape[0]),
            _scaled(self.columns[slices[1]] + (source.column - target.column), whole[1], shape[1]),
        )


def sample(window: Window, result: Grid, grid: Grid, factor: int) -> Sampling:
    """Lay a result's pixels over the layers of a band.

    Args:
        window: The result's pixels.
        result: The grid of which `window` is a part.
        grid: The collection's grid; `result` begins at the same corner.
        factor: How many pixels of `grid` one of the band is wide.
    """
    own = grid.coarsen(factor)
    ratios = [new / old for new, old in zip(result.resolution, grid.resolution, strict=True)]
    across, down = (round(ratio, 9) / factor for ratio in ratios)
    return Sampling(
        own,
        _centres(window.row, window.height, down, own.shape[0]),
        _centres(window.column, window.width, across, own.shape[1]),
        (down, across),
    )


def _centres(first: int, count: int, step: float, size: int) -> npt.NDArray[np.float64]:
    """Centres of pixels; of one that reaches over the grid's edge, at most that of the last within."""
    centres = (np.arange(first, first + count) + 0.5) * step + EDGE
    within: npt.NDArray[np.float64] = np.minimum(centres, size - 0.5)
    return within


def _between(centres: npt.NDArray[np.float64], low: int, high: int) -> slice:
    first, last = np.searchsorted(centres, (low, high))
    return slice(int(first), int(last))


def _scaled(centres: npt.NDArray[np.float64], whole: int, size: int) -> Numbers:
    """From positions at full resolution to pixels of a level."""
    found = centres if size == whole else centres * size / whole
    return np.minimum(found.astype(np.intp), size - 1)


def _take(pixels: Pixels, numbers: Numbers, axis: int) -> Pixels:
    """Rows or columns by their numbers; `pixels` begins with the first of them."""
    places = numbers - numbers[0]
    if np.array_equal(places, np.arange(pixels.shape[axis])):
        return pixels
    taken: Pixels = pixels.take(places, axis)
    return taken

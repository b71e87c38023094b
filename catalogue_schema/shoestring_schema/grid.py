"""The grid of a collection, and windows on it: value types for all planning.

A *grid* is a CRS, an affine transform and a shape. A *window* is a rectangle
of whole pixels on it. Both are values: every operation gives a new one.
Rows come before columns throughout, as in NumPy.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil, floor, hypot, isfinite

SNAP = 1e-6
"""Pixels. A coordinate this near to a pixel's edge lies on that edge: corners
that were computed in another CRS come back with a rounding error."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of whole pixels on a grid.

    Attributes:
        row: First row.
        column: First column.
        height: Number of rows, at least 1.
        width: Number of columns, at least 1.
    """

    row: int
    column: int
    height: int
    width: int

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            if getattr(self, name) < 1:
                raise ValueError(f"Window {name} must be positive, got {getattr(self, name)}")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """The window as an index into an array of the whole grid."""
        return (
            slice(self.row, self.row + self.height),
            slice(self.column, self.column + self.width),
        )

    def intersect(self, other: "Window") -> "Window | None":
        """The rectangle that both windows share, or None."""
        top, left = max(self.row, other.row), max(self.column, other.column)
        bottom = min(self.row + self.height, other.row + other.height)
        right = min(self.column + self.width, other.column + other.width)
        if bottom <= top or right <= left:
            return None
        return Window(top, left, bottom - top, right - left)

    def shift(self, rows: int, columns: int) -> "Window":
        """The same rectangle, moved."""
        return Window(self.row + rows, self.column + columns, self.height, self.width)

    def coarsen(self, factor: int) -> "Window":
        """The window of pixels `factor` times as large that covers this one."""
        top, left = self.row // factor, self.column // factor
        bottom = -((self.row + self.height) // -factor)
        right = -((self.column + self.width) // -factor)
        return Window(top, left, bottom - top, right - left)

    def count_tiles(self, size: int) -> int:
        """How many square blocks of `size` pixels the window touches."""
        blocks = self.coarsen(size)
        return blocks.height * blocks.width

    def tiles(self, size: int) -> Iterator[tuple[int, int]]:
        """Row and column of each square block of `size` pixels that the window touches.

        In row-major order, as the blocks of a tiled TIFF are numbered.
        """
        blocks = self.coarsen(size)
        for row in range(blocks.row, blocks.row + blocks.height):
            for column in range(blocks.column, blocks.column + blocks.width):
                yield row, column


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the pixels of a collection lie.

    Attributes:
        crs: ``EPSG:32630`` where the CRS has a code, else WKT 2.
        transform: Affine coefficients a to f (pixel to CRS, as ``proj:transform``).
        shape: Rows and columns.
    """

    crs: str
    transform: tuple[float, float, float, float, float, float]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        a, b, _, d, e, _ = self.transform
        if not all(map(isfinite, self.transform)) or a * e == b * d:
            raise ValueError(f"Grid transform must be finite and invertible, got {self.transform}")
        if min(self.shape) < 1:
            raise ValueError(f"Grid shape must be positive, got {self.shape}")

    @property
    def whole(self) -> Window:
        """The window that covers the grid."""
        return Window(0, 0, *self.shape)

    @property
    def resolution(self) -> tuple[float, float]:
        """Width and height of a pixel in units of the CRS, both positive."""
        a, b, _, d, e, _ = self.transform
        return hypot(a, d), hypot(b, e)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top in the CRS."""
        rows, columns = self.shape
        corners = [self.xy(r, c) for r, c in ((0, 0), (0, columns), (rows, 0), (rows, columns))]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def xy(self, row: float, column: float) -> tuple[float, float]:
        """Position in the CRS; whole numbers are the upper left corners of pixels."""
        a, b, c, d, e, f = self.transform
        return a * column + b * row + c, d * column + e * row + f

    def row_column(self, x: float, y: float) -> tuple[float, float]:
        """Position on the grid, in pixels from its upper left corner: the inverse of `xy`."""
        a, b, c, d, e, f = self.transform
        determinant = a * e - b * d
        x, y = x - c, y - f
        return (a * y - d * x) / determinant, (e * x - b * y) / determinant

    def is_close(self, other: "Grid") -> bool:
        """Whether two grids are one, but for rounding errors. CRSs are not compared."""
        tolerance = 1e-3 * min(other.resolution)
        return self.shape == other.shape and all(
            abs(a - b) <= tolerance for a, b in zip(self.bounds, other.bounds, strict=True)
        )

    def crop(self, window: Window) -> "Grid":
        """The grid of a window's pixels."""
        a, b, _, d, e, _ = self.transform
        c, f = self.xy(window.row, window.column)
        return Grid(self.crs, (a, b, c, d, e, f), window.shape)

    def coarsen(self, factor: int) -> "Grid":
        """The grid of pixels `factor` times as large, from the same origin, that covers this one."""
        rows, columns = self.shape
        a, b, c, d, e, f = self.transform
        larger = (a * factor, b * factor, c, d * factor, e * factor, f)
        return Grid(self.crs, larger, (-(rows // -factor), -(columns // -factor)))

    def with_resolution(self, side: float) -> "Grid":
        """The grid of square pixels of another size, from the same corner, that covers this one."""
        width, height = self.resolution
        across, down = side / width, side / height
        rows, columns = self.shape
        a, b, c, d, e, f = self.transform
        larger = (a * across, b * down, c, d * across, e * down, f)
        return Grid(self.crs, larger, (ceil(rows / down - SNAP), ceil(columns / across - SNAP)))

    def window_of(self, points: Iterable[tuple[float, float]]) -> Window | None:
        """The bounding box of points on the grid, grown to whole pixels, cut at the grid's edges.

        Args:
            points: x and y in the grid's CRS; the vertices of a geometry.

        Returns:
            The window, or None where the bounding box lies outside of the grid.
        """
        rows, columns = zip(*(self.row_column(x, y) for x, y in points), strict=True)
        top, bottom = _whole(min(rows), max(rows))
        left, right = _whole(min(columns), max(columns))
        return Window(top, left, bottom - top, right - left).intersect(self.whole)


def _whole(low: float, high: float) -> tuple[int, int]:
    """Grow an interval in pixels to whole ones; never empty."""
    first, last = floor(low + SNAP), ceil(high - SNAP)
    return first, max(last, first + 1)

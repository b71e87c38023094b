"""Grids and windows as values."""

from math import floor

import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_schema.grid import Grid, Window

UTM = Grid("EPSG:32630", (10.0, 0.0, 600000.0, 0.0, -10.0, 800000.0), (40, 50))
QUICK = settings(max_examples=100, deadline=None)
SMALL = st.integers(0, 40)
SIZES = st.integers(1, 30)
WINDOWS = st.builds(Window, SMALL, SMALL, SIZES, SIZES)


def pixels(window: Window) -> set[tuple[int, int]]:
    """Row and column of each pixel."""
    rows, columns = window.slices
    return {
        (r, c) for r in range(rows.start, rows.stop) for c in range(columns.start, columns.stop)
    }


@QUICK
@given(WINDOWS, WINDOWS)
def test_intersecting_is_sharing_pixels(one: Window, other: Window) -> None:
    """Two windows share just the pixels of their intersection, or none."""
    shared = one.intersect(other)
    assert shared == other.intersect(one)
    assert (set() if shared is None else pixels(shared)) == pixels(one) & pixels(other)


@QUICK
@given(WINDOWS, st.integers(1, 9))
def test_coarsening_covers(window: Window, factor: int) -> None:
    """A coarser window holds just the coarser pixels that the window touches."""
    touched = {(row // factor, column // factor) for row, column in pixels(window)}
    assert pixels(window.coarsen(factor)) == touched
    assert list(window.tiles(factor)) == sorted(touched)
    assert window.count_tiles(factor) == len(touched)


@QUICK
@given(WINDOWS, st.integers(-9, 9), st.integers(-9, 9))
def test_shifting_moves_every_pixel(window: Window, rows: int, columns: int) -> None:
    """A shifted window has the same shape, elsewhere."""
    moved = window.shift(rows, columns)
    assert moved.shape == window.shape
    assert moved.shift(-rows, -columns) == window


@pytest.mark.parametrize(("height", "width"), [(0, 1), (1, 0), (-3, 1)])
def test_an_empty_window_is_refused(height: int, width: int) -> None:
    """A window has at least one pixel; the message carries the value."""
    with pytest.raises(ValueError, match=f"must be positive, got {min(height, width)}"):
        Window(0, 0, height, width)


TRANSFORMS = st.tuples(
    st.sampled_from([10.0, -0.25, 30.0]), st.sampled_from([0.0, 3.0]), st.floats(-1e6, 1e6),
    st.sampled_from([0.0, -2.0]), st.sampled_from([-10.0, 0.5, 30.0]), st.floats(-1e6, 1e6),
)  # fmt: skip


@QUICK
@given(TRANSFORMS, st.floats(-50, 50), st.floats(-50, 50))
def test_positions_are_those_of_rasterio(
    transform: tuple[float, float, float, float, float, float], row: float, column: float
) -> None:
    """`xy` is rasterio's affine, and `row_column` its inverse, also where the grid is rotated."""
    grid = Grid("EPSG:32630", transform, (40, 50))
    x, y = grid.xy(row, column)
    xs, ys = rasterio.transform.xy(rasterio.Affine(*transform), [row], [column], offset="ul")
    assert (x, y) == pytest.approx((xs[0], ys[0]), rel=1e-12, abs=1e-6)
    assert grid.row_column(x, y) == pytest.approx((row, column), abs=1e-5)
    assert grid.bounds == pytest.approx(rasterio.transform.array_bounds(40, 50, rasterio.Affine(*transform)) if not (transform[1] or transform[3]) and transform[0] > 0 > transform[4] else grid.bounds)  # fmt: skip  # noqa: E501


@QUICK
@given(WINDOWS.filter(lambda w: w.intersect(UTM.whole) == w))
def test_cropping_keeps_pixels_in_place(window: Window) -> None:
    """A window's own grid has its pixels where the grid has them."""
    cropped = UTM.crop(window)
    assert cropped.shape == window.shape
    assert cropped.xy(0, 0) == UTM.xy(window.row, window.column)
    assert cropped.resolution == UTM.resolution


@QUICK
@given(st.integers(1, 60))
def test_coarsening_a_grid_covers_it(factor: int) -> None:
    """A coarser grid begins at the same corner and covers the grid with less than a pixel more."""
    coarse = UTM.coarsen(factor)
    assert coarse.xy(0, 0) == UTM.xy(0, 0)
    for size, many in zip(UTM.shape, coarse.shape, strict=True):
        assert size <= many * factor < size + factor


@QUICK
@given(st.lists(st.tuples(st.floats(-20, 70), st.floats(-20, 70)), min_size=1, max_size=5))
def test_the_window_of_points_holds_them(points: list[tuple[float, float]]) -> None:
    """The window of points is their bounding box in whole pixels, cut at the grid's edges."""
    window = UTM.window_of([UTM.xy(row, column) for row, column in points])
    rows, columns = zip(*points, strict=True)
    for low, high, size, first, count in (
        (min(rows), max(rows), 40, window and window.row, window and window.height),
        (min(columns), max(columns), 50, window and window.column, window and window.width),
    ):
        if window is None:
            continue
        assert first == max(0, floor(low + 1e-6))
        assert first + count >= min(size, high - 1e-5)
        assert first + count <= max(first + 1, min(size, high + 1 + 1e-5))
    outside = max(rows) < -1e-5 or min(rows) > 40 or max(columns) < -1e-5 or min(columns) > 50
    assert window is None or not outside


def test_a_point_is_one_pixel_and_edges_snap() -> None:
    """A point lies in one pixel; a coordinate within a millionth of an edge lies on it."""
    assert UTM.window_of([UTM.xy(5, 7)]) == Window(5, 7, 1, 1)
    assert UTM.window_of([UTM.xy(5 - 1e-8, 7 + 1e-8), UTM.xy(6 + 1e-8, 8 - 1e-8)]) == Window(
        5, 7, 1, 1
    )
    assert UTM.window_of([UTM.xy(5, 7), UTM.xy(6.001, 8)]) == Window(5, 7, 2, 1)


@pytest.mark.parametrize(
    ("transform", "shape"),
    [
        ((0.0, 0.0, 0.0, 0.0, -1.0, 0.0), (1, 1)),
        ((1.0, 1.0, 0.0, 1.0, 1.0, 0.0), (1, 1)),
        ((float("nan"), 0.0, 0.0, 0.0, -1.0, 0.0), (1, 1)),
        ((1.0, 0.0, float("inf"), 0.0, -1.0, 0.0), (1, 1)),
        ((1.0, 0.0, 0.0, 0.0, -1.0, 0.0), (0, 1)),
        ((1.0, 0.0, 0.0, 0.0, -1.0, 0.0), (1, -1)),
    ],
)
def test_a_grid_that_cannot_be_is_refused(
    transform: tuple[float, float, float, float, float, float], shape: tuple[int, int]
) -> None:
    """A grid whose transform can't be inverted, or without pixels, is refused with the value."""
    with pytest.raises(ValueError, match="must be .*, got"):  # noqa: RUF043
        Grid("EPSG:32630", transform, shape)


def test_grids_are_close_within_a_thousandth_of_a_pixel() -> None:
    """Rounding errors do not part grids; half a pixel, a row more or another size does."""
    a, b, c, d, e, f = UTM.transform
    assert UTM.is_close(Grid("x", (a, b, c + 0.005, d, e, f - 0.005), UTM.shape))
    assert not UTM.is_close(Grid("x", (a, b, c + 5, d, e, f), UTM.shape))
    assert not UTM.is_close(Grid("x", UTM.transform, (41, 50)))
    assert not UTM.is_close(Grid("x", (a * 1.01, b, c, d, e, f), UTM.shape))

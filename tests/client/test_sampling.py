"""Which pixels a result takes: held against exact fractions."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shoestring.sampling import Picked, sample
from shoestring_schema.grid import Grid, Window
from support.site import UTM

STEPS = (
    Fraction(1),
    Fraction(3, 2),
    Fraction(2),
    Fraction(5, 2),
    Fraction(3),
    Fraction(4),
    Fraction(73, 10),
)


def under(centre: Fraction, whole: int, level: int) -> int:
    """The pixel of a level under a place at full resolution; at the edge, the last one."""
    return min(floor(min(centre, whole - Fraction(1, 2)) * level / whole), level - 1)


@st.composite
def layers(draw: st.DrawFn) -> tuple[Grid, int, Fraction, list[tuple[int, int]], Window]:
    """A grid, a band's factor, a step, the shapes of a file's levels, a window of the result."""
    grid = Grid(UTM.crs, UTM.transform, (draw(st.integers(1, 99)), draw(st.integers(1, 99))))
    factor, step = draw(st.integers(1, 4)), draw(st.sampled_from(STEPS))
    shapes = [grid.coarsen(factor).shape]
    for _ in range(draw(st.integers(0, 3))):
        finer = shapes[-1]
        shapes.append((draw(st.integers(1, finer[0])), draw(st.integers(1, finer[1]))))
    rows, columns = (ceil(size / step) for size in grid.shape)
    top, left = draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))
    window = Window(
        top, left, draw(st.integers(1, rows - top)), draw(st.integers(1, columns - left))
    )
    return grid, factor, step, shapes, window


@given(layers())
def test_each_pixel_is_the_one_under_its_centre(
    layer: tuple[Grid, int, Fraction, list[tuple[int, int]], Window],
) -> None:
    """Of any level, with any ratio, at edges and between pixels: as exact arithmetic says."""
    grid, factor, step, shapes, window = layer
    result = grid.with_resolution(float(10 * step))
    picked = sample(window, result, grid, factor).pick(
        Window(0, 0, *shapes[0]), Window(0, 0, *shapes[0]), shapes
    )
    assert picked is not None
    assert picked.slices == (slice(0, window.height), slice(0, window.width))
    shape = shapes[picked.level]
    wanted = [
        [under((first + n + Fraction(1, 2)) * step / factor, whole, level) for n in range(count)]
        for first, count, whole, level in (
            (window.row, window.height, shapes[0][0], shape[0]),
            (window.column, window.width, shapes[0][1], shape[1]),
        )
    ]
    level = np.arange(shape[0] * shape[1]).reshape(shape)
    assert np.array_equal(picked.of(level[picked.window.slices]), level[np.ix_(*wanted)])


def test_as_many_rows_but_others() -> None:
    """Where a level has as many pixels as the result, but one is skipped and one taken twice."""
    picked = Picked((slice(0, 4), slice(0, 1)), 1, np.array([0, 2, 3, 3]), np.array([0]))
    assert picked.of(np.arange(4)[:, None]).ravel().tolist() == [0, 2, 3, 3]

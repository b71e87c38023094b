"""Where a grid is cut."""

from math import lcm

from hypothesis import example, given
from hypothesis import strategies as st

from shoestring_pull.crop.cut import Cut, KeptLevel, Shape, kept_levels, make_cut
from shoestring_schema.grid import Grid, Window
from shoestring_schema.site import LevelDocument

EDGES = st.integers(1, 3000)


def shape(size: tuple[int, int], factor: int, block: int, levels: int, *, up: bool) -> Shape:
    """How GDAL, or somebody who rounds sizes up, stores a layer of a grid of this size."""
    rows, columns = -(size[0] // -factor), -(size[1] // -factor)

    def reduced(edge: int, level: int) -> int:
        return -(edge // -(2**level)) if up else max(1, edge >> level)

    return Shape(
        factor,
        tuple(
            LevelDocument(shape=(reduced(rows, level), reduced(columns, level)), block=(block,) * 2)
            for level in range(levels)
        ),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[int, int], Window, list[Shape]]:
    """A grid's size, a region on it, and how its layers are stored."""
    size = draw(EDGES), draw(EDGES)
    row, column = draw(st.integers(0, size[0] - 1)), draw(st.integers(0, size[1] - 1))
    height = draw(st.integers(1, size[0] - row))
    width = draw(st.integers(1, size[1] - column))
    shapes = draw(
        st.lists(
            st.builds(
                lambda factor, block, levels, up: shape(size, factor, block, levels, up=up),
                st.sampled_from([1, 2, 3, 6]),
                st.sampled_from([64, 128, 256]),
                st.integers(1, 5),
                st.booleans(),
            ),
            min_size=1,
            max_size=3,
        )
    )
    return size, Window(row, column, height, width), shapes


def made(size: tuple[int, int], region: Window, shapes: list[Shape]) -> Cut:
    """The cut of a grid of this size."""
    return make_cut(region, Grid("EPSG:32630", (10.0, 0.0, 0.0, 0.0, -10.0, 0.0), size), shapes)


EDGE = (
    (1, 2989),
    Window(0, 2988, 1, 1),
    [shape((1, 2989), 1, 64, 2, up=False), shape((1, 2989), 3, 256, 1, up=False)],
)
"""The region is the last pixel, where the overview has ended already."""
BEHIND = (513, 257), Window(1, 256, 512, 1), [shape((513, 257), 1, 64, 2, up=False)]
"""The same, and a block of the overview would begin there."""


@given(cases())
def test_region_lies_in_the_cut(case: tuple[tuple[int, int], Window, list[Shape]]) -> None:
    """A cut holds all of the region, and nothing beyond the grid."""
    size, region, shapes = case
    window = Window(*made(size, region, shapes).window)
    assert window.intersect(region) == region
    assert window.intersect(Window(0, 0, *size)) == window


@given(cases())
def test_blocks_cover_the_region_on_each_level(
    case: tuple[tuple[int, int], Window, list[Shape]],
) -> None:
    """The blocks of each kept level hold the region's pixels, and none lies beside it."""
    size, region, shapes = case
    cut = made(size, region, shapes)
    for own in shapes:
        for level in kept_levels(own, cut, whole=False):
            reduction = own.reductions()[level.number]
            assert reduction is not None
            pixel = own.factor * reduction
            here = Window(cut.window[0] // pixel, cut.window[1] // pixel, *level.shape)
            wanted = region.coarsen(pixel).intersect(here)
            if wanted is None:  # an overview may end a pixel before the region does
                continue
            blocks = level.blocks
            covered = Window(
                blocks.row * level.block[0], blocks.column * level.block[1],
                blocks.height * level.block[0], blocks.width * level.block[1],
            )  # fmt: skip
            assert covered.intersect(wanted) == wanted
            assert blocks == Window(*_touched(wanted, level))


@given(cases())
def test_cut_begins_where_blocks_begin(
    case: tuple[tuple[int, int], Window, list[Shape]],
) -> None:
    """The first pixel of a cut is the first of a block, on every level that is kept."""
    size, region, shapes = case
    cut = made(size, region, shapes)
    for own in shapes:
        levels = kept_levels(own, cut, whole=True)
        assert levels
        assert levels[0].number == 0
        for level in levels:
            reduction = own.reductions()[level.number]
            assert reduction is not None
            for edge, block, first in zip(cut.window[:2], level.block, level.first, strict=True):
                assert first * block * own.factor * reduction == edge
            assert (level.blocks.row, level.blocks.column) == level.first
            assert level.blocks.shape == level.count


@example(EDGE)
@example(BEHIND)
@given(cases())
def test_large_cut_keeps_an_overview(
    case: tuple[tuple[int, int], Window, list[Shape]],
) -> None:
    """What must have an overview to be a valid COG keeps one, where there is one."""
    size, region, shapes = case
    cut = made(size, region, shapes)
    for own in shapes:
        levels = kept_levels(own, cut, whole=False)
        assert max(levels[0].shape) <= 512 or len(levels) > 1 or 2 not in own.reductions()


@given(cases())
def test_no_level_is_one_column_of_blocks(
    case: tuple[tuple[int, int], Window, list[Shape]],
) -> None:
    """A high level is not just as wide as a block, which would be taken for strips, if it can be."""
    size, region, shapes = case
    cut = made(size, region, shapes)
    for own in shapes:
        for level in kept_levels(own, cut, whole=False):
            if level.shape[1] == level.block[1] and level.shape[0] > 512:
                assert cut.window[1] + cut.window[3] == size[1]
                assert cut.window[1] < lcm(
                    *(2 * one.factor * one.levels[0].block[1] for one in shapes)
                )


def _touched(pixels: Window, level: KeptLevel) -> tuple[int, int, int, int]:
    rows = range(
        pixels.row // level.block[0], (pixels.row + pixels.height - 1) // level.block[0] + 1
    )
    columns = range(
        pixels.column // level.block[1], (pixels.column + pixels.width - 1) // level.block[1] + 1
    )
    return rows[0], columns[0], len(rows), len(columns)

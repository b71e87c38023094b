"""Where a collection's grid is cut, and which blocks of a layer lie under the cut. Pure.

Blocks are taken as they are, so a cut begins where blocks begin: those of every band at full
resolution, and those of each overview that is kept. It ends anywhere, as the last block of a
TIFF may reach beyond its image. What lies before the region's own blocks is not fetched: there
the copy holds no data. For the sake of overviews this margin is no more than half as large as the
rest; that bands of different sizes begin together, or that a COG has an overview at all, may need
more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import lcm

import msgspec

from shoestring_schema.grid import Grid, Window
from shoestring_schema.site import LevelDocument

MOST = 1.5
"""A cut may be so many times as large as it must be, so that an overview more is kept."""

LARGE = 512
"""Pixels. A larger COG has overviews, says who validates it."""

Box = tuple[int, int, int, int]
"""Row, column, height, width."""


class Cut(msgspec.Struct, frozen=True):
    """A part of a collection's grid.

    Attributes:
        region: The window of the region.
        window: What becomes the grid of the copy.
    """

    region: Box
    window: Box

    def grid(self, whole: Grid) -> Grid:
        """The grid of the copy, from the collection's."""
        return whole.crop(Window(*self.window))


@dataclass(frozen=True, slots=True)
class Shape:
    """How the layers of a band are stored: many are alike.

    Attributes:
        factor: The band's.
        levels: Full resolution first.
    """

    factor: int
    levels: tuple[LevelDocument, ...]

    def reductions(self) -> list[int | None]:
        """By how much each level is coarser than the first; None where by no power of two."""
        found: list[int | None] = [1]
        for level in self.levels[1:]:
            last = max(known for known in found if known is not None)
            found.append(_reduction(self.levels[0].shape, level.shape, last))
        return found


@dataclass(frozen=True, slots=True)
class KeptLevel:
    """A level of a layer as far as it is kept.

    Attributes:
        number: Which of the file's levels.
        shape: Rows and columns of its pixels in the copy.
        block: Rows and columns of a block.
        first: Row and column of the file's block that is the first of the copy.
        blocks: Which of the file's blocks are fetched.
    """

    number: int
    shape: tuple[int, int]
    block: tuple[int, int]
    first: tuple[int, int]
    blocks: Window

    @property
    def count(self) -> tuple[int, int]:
        """Rows and columns of blocks in the copy, with those that it lacks."""
        return -(self.shape[0] // -self.block[0]), -(self.shape[1] // -self.block[1])


def make_cut(region: Window, grid: Grid, shapes: Sequence[Shape]) -> Cut:
    """Where to cut a grid for a region.

    Args:
        region: The region's window on the grid.
        grid: The collection's grid.
        shapes: Of all layers that are to be cropped.
    """
    ends = [
        min(edge, -(last // -step) * step)
        for edge, last, step in zip(
            grid.shape,
            (region.row + region.height, region.column + region.width),
            (min(_steps(shapes, 1, axis)) for axis in (0, 1)),
            strict=True,
        )
    ]
    starts = _starts(region, ends, shapes)
    window: Box | None = (*starts, ends[0] - starts[0], ends[1] - starts[1])
    own = region.row, region.column, region.height, region.width
    while window is not None:
        cut = Cut(own, window)
        if not any(_is_column(level) for shape in shapes for level in _levels(shape, cut)):
            break
        window = _wider(window, grid, shapes)
    return cut


def kept_levels(shape: Shape, cut: Cut, *, whole: bool) -> tuple[KeptLevel, ...]:
    """The levels of a layer that can be kept, and their blocks.

    Args:
        shape: How it is stored.
        cut: Where its collection is cut.
        whole: Whether all blocks of the cut are needed, and not only those under the region.

    Returns:
        Full resolution first; nothing where the cut does not begin where its blocks do.
    """
    kept: list[KeptLevel] = []
    for number, reduction in enumerate(shape.reductions()):
        if reduction is not None and not (kept and _is_small(kept[-1])):
            level = _kept(shape, number, reduction, cut, whole=whole)
            if level is None and not number:
                return ()
            kept += [level] if level is not None else []
    return tuple(kept)


def _levels(shape: Shape, cut: Cut) -> tuple[KeptLevel, ...]:
    return kept_levels(shape, cut, whole=False)


def _is_column(level: KeptLevel) -> bool:
    """Whether a level is just as wide as a block: who validates COGs takes its blocks for strips."""
    return level.shape[1] == level.block[1] and level.shape[0] > LARGE


def _wider(window: Box, grid: Grid, shapes: Sequence[Shape]) -> Box | None:
    """A block more to the right, or else to the left; None where the grid is no wider."""
    row, column, height, width = window
    room = grid.shape[1] - column - width
    if room > 0:
        return row, column, height, width + min(room, min(_steps(shapes, 1, 1)))
    unit = lcm(*_steps(shapes, 1, 1), *_steps(shapes, 2, 1))
    return (row, column - unit, height, width + unit) if column >= unit else None


def _starts(region: Window, ends: Sequence[int], shapes: Sequence[Shape]) -> tuple[int, int]:
    """Where the cut begins: so that many overviews are kept and little is added."""
    least = best = _start(region, shapes, 1)
    reduction, area = 2, _area(least, ends)
    while any(reduction in shape.reductions() for shape in shapes):
        start = _start(region, shapes, reduction)
        needed = reduction == 2 and _is_large(least, ends, shapes)
        if not needed and _area(start, ends) > MOST * area:
            break
        best, reduction = start, 2 * reduction
    return best


def _start(region: Window, shapes: Sequence[Shape], reduction: int) -> tuple[int, int]:
    units = [lcm(*_steps(shapes, 1, axis), *_steps(shapes, reduction, axis)) for axis in (0, 1)]
    row = min([region.row, *_lasts(shapes, reduction, 0)])
    column = min([region.column, *_lasts(shapes, reduction, 1)])
    return row // units[0] * units[0], column // units[1] * units[1]


def _lasts(shapes: Sequence[Shape], reduction: int, axis: int) -> list[int]:
    """The last pixel of the grid that overviews of a reduction know: they may end before it does."""
    return [
        shape.factor * reduction * level.shape[axis] - 1
        for shape in shapes
        for level, own in zip(shape.levels[1:], shape.reductions()[1:], strict=True)
        if own == reduction
    ]


def _steps(shapes: Sequence[Shape], reduction: int, axis: int) -> list[int]:
    """How many pixels of the grid a block spans, of each level of this reduction."""
    return [
        shape.factor * reduction * level.block[axis]
        for shape in shapes
        for level, own in zip(shape.levels, shape.reductions(), strict=True)
        if own == reduction
    ]


def _area(start: tuple[int, int], ends: Sequence[int]) -> int:
    return (ends[0] - start[0]) * (ends[1] - start[1])


def _is_large(start: tuple[int, int], ends: Sequence[int], shapes: Sequence[Shape]) -> bool:
    factor = min(shape.factor for shape in shapes)
    return max(ends[0] - start[0], ends[1] - start[1]) > LARGE * factor


def _is_small(level: KeptLevel) -> bool:
    """Whether nothing is gained by a coarser one: it is no larger than a block."""
    return level.shape[0] <= level.block[0] and level.shape[1] <= level.block[1]


def _kept(shape: Shape, number: int, reduction: int, cut: Cut, *, whole: bool) -> KeptLevel | None:
    level, pixel = shape.levels[number], shape.factor * reduction
    steps = pixel * level.block[0], pixel * level.block[1]
    row, column, height, width = cut.window
    if row % steps[0] or column % steps[1]:
        return None
    size = _overview(_coarser((height, width), shape.factor), reduction)
    here = Window(row // pixel, column // pixel, *size)
    wanted = _within(here, Window(*(cut.window if whole else cut.region)).coarsen(pixel))
    there = wanted.intersect(Window(0, 0, *level.shape))
    if there is None:  # the file is smaller than its grid
        return None
    return KeptLevel(
        number=number,
        shape=size,
        block=level.block,
        first=(row // steps[0], column // steps[1]),
        blocks=_blocks_under(there, level.block),
    )


def _within(here: Window, pixels: Window) -> Window:
    """Pixels of an overview; where it ends before a region at the grid's edge, its last ones."""
    row = min(pixels.row, here.row + here.height - 1)
    column = min(pixels.column, here.column + here.width - 1)
    return Window(row, column, *pixels.shape).intersect(here) or here


def _blocks_under(pixels: Window, block: tuple[int, int]) -> Window:
    rows = range(pixels.row // block[0], -((pixels.row + pixels.height) // -block[0]))
    columns = range(pixels.column // block[1], -((pixels.column + pixels.width) // -block[1]))
    return Window(rows.start, columns.start, len(rows), len(columns))


def _reduction(whole: tuple[int, int], shape: tuple[int, int], last: int) -> int | None:
    """By which power of two a level is coarser: GDAL rounds its size down, others up."""
    return next(
        (
            own
            for own in _doubled(last)
            if all(
                size in (max(1, edge // own), -(edge // -own))
                for edge, size in zip(whole, shape, strict=True)
            )
        ),
        None,
    )


def _doubled(last: int) -> Iterator[int]:
    for _ in range(31):
        last *= 2
        yield last


def _coarser(shape: tuple[int, int], factor: int) -> tuple[int, int]:
    return -(shape[0] // -factor), -(shape[1] // -factor)


def _overview(shape: tuple[int, int], reduction: int) -> tuple[int, int]:
    """The size of an overview, as GDAL's COG driver rounds it."""
    return max(1, shape[0] // reduction), max(1, shape[1] // reduction)

"""How much of each block is clear, by the mask of its date.

A pixel of the collection's grid is clear where the mask layer's pixel that covers it is.
Sums over a block are differences of running sums. Those of a mask that is stored coarser
are taken between its pixels, so that it need not be repeated for the grid.

The overviews of a mask are another matter: whoever masks by them needs to know what they say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shoestring_builder.index.blocks import block_shares
from shoestring_builder.index.layer_files import open_layer
from shoestring_builder.render.chunks import ROWS, chunks
from shoestring_builder.render.raster_source import Pixels, holds_data, rasterio_window
from shoestring_builder.render.tally import is_clear
from shoestring_schema.site import LevelDocument, MaskDocument
from shoestring_schema.tile_index import blocks_of, shares

Counts = NDArray[np.int64]
Edges = NDArray[np.int64]
"""First, and first behind, of each interval: shape (n, 2)."""

_PIXELS = 2**22
"""Of a piece, at most, where the grid is not wider than that allows."""


@dataclass(frozen=True, slots=True, order=True)
class Geometry:
    """Where the blocks of a file lie on the collection's grid; a file of an index has one.

    Attributes:
        factor: The band's.
        place: Row and column of the file's first pixel, in pixels of the band.
        shapes: For each level: rows, columns, and those of a block.
    """

    factor: int
    place: tuple[int, int]
    shapes: tuple[tuple[tuple[int, int], tuple[int, int]], ...]

    @property
    def levels(self) -> tuple[LevelDocument, ...]:
        """The levels as the contract writes them."""
        return tuple(LevelDocument(shape=shape, block=block) for shape, block in self.shapes)


@dataclass(frozen=True, slots=True)
class MaskLayer:
    """The mask of a date.

    Attributes:
        path: Its layer.
        rule: What is clear.
        nodata: Stored number that means "no data", or None.
        factor: How many pixels of the grid a stored one is wide.
        shape: Rows and columns of the grid.
    """

    path: Path
    rule: MaskDocument
    nodata: float | None
    factor: int
    shape: tuple[int, int]

    def clear(self, pixels: Pixels) -> NDArray[np.bool_]:
        """Which of its stored pixels are clear."""
        return is_clear(pixels, self.rule) & holds_data(pixels, self.nodata, np.nan)


def geometry_of(factor: int, place: tuple[int, int], levels: Sequence[LevelDocument]) -> Geometry:
    """A geometry from the contract's words."""
    return Geometry(factor, place, tuple((level.shape, level.block) for level in levels))


def clear_shares(
    mask: MaskLayer, geometries: Sequence[Geometry], own: Geometry | None = None
) -> list[NDArray[np.uint8]]:
    """How much of each block is clear, in one pass over the mask.

    Args:
        mask: The mask of the date.
        geometries: Where blocks lie.
        own: Where the blocks of the mask's own file lie; those of its overviews are counted in
            the overviews' pixels.

    Returns:
        For each geometry, and last for `own`, the shares of its blocks: level after level,
        each in row-major order.

    Raises:
        SourceError: The mask's layer can't be read, is cut short or damaged.
    """
    whole = [] if own is None else [replace(own, shapes=own.shapes[:1])]
    sums = [[_LevelSum(one, number, mask.shape) for number in range(len(one.shapes))]
            for one in (*geometries, *whole)]  # fmt: skip
    levels = [level for own in sums for level in own]
    if levels:
        columns = np.concatenate([level.columns for level in levels])
        for first, flags in _flags(mask):
            counts = _between(flags, columns, mask.factor)
            parts = np.split(counts, np.cumsum([len(level.columns) for level in levels])[:-1], 1)
            for level, part in zip(levels, parts, strict=True):
                level.add(first, part, mask.factor)
    found = [np.concatenate([level.shares.ravel() for level in counted]) for counted in sums]
    if own is not None:
        found[-1] = np.concatenate([found[-1], *_overview_shares(mask, own)])
    return found


def _overview_shares(mask: MaskLayer, own: Geometry) -> Iterator[NDArray[np.uint8]]:
    for number, level in enumerate(own.levels[1:], 1):
        with open_layer(mask.path, number) as dataset:
            yield block_shares(dataset, 1, level, mask.clear).ravel()


class _LevelSum:
    """Clear pixels of the grid in each block of a level, added up piece by piece."""

    def __init__(self, geometry: Geometry, number: int, shape: tuple[int, int]) -> None:
        self._rows, self.columns = (
            _footprints(geometry, number, axis, shape[axis]) for axis in (0, 1)
        )
        self._counts = np.zeros((len(self._rows), len(self.columns)), np.int64)

    def add(self, first: int, counts: Counts, factor: int) -> None:
        """Add some rows of the stored mask, counted over the columns of blocks.

        Args:
            first: Number of the first of them.
            counts: Of clear pixels: (stored row, column of blocks).
            factor: How many rows of the grid each stands for.
        """
        edges = (self._rows - first * factor).clip(0, len(counts) * factor)
        touched = edges[:, 0] < edges[:, 1]
        self._counts[touched] += _between(counts.T, edges[touched], factor).T

    @property
    def shares(self) -> NDArray[np.uint8]:
        """Of each block."""
        return shares(self._counts, np.outer(np.diff(self._rows), np.diff(self.columns)))


def _footprints(geometry: Geometry, number: int, axis: int, size: int) -> Edges:
    """Where the grid's pixels begin and end that each row or column of blocks stands for.

    A pixel of an overview stands for as many of full resolution as their numbers say;
    where that is not a whole number, for all that it touches.
    """
    whole, shape, block = (
        geometry.shapes[0][0][axis], geometry.shapes[number][0][axis],
        geometry.shapes[number][1][axis],
    )  # fmt: skip
    starts = np.arange(0, shape, block, dtype=np.int64)
    ends = np.minimum(starts + block, shape)
    stored = np.stack([starts * whole // shape, -(ends * whole // -shape)], axis=1)
    edges: Edges = ((stored + geometry.place[axis]) * geometry.factor).clip(0, size)
    return edges


def _flags(mask: MaskLayer) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """The mask's stored pixels in whole rows: number of the first row, which are clear."""
    with open_layer(mask.path) as dataset:
        rows = max(1, _PIXELS // (ROWS * dataset.width)) * ROWS
        for window in chunks(dataset.shape, rows, dataset.width):
            yield window.row, mask.clear(dataset.read(1, window=rasterio_window(window)))


def _between(values: NDArray[np.generic], edges: Edges, factor: int) -> Counts:
    """Sums over intervals of columns, where each column stands for `factor` equal ones.

    Args:
        values: Flags or whole numbers: (row, column).
        edges: The intervals.
        factor: How often each column is repeated; edges count repeated ones.

    Returns:
        Sums: (row, interval).
    """
    sums = np.zeros((values.shape[0], values.shape[1] + 1), np.int64)
    np.cumsum(values, axis=1, out=sums[:, 1:])

    def until(places: NDArray[np.int64]) -> Counts:
        columns, rest = np.divmod(places, factor)
        before: Counts = factor * sums[:, columns]
        if factor > 1:
            before += rest * values[:, np.minimum(columns, values.shape[1] - 1)]
        return before

    return until(edges[:, 1]) - until(edges[:, 0])


def level_sizes(geometry: Geometry) -> list[int]:
    """Blocks of each level."""
    return [rows * columns for rows, columns in map(blocks_of, geometry.levels)]

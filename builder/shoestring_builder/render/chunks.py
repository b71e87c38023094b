"""The pieces in which rasters are read and written, so that memory stays bounded."""

from collections.abc import Iterator

from shoestring_schema.grid import Window

ROWS, COLUMNS = 512, 16384
"""Pixels: whole blocks of our files, and long enough that files stored in rows are read once."""


def chunks(shape: tuple[int, int], rows: int = ROWS, columns: int = COLUMNS) -> Iterator[Window]:
    """Windows that cover a raster once, from the upper left, in row-major order.

    Args:
        shape: Rows and columns of the raster.
        rows: Height of a window; those at the lower edge may be less high.
        columns: Width of a window; those at the right edge may be narrower.
    """
    height, width = shape
    for row in range(0, height, rows):
        for column in range(0, width, columns):
            yield Window(row, column, min(rows, height - row), min(columns, width - column))

"""What a program under measurement is asked for: one window of every layer of a site."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.windows
from archive import BAND, absolute_items, header_size, layer_files

from shoestring_schema.grid import Grid, Window


def place(site: Path, side: int, *, seed: int) -> Window:
    """A window at a random place of a site's grid."""
    with rasterio.open(layer_files(site)[0]) as first:
        rng = random.Random(seed)
        return Window(*(rng.randrange(0, size - side) for size in first.shape), side, side)


def make_job(site: Path, window: Window, *, url: str, ca: Path) -> dict[str, Any]:
    """The job, as JSON can hold it.

    Args:
        site: The site's folder.
        window: The pixels that are wanted of each layer.
        url: Where the site is served.
        ca: PEM file to trust.

    Returns:
        What each program needs: the site's address (``url``, ``ca``), the grid and the
        window on it (``crs``, ``transform``, ``bounds``; ``window`` is column, row, width,
        height), the layers as URLs (``files``) and as STAC items (``items``, ``band``),
        and what only a reader with an index would know: ``header``, the bytes before the
        first block, and ``ranges``, first and last byte of each row of blocks.
    """
    files = layer_files(site)
    with rasterio.open(files[0]) as first:
        grid = Grid(first.crs.to_string(), tuple(first.transform)[:6], first.shape)
        known = {"ranges": _ranges(first, window), "header": header_size(first)}
    return known | {
        "url": url,
        "ca": str(ca),
        "crs": grid.crs,
        "transform": grid.transform,
        "bounds": grid.crop(window).bounds,
        "window": (window.column, window.row, window.width, window.height),
        "files": [f"{url}/{file.relative_to(site).as_posix()}" for file in files],
        "items": absolute_items(site, url),
        "band": BAND,
    }


def checksum(site: Path, window: Window) -> int:
    """The sum of all pixels that a program must read."""
    return pixel_sum(layer_files(site), window)


def pixel_sum(files: Iterable[Path], window: Window) -> int:
    """The sum of a window's pixels in all of these files; twins are read once."""
    sums: dict[int, int] = {}
    total = 0
    for path in files:
        twin = path.stat().st_ino
        if twin not in sums:
            sums[twin] = _sum(path, window)
        total += sums[twin]
    return total


def _sum(path: Path, window: Window) -> int:
    with rasterio.open(path) as file:
        place = rasterio.windows.Window(window.column, window.row, window.width, window.height)
        return int(file.read(1, window=place).sum(dtype=np.int64))


def _ranges(file: Any, window: Window) -> list[tuple[int, int]]:  # noqa: ANN401
    """First and last byte of each row of the window's blocks."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for row, column in window.tiles(file.block_shapes[0][0]):
        offset = int(file.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1))
        size = int(file.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=1))
        rows.setdefault(row, []).append((offset, offset + size - 1))
    return [(row[0][0], row[-1][1]) for row in rows.values()]

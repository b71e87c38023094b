"""What there is to know of a file's blocks: where they are, their checksums, what they hold."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from shoestring_builder.index.stored import StoredBand
from shoestring_builder.index.tiff import Tiff, damaged, read_tiff
from shoestring_builder.render.chunks import COLUMNS, ROWS, chunks
from shoestring_builder.render.raster_source import (
    GDAL_ERRORS,
    Flags,
    Pixels,
    cause,
    holds_data,
    rasterio_window,
)
from shoestring_schema.grid import Window
from shoestring_schema.site import LevelDocument
from shoestring_schema.tile_index import Records, blocks_of, make_records, shares

GDAL: dict[str, Any] = {
    "GDAL_CACHEMAX": 128_000_000,  # bytes; all is read once, in order
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # a file is what is in it,
    "GDAL_PAM_ENABLED": "NO",  # not what lies beside it
}
"""Options by which files are read for an index."""

Watch = Callable[[int, Pixels], None]
"""Takes the number of a level, and pixels of it."""


def read_blocks(
    path: Path, band: int, nodata: float | None, watch: Watch | None = None
) -> tuple[StoredBand, Records] | None:
    """Read a file to its end, overviews included, and tell of its blocks.

    Args:
        path: The file.
        band: Number of the raster band, from 1.
        nodata: Stored number that means "no data", or None.
        watch: Is shown the pixels, level after level from full resolution on, in pieces as
            `chunks` cuts them where a block is not higher than one of those.

    Returns:
        How the band is stored, and the records of its blocks, level after level, each in
        row-major order; none of them is clear yet. None where its blocks can't be told.

    Raises:
        SourceError: The file can't be read, is cut short or damaged.
    """
    tiff = read_tiff(path)
    if tiff is None:
        return None
    reading = _Reading(path, band, nodata, tiff)
    with rasterio.Env(**GDAL), _damage_told(path), path.open("rb") as file:
        records = [reading.records(number, file, watch) for number in range(len(tiff.levels))]
    stored = StoredBand(
        size=tiff.size,
        header_size=tiff.header_size,
        levels=tuple(level.document for level in tiff.levels),
        formats=tuple(level.format(band) for level in tiff.levels),
    )
    return stored, np.concatenate(records)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A raster band of a file that is read to its end."""

    path: Path
    band: int
    nodata: float | None
    tiff: Tiff

    def records(self, number: int, file: BinaryIO, watch: Watch | None) -> Records:
        """Records of one level, in one dimension."""
        level = self.tiff.levels[number]
        plane = level.plane(self.band)
        offsets, sizes = level.offsets[plane].ravel(), level.sizes[plane].ravel()
        valid = self._valid(number, watch).ravel()
        return make_records(
            offsets, sizes.astype(np.uint32), self._sums(file, offsets, sizes), valid
        )

    def _valid(self, number: int, watch: Watch | None) -> NDArray[np.uint8]:
        """How much of each block holds data."""

        def holds(pixels: Pixels) -> Flags:
            if watch is not None:
                watch(number, pixels)
            return holds_data(pixels, self.nodata, np.nan)

        with self._opened(number) as dataset:
            return block_shares(dataset, self.band, self.tiff.levels[number].document, holds)

    @contextmanager
    def _opened(self, number: int) -> Iterator[DatasetReader]:
        """A level, as far as GDAL sees the one that the header told of."""
        level, overview = self.tiff.levels[number].document, {"overview_level": number - 1}
        with rasterio.open(self.path, driver="GTiff", **(overview if number else {})) as dataset:
            overviews = len(dataset.overviews(1)) if number == 0 else None
            same = (dataset.shape, dataset.block_shapes[0]) == (level.shape, level.block)
            if not same or self.band > dataset.count:
                raise damaged(
                    self.path, f"GDAL sees other pixels on level {number} than its header"
                )
            if overviews not in (None, len(self.tiff.levels) - 1):
                raise damaged(self.path, "GDAL sees other overviews than its header")
            yield dataset

    def _sums(
        self, file: BinaryIO, offsets: NDArray[np.uint64], sizes: NDArray[np.uint64]
    ) -> NDArray[np.uint32]:
        """CRC-32 of each block's bytes, read in the order in which they lie."""
        sums = np.zeros(offsets.shape, np.uint32)
        for block in np.argsort(offsets, kind="stable"):
            file.seek(int(offsets[block]))
            data = file.read(int(sizes[block]))
            if len(data) < int(sizes[block]):
                raise damaged(self.path, "it is being changed")
            sums[block] = zlib.crc32(data)
        return sums


def block_shares(
    dataset: DatasetReader, band: int, level: LevelDocument, tell: Callable[[Pixels], Flags]
) -> NDArray[np.uint8]:
    """How much of each block of a level is so.

    Args:
        dataset: The level, opened.
        band: Number of the raster band, from 1.
        level: Its shape and blocks.
        tell: Which of some pixels are so; it is shown all once, in order.
    """
    counts = np.zeros(blocks_of(level), np.int64)
    areas = np.zeros_like(counts)
    for window in block_chunks(level):
        flags = tell(dataset.read(band, window=rasterio_window(window)))
        place = _blocks(window, level)
        counts[place], areas[place] = _count(flags, level), _area(window, level)
    return shares(counts, areas)


def block_chunks(level: LevelDocument) -> Iterator[Window]:
    """Windows of whole blocks that cover a level once, about as large as any piece we read."""
    rows, columns = level.block
    return chunks(level.shape, rows * max(1, ROWS // rows), columns * max(1, COLUMNS // columns))


def _blocks(window: Window, level: LevelDocument) -> tuple[slice, slice]:
    rows, columns = level.block
    bottom, right = window.row + window.height, window.column + window.width
    return (
        slice(window.row // rows, -(bottom // -rows)),
        slice(window.column // columns, -(right // -columns)),
    )


def _count(flags: Flags, level: LevelDocument) -> NDArray[np.int64]:
    """Flags that are set in each block of a piece."""
    rows, columns = level.block
    height, width = flags.shape
    narrow = np.add.reduceat(
        flags.view(np.uint8), np.arange(0, width, columns), axis=1, dtype=np.uint32
    )
    counts: NDArray[np.int64] = np.add.reduceat(narrow, np.arange(0, height, rows), axis=0)
    return counts


def _area(window: Window, level: LevelDocument) -> NDArray[np.int64]:
    """Pixels in each block of a piece."""
    edges = [
        np.diff(np.append(np.arange(0, size, step), size))
        for size, step in zip(window.shape, level.block, strict=True)
    ]
    return np.outer(*edges)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Say a failure of GDAL as the fault of a file."""
    try:
        yield
    except GDAL_ERRORS as error:
        raise damaged(path, cause(error)) from error

"""Writing GeoTIFFs: a plain one that is filled piece by piece, and a COG made from it."""

import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, log2
from pathlib import Path
from typing import Literal

import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.io import DatasetWriter

from shoestring_builder.index.tiff import read_tiff
from shoestring_builder.render.raster_source import GDAL_ERRORS, cause
from shoestring_schema.errors import PublishError

_BLOCK = 256
"""Pixels: edge of a block of files that are not published."""

_COG = {
    "COMPRESS": "ZSTD",
    "LEVEL": "6",  # higher ones take longer and make nothing smaller (docs/blocks.md)
    "PREDICTOR": "YES",  # differences of whole numbers, bytes of floating-point ones apart
    "BIGTIFF": "IF_SAFER",
    "NUM_THREADS": "1",  # the same bytes on every machine; layers are rendered side by side
}

_LAYOUT = re.compile(rb"GDAL_STRUCTURAL_METADATA_SIZE=(\d{6}) bytes\n")
"""What a COG of GDAL's begins with, behind a TIFF's first bytes: how long the rest of it is."""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say a failure of GDAL or of the system as one of writing into a folder."""
    try:
        yield
    except GDAL_ERRORS as error:
        raise unwritable(folder, cause(error)) from error


def unwritable(folder: Path, reason: str) -> PublishError:
    """The error for a folder that did not take what was written."""
    free = shutil.disk_usage(folder).free if folder.is_dir() else 0
    return PublishError(
        f"{folder} can't be written ({reason}; {free / 1e6:.0f} MB are free): "
        "make room on its disk or correct its permissions, and build again."
    )


@contextmanager
def create_geotiff(
    path: Path,
    *,
    crs: CRS,
    transform: Affine,
    shape: tuple[int, int],
    data_type: str,
    nodata: float | None,
) -> Iterator[DatasetWriter]:
    """Create a tiled, uncompressed file of one band, to be filled and then read once.

    Args:
        path: The file.
        crs: Its CRS.
        transform: Pixel to CRS.
        shape: Rows and columns.
        data_type: NumPy name of the type of its pixels.
        nodata: Number of pixels that hold no data, or None.

    Raises:
        One of GDAL_ERRORS: The folder can't be written, now or while the file is filled.
    """
    height, width = shape
    with (
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=1,
            height=height,
            width=width,
            dtype=data_type,
            crs=crs,
            transform=transform,
            nodata=nodata,
            tiled=True,
            blockxsize=_BLOCK,
            blockysize=_BLOCK,
            BIGTIFF="IF_SAFER",
            SPARSE_OK="TRUE",
        ) as dataset,
    ):
        yield dataset


def add_overviews(plain: Path, *, block_size: int, overview_resampling: str) -> None:
    """Give a file overviews, each half as fine as the one before, down to one of a single block.

    The COG driver would make them by itself, but in a file that it compresses, to read it again
    at once: that takes as long as a fifth of the whole COG. They are made twice, as GDAL does not
    tell of every write that fails, and nothing else knows what is in them: what was lost the
    first time is written the second time.

    Args:
        plain: The file.
        block_size: Edge of a block in pixels, of the COG that will be made of it.
        overview_resampling: ``average``, ``mode`` or ``nearest``.

    Raises:
        One of GDAL_ERRORS: The folder can't be written.
    """
    for _ in range(2):
        with (
            rasterio.Env(GDAL_TIFF_OVR_BLOCKSIZE=str(_BLOCK)),
            rasterio.open(plain, "r+", driver="GTiff") as dataset,
        ):
            factors = overview_factors(dataset.shape, block_size)
            if factors:
                dataset.build_overviews(factors, Resampling[overview_resampling])


def write_cog(plain: Path, path: Path, *, block_size: int) -> None:
    """Make a COG of a file and its overviews, with all that the file says of itself.

    The same pixels give the same bytes.

    Args:
        plain: The file.
        path: The COG.
        block_size: Edge of a block in pixels.

    Raises:
        One of GDAL_ERRORS: The folder can't be written.
    """
    with _small_blocks_are_meant():
        rasterio.shutil.copy(
            plain,
            path,
            driver="COG",
            BLOCKSIZE=str(block_size),
            OVERVIEWS="FORCE_USE_EXISTING",
            **_COG,
        )
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def overview_factors(shape: tuple[int, int], block_size: int) -> list[int]:
    """How many times coarser than a layer its overviews are: down to the first of one block.

    Args:
        shape: The layer's rows and columns.
        block_size: Edge of a block in pixels.
    """
    levels = ceil(log2(max(1, max(shape) / block_size)))
    return [2**level for level in range(1, levels + 1)]


def is_in_order(path: Path) -> bool:
    """Whether a COG's headers stand where GDAL puts them.

    The first right behind what tells of the layout, and all before the first block. Where a
    write fails once, libtiff writes a header again at another place, and tells nobody: the file
    can be read, and is not the one that these pixels make.

    Raises:
        SourceError: It can't be read.
    """
    with path.open("rb") as file:
        start = file.read(128)
    order: Literal["little", "big"] = "little" if start[:2] == b"II" else "big"
    number = slice(8, 16) if int.from_bytes(start[2:4], order) == 43 else slice(4, 8)
    layout = _LAYOUT.match(start, number.stop)
    if layout is None:  # that write failed
        return False
    end = layout.end() + int(layout[1])
    tiff = read_tiff(path)
    first = int.from_bytes(start[number], order) == end + end % 2
    return first and tiff is not None and tiff.header_end <= tiff.header_size


@contextmanager
def _small_blocks_are_meant() -> Iterator[None]:
    """Without GDAL's warning of blocks below 128 pixels; it writes them like all others."""
    log = logging.getLogger("rasterio._env")
    log.addFilter(_is_not_of_block_size)
    try:
        yield
    finally:
        log.removeFilter(_is_not_of_block_size)


def _is_not_of_block_size(record: logging.LogRecord) -> bool:
    return "unexpected value for BLOCKSIZE" not in record.getMessage()

"""A cropped layer, from its file to what the builder knows of a layer that was rendered.

Its blocks are decoded once, to tell the tile index what they hold: the statistics, which are of
the pixels that are left, come with it. Runs in worker processes.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec
import rasterio

from shoestring_builder.check.layer import ExpectedLayer, pixel_faults
from shoestring_builder.index.blocks import GDAL, read_blocks
from shoestring_builder.index.tiff import damaged
from shoestring_builder.layer import BandRecipe, LayerKey, RenderedLayer
from shoestring_builder.render.geotiff import writing
from shoestring_builder.render.raster_source import GDAL_ERRORS, Pixels, cause
from shoestring_builder.render.tally import Tally
from shoestring_builder.workers.output import write_whole
from shoestring_pull.crop.cut import Cut
from shoestring_schema.errors import SourceError
from shoestring_schema.site import BandDocument

VERSION = 1
"""Raised where the same blocks give another file."""


@dataclass(frozen=True, slots=True)
class CropTask:
    """An order: describe a cropped layer.

    Attributes:
        key: Which layer.
        path: Its file.
        band: What its collection says of its band.
        recipe: How it is read.
        fingerprint: See `fingerprint_of`.
        staging: An existing folder in the same file system.
    """

    key: LayerKey
    path: Path
    band: BandDocument
    recipe: BandRecipe
    fingerprint: str
    staging: Path


def fingerprint_of(checksum: str, cut: Cut) -> str:
    """What tells a cropped layer from every other: which file, and which part of it.

    Args:
        checksum: Multihash of the file upstream.
        cut: Where its collection is cut.
    """
    facts = msgspec.json.encode([VERSION, checksum, cut])
    return hashlib.sha256(facts).hexdigest()[:32]


def describe_crop(task: CropTask) -> RenderedLayer:
    """Read a cropped layer, and lay it ready to be placed; the file itself stays where it is.

    Raises:
        SourceError: It can't be read, or is not what its collection says.
        PublishError: The staging folder can't be written.
    """
    tally = Tally(task.recipe)

    def watch(level: int, pixels: Pixels) -> None:
        if level == 0:
            tally.add(pixels)

    found = read_blocks(task.path, 1, task.recipe.nodata, watch)
    if found is None:
        raise damaged(task.path, "its blocks can't be told")
    stored, records = found
    _require_expected(task)
    name = uuid4().hex
    staged, told = task.staging / f"{name}.tif", task.staging / f"{name}.records"
    with writing(task.staging):
        _link(task.path, staged)
        write_whole(told, records.tobytes())
        with task.path.open("rb") as file:
            checksum = "1220" + hashlib.file_digest(file, "sha256").hexdigest()
    return RenderedLayer(
        key=task.key,
        path=staged,
        size=stored.size,
        checksum=checksum,
        header_size=stored.header_size,
        statistics=tally.statistics,
        clear_percent=tally.clear_percent,
        fingerprint=task.fingerprint,
        stored=stored,
        records=told,
    )


def _require_expected(task: CropTask) -> None:
    """A stranger's file may be anything: it must be what the stranger's catalogue says of it."""
    expected = ExpectedLayer(task.band, task.recipe.grid)
    try:
        with rasterio.Env(**GDAL), rasterio.open(task.path, driver="GTiff") as dataset:
            faults = list(pixel_faults(dataset, f"{task.key.moment} {task.key.band}", expected))
    except GDAL_ERRORS as error:
        raise damaged(task.path, cause(error)) from error
    if faults:
        raise SourceError(f"{faults[0].rstrip('.')}: what its catalogue says of it is wrong.")


def _link(path: Path, staged: Path) -> None:
    """The same file by another name; where the file system knows no such thing, a copy of it."""
    try:
        os.link(path, staged)
    except OSError:
        shutil.copyfile(path, staged)

"""One layer: from the order to a file in the staging folder.

Runs in worker processes. What is written depends on the sources' pixels and
on the recipe alone: not on the machine, the time or what else is rendered.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4
from zlib import crc32

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.io import DatasetWriter

from shoestring_builder.index.blocks import read_blocks
from shoestring_builder.index.stored import StoredBand
from shoestring_builder.layer import BandRecipe, RenderedLayer, RenderTask
from shoestring_builder.publish.room import require_room
from shoestring_builder.render.chunks import chunks
from shoestring_builder.render.geotiff import (
    add_overviews,
    create_geotiff,
    is_in_order,
    overview_factors,
    unwritable,
    write_cog,
    writing,
)
from shoestring_builder.render.mosaic import open_mosaic
from shoestring_builder.render.raster_source import Pixels, rasterio_window
from shoestring_builder.render.rounding import rounded
from shoestring_builder.render.tally import Tally
from shoestring_builder.render.vrt_layer import vrt_layer
from shoestring_schema.errors import SourceError
from shoestring_schema.moment import Moment, interval
from shoestring_schema.tile_index import Records

_CACHE = 128_000_000
"""Bytes of GDAL's block cache: there are several workers, and all read once, in order."""


def render(task: RenderTask) -> RenderedLayer:
    """Make a layer.

    Args:
        task: The order.

    Returns:
        The layer, as a file in the staging folder that nothing else bears the name of.

    Raises:
        SourceError: A source can't be used; the message names it and the remedy.
        PublishError: The staging folder can't be written; nothing is left in it.
    """
    # Faults of sources are told where they are read; all others are faults of writing.
    with (
        rasterio.Env(GDAL_CACHEMAX=_CACHE),
        _workspace(task.staging) as workspace,
        writing(task.staging),
    ):
        return (_render_vrt if task.recipe.layout == "vrt" else _render_cog)(task, workspace)


def _render_cog(task: RenderTask, workspace: Path) -> RenderedLayer:
    _require_room(task)
    plain, cog = workspace / "mosaic.tif", workspace / "layer.tif"
    tally, sums = _fill(task, plain, workspace)
    add_overviews(
        plain,
        block_size=task.recipe.block_size,
        overview_resampling=task.recipe.overview_resampling,
    )
    write_cog(plain, cog, block_size=task.recipe.block_size)
    stored, records = _verify(cog, [sums, *_sums_of_overviews(plain, task.recipe)], task)
    plain.unlink()
    found = workspace / "layer.records"
    found.write_bytes(records.tobytes())
    made = _finish(task, cog, tally, stored.header_size)
    kept = made.path.with_suffix(found.suffix)
    os.replace(found, kept)
    return replace(made, stored=stored, records=kept)


def _require_room(task: RenderTask) -> None:
    """A layer is begun only where it fits if nothing can be compressed: others need the disk too."""
    rows, columns = task.recipe.grid.shape
    plain = rows * columns * np.dtype(task.recipe.data_type).itemsize
    with_overviews = plain * 4 // 3
    what = f"a layer of {task.recipe.name} and what it is made from"
    require_room(task.staging, (with_overviews, with_overviews), what)


def _render_vrt(task: RenderTask, workspace: Path) -> RenderedLayer:
    layer = vrt_layer(task)
    tally, files, path = layer.tally(), layer.files(), workspace / "layer.vrt"
    with path.open("wb") as file:
        file.write(layer.vrt.to_xml().encode())
        file.flush()
        os.fsync(file.fileno())
    return replace(_finish(task, path, tally, None), sources=files)


def _fill(task: RenderTask, plain: Path, workspace: Path) -> tuple[Tally, list[int]]:
    """Write the mosaic; its statistics and the checksum of each chunk."""
    recipe, tally, sums = task.recipe, Tally(task.recipe), []
    with (
        open_mosaic(task.sources, recipe, workspace) as mosaic,
        create_geotiff(
            plain,
            crs=CRS.from_user_input(recipe.grid.crs),
            transform=Affine(*recipe.grid.transform),
            shape=recipe.grid.shape,
            data_type=recipe.data_type,
            nodata=recipe.nodata,
        ) as target,
    ):
        _label(target, task)
        for window in chunks(recipe.grid.shape):
            pixels = rounded(mosaic.read(window), recipe.step, recipe.nodata)
            target.write(pixels, 1, window=rasterio_window(window))
            tally.add(pixels)
            sums.append(crc32(pixels.tobytes()))
    return tally, sums


def _label(target: DatasetWriter, task: RenderTask) -> None:
    """Write what the file says of itself."""
    recipe = task.recipe
    target.set_band_description(1, recipe.name)
    target.scales, target.offsets = (recipe.scale,), (recipe.offset,)
    if recipe.unit is not None:
        target.set_band_unit(1, recipe.unit)
    target.update_tags(TIFFTAG_DATETIME=_tiff_time(task.key.moment))
    if recipe.step:
        target.update_tags(1, rounded_to_multiples_of=f"{recipe.step:g}")


def _tiff_time(moment: Moment) -> str:
    """As the TIFF specification writes a DateTime, in UTC."""
    return interval(moment)[0].strftime("%Y:%m:%d %H:%M:%S")


def _sums_of_overviews(plain: Path, recipe: BandRecipe) -> Iterator[list[int]]:
    """The checksum of each chunk of each overview of the mosaic."""
    for number, shape in enumerate(_levels(recipe)[1:]):
        with rasterio.open(plain, driver="GTiff", overview_level=number) as level:
            yield [
                crc32(level.read(1, window=rasterio_window(window)).tobytes())
                for window in chunks(shape)
            ]


def _verify(cog: Path, sums: list[list[int]], task: RenderTask) -> tuple[StoredBand, Records]:
    """Read a file back, compare it with what was to be written, and tell of its blocks.

    GDAL does not tell of every write that failed when it closes a file.

    Args:
        cog: The file.
        sums: Of the chunks of each level that it should have.
        task: The order.
    """
    read: list[list[int]] = [[] for _ in sums]

    def watch(level: int, pixels: Pixels) -> None:
        if level < len(read):
            read[level].append(crc32(pixels.tobytes()))

    try:
        found = read_blocks(cog, 1, task.recipe.nodata, watch)
        ordered = is_in_order(cog)
    except SourceError as error:
        raise unwritable(task.staging, "what was written can't be read back") from error
    if found is None or [level.shape for level in found[0].levels] != _levels(task.recipe):
        raise unwritable(task.staging, "not all overviews that were written came back")
    if read != sums or not ordered or not _is_labelled(cog, task):
        raise unwritable(task.staging, "what was written did not come back")
    return found


def _levels(recipe: BandRecipe) -> list[tuple[int, int]]:
    """Rows and columns of a layer and its overviews."""
    rows, columns = recipe.grid.shape
    factors = [1, *overview_factors(recipe.grid.shape, recipe.block_size)]
    return [(-(rows // -factor), -(columns // -factor)) for factor in factors]


def _is_labelled(cog: Path, task: RenderTask) -> bool:
    """Whether a file says of itself what `_label` has written, and where its pixels lie."""
    recipe = task.recipe
    with rasterio.open(cog) as file:
        told = file.descriptions[0], file.units[0] or None, file.tags().get("TIFFTAG_DATETIME")
        return (
            told == (recipe.name, recipe.unit or None, _tiff_time(task.key.moment))
            and np.allclose((file.scales[0], file.offsets[0]), (recipe.scale, recipe.offset), 1e-12)
            and ("rounded_to_multiples_of" in file.tags(1)) == bool(recipe.step)
            and np.allclose(file.transform[:6], recipe.grid.transform, 1e-12)
            and file.crs is not None
        )


def _finish(task: RenderTask, made: Path, tally: Tally, header: int | None) -> RenderedLayer:
    """Move the made file out of the workspace and describe it."""
    path = task.staging / f"{uuid4().hex}{made.suffix}"
    with made.open("rb") as file:
        checksum = "1220" + hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    os.replace(made, path)  # once it is closed: Windows moves no open file
    return RenderedLayer(
        key=task.key,
        path=path,
        size=size,
        checksum=checksum,
        header_size=header,
        statistics=tally.statistics,
        clear_percent=tally.clear_percent,
        fingerprint=task.fingerprint,
    )


@contextmanager
def _workspace(staging: Path) -> Iterator[Path]:
    """A folder for everything that is not the finished file; gone afterwards."""
    with writing(staging):
        folder = tempfile.TemporaryDirectory(prefix="render-", dir=staging)
    with folder as name:
        yield Path(name)

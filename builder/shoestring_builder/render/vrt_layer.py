"""A layer as a VRT: files that lie inside the site already, put together without a copy.

A plain VRT copies whole pixels. What it can't do (warp, convert, cut out by a
mask) is refused with the advice to write COGs, so that what GDAL reads from
the VRT is the same mosaic that would have been written.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import numpy as np
import rasterio

from shoestring_builder.layer import BandRecipe, RenderTask, SourceBand
from shoestring_builder.render.chunks import chunks
from shoestring_builder.render.raster_source import (
    Pixels,
    RasterSource,
    no_nodata,
    open_source,
    rasterio_window,
    reading,
    same_number,
)
from shoestring_builder.render.tally import Tally
from shoestring_schema.errors import SourceError
from shoestring_schema.grid import Window
from shoestring_schema.site import SourceFile
from shoestring_schema.vrt import PlainVrt, VrtSource

_UNFIT = re.compile(r"[\x00-\x1f\x7f\\\ufffe\uffff]")
"""What XML can't hold, or servers and clients don't take in an address."""


@dataclass(frozen=True, slots=True)
class VrtLayer:
    """A mosaic that a VRT can express.

    Attributes:
        recipe: The band's.
        origins: The files that lie on the grid, lowest first.
        vrt: The mosaic; its sources stand for `origins` one by one.
    """

    recipe: BandRecipe
    origins: tuple[SourceBand, ...]
    vrt: PlainVrt

    def tally(self) -> Tally:
        """Count the pixels that GDAL reads from the VRT.

        Raises:
            SourceError: A file can't be read, or pixels are without data and nothing says so.
        """
        tally = Tally(self.recipe)
        with reading(self.origins[-1]), rasterio.open(self._local().to_xml()) as dataset:
            for window in chunks(dataset.shape):
                pixels = dataset.read(1, window=rasterio_window(window))
                self._check(pixels, window)
                tally.add(pixels)
        return tally

    def files(self) -> tuple[SourceFile, ...]:
        """The files that the VRT reads, each once, in order.

        Raises:
            SourceError: A file can't be read.
        """
        hrefs = {
            quote(source.href): o for source, o in zip(self.vrt.sources, self.origins, strict=True)
        }
        return tuple(
            SourceFile(href=href, size=o.size, checksum=_checksum(o.path, o.size, o.modified))
            for href, o in hrefs.items()
        )

    def _local(self) -> PlainVrt:
        """The same mosaic with absolute paths: it can be read before it is in its place."""
        pairs = zip(self.vrt.sources, self.origins, strict=True)
        sources = tuple(replace(source, href=str(o.path.resolve())) for source, o in pairs)
        return replace(self.vrt, sources=sources)

    def _check(self, pixels: Pixels, window: Window) -> None:
        nodata = self.recipe.nodata
        if nodata is None:
            if not self._covers(window):
                raise no_nodata(self.origins[-1], self.recipe)
        elif len(self.origins) > 1 and nodata == nodata and np.isnan(pixels).any():
            reason = f"NaN beside its nodata value {nodata} would cover the files below it"
            raise _refuse(self.origins[-1], reason)

    def _covers(self, window: Window) -> bool:
        covered = np.zeros(window.shape, bool)
        for source in self.vrt.sources:
            shared = source.target.intersect(window)
            if shared is not None:
                covered[shared.shift(-window.row, -window.column).slices] = True
        return bool(covered.all())


def vrt_layer(task: RenderTask) -> VrtLayer:
    """Put a layer's sources together in a VRT.

    Args:
        task: The order.

    Raises:
        SourceError: A source can't be used at all, or not by a plain VRT.
    """
    parts = [(origin, _part(origin, task)) for origin in task.sources]
    used = [(origin, part) for origin, part in parts if part is not None]
    if not used:
        raise SourceError(
            f"{task.sources[-1].path} lies outside of the collection's grid, and so do all files of "
            "its layer: take them out, or correct grid."
        )
    recipe = task.recipe
    origins, sources = zip(*used, strict=True)
    vrt = PlainVrt(
        grid=recipe.grid,
        data_type=recipe.data_type,
        nodata=recipe.nodata,
        sources=sources,
        name=recipe.name,
        scale=recipe.scale,
        offset=recipe.offset,
    )
    return VrtLayer(recipe, origins, vrt)


def _part(origin: SourceBand, task: RenderTask) -> VrtSource | None:
    """A file's place in the VRT; None where it lies outside of the grid."""
    href = _href(origin, task)
    with open_source(origin, task.recipe) as source:
        for reason in _obstacles(source):
            raise _refuse(origin, reason)
        place = source.place
        if place is None:
            raise _refuse(origin, "its pixels do not fall on those of the collection's grid")
        target = place.intersect(task.recipe.grid.whole)
        if target is None:
            return None
        nodata = source.nodata
        return VrtSource(href, origin.band, target.shift(-place.row, -place.column), target, nodata)


def _href(origin: SourceBand, task: RenderTask) -> str:
    path = origin.path.resolve()
    if not path.is_relative_to(task.site.resolve()):
        raise _refuse(origin, f"it lies outside of the site {task.site}", "move it into the site")
    href = Path(os.path.relpath(path, task.home.resolve())).as_posix()
    if _UNFIT.search(href):
        reason = "its path in the site holds a backslash or a control character"
        raise _refuse(origin, reason, "rename it")
    return href


def _obstacles(source: RasterSource) -> Iterator[str]:
    """What keeps a plain VRT from reading the file as the mosaic would."""
    recipe = source.recipe
    if source.dataset.driver != "GTiff":
        yield f"it is {source.dataset.driver} and not GeoTIFF"
    if not _is_tiled(source):
        yield "it is not tiled inside, so that a small window would cost whole rows"
    if source.data_type != recipe.data_type:
        yield f"it holds {source.data_type} and the band is {recipe.data_type}"
    if source.has_mask:
        yield "a mask or alpha band cuts pixels out of it"
    if not same_number(source.nodata, recipe.nodata):
        yield f"its nodata value is {source.nodata} and that of the band {recipe.nodata}"


def _is_tiled(source: RasterSource) -> bool:
    """Blocks that are not whole rows; tiles of a TIFF have edges of multiples of 16."""
    height, width = source.dataset.block_shapes[source.band - 1]
    return bool(
        width < source.dataset.width or (width % 16 == 0 and height % 16 == 0 and height > 1)
    )


def _refuse(origin: SourceBand, reason: str, first: str = "") -> SourceError:
    remedy = f"{first}, or state" if first else "state"
    return SourceError(
        f'{origin.path} can\'t be part of a VRT: {reason}; {remedy} layout = "cog" for the collection.'
    )


@lru_cache(maxsize=4096)
def _checksum(path: Path, size: int, modified: int) -> str:
    """Multihash of a file; one with many bands is read once (`size`, `modified`: it changed)."""
    try:
        with path.open("rb") as file:
            return "1220" + hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"{path} can't be read ({error.strerror}): copy it again.") from error

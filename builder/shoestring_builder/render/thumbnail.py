"""The little picture of an item: what a person sees in a STAC browser."""

import hashlib
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader, MemoryFile

from shoestring_builder.render.geotiff import writing
from shoestring_builder.render.raster_source import GDAL_ERRORS, Flags, Pixels, cause, holds_data
from shoestring_builder.workers.output import write_whole
from shoestring_schema.configuration import BandTable
from shoestring_schema.errors import PublishError
from shoestring_schema.vrt import parse_vrt

Bytes = NDArray[np.uint8]

SIZE = 256
"""Pixels: the longest side at most."""

_COLOURS = ("red", "green", "blue")
_DARKEST, _BRIGHTEST = 2, 98
"""Percent of the pixels with data: what is darker is black, what is brighter is white."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A PNG, transparent where there is no data.

    Attributes:
        path: The file.
        size: Bytes.
        checksum: Multihash: ``1220`` and the SHA-256 in hex.
    """

    path: Path
    size: int
    checksum: str


def thumbnail(
    layers: Mapping[str, Path],
    bands: Mapping[str, BandTable],
    out: Path,
    *,
    home: Path | None = None,
) -> Thumbnail | None:
    """Draw an item: in colour where it has red, green and blue, else one band in grey.

    The same pixels give the same bytes.

    Args:
        layers: The item's files, by band.
        bands: The collection's bands in order, as configured.
        out: The PNG to write.
        home: Where the files will lie: what hrefs of a VRT that still lies elsewhere are
            relative to.

    Returns:
        The picture; None where the item has no layers.

    Raises:
        PublishError: A layer can't be read back, or the picture can't be written.
    """
    chosen = chosen_bands([name for name in bands if name in layers], bands)
    if not chosen:
        return None
    channels, alpha = _draw([layers[name] for name in chosen], bands[chosen[0]], home)
    data = _png([*channels, alpha])
    with writing(out.parent):
        write_whole(out, data)
    return Thumbnail(out, len(data), "1220" + hashlib.sha256(data).hexdigest())


def chosen_bands(present: Sequence[str], bands: Mapping[str, BandTable]) -> tuple[str, ...]:
    """Which bands are drawn: red, green and blue; else the first that holds no classes.

    Args:
        present: Names of the bands that the item has, in order.
        bands: What each is.

    Returns:
        Three names, one, or none where `present` is empty.
    """
    by_colour = {str(bands[name].common_name): name for name in reversed(present)}
    if all(colour in by_colour for colour in _COLOURS):
        return tuple(by_colour[colour] for colour in _COLOURS)
    measured = [name for name in present if not _holds_classes(bands[name])]
    return tuple((measured or list(present))[:1])


def _holds_classes(band: BandTable) -> bool:
    return band.resampling in ("nearest", "mode")


def _draw(paths: Sequence[Path], first: BandTable, home: Path | None) -> tuple[list[Bytes], Bytes]:
    """Grey values of each file, stretched together so that colours stay true, and opacity."""
    with ExitStack() as stack:
        shape, read = None, []
        for path in paths:
            dataset = stack.enter_context(_opened(path, home))
            shape = shape or _small(dataset.shape)
            read.append(_read(dataset, path, shape, classes=_holds_classes(first)))
    valid = np.all([flags for _, flags in read], axis=0)
    values = np.stack([pixels.astype(np.float64) for pixels, _ in read])
    shades = _stretch(values, valid)
    return list(shades), np.where(valid, 255, 0).astype(np.uint8)


def _stretch(values: NDArray[np.float64], valid: NDArray[np.bool_]) -> Bytes:
    """To 0 ... 255, black where there is no data; values: (channel, row, column)."""
    shades = np.zeros(values.shape, np.uint8)
    if valid.any():
        seen = values[:, valid]
        low, high = np.percentile(seen, (_DARKEST, _BRIGHTEST))
        share = (seen - low) / (high - low) if high > low else np.full(seen.shape, 0.5)
        shades[:, valid] = np.round(255 * np.clip(share, 0, 1)).astype(np.uint8)
    return shades


def _small(shape: tuple[int, int]) -> tuple[int, int]:
    rows, columns = shape
    shrink = max(1, max(rows, columns) / SIZE)
    return max(1, round(rows / shrink)), max(1, round(columns / shrink))


@contextmanager
def _opened(path: Path, home: Path | None) -> Iterator[DatasetReader]:
    with _reading(path):
        dataset = rasterio.open(
            path if path.suffix != ".vrt" or home is None else _moved(path, home)
        )
    with dataset:
        yield dataset


def _moved(path: Path, home: Path) -> str:
    """The text of a VRT as it is read from the folder that it is made for, which may come yet."""
    vrt = parse_vrt(path.read_bytes(), str(path))
    sources = tuple(
        replace(source, href=os.path.normpath(home.resolve() / source.href))
        for source in vrt.sources
    )
    return replace(vrt, sources=sources).to_xml()


def _read(
    dataset: DatasetReader, path: Path, shape: tuple[int, int], *, classes: bool
) -> tuple[Pixels, Flags]:
    how = Resampling.nearest if classes else Resampling.average
    with _reading(path):
        pixels = dataset.read(1, out_shape=shape, resampling=how)
    if dataset.transform.e > 0:  # rows count northwards: a person wants north at the top
        pixels = pixels[::-1]
    valid = holds_data(pixels, dataset.nodata, np.nan)
    return pixels, valid & np.isfinite(pixels)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except GDAL_ERRORS as error:
        raise PublishError(
            f"{path} can't be read back for its thumbnail ({cause(error)}): remove it and build again."
        ) from error


def _png(channels: Sequence[Bytes]) -> bytes:
    """A PNG of grey or colours, and opacity."""
    rows, columns = channels[0].shape
    with warnings.catch_warnings(), MemoryFile(ext=".png") as memory:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a picture is not on a map
        with memory.open(
            driver="PNG", height=rows, width=columns, count=len(channels), dtype="uint8", ZLEVEL=9
        ) as picture:
            picture.write(np.stack(channels))
        return bytes(memory.read())

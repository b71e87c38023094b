"""What a layer in the site is made of: a file of its own, or those that its VRT reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
import rasterio
from rasterio.io import DatasetReader

from shoestring_builder.index.blocks import GDAL, read_blocks
from shoestring_builder.index.stored import StoredBand
from shoestring_builder.index.tiff import damaged, read_tiff
from shoestring_builder.render.raster_source import GDAL_ERRORS, cause
from shoestring_schema.errors import CatalogueError, SourceError
from shoestring_schema.grid import Window
from shoestring_schema.site import Number
from shoestring_schema.tile_index import RECORD, Box, Piece, Records
from shoestring_schema.vrt import PlainVrt, VrtSource, parse_vrt


@dataclass(frozen=True, slots=True)
class LayerFile:
    """A raster band of a file that a layer is made of.

    Attributes:
        href: The file, relative to the folder of the layer's year.
        place: Row and column of its first pixel in the layer.
        stored: How it is stored.
    """

    href: str
    place: tuple[int, int]
    stored: StoredBand


@dataclass(frozen=True, slots=True)
class LayerFiles:
    """What a layer is made of.

    Attributes:
        files: Each once; none where the blocks of one of them can't be told.
        pieces: What is taken from them, lowest first; `Piece.file` counts in `files`.
    """

    files: tuple[LayerFile, ...] = ()
    pieces: tuple[Piece, ...] = ()


def one_file(href: str, stored: StoredBand) -> LayerFiles:
    """A layer that is a file of its own."""
    return LayerFiles((LayerFile(href, (0, 0), stored),), (Piece(stack=0, file=0),))


def read_layer(path: Path, nodata: float | None) -> tuple[LayerFiles, Records]:
    """Read all files of a layer to their ends.

    Args:
        path: The layer, in its place in the site: a COG or a VRT.
        nodata: Stored number that means "no data", or None.

    Returns:
        What it is made of, and the records of all its files one after the other, as
        `read_blocks` gives them.

    Raises:
        SourceError: A file can't be read, is cut short or damaged.
    """
    if path.suffix == ".vrt":
        return _read_sources(path, nodata)
    found = read_blocks(path, 1, nodata)
    if found is None:
        return LayerFiles(), np.zeros(0, RECORD)
    return one_file(path.name, found[0]), found[1]


@contextmanager
def open_layer(path: Path, level: int = 0) -> Iterator[DatasetReader]:
    """Open a layer to read its pixels.

    Args:
        path: The layer, in its place in the site: a COG or a VRT.
        level: 0 for full resolution; an overview only of a COG.

    Raises:
        SourceError: It can't be opened, or fails while it is read.
    """
    try:
        with rasterio.Env(**GDAL), _opened(path, level) as dataset:
            yield dataset
    except GDAL_ERRORS as error:
        raise damaged(path, cause(error)) from error


def number_of(value: float | None) -> Number | None:
    """A number as JSON can hold it."""
    if value is None or np.isfinite(value):
        return value
    return "nan" if value != value else "inf" if value > 0 else "-inf"


def _opened(path: Path, level: int) -> DatasetReader:
    if path.suffix != ".vrt":
        overview = {"overview_level": level - 1} if level else {}
        return rasterio.open(path, driver="GTiff", **overview)
    vrt = _parsed(path)
    sources = tuple(replace(source, href=str(_path(path, source))) for source in vrt.sources)
    for name in sorted({source.href for source in sources}):
        read_tiff(Path(name))  # so that GDAL takes it for nothing else
    return rasterio.open(replace(vrt, sources=sources).to_xml())


def _read_sources(path: Path, nodata: float | None) -> tuple[LayerFiles, Records]:
    files: dict[tuple[str, int, tuple[int, int]], LayerFile] = {}
    pieces, records = [], []
    for source in _parsed(path).sources:
        place = source.target.row - source.source.row, source.target.column - source.source.column
        key = source.href, source.band, place
        if key not in files:
            found = read_blocks(_path(path, source), source.band, nodata)
            if found is None:
                return LayerFiles(), np.zeros(0, RECORD)
            stored = replace(found[0], header_size=None)  # only ours begin with all headers
            files[key] = LayerFile(quote(source.href), place, stored)
            records.append(found[1])
        pieces.append(_piece(source, list(files).index(key)))
    return LayerFiles(tuple(files.values()), tuple(pieces)), np.concatenate(records)


def _piece(source: VrtSource, number: int) -> Piece:
    return Piece(
        stack=0,
        file=number,
        source=_box(source.source),
        target=_box(source.target),
        nodata=number_of(source.nodata),
    )


def _box(window: Window) -> Box:
    return window.row, window.column, window.height, window.width


def _path(vrt: Path, source: VrtSource) -> Path:
    return (vrt.parent / source.href).resolve()


def _parsed(path: Path) -> PlainVrt:
    try:
        return parse_vrt(path.read_bytes(), str(path))
    except OSError as error:
        raise damaged(path, str(error.strerror)) from None
    except CatalogueError as error:
        raise SourceError(str(error)) from None

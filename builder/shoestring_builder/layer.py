"""A layer, from the order to render it to the file that was rendered.

A layer is one band at one moment on the collection's grid: the unit of all
building. These values travel between processes; all of them are plain.
"""

from dataclasses import dataclass
from pathlib import Path

from shoestring_builder.index.stored import StoredBand
from shoestring_schema.configuration import DataType, Resampling
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment
from shoestring_schema.site import MaskDocument, SourceFile


@dataclass(frozen=True, slots=True)
class LayerKey:
    """Which layer of a collection.

    Attributes:
        moment: When it was taken.
        band: The band's name.
    """

    moment: Moment
    band: str


@dataclass(frozen=True, slots=True)
class SourceBand:
    """A raster band of a source file that a layer is made of.

    Attributes:
        path: The file.
        band: Number of the raster band, from 1.
        tile: The path's ``{tile}``; empty where a mosaic comes in one file.
        size: Bytes of the file.
        modified: Its modification time in nanoseconds.
    """

    path: Path
    band: int
    tile: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class BandRecipe:
    """How the layers of a band are made: the same for all of them.

    Attributes:
        name: The band's name.
        grid: The pixels to write: the collection's grid, coarsened by the band's factor.
        data_type: NumPy name of the type to write.
        nodata: Stored number that means "no data", or None.
        scale: Stored number times scale plus offset is the value.
        offset: See `scale`.
        unit: Unit of the value.
        resampling: How source pixels that do not fall on the grid are computed.
        overview_resampling: ``average``, ``mode`` or ``nearest``.
        may_reproject: Whether sources in another CRS are warped (the configuration states
            a grid) or refused (it does not).
        layout: ``cog`` or ``vrt``.
        block_size: Edge of a COG's blocks in pixels; 0 for a VRT.
        step: Stored numbers are rounded to multiples of this power of two; 0: not at all.
        clear: What is clear, where this is the mask's band.
    """

    name: str
    grid: Grid
    data_type: DataType
    nodata: float | None
    scale: float
    offset: float
    unit: str | None
    resampling: Resampling
    overview_resampling: str
    may_reproject: bool
    layout: str
    block_size: int
    step: float
    clear: MaskDocument | None


@dataclass(frozen=True, slots=True)
class RenderTask:
    """An order: make this layer.

    Attributes:
        key: Which layer.
        sources: Lowest first: later ones cover earlier ones.
        recipe: How.
        fingerprint: Of sources and recipe, for the layer's asset.
        staging: An existing folder, inside the site's file system, to write the file into.
        home: The folder that the file will be published in: hrefs of a VRT are relative to it.
        site: The site's folder: sources of a VRT must lie inside.
    """

    key: LayerKey
    sources: tuple[SourceBand, ...]
    recipe: BandRecipe
    fingerprint: str
    staging: Path
    home: Path
    site: Path


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the valid pixels of a layer, at full resolution; None where there are none.

    Attributes:
        minimum: Smallest stored number.
        maximum: Largest stored number.
        mean: Mean of the stored numbers.
        stddev: Standard deviation (of the population).
        valid_percent: Share of the pixels that hold data, 0 to 100.
    """

    minimum: float | None
    maximum: float | None
    mean: float | None
    stddev: float | None
    valid_percent: float


@dataclass(frozen=True, slots=True)
class RenderedLayer:
    """A layer that was made, under a temporary name in the staging folder.

    Attributes:
        key: Which layer.
        path: The temporary file.
        size: Bytes.
        checksum: Multihash: ``1220`` and the SHA-256 in hex.
        header_size: Bytes before the first block of pixels; None for a VRT.
        statistics: Of the stored numbers.
        clear_percent: Share of the valid pixels that are clear, where this is the mask's band.
        fingerprint: As ordered.
        sources: The files that a VRT reads.
        stored: How it is stored; None for a VRT.
        records: A file with the records of its blocks, in the staging folder too; None likewise.
    """

    key: LayerKey
    path: Path
    size: int
    checksum: str
    header_size: int | None
    statistics: Statistics
    clear_percent: float | None
    fingerprint: str
    sources: tuple[SourceFile, ...] = ()
    stored: StoredBand | None = None
    records: Path | None = None

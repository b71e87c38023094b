"""What QGIS opens of a date: a GDAL VRT as a text, which stands in the project itself; pure.

QGIS opens all layers of a project before it draws one. A file that must be fetched and looked into
costs dozens of requests, so that a season would take minutes; a text costs none until it is drawn.

Format: https://gdal.org/en/stable/drivers/raster/vrt.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote
from xml.etree import ElementTree as ET

from shoestring_builder.doors.qgis_xml import add, compact, number
from shoestring_schema.grid import Grid
from shoestring_schema.site import BandDocument
from shoestring_schema.vrt import GDAL_TYPES

_REMOTE = "/vsicurl?empty_dir=yes&url="
"""GDAL looks for no files beside a layer: it would ask for seven, of which there is none."""

_NOTHING = (
    '<VRTDataset rasterXSize="1" rasterYSize="1">'
    '<VRTRasterBand dataType="Byte" band="1"/></VRTDataset>'
)
_BLOCK = "128"
"""Pixels. GDAL asks for the size of blocks before it opens a file, and takes the file's own then."""


@dataclass(frozen=True, slots=True)
class QgisFile:
    """A layer of a date.

    Attributes:
        band: What its numbers mean.
        path: What GDAL opens; see `remote`.
    """

    band: BandDocument
    path: str


@dataclass(frozen=True, slots=True)
class _Source:
    """A dataset that pixels are taken from.

    Attributes:
        path: What GDAL opens.
        kind: GDAL's name of the type of its numbers.
        shape: Its rows and columns.
        factor: How often each of its pixels is repeated, along and across.
    """

    path: str
    kind: str
    shape: tuple[int, int]
    factor: int = 1


def remote(url: str) -> str:
    """What GDAL opens of a file on the web.

    Args:
        url: Its address, as links tell it: what is special in it is escaped.
    """
    return _REMOTE + quote(url, safe=":/[]@")


def stored_source(grid: Grid, files: Sequence[QgisFile]) -> str:
    """Bands of a date one after the other: stored numbers, and what they mean.

    Args:
        grid: The collection's.
        files: The bands' layers. One alone keeps the resolution in which it is stored.
    """
    alone = files[0].band.factor if len(files) == 1 else 1
    root = _dataset(_coarser(grid, alone))
    for place, file in enumerate(files, 1):
        band, source = _band(root, place, file.band), _layer(grid, file)
        _add_source(band, replace(source, factor=source.factor // alone))
        _add_nothing(band)
    return compact(root)


def index_source(grid: Grid, name: str, files: tuple[QgisFile, QgisFile]) -> str:
    """A normalized difference of two bands' values: NaN where one of them has no data.

    GDAL computes it where it is looked at, by functions that its version 3.6 has, one within the other.

    Args:
        grid: The collection's.
        name: What the band is called.
        files: The bands: (first - second) / (first + second).
    """
    root = _dataset(grid)
    quotient = _derived(root, name, "div")
    for function in ("diff", "sum"):
        inner = _dataset(grid)
        band = _derived(inner, name, function)
        for file in files:
            _add_values(band, file.band, _layer(grid, file))
        _add_source(quotient, _Source(compact(inner), "Float32", grid.shape))
    return compact(root)


def _dataset(grid: Grid) -> ET.Element:
    rows, columns = grid.shape
    a, b, c, d, e, f = grid.transform
    root = ET.Element("VRTDataset", rasterXSize=str(columns), rasterYSize=str(rows))
    add(root, "SRS", grid.crs)
    add(root, "GeoTransform", ", ".join(map(number, (c, a, b, f, d, e))))
    return root


def _band(root: ET.Element, place: int, band: BandDocument) -> ET.Element:
    kind = GDAL_TYPES[band.data_type]
    element = add(root, "VRTRasterBand", dataType=kind, band=str(place))
    add(element, "Description", band.name)
    if band.nodata is not None:
        add(element, "NoDataValue", number(band.nodata))
    if band.unit:
        add(element, "UnitType", band.unit)
    add(element, "Offset", number(band.offset))
    add(element, "Scale", number(band.scale))
    return element


def _derived(root: ET.Element, name: str, function: str) -> ET.Element:
    """A band that one of GDAL's functions computes."""
    kind = {"dataType": "Float32", "subClass": "VRTDerivedRasterBand"}
    element = add(root, "VRTRasterBand", band="1", **kind)
    add(element, "Description", name)
    add(element, "NoDataValue", "nan")
    add(element, "PixelFunctionType", function)
    add(element, "SourceTransferType", "Float32")
    return element


def _layer(grid: Grid, file: QgisFile) -> _Source:
    band = file.band
    shape = _coarser(grid, band.factor).shape
    return _Source(file.path, GDAL_TYPES[band.data_type], shape, band.factor)


def _coarser(grid: Grid, factor: int) -> Grid:
    return grid if factor == 1 else grid.coarsen(factor)


def _add_values(element: ET.Element, band: BandDocument, source: _Source) -> None:
    """A layer as a source of values: scaled, and NaN where there is no data."""
    added = _add_source(element, source, tag="ComplexSource")
    if band.nodata is not None:
        add(added, "NODATA", number(band.nodata))
    add(added, "ScaleOffset", number(band.offset))
    add(added, "ScaleRatio", number(band.scale))


def _add_nothing(element: ET.Element) -> None:
    """A source of no pixels.

    A layer that is a band's only source is opened by GDAL together with the text, to look for
    overviews. They are used in any case; of several sources each is opened when it is drawn.
    """
    added = _add_source(element, _Source(_NOTHING, "Byte", (1, 1)), tag="ComplexSource")
    add(added, "NODATA", "0")


def _add_source(element: ET.Element, source: _Source, *, tag: str = "SimpleSource") -> ET.Element:
    """Take all pixels of a dataset."""
    rows, columns = source.shape
    added = add(element, tag)
    add(added, "SourceFilename", source.path, relativeToVRT="0")
    add(added, "SourceBand", "1")
    size = {"RasterXSize": str(columns), "RasterYSize": str(rows)}
    blocks = {"BlockXSize": _BLOCK, "BlockYSize": _BLOCK}
    add(added, "SourceProperties", **size, DataType=source.kind, **blocks)
    for rectangle, times in (("SrcRect", 1), ("DstRect", source.factor)):
        extent = {"xSize": str(columns * times), "ySize": str(rows * times)}
        add(added, rectangle, xOff="0", yOff="0", **extent)
    return added

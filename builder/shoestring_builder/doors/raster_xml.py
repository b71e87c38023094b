"""A GDAL VRT of several bands, as values and as XML: what all doors that are VRTs have in common.

`shoestring_schema.vrt` writes and reads the VRTs that are layers: one band of whole pixels, which our
client takes apart by itself. These here are for GDAL alone, so they may do what those may not: repeat
coarser pixels, hold several types of numbers, and compute.

Format: https://gdal.org/en/stable/drivers/raster/vrt.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from shoestring_schema.configuration import DataType
from shoestring_schema.grid import Grid
from shoestring_schema.site import Number
from shoestring_schema.vrt import GDAL_TYPES, number_text

SMALLEST_OVERVIEW = 128
"""Pixels. There are overviews until the longer side is no longer than this."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A file whose pixels are each repeated, from the upper left corner of the grid on.

    Attributes:
        path: The file, relative to the VRT.
        shape: Rows and columns of the file.
        factor: How often each pixel is repeated, along and across.
        band: Number of the raster band in the file, from 1.
        changes: What makes other numbers of the stored ones: elements of GDAL's `ComplexSource`.
    """

    path: str
    shape: tuple[int, int]
    factor: int = 1
    band: int = 1
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RasterBand:
    """A band of a VRT.

    Attributes:
        name: Its description: what programs list it by.
        data_type: NumPy name of the type of its numbers.
        sources: Its file; none where there are no data; several for what is computed.
        nodata: Number that means "no data".
        scale: Stored number times scale plus offset is the value.
        offset: See `scale`.
        unit: Unit of the value.
        color: GDAL's name of what the band shows: ``Red``.
        facts: Its metadata.
        function: Which of GDAL's own pixel functions computes it; none for what is stored.
    """

    name: str
    data_type: DataType
    sources: tuple[Repeated, ...]
    nodata: Number | None = None
    scale: float = 1.0
    offset: float = 0.0
    unit: str | None = None
    color: str = "Gray"
    facts: Mapping[str, str] = field(default_factory=dict)
    function: str | None = None


@dataclass(frozen=True, slots=True)
class RasterXml:
    """A VRT.

    Attributes:
        grid: Its pixels.
        bands: Its bands, in order.
        facts: Its metadata.
    """

    grid: Grid
    bands: tuple[RasterBand, ...]
    facts: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The file."""
        rows, columns = self.grid.shape
        a, b, c, d, e, f = self.grid.transform
        root = ET.Element("VRTDataset", rasterXSize=str(columns), rasterYSize=str(rows))
        ET.SubElement(root, "SRS").text = self.grid.crs
        ET.SubElement(root, "GeoTransform").text = ", ".join(map(repr, (c, a, b, f, d, e)))
        _write_facts(root, self.facts)
        for number, band in enumerate(self.bands, 1):
            _write_band(root, number, band)
        if all(band.function is None for band in self.bands):
            # GDAL 3.6 complains of "recursion" where what is computed has overviews of its own. Without
            # them the files' are used all the same, but by programs that ask for a list of them.
            factors = overview_factors(self.grid.shape)
            if factors:
                text = " ".join(map(str, factors))
                ET.SubElement(root, "OverviewList", resampling="nearest").text = text
        return xml_bytes(root)


def overview_factors(shape: tuple[int, int]) -> tuple[int, ...]:
    """How much coarser the overviews are that are made when they are read, of the files' own."""
    count = max(0, (max(shape) - 1) // SMALLEST_OVERVIEW).bit_length()
    return tuple(2 ** (level + 1) for level in range(count))


def xml_bytes(root: ET.Element) -> bytes:
    """A document as a file; an end of a line within a text stays what it is."""
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode") + "\n"
    return text.replace("\r", "&#13;").encode()


def write_meaning(element: ET.Element, band: RasterBand) -> None:
    """What a band's numbers mean; VRTs and tile indexes say it by the same elements."""
    ET.SubElement(element, "Description").text = xml_text(band.name)
    if band.nodata is not None:
        ET.SubElement(element, "NoDataValue").text = number_text(float(band.nodata))
    if band.unit:
        ET.SubElement(element, "UnitType").text = xml_text(band.unit)
    if (band.scale, band.offset) != (1, 0):
        ET.SubElement(element, "Offset").text = number_text(band.offset)
        ET.SubElement(element, "Scale").text = number_text(band.scale)
    ET.SubElement(element, "ColorInterp").text = band.color


def xml_text(text: str) -> str:
    """A text without what no XML document can hold: most control characters."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def _write_facts(element: ET.Element, facts: Mapping[str, str]) -> None:
    if facts:
        metadata = ET.SubElement(element, "Metadata")
        for key, value in facts.items():
            ET.SubElement(metadata, "MDI", key=key).text = xml_text(value)


def _write_band(root: ET.Element, number: int, band: RasterBand) -> None:
    element = ET.SubElement(
        root, "VRTRasterBand", dataType=GDAL_TYPES[band.data_type], band=str(number)
    )
    if band.function is not None:
        element.set("subClass", "VRTDerivedRasterBand")
    _write_facts(element, band.facts)
    write_meaning(element, band)
    if band.function is not None:
        ET.SubElement(element, "PixelFunctionType").text = band.function
        # GDAL 3.12 leaves out what is nodata in one source, where others let it spoil the result.
        ET.SubElement(element, "PixelFunctionArguments", propagateNoData="true")
        ET.SubElement(element, "SourceTransferType").text = "Float64"
    if not band.sources and band.nodata is None:
        _write_nothing(element)
    for source in band.sources:
        _write_source(element, source)


def _write_nothing(element: ET.Element) -> None:
    """A mask that lets no pixel through: of a band without data that has no number to say so."""
    mask = ET.SubElement(element, "MaskBand")
    ET.SubElement(mask, "VRTRasterBand", dataType="Byte")


def _write_source(band: ET.Element, source: Repeated) -> None:
    rows, columns = source.shape
    element = ET.SubElement(band, "ComplexSource" if source.changes else "SimpleSource")
    ET.SubElement(element, "SourceFilename", relativeToVRT="1").text = xml_text(source.path)
    ET.SubElement(element, "SourceBand").text = str(source.band)
    for tag, times in (("SrcRect", 1), ("DstRect", source.factor)):
        ET.SubElement(element, tag, xOff="0", yOff="0",
                      xSize=str(columns * times), ySize=str(rows * times))  # fmt: skip
    for tag, number in source.changes.items():
        ET.SubElement(element, tag).text = number

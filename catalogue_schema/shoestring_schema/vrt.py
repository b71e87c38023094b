"""Plain VRTs: mosaics of whole pixels, the only ones that a site may hold.

GDAL's VRT format can name any file, any driver, raw bytes and code. A *plain*
VRT has one band made of sources that are copied pixel for pixel to their
places, later ones over earlier ones, pixels without data left out. That is
all a mosaic needs, and a reader can check it and do it by itself.

Format: https://gdal.org/en/stable/drivers/raster/vrt.html
"""

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from shoestring_schema.configuration import DataType
from shoestring_schema.errors import CatalogueError
from shoestring_schema.grid import Grid, Window

MAX_BYTES = 16 * 2**20
"""No VRT of a site is larger."""

GDAL_TYPES: dict[DataType, str] = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
}
"""NumPy's names of types and GDAL's."""

_NUMPY_TYPES = {gdal: numpy for numpy, gdal in GDAL_TYPES.items()}

_DATASET_PARTS = {"SRS", "GeoTransform", "VRTRasterBand", "Metadata", "OverviewList",
                  "BlockXSize", "BlockYSize"}  # fmt: skip
_BAND_PARTS = {"SimpleSource", "ComplexSource", "NoDataValue", "Scale", "Offset", "UnitType",
               "Description", "Metadata", "ColorInterp", "ColorTable", "CategoryNames",
               "Histograms", "HideNoDataValue"}  # fmt: skip
_SOURCE_PARTS = {"SourceFilename", "SourceBand", "SourceProperties", "SrcRect", "DstRect", "NODATA"}


@dataclass(frozen=True, slots=True)
class VrtSource:
    """A rectangle of a file and its place in the mosaic.

    Attributes:
        href: The file, relative to the VRT, or a URL.
        band: Number of the raster band in the file, from 1.
        source: Which of the file's pixels.
        target: Where they go, of the same shape.
        nodata: Pixels of this value leave what lies below as it is.
    """

    href: str
    band: int
    source: Window
    target: Window
    nodata: float | None = None


@dataclass(frozen=True, slots=True)
class PlainVrt:
    """A mosaic of one band.

    Attributes:
        grid: The mosaic's pixels.
        data_type: NumPy name of their type.
        nodata: Value of pixels that no source covers; 0 stands in for None.
        sources: From the lowest to the uppermost.
        name: The band's description.
        scale: Stored number times scale plus offset is the value.
        offset: See `scale`.
    """

    grid: Grid
    data_type: DataType
    nodata: float | None
    sources: tuple[VrtSource, ...]
    name: str = ""
    scale: float = 1.0
    offset: float = 0.0

    def to_xml(self) -> str:
        """The VRT's text; `parse_vrt` reads it back."""
        rows, columns = self.grid.shape
        a, b, c, d, e, f = self.grid.transform
        root = ET.Element("VRTDataset", rasterXSize=str(columns), rasterYSize=str(rows))
        ET.SubElement(root, "SRS").text = self.grid.crs
        ET.SubElement(root, "GeoTransform").text = ", ".join(map(repr, (c, a, b, f, d, e)))
        band = ET.SubElement(root, "VRTRasterBand", dataType=GDAL_TYPES[self.data_type], band="1")
        ET.SubElement(band, "Description").text = self.name
        if self.nodata is not None:
            ET.SubElement(band, "NoDataValue").text = number_text(self.nodata)
        ET.SubElement(band, "Offset").text = number_text(self.offset)
        ET.SubElement(band, "Scale").text = number_text(self.scale)
        for source in self.sources:
            _write_source(band, source)
        ET.indent(root)
        text = ET.tostring(root, encoding="unicode") + "\n"
        return text.replace("\r", "&#13;")  # else whoever reads it takes it for the end of a line


def parse_vrt(data: bytes, where: str) -> PlainVrt:
    """Read a plain VRT; refuse every other.

    Args:
        data: The VRT's bytes.
        where: URL or path, for messages.

    Raises:
        CatalogueError: Too large, not XML, or more than a plain mosaic.
    """
    root = parse_xml(data, where)
    if root.tag != "VRTDataset" or root.get("subClass"):
        raise _refuse(where, f"it is a <{root.tag[:40]}> {root.get('subClass', '')[:40]}".rstrip())
    _only(root, _DATASET_PARTS, where)
    bands = root.findall("VRTRasterBand")
    if len(bands) != 1 or bands[0].get("subClass"):
        raise _refuse(where, "it does not have just one plain band")
    try:
        return _read_dataset(root, bands[0], where)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise _refuse(where, f"a number or attribute is missing or wrong: {error}") from None


def parse_xml(data: bytes, where: str) -> ET.Element:
    """Read a stranger's XML: of bounded size, without entities.

    Args:
        data: Its bytes.
        where: URL or path, for messages.

    Raises:
        CatalogueError: It is more than that, or none.
    """
    if len(data) > MAX_BYTES:
        raise _refuse(where, f"it is larger than {MAX_BYTES} bytes")
    if b"<!" in data.replace(b"<!--", b""):
        raise _refuse(where, "it declares a document type or entities")
    try:
        return ET.fromstring(data.decode())  # in another encoding "<!" would look otherwise
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise _refuse(where, f"it is not XML ({error})") from None


def _read_dataset(root: ET.Element, band: ET.Element, where: str) -> PlainVrt:
    _only(band, _BAND_PARTS, where)
    data_type = _NUMPY_TYPES[band.attrib["dataType"]]
    c, a, b, f, d, e = map(float, _text(root, "GeoTransform").split(","))
    shape = int(root.attrib["rasterYSize"]), int(root.attrib["rasterXSize"])
    nodata = band.findtext("NoDataValue")
    return PlainVrt(
        grid=Grid(_text(root, "SRS").strip(), (a, b, c, d, e, f), shape),
        data_type=data_type,
        nodata=None if nodata is None else float(nodata),
        sources=tuple(
            _read_source(source, where) for source in band if source.tag.endswith("Source")
        ),
        name=band.findtext("Description") or "",
        scale=float(band.findtext("Scale") or 1),
        offset=float(band.findtext("Offset") or 0),
    )


def _read_source(source: ET.Element, where: str) -> VrtSource:
    _only(source, _SOURCE_PARTS, where)
    if source.tag == "SimpleSource" and source.find("NODATA") is not None:
        raise _refuse(where, "a simple source states nodata")
    nodata = source.findtext("NODATA")
    read = VrtSource(
        href=_text(source, "SourceFilename"),
        band=int(source.findtext("SourceBand") or 1),
        source=_rectangle(source, "SrcRect"),
        target=_rectangle(source, "DstRect"),
        nodata=None if nodata is None else float(nodata),
    )
    if read.source.shape != read.target.shape:
        raise _refuse(where, f"it resamples {read.href[:200]}")
    return read


def _write_source(band: ET.Element, source: VrtSource) -> None:
    element = ET.SubElement(band, "SimpleSource" if source.nodata is None else "ComplexSource")
    relative = "0" if "://" in source.href else "1"
    ET.SubElement(element, "SourceFilename", relativeToVRT=relative).text = source.href
    ET.SubElement(element, "SourceBand").text = str(source.band)
    for tag, window in (("SrcRect", source.source), ("DstRect", source.target)):
        ET.SubElement(element, tag, xOff=str(window.column), yOff=str(window.row),
                      xSize=str(window.width), ySize=str(window.height))  # fmt: skip
    if source.nodata is not None:
        ET.SubElement(element, "NODATA").text = number_text(source.nodata)


def _rectangle(source: ET.Element, tag: str) -> Window:
    element = source.find(tag)
    if element is None:
        raise ValueError(f"no {tag}")
    values = [float(element.attrib[key]) for key in ("yOff", "xOff", "ySize", "xSize")]
    if any(value != int(value) for value in values):
        raise ValueError(f"{tag} is not in whole pixels")
    return Window(*map(int, values))


def _text(element: ET.Element, tag: str) -> str:
    text = element.findtext(tag)
    if not text:
        raise ValueError(f"no {tag}")
    return text


def _only(element: ET.Element, allowed: set[str], where: str) -> None:
    for child in element:
        if child.tag not in allowed:
            raise _refuse(where, f"it has a <{str(child.tag)[:40]}>")


def _refuse(where: str, reason: str) -> CatalogueError:
    return CatalogueError(
        f"{where} is not a plain VRT, which is all that is read from a site: {reason}. "
        "Ask its publisher for Cloud Optimized GeoTIFFs."
    )


def number_text(value: float) -> str:
    """A number as VRTs write it: whole ones without a point."""
    return (
        str(int(value))
        if value == value and abs(value) < 2**53 and value == int(value)
        else repr(value)
    )

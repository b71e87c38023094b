"""The order to GDAL's warper, as the text of a warped VRT.

rasterio's own views leave no choice of the raster band, warp all bands of a
file, and can't ask for the exact transformation (`WarpedVRT` fails with
``tolerance=0`` in rasterio 1.4 and 1.5). What is written here is what
``gdalwarp -et 0 -of VRT`` writes. It is read at once and never published: a
site holds plain VRTs only.

Format: https://gdal.org/en/stable/drivers/raster/vrt.html#warped-vrt
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from shoestring_schema.configuration import DataType, Resampling
from shoestring_schema.grid import Grid
from shoestring_schema.vrt import GDAL_TYPES

_BLOCK = 512, 2048
"""Rows and columns that are warped at a time."""

_ALGORITHMS: dict[Resampling, str] = {
    "nearest": "NearestNeighbour",
    "bilinear": "Bilinear",
    "cubic": "Cubic",
    "cubic_spline": "CubicSpline",
    "lanczos": "Lanczos",
    "average": "Average",
    "mode": "Mode",
    "max": "Maximum",
    "min": "Minimum",
    "med": "Median",
}


@dataclass(frozen=True, slots=True)
class WarpOrder:
    """What to warp, where to and how.

    Attributes:
        path: The file.
        band: Number of its raster band, from 1.
        source: The file's pixels.
        source_nodata: Number of its pixels that hold no data.
        target: The pixels to make.
        nodata: Number of made pixels that hold no data; without it, a second band tells.
        data_type: NumPy name of the type to make.
        resampling: How.
        scale: Pixels to make for each pixel of the file, across and down; at most 1.
        advice: Options of the transformation between the two CRSs.
    """

    path: Path
    band: int
    source: Grid
    source_nodata: float | None
    target: Grid
    nodata: float | None
    data_type: DataType
    resampling: Resampling
    scale: tuple[float, float]
    advice: Mapping[str, str]

    def to_xml(self) -> str:
        """The VRT's text."""
        rows, columns = self.target.shape
        root = ET.Element("VRTDataset", rasterXSize=str(columns), rasterYSize=str(rows))
        root.set("subClass", "VRTWarpedDataset")
        _add(root, "SRS", self.target.crs)
        _add(root, "GeoTransform", _geotransform(self.target))
        band = self._add_band(root, 1)
        if self.nodata is not None:
            _add(band, "NoDataValue", repr(float(self.nodata)))
        else:
            _add(self._add_band(root, 2), "ColorInterp", "Alpha")
        _add(root, "BlockXSize", str(min(_BLOCK[1], columns)))
        _add(root, "BlockYSize", str(min(_BLOCK[0], rows)))
        self._add_options(ET.SubElement(root, "GDALWarpOptions"))
        return ET.tostring(root, encoding="unicode")

    def _add_band(self, root: ET.Element, number: int) -> ET.Element:
        return ET.SubElement(
            root,
            "VRTRasterBand",
            dataType=GDAL_TYPES[self.data_type],
            band=str(number),
            subClass="VRTWarpedRasterBand",
        )

    def _add_options(self, parent: ET.Element) -> None:
        _add(parent, "ResampleAlg", _ALGORITHMS[self.resampling])
        _add(parent, "WorkingDataType", GDAL_TYPES[self.data_type])
        across, down = self.scale
        options = {
            "INIT_DEST": "0" if self.nodata is None else "NO_DATA",
            "ERROR_OUT_IF_EMPTY_SOURCE_WINDOW": "FALSE",
            "XSCALE": repr(across),
            "YSCALE": repr(down),
        }
        for name, value in options.items():
            _add(parent, "Option", value).set("name", name)
        _add(parent, "SourceDataset", str(self.path.resolve())).set("relativeToVRT", "0")
        self._add_transformer(ET.SubElement(parent, "Transformer"))
        self._add_mapping(ET.SubElement(parent, "BandList"))
        if self.nodata is None:
            _add(parent, "DstAlphaBand", "2")

    def _add_mapping(self, parent: ET.Element) -> None:
        mapping = ET.SubElement(parent, "BandMapping", src=str(self.band), dst="1")
        for name, value in (("Src", self.source_nodata), ("Dst", self.nodata)):
            if value is not None:
                _add(mapping, f"{name}NoDataReal", repr(float(value)))
                _add(mapping, f"{name}NoDataImag", "0")

    def _add_transformer(self, parent: ET.Element) -> None:
        """Pixel of the grid to its CRS, to the file's CRS, to pixel of the file."""
        parent = ET.SubElement(parent, "GenImgProjTransformer")
        for name, grid in (("Src", self.source), ("Dst", self.target)):
            _add(parent, f"{name}GeoTransform", _geotransform(grid))
        if self.source.crs == self.target.crs:
            return
        steps = ET.SubElement(parent, "ReprojectTransformer")
        steps = ET.SubElement(steps, "ReprojectionTransformer")
        _add(steps, "SourceSRS", self.source.crs)
        _add(steps, "TargetSRS", self.target.crs)
        options = ET.SubElement(steps, "Options")
        for key, value in self.advice.items():
            _add(options, "Option", value).set("key", key)


def _add(parent: ET.Element, tag: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = text
    return element


def _geotransform(grid: Grid) -> str:
    """In GDAL's order, to the last digit."""
    a, b, c, d, e, f = grid.transform
    return ",".join(map(repr, (c, a, b, f, d, e)))

"""What items say of their layers, in the words of GDAL; pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from shoestring_builder.doors.part import DoorPart
from shoestring_builder.doors.raster_xml import RasterBand, Repeated
from shoestring_schema.site import BandDocument
from shoestring_schema.vrt import number_text

Item = Mapping[str, Any]

COLORS = {"red": "Red", "green": "Green", "blue": "Blue"}
"""STAC's common names and GDAL's; it knows others since 3.10, and rasterio not all of those."""

_STATISTICS = {
    "minimum": "STATISTICS_MINIMUM",
    "maximum": "STATISTICS_MAXIMUM",
    "mean": "STATISTICS_MEAN",
    "stddev": "STATISTICS_STDDEV",
}


def moment_of(item: Item) -> str:
    """An item's moment: ``2018-01-02`` or ``2018-01-02T13:00:00Z``."""
    return str(item["properties"]["shoestring:date"])


def source_of(part: DoorPart, band: BandDocument, item: Item) -> Repeated:
    """The file of a layer, laid over the part's grid."""
    grid = part.grid if band.factor == 1 else part.grid.coarsen(band.factor)
    path = unquote(item["assets"][band.name]["href"]).removeprefix("./")
    return Repeated(path, grid.shape, band.factor)


def empty_band(band: BandDocument) -> RasterBand:
    """A band without data: what it means."""
    return RasterBand(
        name=band.name,
        data_type=band.data_type,
        sources=(),
        nodata=band.nodata,
        scale=band.scale,
        offset=band.offset,
        unit=band.unit,
        color=COLORS.get(band.common_name or "", "Gray"),
    )


def raster_band(part: DoorPart, band: BandDocument, item: Item) -> RasterBand:
    """A band of a date with its layer, or without data where the date has none."""
    empty = empty_band(band)
    if band.name not in item["assets"]:
        return empty
    return replace(empty, sources=(source_of(part, band, item),), facts=_facts(part, band, item))


def _facts(part: DoorPart, band: BandDocument, item: Item) -> dict[str, str]:
    """Statistics, so that no program must read a layer for them.

    Not where a coarser layer reaches beyond the grid: they are of all its pixels.
    """
    if any(side % band.factor for side in part.grid.shape):
        return {}
    rasters = item["assets"][band.name].get("raster:bands", ())
    told = rasters[0].get("statistics", {}) if rasters else {}
    return {name: number_text(float(told[key])) for key, name in _STATISTICS.items() if key in told}

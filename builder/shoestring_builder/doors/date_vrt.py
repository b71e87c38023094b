"""All bands of a date in one file that GDAL opens; pure."""

from shoestring_builder.doors.layers import Item, moment_of, raster_band
from shoestring_builder.doors.part import DoorPart
from shoestring_builder.doors.raster_xml import RasterXml


def date_vrt(part: DoorPart, item: Item) -> bytes:
    """Write the VRT of a date: its bands in the collection's order, on the collection's grid.

    A band keeps its number on every date, as tile indexes and styles know bands by their numbers: one
    that a date lacks is there without data.

    Args:
        part: What the item is of.
        item: The date.
    """
    facts = {"title": str(item["properties"].get("title", "")), "datetime": moment_of(item)}
    bands = tuple(raster_band(part, band, item) for band in part.bands)
    return RasterXml(part.grid, bands, facts).to_bytes()

"""A part as a tile index of GDAL (GTI): a feature a date, whose tile is the date's VRT; pure.

GDAL 3.9 and later open it as one raster: the newest date on top, or the dates that a filter leaves.
Everything that GDAL would else open a tile for stands in the metadata of its layer.

Format: https://gdal.org/en/stable/drivers/raster/gti.html
"""

from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from shoestring_builder.describe.item import VRT_TYPE
from shoestring_builder.doors.geopackage import Column, Layer, geopackage
from shoestring_builder.doors.layers import Item, empty_band, moment_of
from shoestring_builder.doors.part import DoorPart
from shoestring_builder.doors.raster_xml import overview_factors, write_meaning, xml_bytes
from shoestring_schema.moment import interval, parse_moment
from shoestring_schema.vrt import GDAL_TYPES, number_text

_COLUMNS = (
    Column("location", "TEXT"),
    Column("date", "DATE"),
    Column("datetime", "DATETIME"),
    Column("clear_percent", "DOUBLE"),
)


def tile_index(part: DoorPart) -> bytes | None:
    """Write the tile index of a part.

    Args:
        part: Its items link to their VRTs (``rel: alternate``); those that do not are left out.

    Returns:
        A GeoPackage; None where no item has a VRT, or the grid's rows do not run from west to east and
        from north to south, which GDAL asks of an index.
    """
    a, b, _, d, e, _ = part.grid.transform
    rows = tuple(_rows(part))
    if not rows or (b, d) != (0, 0) or a < 0 or e > 0:
        return None
    outline = _outline(part)
    return geopackage(
        Layer("dates", part.title, part.grid.crs, outline, _COLUMNS, rows, _facts(part))
    )


def vrt_of(item: Item) -> str | None:
    """Path of the VRT that holds all bands of an item, as its links tell: it is the first of its VRTs."""
    for link in item["links"]:
        if link["rel"] == "alternate" and link.get("type") == VRT_TYPE:
            return unquote(link["href"]).removeprefix("./")
    return None


def _rows(part: DoorPart) -> Iterator[tuple[object, ...]]:
    for item in part.items:
        location, moment = vrt_of(item), moment_of(item)
        if location is not None:
            start = interval(parse_moment(moment))[0].replace(tzinfo=None)
            instant = f"{start.isoformat(timespec='milliseconds')}Z"
            clear = item["properties"].get("shoestring:clear_percent")
            yield location, moment[:10], instant, clear


def _outline(part: DoorPart) -> tuple[tuple[float, float], ...]:
    left, bottom, right, top = part.grid.bounds
    return (left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)


def _facts(part: DoorPart) -> str:
    """The layer's metadata: how the raster is made, without a look at a tile."""
    root = ET.Element("GDALMultiDomainMetadata")
    metadata = ET.SubElement(root, "Metadata")
    (width, height), bounds = part.grid.resolution, part.grid.bounds
    facts = {
        "RESX": number_text(width),
        "RESY": number_text(height),
        **dict(zip(("MINX", "MINY", "MAXX", "MAXY"), map(number_text, bounds), strict=True)),
        "SRS": part.grid.crs,
        "BAND_COUNT": str(len(part.bands)),
        "SORT_FIELD": "datetime",
        "SORT_FIELD_ASC": "YES",
    }
    for key, value in facts.items():
        ET.SubElement(metadata, "MDI", key=key).text = value
    own = ET.SubElement(root, "Metadata", domain="xml:GTI", format="xml")
    own.append(_bands(part))
    return xml_bytes(root).decode()


def _bands(part: DoorPart) -> ET.Element:
    """What single metadata items have no words for: names of bands, and each one's own type."""
    root = ET.Element("GDALTileIndexDataset")
    for number, band in enumerate(part.bands, 1):
        kind = GDAL_TYPES[band.data_type]
        write_meaning(
            ET.SubElement(root, "Band", band=str(number), dataType=kind), empty_band(band)
        )
    for factor in overview_factors(part.grid.shape):
        ET.SubElement(ET.SubElement(root, "Overview"), "Factor").text = str(factor)
    return root

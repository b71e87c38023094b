"""The doors that GDAL opens, as files with names; pure."""

from collections.abc import Iterator

from shoestring_builder.describe.item import GEOJSON_TYPE, VRT_TYPE
from shoestring_builder.doors.band_vrt import band_vrt
from shoestring_builder.doors.date_vrt import date_vrt
from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.index_vrt import index_vrt, indexes_of, terms_vrt
from shoestring_builder.doors.layers import Item, moment_of
from shoestring_builder.doors.part import DoorPart
from shoestring_builder.doors.stacit import stacit
from shoestring_builder.doors.tile_index import tile_index
from shoestring_schema.moment import file_stem, parse_moment

GEOPACKAGE_TYPE = "application/geopackage+sqlite3"


def date_files(part: DoorPart) -> Iterator[DoorFile]:
    """The VRTs of a date: of all its bands; of its indexes and of their terms, if there are any.

    Args:
        part: Of one item.
    """
    for item in part.items:
        stem, moment = _stem(item), moment_of(item)
        yield DoorFile(stem, ".vrt", date_vrt(part, item), VRT_TYPE, f"Bands of {moment} (VRT)")
        names = ", ".join(index.name for index in indexes_of(part))
        if names:
            title = f"Terms of indexes of {moment} (VRT)"
            terms = DoorFile(f"{stem}-terms", ".vrt", terms_vrt(part, item), VRT_TYPE, title)
            data = index_vrt(part, item, terms.name)
            yield DoorFile(f"{stem}-indexes", ".vrt", data, VRT_TYPE, f"{names} of {moment} (VRT)")
            yield terms


def band_files(part: DoorPart) -> Iterator[DoorFile]:
    """The VRT of each band: its dates as bands."""
    for band in part.bands:
        data = band_vrt(part, band)
        if data is not None:
            title = f"{band.name}, a band a date{_of(part)} (VRT)"
            yield DoorFile(_named(band.name, part), ".vrt", data, VRT_TYPE, title)


def index_files(part: DoorPart) -> Iterator[DoorFile]:
    """The tile index, where GDAL can open one."""
    data = tile_index(part)
    if data is not None:
        title = f"Tile index{_of(part)} (GDAL GTI)"
        yield DoorFile(_named(part.collection, part), ".gti.gpkg", data, GEOPACKAGE_TYPE, title)


def stacit_files(part: DoorPart) -> Iterator[DoorFile]:
    """An ItemCollection a date."""
    for item in part.items:
        title = f"Items of {moment_of(item)} (GDAL STACIT)"
        yield DoorFile(f"{_stem(item)}-stacit", ".json", stacit(part, item), GEOJSON_TYPE, title)


def _stem(item: Item) -> str:
    return file_stem(parse_moment(moment_of(item)))


def _named(stem: str, part: DoorPart) -> str:
    return f"{stem}-{part.period}" if part.period else stem


def _of(part: DoorPart) -> str:
    return f" of {part.period}" if part.period else ", the newest dates"

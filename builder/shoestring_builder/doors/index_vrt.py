"""Normalized differences of two bands of a date, computed by GDAL where they are looked at; pure.

(first - second) / (first + second), of values. GDAL's own pixel functions do it, so no Python is needed
and nothing must be allowed. GDAL 3.6 has none for the whole (3.8 has), and a band takes one step. So it
takes two files: the *terms*, which are differences and sums, and the *indexes*, which divide them. What
makes values of stored numbers is a scaling of a source, so an index is right also where an offset keeps a
ratio of stored numbers from being one of values. What is no data in one of the two bands is NaN; where
the sum is zero, an index is infinite.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shoestring_builder.doors.layers import Item, moment_of, source_of
from shoestring_builder.doors.part import DoorPart
from shoestring_builder.doors.raster_xml import RasterBand, RasterXml, Repeated
from shoestring_schema.site import BandDocument
from shoestring_schema.vrt import number_text


@dataclass(frozen=True, slots=True)
class Index:
    """A normalized difference.

    Attributes:
        name: What it is called: ``NDVI``.
        first: Common names of the first band; the foremost that there is.
        second: Common names of the second one.
    """

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]


INDEXES = (
    Index("NDVI", ("nir", "nir08"), ("red",)),
    Index("NDWI", ("green",), ("nir", "nir08")),
    Index("NDMI", ("nir08", "nir"), ("swir16",)),
    Index("NBR", ("nir08", "nir"), ("swir22",)),
)
"""Those that common names suffice for: of plants, open water, moisture, burnt land."""


def indexes_of(part: DoorPart) -> tuple[Index, ...]:
    """The indexes that a part's bands allow."""
    return tuple(index for index in INDEXES if len(_bands(part, index)) == 2)


def terms_vrt(part: DoorPart, item: Item) -> bytes:
    """Write the VRT of the terms of a date's indexes: for each index a difference and a sum.

    Args:
        part: What the item is of; it allows one index at least.
        item: The date.
    """
    bands = tuple(band for index in indexes_of(part) for band in _terms(part, item, index))
    return RasterXml(part.grid, bands, {"datetime": moment_of(item)}).to_bytes()


def index_vrt(part: DoorPart, item: Item, terms: str) -> bytes:
    """Write the VRT of a date's indexes: a band an index, 32-bit floats, NaN where there is none.

    Args:
        part: What the item is of; it allows one index at least.
        item: The date.
        terms: Name of the file that `terms_vrt` made.
    """
    indexes = indexes_of(part)
    bands = []
    for number, index in enumerate(indexes):
        difference = Repeated(terms, part.grid.shape, band=2 * number + 1)
        total = replace(difference, band=2 * number + 2)
        bands.append(RasterBand(index.name, "float32", (difference, total), "nan", function="div"))
    facts = {"title": str(item["properties"].get("title", "")), "datetime": moment_of(item)}
    return RasterXml(part.grid, tuple(bands), facts).to_bytes()


def _terms(part: DoorPart, item: Item, index: Index) -> Iterator[RasterBand]:
    bands = _bands(part, index)
    whole = all(band.name in item["assets"] for band in bands)
    sources = tuple(_values(part, band, item) for band in bands) if whole else ()
    for function, sign in (("diff", "-"), ("sum", "+")):
        name = f"{bands[0].name} {sign} {bands[1].name}"
        yield RasterBand(name, "float64", sources, "nan", function=function if whole else None)


def _bands(part: DoorPart, index: Index) -> list[BandDocument]:
    named = {band.common_name: band for band in reversed(part.bands)}
    found = [
        next((named[name] for name in names if name in named), None)
        for names in (index.first, index.second)
    ]
    return [band for band in found if band is not None]


def _values(part: DoorPart, band: BandDocument, item: Item) -> Repeated:
    changes = {"ScaleOffset": number_text(band.offset), "ScaleRatio": number_text(band.scale)}
    if band.nodata is not None:
        changes["NODATA"] = number_text(float(band.nodata))
    return replace(source_of(part, band, item), changes=changes)

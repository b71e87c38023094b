"""All dates of a band in one file that GDAL opens; pure."""

from dataclasses import replace

from shoestring_builder.doors.layers import moment_of, raster_band
from shoestring_builder.doors.part import DoorPart
from shoestring_builder.doors.raster_xml import RasterXml
from shoestring_schema.site import BandDocument


def band_vrt(part: DoorPart, band: BandDocument) -> bytes | None:
    """Write the VRT of a band: a band a date, named by it, in order of time.

    Args:
        part: The dates.
        band: One of the part's bands.

    Returns:
        The file; None where no date has a layer of the band. Dates without one are left out.
    """
    bands = tuple(
        replace(raster_band(part, band, item), name=moment_of(item), color="Gray")
        for item in part.items
        if band.name in item["assets"]
    )
    facts = {"title": f"{part.title} {band.title or band.name}", "band": band.name}
    return RasterXml(part.grid, bands, facts).to_bytes() if bands else None

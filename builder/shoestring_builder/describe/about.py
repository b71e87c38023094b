"""What STAC says of a collection, wherever that is said; pure."""

from collections.abc import Sequence

from shoestring_builder.describe.item import (
    EXTENSIONS,
    STAC_VERSION,
    Document,
    Frame,
    band_fields,
)
from shoestring_builder.parts import PartRecord
from shoestring_schema import SCHEMA_VERSION
from shoestring_schema.moment import format_moment, interval


def about_collection(frame: Frame, parts: Sequence[PartRecord]) -> Document:
    """What STAC says of a collection that has these parts, but for links and assets."""
    table = frame.table
    document: Document = {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [EXTENSIONS[name] for name in ("projection", "raster", "eo")],
        "shoestring:version": SCHEMA_VERSION,
        "id": table.id,
        "title": frame.title,
        "description": table.description or frame.title,
        "license": table.license,
    }
    if table.attribution:
        document["providers"] = [{"name": table.attribution, "roles": ["producer"]}]
    return document | {
        "extent": _extent(frame, parts),
        "summaries": _summaries(frame),
        "item_assets": {band.name: band_fields(frame, band) for band in frame.survey.bands},
    }


def _extent(frame: Frame, parts: Sequence[PartRecord]) -> Document:
    first, _ = interval(parts[0].items[0].moment)
    _, last = interval(parts[-1].items[-1].moment)
    return {
        "spatial": {"bbox": [list(frame.footprint.bbox)]},
        "temporal": {"interval": [[format_moment(first), format_moment(last)]]},
    }


def _summaries(frame: Frame) -> Document:
    summaries: Document = {}
    for key in ("proj:code", "proj:epsg"):
        if frame.projection[key] is not None:
            summaries[key] = [frame.projection[key]]
    if frame.metres is not None:
        summaries["gsd"] = sorted({frame.metres * band.factor for band in frame.survey.bands})
    bands = [band_fields(frame, band) for band in frame.survey.bands]
    summaries["eo:bands"] = [fields["eo:bands"][0] for fields in bands]
    return summaries

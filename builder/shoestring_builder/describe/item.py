"""The STAC item of one moment, with all of its layers; pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from rasterio.crs import CRS

from shoestring_builder.describe.footprint import Footprint, footprint_of
from shoestring_builder.inventory.survey import Survey
from shoestring_builder.publish.published import THUMBNAIL
from shoestring_builder.record import ItemRecord, LayerRecord, ThumbnailRecord
from shoestring_schema.configuration import CollectionTable
from shoestring_schema.grid import Grid
from shoestring_schema.moment import file_stem, format_moment, interval
from shoestring_schema.site import BandDocument

STAC_VERSION = "1.1.0"
EXTENSIONS = {
    "projection": "https://stac-extensions.github.io/projection/v1.2.0/schema.json",
    "raster": "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "eo": "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "file": "https://stac-extensions.github.io/file/v2.1.0/schema.json",
}
"""The versions in which old and new names of fields stand side by side and validate."""

COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
VRT_TYPE = "application/x-gdal-vrt"
GEOJSON_TYPE = "application/geo+json"

Document = dict[str, Any]

_COMMON_NAMES = {"rededge1": "rededge", "rededge2": "rededge", "rededge3": "rededge"}
"""What the extension `eo` calls bands that we tell apart by number."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What all items of a collection have in common.

    Attributes:
        table: The collection's configuration.
        survey: Its grid and bands.
        footprint: Where the grid lies on the globe.
        projection: ``proj:`` fields of the whole grid.
        metres: Size of a pixel in metres, or None where the CRS does not count in metres.
    """

    table: CollectionTable
    survey: Survey
    footprint: Footprint
    projection: Mapping[str, Any]
    metres: float | None

    @property
    def title(self) -> str:
        """The collection's name for people."""
        return self.table.title or self.table.id


def frame_of(table: CollectionTable, survey: Survey) -> Frame:
    """Compute once what all items of a collection share."""
    crs = CRS.from_user_input(survey.grid.crs)
    metric = crs.is_projected and math.isclose(crs.linear_units_factor[1], 1)
    return Frame(
        table=table,
        survey=survey,
        footprint=footprint_of(survey.grid),
        projection=_projection(survey.grid),
        metres=survey.grid.resolution[0] if metric else None,
    )


def item_document(frame: Frame, record: ItemRecord) -> Document:
    """Write down one moment as a STAC item.

    Args:
        frame: The collection.
        record: The moment's layers. Those of bands that are not configured are left out.
    """
    assets = {
        band.name: _layer_asset(frame, band, record.layers[band.name])
        for band in frame.survey.bands
        if band.name in record.layers
    }
    if record.thumbnail is not None:
        assets[THUMBNAIL] = _thumbnail_asset(record.thumbnail)
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": list(EXTENSIONS.values()),
        "id": f"{frame.table.id}_{file_stem(record.moment)}",
        "collection": frame.table.id,
        "geometry": frame.footprint.geometry,
        "bbox": list(frame.footprint.bbox),
        "properties": _properties(frame, record),
        "links": [
            link("root", "../../catalog.json"),
            link("parent", "../collection.json", title=frame.title),
            link("collection", "../collection.json", title=frame.title),
        ],
        "assets": assets,
    }


def band_fields(frame: Frame, band: BandDocument) -> Document:
    """What is the same in all assets of a band: also an entry of ``item_assets``."""
    own = frame.table.bands[band.name]
    common_name = _COMMON_NAMES.get(own.common_name or "", own.common_name)
    eo = {"common_name": common_name, "center_wavelength": own.center_wavelength}
    eo = {key: value for key, value in eo.items() if value is not None}
    raster = {
        "data_type": band.data_type,
        "nodata": _number(band.nodata),
        "scale": band.scale,
        "offset": band.offset,
        "unit": band.unit,
        "spatial_resolution": frame.metres and frame.metres * band.factor,
    }
    return {
        "title": band.title or band.name,
        "type": COG_TYPE if frame.table.layout == "cog" else VRT_TYPE,
        "roles": ["data"],
        "bands": [{"name": band.name} | {f"eo:{key}": value for key, value in eo.items()}],
        "eo:bands": [{"name": band.name} | eo],
        "raster:bands": [{key: value for key, value in raster.items() if value is not None}],
    }


def link(
    rel: str, href: str, *, kind: str = "application/json", title: str | None = None
) -> Document:
    """A STAC link; `title` is what tools list it by."""
    return {"rel": rel, "href": href, "type": kind} | ({"title": title} if title else {})


def _properties(frame: Frame, record: ItemRecord) -> Document:
    start, end = interval(record.moment)
    mask = frame.survey.mask
    masking = record.layers.get(mask.band) if mask else None
    properties: Document = {
        "title": f"{frame.title} {format_moment(record.moment)}",
        "datetime": format_moment(start),
        "start_datetime": format_moment(start),
        "end_datetime": format_moment(end),
        "shoestring:date": format_moment(record.moment),
    }
    if masking is not None and masking.clear_percent is not None:
        properties["shoestring:clear_percent"] = masking.clear_percent
    if frame.metres is not None:
        properties["gsd"] = frame.metres
    return properties | dict(frame.projection)


def _projection(grid: Grid) -> Document:
    authority, _, code = grid.crs.partition(":")
    if authority == "EPSG" and code.isdigit():
        crs: Document = {"proj:code": grid.crs, "proj:epsg": int(code)}
    else:
        crs = {"proj:code": None, "proj:epsg": None, "proj:wkt2": grid.crs}
    return crs | _pixels(grid) | {"proj:bbox": list(grid.bounds)}


def _pixels(grid: Grid) -> Document:
    return {"proj:shape": list(grid.shape), "proj:transform": list(grid.transform)}


def _layer_asset(frame: Frame, band: BandDocument, layer: LayerRecord) -> Document:
    asset: Document = {"href": layer.href} | band_fields(frame, band)
    asset["raster:bands"][0]["statistics"] = _statistics(layer)
    if band.factor > 1:
        coarse = frame.survey.grid.coarsen(band.factor)
        asset |= _pixels(coarse) | {"proj:bbox": list(coarse.bounds)}
        asset |= {} if frame.metres is None else {"gsd": frame.metres * band.factor}
    asset |= {"file:size": layer.size, "file:checksum": layer.checksum}
    if layer.header_size is not None:
        asset["shoestring:header_size"] = layer.header_size
    asset["shoestring:source"] = layer.fingerprint
    if layer.sources:
        asset["shoestring:sources"] = msgspec.to_builtins(layer.sources)
    return asset


def _statistics(layer: LayerRecord) -> Document:
    """A layer without a valid pixel has no minimum; JSON has no infinite numbers."""
    own = layer.statistics
    numbers = {
        "minimum": own.minimum,
        "maximum": own.maximum,
        "mean": own.mean,
        "stddev": own.stddev,
        "valid_percent": own.valid_percent,
    }
    return {key: n for key, n in numbers.items() if n is not None and math.isfinite(n)}


def _thumbnail_asset(thumbnail: ThumbnailRecord) -> Document:
    return {
        "href": thumbnail.href,
        "title": "Thumbnail",
        "type": "image/png",
        "roles": ["thumbnail"],
        "file:size": thumbnail.size,
        "file:checksum": thumbnail.checksum,
        "shoestring:source": thumbnail.fingerprint,
    }


def _number(value: float | str | None) -> float | int | str | None:
    """Whole numbers without a point: nodata of integer bands reads better so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value

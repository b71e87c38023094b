"""The demo's three fields, as a person would have drawn them: outlines in GeoJSON."""

import json
from typing import Any

import numpy as np
import shapely
import shapely.geometry
from rasterio.features import shapes
from rasterio.transform import Affine
from rasterio.warp import transform_geom

from shoestring_demo.landscape import Landscape
from shoestring_demo.mosaics import CRS, GSD
from shoestring_demo.raster_file import Transform
from shoestring_demo.season import SYNTHETIC


def draw_fields(landscape: Landscape, transform: Transform) -> dict[str, Any]:
    """Outlines of the fields, a bit inside of their hedges.

    Args:
        landscape: The ground.
        transform: Its pixels to the mosaics' CRS.

    Returns:
        A GeoJSON FeatureCollection in degrees, with the properties name and crop.
    """
    features = [
        {
            "type": "Feature",
            "properties": {
                "name": name,
                "crop": landscape.crops[surface].name,
                "note": SYNTHETIC,
            },
            "geometry": transform_geom(
                CRS, "EPSG:4326", _outline(landscape, surface, transform), precision=6
            ),
        }
        for name, surface in landscape.fields.items()
    ]
    return {"type": "FeatureCollection", "features": features}


def to_text(fields: dict[str, Any]) -> str:
    """The GeoJSON as a file holds it: a line for each field."""
    features = ",\n".join(json.dumps(feature) for feature in fields["features"])
    return f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}\n'


def _outline(landscape: Landscape, surface: int, transform: Transform) -> dict[str, Any]:
    mask = landscape.surface == surface
    traced = shapes(mask.astype(np.uint8), mask=mask, transform=Affine(*transform))
    largest = max((shapely.geometry.shape(outline) for outline, _ in traced), key=shapely.area)
    inner = largest.buffer(-GSD / 2).simplify(GSD)
    return dict(shapely.geometry.mapping(inner))

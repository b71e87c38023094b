"""What the demo reads from its site, over HTTP: fields, their surroundings, and rain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
import shapely.geometry
from rasterio.warp import transform_geom
from tqdm import tqdm

from shoestring import Catalogue, Collection, Roi
from shoestring_demo.ndvi import FieldSeries, Pixels, field_series, ndvi_layers, red_and_nir
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment

IMAGES, WEATHER = "s2-demo", "weather-demo"
"""The demo's collections."""

AROUND = 120.0
"""Metres around the fields that the maps show."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What was read.

    Attributes:
        fields: NDVI of each field.
        outlines: The fields as polygons in the CRS of the maps.
        maps: Date to NDVI, float32 with NaN where not clear, of shape (rows, columns).
        clear: Date to the clear share of the map, 0 to 1.
        grid: The maps' grid.
        rain: Day to mm.
    """

    fields: tuple[FieldSeries, ...]
    outlines: tuple[shapely.Polygon, ...]
    maps: Mapping[Moment, Pixels]
    clear: Mapping[Moment, float]
    grid: Grid
    rain: Mapping[date, float]


def survey(catalogue: Catalogue, features: Sequence[Mapping[str, Any]]) -> Survey:
    """Read fields, their surroundings and the weather there.

    Args:
        catalogue: The demo's site.
        features: GeoJSON features in degrees with the properties name and crop.

    Raises:
        ShoestringError: See `Collection.extract`.
    """
    images = catalogue[IMAGES]
    bar = tqdm(features, "Fields", unit="field", disable=None)
    fields = tuple(field_series(images, feature) for feature in bar)
    outlines = tuple(_outline(feature, images.grid.crs) for feature in features)
    area = Roi(shapely.box(*_around(outlines, images.grid)), images.grid.crs)
    bands = red_and_nir(images)
    stack = images.extract(bands, area, min_clear=0, scaled=True)
    return Survey(
        fields=fields,
        outlines=outlines,
        maps=ndvi_layers(stack, bands),
        clear=stack.clear,
        grid=stack.grid,
        rain=_rain(catalogue[WEATHER], area),
    )


def _outline(feature: Mapping[str, Any], crs: str) -> shapely.Polygon:
    geometry = shapely.geometry.shape(transform_geom("EPSG:4326", crs, feature["geometry"]))
    return shapely.Polygon(geometry)


def _around(outlines: Sequence[shapely.Polygon], grid: Grid) -> tuple[float, float, float, float]:
    """The box around the fields, on whole pixels."""
    box = shapely.union_all(outlines).buffer(AROUND, join_style="mitre").bounds
    window = grid.window_of([(box[0], box[1]), (box[2], box[3])])
    return grid.crop(window or grid.whole).bounds


def _rain(weather: Collection, area: Roi) -> dict[date, float]:
    """Mean rain of each day over the pixels of the weather that the area touches."""
    stack = weather.extract("precipitation", area, masked=False, scaled=True)
    return {day: float(np.mean(pixels)) for day, pixels in stack["precipitation"].items()}

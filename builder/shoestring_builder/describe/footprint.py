"""Where a grid lies on the globe: its footprint in longitude and latitude."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, isfinite
from typing import Any

import numpy as np
from rasterio.crs import CRS
from rasterio.warp import transform
from shapely.geometry import MultiPolygon, Polygon, box, mapping
from shapely.geometry.polygon import orient

from shoestring_schema.grid import Grid

_STEPS = 16
_DIGITS = 6  # a tenth of a metre
_TOLERANCE = 1e-5  # degrees: about a metre

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Footprint:
    """A grid's outline in EPSG:4326.

    Attributes:
        geometry: GeoJSON Polygon, or MultiPolygon where it crosses the antimeridian.
        bbox: West, south, east, north. West is larger than east where it crosses the
            antimeridian (RFC 7946, section 5.2).
    """

    geometry: dict[str, Any]
    bbox: tuple[float, float, float, float]


def footprint_of(grid: Grid) -> Footprint:
    """Outline a grid in longitude and latitude, within -180 to 180 and -90 to 90.

    A grid around a pole, around the whole globe, or beyond the edge of its projection
    gets the rectangle of its latitudes.
    """
    points = _unwrapped(_ring(grid))
    outline = Polygon(points) if len(points) > 3 else Polygon()
    wide = not points or max(x for x, _ in points) - min(x for x, _ in points) >= 360
    closed = bool(points) and abs(points[0][0] - points[-1][0]) < 180
    if wide or not closed or not outline.is_valid or outline.area == 0:
        return _band_of_latitudes(grid, points)
    return _cut(outline)


def _ring(grid: Grid) -> list[Point]:
    """The grid's outline as longitudes and latitudes; what the projection can't tell is left out."""
    rows, columns = grid.shape
    along = np.linspace(0, 1, _STEPS + 1)[:-1]
    corners = [(0, 0), (rows, 0), (rows, columns), (0, columns), (0, 0)]
    positions = [
        (r0 + (r1 - r0) * step, c0 + (c1 - c0) * step)
        for (r0, c0), (r1, c1) in pairwise(corners)
        for step in along
    ]
    positions.append((0, 0))
    xs, ys = zip(*(grid.xy(row, column) for row, column in positions), strict=True)
    return _to_degrees(grid, xs, ys)


def _to_degrees(grid: Grid, xs: Sequence[float], ys: Sequence[float]) -> list[Point]:
    longitudes, latitudes = transform(
        CRS.from_user_input(grid.crs), CRS.from_epsg(4326), list(xs), list(ys)
    )
    return [
        (x, min(max(y, -90.0), 90.0))
        for x, y in zip(longitudes, latitudes, strict=True)
        if isfinite(x) and isfinite(y)
    ]


def _unwrapped(points: list[Point]) -> list[Point]:
    """Longitudes that go on beyond 180 instead of jumping to the other side."""
    result: list[Point] = []
    for x, y in points:
        before = result[-1][0] if result else x
        result.append((x - 360 * round((x - before) / 360), y))
    return result


def _band_of_latitudes(grid: Grid, points: list[Point]) -> Footprint:
    rows, columns = grid.shape
    inner = [(rows * i / 8, columns * j / 8) for i in range(9) for j in range(9)]
    xs, ys = zip(*(grid.xy(row, column) for row, column in inner), strict=True)
    latitudes = [y for _, y in points + _to_degrees(grid, xs, ys)] or [-90.0, 90.0]
    south, north = round(min(latitudes), _DIGITS), round(max(latitudes), _DIGITS)
    if points and abs(points[0][0] - points[-1][0]) >= 180:  # once around: a pole is inside
        south, north = (south, 90.0) if south + north > 0 else (-90.0, north)
    return Footprint(_geojson([box(-180, south, 180, north)]), (-180.0, south, 180.0, north))


def _cut(outline: Polygon) -> Footprint:
    """Cut at the antimeridian, and bring each piece back to -180 to 180."""
    west, _, east, _ = outline.bounds
    pieces: list[Polygon] = []
    bounds: list[tuple[float, ...]] = []
    for turn in range(floor((west + 180) / 360), ceil((east + 180) / 360)):
        shift = 360 * turn
        whole = shift - 180 <= west and east <= shift + 180
        part = outline if whole else outline.intersection(box(shift - 180, -90, shift + 180, 90))
        for polygon in getattr(part, "geoms", [part]):
            if isinstance(polygon, Polygon) and polygon.area > 0:
                pieces.append(_shifted(polygon, shift))
                bounds.append(pieces[-1].bounds)
    _, souths, _, norths = zip(*bounds, strict=True)
    bbox = (bounds[0][0], min(souths), bounds[-1][2], max(norths))
    return Footprint(_geojson(pieces), bbox)


def _shifted(polygon: Polygon, shift: float) -> Polygon:
    moved = [(round(x - shift, _DIGITS), round(y, _DIGITS)) for x, y in polygon.exterior.coords]
    simple = Polygon(moved).simplify(_TOLERANCE)
    return simple if simple.is_valid and simple.area > 0 else Polygon(moved)


def _geojson(polygons: list[Polygon]) -> dict[str, Any]:
    turned = [orient(polygon) for polygon in polygons]
    plain: dict[str, Any] = mapping(turned[0] if len(turned) == 1 else MultiPolygon(turned))
    return {"type": plain["type"], "coordinates": _lists(plain["coordinates"])}


def _lists(value: Any) -> Any:  # noqa: ANN401 (coordinates nest to any depth)
    return [_lists(inner) for inner in value] if isinstance(value, tuple) else value

"""Where grids lie on the globe."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.warp import transform
from shapely.geometry import Point, shape

from shoestring_builder.describe.footprint import footprint_of
from shoestring_schema.grid import Grid


def degrees(west: float, south: float, east: float, north: float, step: float = 0.5) -> Grid:
    """A grid in EPSG:4326."""
    rows, columns = round((north - south) / step), round((east - west) / step)
    return Grid("EPSG:4326", (step, 0, west, 0, -step, north), (rows, columns))


def test_a_grid_in_degrees_is_its_rectangle() -> None:
    """A plain grid in EPSG:4326 is a ring of five positions, counter-clockwise."""
    footprint = footprint_of(degrees(10, 40, 12, 41))
    assert footprint.bbox == (10, 40, 12, 41)
    ring = footprint.geometry["coordinates"][0]
    assert len(ring) == 5
    assert shape(footprint.geometry).exterior.is_ccw


def test_a_curved_edge_is_followed() -> None:
    """The outline of a UTM grid follows its edges to twenty metres."""
    grid = Grid("EPSG:32633", (1000, 0, 300_000, 0, -1000, 5_200_000), (400, 400))
    outline = shape(footprint_of(grid).geometry)
    xs, ys = zip(*(grid.xy(0, column) for column in range(401)), strict=True)
    longitudes, latitudes = transform("EPSG:32633", "EPSG:4326", xs, ys)
    worst = max(
        outline.exterior.distance(Point(x, y)) for x, y in zip(longitudes, latitudes, strict=True)
    )
    assert worst < 2e-4


@pytest.mark.parametrize(
    ("grid", "bbox", "parts"),
    [
        (degrees(170, -20, 180, -10), (170, -20, 180, -10), 1),  # touches
        (degrees(-180, -20, -170, -10), (-180, -20, -170, -10), 1),
        (degrees(175, -20, 185, -10), (175, -20, -175, -10), 2),  # crosses
        (degrees(-185, -20, -175, -10), (175, -20, -175, -10), 2),
        (degrees(190, -20, 200, -10), (-170, -20, -160, -10), 1),  # 0 to 360
        (degrees(-180, -90, 180, 90), (-180, -90, 180, 90), 1),
        (degrees(0, -60, 360, 60), (-180, -60, 180, 60), 1),
        (Grid("EPSG:32601", (1e4, 0, 350_000, 0, -1e4, 8e6), (10, 10)), None, 2),  # UTM zone 1
        (Grid("EPSG:3995", (1e5, 0, -2e6, 0, -1e5, 2e6), (40, 40)), None, 1),  # the North Pole
        (Grid("EPSG:3031", (1e5, 0, -2e6, 0, -1e5, 2e6), (40, 40)), None, 1),  # the South Pole
    ],
)
def test_the_antimeridian_and_the_poles(
    grid: Grid, bbox: tuple[float, ...] | None, parts: int
) -> None:
    """Grids at the edges of the map get valid geometry within it."""
    footprint = footprint_of(grid)
    outline = shape(footprint.geometry)
    west, south, east, north = outline.bounds
    assert outline.is_valid
    assert len(getattr(outline, "geoms", [outline])) == parts
    assert -180 <= west < east <= 180
    assert -90 <= south < north <= 90
    if bbox is not None:
        assert footprint.bbox == pytest.approx(bbox)


def test_a_pole_inside_is_covered() -> None:
    """A grid around the North Pole reaches from its lowest latitude to 90."""
    grid = Grid("EPSG:3995", (1e5, 0, -2e6, 0, -1e5, 2e6), (40, 40))
    west, south, east, north = footprint_of(grid).bbox
    assert (west, east, north) == (-180, 180, 90)
    assert 60 < south < 70


def test_beyond_the_edge_of_a_projection() -> None:
    """A sinusoidal grid whose corners lie off the globe still gets a footprint."""
    grid = Grid("+proj=sinu +R=6371007.181", (1e5, 0, -2e7, 0, -1e5, 1e7), (50, 50))
    footprint = footprint_of(grid)
    assert shape(footprint.geometry).is_valid
    assert -90 <= footprint.bbox[1] < footprint.bbox[3] <= 90


@settings(deadline=None, max_examples=100)
@given(
    zone=st.integers(1, 60),
    x=st.integers(200_000, 700_000),
    y=st.integers(100_000, 9_000_000),
    size=st.integers(1, 2000),
)
def test_the_middle_of_a_grid_lies_inside(zone: int, x: int, y: int, size: int) -> None:
    """Anywhere in UTM, the footprint is valid and holds the grid's middle."""
    grid = Grid(f"EPSG:{32600 + zone}", (100, 0, x, 0, -100, y), (size, size))
    outline = shape(footprint_of(grid).geometry)
    (longitude,), (latitude,) = transform(
        grid.crs, "EPSG:4326", *([value] for value in grid.xy(size / 2, size / 2))
    )
    assert outline.is_valid
    assert outline.buffer(1e-6).contains(Point(longitude, latitude))

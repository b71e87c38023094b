"""What the client returns is what rasterio reads, bit for bit."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.features import geometry_mask
from rasterio.transform import Affine
from rasterio.warp import transform as move
from rasterio.windows import Window

import shoestring
from shoestring import Roi
from shoestring_schema.errors import RoiError
from shoestring_schema.grid import Grid
from support.site import SINUSOIDAL, SiteFolder, box_in, numbers

pytestmark = pytest.mark.pixels

TYPES = ["uint8", "int16", "uint16", "float32", "int32"]
QUICK = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class Case:
    """A collection of one layer and a region on it.

    Attributes:
        grid: The collection's grid.
        kind: Data type.
        factor: How much coarser the band is stored.
        nodata: The band's.
        region: A shapely geometry in the grid's CRS.
    """

    grid: Grid
    kind: str
    factor: int
    nodata: float | None
    region: Any


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """North-up, south-up and offset grids in projected, geographic and custom CRSs."""
    shape = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    crs, size, left, top = draw(
        st.sampled_from(
            [
                ("EPSG:32630", 10.0, 600000.0, 800000.0),
                ("EPSG:32631", 20.0, 499980.0, 5700000.0),
                ("EPSG:4326", 0.25, -10.125, 58.125),
                ("EPSG:4326", 0.1, 180 - 0.1 * shape[1], -16.0),
                ("EPSG:4326", 0.1, -180.0, 66.5),
                (SINUSOIDAL, 231.65635826395825, -6000000.0, -1200000.0),
            ]
        )
    )
    left += draw(st.floats(-1, 1)) * size * (left != -180 and left + size * shape[1] < 179.9)
    if draw(st.booleans()):
        return Grid(crs, (size, 0.0, left, 0.0, -size, top), shape)
    return Grid(crs, (size, 0.0, left, 0.0, size, top - size * shape[0]), shape)


@st.composite
def regions(draw: st.DrawFn, grid: Grid) -> Any:  # noqa: ANN401
    """Polygons inside of the grid and over its edges; tiny ones, with holes, in several parts."""
    rows, columns = grid.shape
    kind = draw(st.sampled_from(["box", "tiny", "triangle", "hole", "parts"]))
    row, column = draw(st.floats(-3, rows + 2)), draw(st.floats(-3, columns + 2))
    height, width = draw(st.floats(0.5, rows + 5)), draw(st.floats(0.5, columns + 5))
    if kind == "tiny":
        height, width = draw(st.floats(0.01, 0.4)), draw(st.floats(0.01, 0.4))
    box = shapely.box(column, row, column + width, row + height)
    if kind == "triangle":
        box = shapely.Polygon([(column, row), (column + width, row), (column, row + height)])
    if kind == "hole":
        box = box.difference(shapely.affinity.scale(box, 0.5, 0.5))
    if kind == "parts":
        box = shapely.MultiPolygon([box, shapely.affinity.translate(box, 0, height + 1.5)])
    a, _, c, _, e, f = grid.transform
    region = shapely.transform(box, lambda points: points * [a, e] + [c, f])
    if grid.crs == "EPSG:4326":  # beyond 180 degrees a region would come back on the other side
        region = region.intersection(shapely.box(-180, -90, 180, 90))
    return region


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A layer and a region that share area, or nearly."""
    grid = draw(grids())
    kind = draw(st.sampled_from(TYPES))
    nodata = draw(st.sampled_from([None, 0.0, 7.0]))
    return Case(grid, kind, draw(st.sampled_from([1, 1, 2, 3, 5, 6])), nodata, draw(regions(grid)))


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder for the many sites of the properties."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def expected_window(case: Case) -> Window | None:
    """The bounding box grown to whole pixels, cut at the grid's edges: computed anew."""
    left, bottom, right, top = case.region.bounds
    a, _, c, _, e, f = case.grid.transform
    columns, rows = ((left - c) / a, (right - c) / a), ((top - f) / e, (bottom - f) / e)
    near = 1e-6
    first_row, first_column = floor(min(rows) + near), floor(min(columns) + near)
    last_row = max(ceil(max(rows) - near), first_row + 1)
    last_column = max(ceil(max(columns) - near), first_column + 1)
    first_row, first_column = max(first_row, 0), max(first_column, 0)
    last_row, last_column = min(last_row, case.grid.shape[0]), min(last_column, case.grid.shape[1])
    if last_row <= first_row or last_column <= first_column:
        return None
    return Window(first_column, first_row, last_column - first_column, last_row - first_row)


def placed(case: Case, window: Window) -> Affine:
    """The transform of a window's pixels."""
    a, b, c, d, e, f = case.grid.transform
    return Affine(a, b, c + a * window.col_off, d, e, f + e * window.row_off)


def read_expected(path: Path, case: Case, window: Window) -> Any:  # noqa: ANN401
    """What rasterio reads, each stored pixel repeated, as an array of the window."""
    with rasterio.open(path) as file:
        if case.factor == 1:
            return file.read(1, window=window)
        whole = file.read(1).repeat(case.factor, 0).repeat(case.factor, 1)
    return whole[window.toslices()]


def make_site(case: Case, home: Path) -> tuple[SiteFolder, Path]:
    """The case's site."""
    folder = Path(tempfile.mkdtemp(dir=home))
    band = {"data_type": case.kind, "factor": case.factor}
    if case.nodata is not None:
        band["nodata"] = case.nodata
    site = SiteFolder(folder, {"B": band}, grid=case.grid)
    shape = case.grid.coarsen(case.factor).shape
    pixels = numbers(shape, case.kind, seed=shape[0]) % 20
    if case.kind == "float32":
        pixels.flat[::5] = np.nan
    path = site.add("2018-01-02", "B", pixels, driver="GTiff", tiled=True, blockxsize=16, blockysize=32)  # fmt: skip
    return site.write(), path


@QUICK
@given(case=cases())
def test_an_unmasked_window_is_what_rasterio_reads(case: Case, home: Path) -> None:
    """Every unmasked window equals, bit for bit, what rasterio reads for the same window."""
    site, path = make_site(case, home)
    window = expected_window(case) if case.region.area > 0 else None
    with shoestring.open(site.folder) as catalogue:
        collection = catalogue["fields"]
        if window is None:
            with pytest.raises(RoiError):
                collection.extract("B", Roi(case.region, case.grid.crs), masked=False)
            return
        stack = collection.extract("B", Roi(case.region, case.grid.crs), masked=False)
    wanted = read_expected(path, case, window)
    found = stack["B"]["2018-01-02"]
    assert found.dtype == wanted.dtype == np.dtype(case.kind)
    assert found.tobytes() == np.ascontiguousarray(wanted).tobytes()
    assert np.allclose(stack.grid.transform, placed(case, window)[:6], rtol=0, atol=1e-6)


@QUICK
@given(case=cases())
def test_a_masked_window_is_what_rasterio_features_says(case: Case, home: Path) -> None:
    """Every masked window equals a mask computed independently with rasterio.features."""
    window = expected_window(case) if case.region.area > 0 else None
    if window is None:
        return
    site, path = make_site(case, home)
    transform = placed(case, window)
    shape = window.height, window.width
    inside = geometry_mask([case.region], shape, transform, invert=True)
    if not inside.any():
        inside = geometry_mask([case.region], shape, transform, all_touched=True, invert=True)
    stored = read_expected(path, case, window)
    valid = inside & ~(stored == case.nodata) if case.nodata is not None else inside.copy()
    if case.kind == "float32":
        valid &= ~np.isnan(stored)
    with shoestring.open(site.folder) as catalogue:
        collection = catalogue["fields"]
        if not inside.any():
            with pytest.raises(RoiError):
                collection.extract("B", Roi(case.region, case.grid.crs))
            return
        stack = collection.extract("B", Roi(case.region, case.grid.crs))
    if not valid.any():
        assert list(stack.left_out.values()) == [0.0]
        return
    wanted = np.where(valid, stored, np.nan).astype(np.float32)
    np.testing.assert_array_equal(stack["B"]["2018-01-02"], wanted)
    assert stack.clear[stack.dates[0]] == pytest.approx(valid.sum() / inside.sum())


@settings(max_examples=25, deadline=None)
@given(
    crs=st.sampled_from(["EPSG:4326", "EPSG:3857", "EPSG:32629", "EPSG:3035", SINUSOIDAL]),
    row=st.floats(2, 20), column=st.floats(2, 25),
    height=st.floats(1, 15), width=st.floats(1, 20),
)  # fmt: skip
def test_a_region_in_any_crs_finds_its_pixels(
    crs: str, row: float, column: float, height: float, width: float, grid_site: SiteFolder
) -> None:
    """A region that was drawn in another CRS gives the window and pixels of where it lies."""
    grid = grid_site.grid
    region = shapely.geometry.shape(box_in(grid, (row, row + height), (column, column + width)))
    dense = shapely.segmentize(region, 1.0)
    xs, ys = move(grid.crs, crs, *zip(*dense.exterior.coords, strict=True))
    with shoestring.open(grid_site.folder) as catalogue:
        direct = catalogue["fields"].explain("B04", Roi(region, grid.crs)).roi
        around = catalogue["fields"].explain("B04", Roi(shapely.Polygon(zip(xs, ys, strict=True)), crs)).roi  # fmt: skip  # noqa: E501
    assert shapely.hausdorff_distance(direct.geometry, around.geometry) < 0.01
    edges = [value % 1 for value in (row, row + height, column, column + width)]
    if all(0.01 < edge < 0.99 for edge in edges):
        assert direct.window == around.window


@pytest.fixture(scope="module")
def grid_site(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    """A site on the small grid in Ghana."""
    site = SiteFolder(tmp_path_factory.mktemp("grid"), {"B04": {"data_type": "uint8"}})
    site.add("2018-01-02", "B04", numbers(site.grid.shape, "uint8"))
    return site.write()


GLOBE = Grid("EPSG:4326", (0.5, 0.0, -180.0, 0.0, -0.5, 90.0), (360, 720))


@pytest.fixture(scope="module")
def globe(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    """A site over the whole globe, cut at the antimeridian."""
    site = SiteFolder(tmp_path_factory.mktemp("globe"), {"T": {"data_type": "uint16"}}, grid=GLOBE)
    site.add("2018-01-02", "T", np.arange(360 * 720, dtype="uint32").reshape(360, 720).astype("uint16"))  # fmt: skip
    return site.write()


def test_a_region_that_touches_the_antimeridian(globe: SiteFolder) -> None:
    """A region that ends at 180 degrees gives the grid's last columns and no more."""
    with shoestring.open(globe.folder) as catalogue:
        stack = catalogue["fields"].extract("T", (178.0, -19.0, 180.0, -16.0), masked=False)
        west = catalogue["fields"].extract("T", (-180.0, -19.0, -179.0, -16.0), masked=False)
    with rasterio.open(globe.folder / "fields" / "2018-01-02_T.tif") as file:
        wanted = file.read(1)
    np.testing.assert_array_equal(stack["T"]["2018-01-02"], wanted[212:218, 716:720])
    np.testing.assert_array_equal(west["T"]["2018-01-02"], wanted[212:218, 0:2])


@pytest.mark.parametrize("roi", [(178.0, -19.0, -178.0, -16.0), (178.0, -19.0, 182.0, -16.0)])
def test_a_region_across_the_antimeridian(globe: SiteFolder, roi: tuple[float, ...]) -> None:
    """A region across the antimeridian counts pixels at both ends of a global grid, once each."""
    with shoestring.open(globe.folder) as catalogue:
        stack = catalogue["fields"].extract("T", roi)
    counted = np.isfinite(stack["T"]["2018-01-02"])
    assert counted.shape == (6, 720)
    assert counted.all(axis=0).nonzero()[0].tolist() == [0, 1, 2, 3, 716, 717, 718, 719]
    assert counted.sum() == 6 * 8


def test_a_grid_that_counts_from_0_to_360(tmp_path: Path) -> None:
    """Longitude -5 is longitude 355 of a grid that counts from 0 to 360."""
    grid = Grid("EPSG:4326", (1.0, 0.0, 0.0, 0.0, -1.0, 90.0), (180, 360))
    site = SiteFolder(tmp_path, {"T": {"data_type": "uint16"}}, grid=grid)
    site.add("2018-01-02", "T", numbers(grid.shape))
    with shoestring.open(site.write().folder) as catalogue:
        plan = catalogue["fields"].explain("T", (-5.0, 10.0, -2.0, 12.0))
    assert (plan.roi.window.column, plan.roi.window.width) == (355, 3)


def test_a_region_smaller_than_a_pixel_counts_the_pixel_it_touches(grid_site: SiteFolder) -> None:
    """A region that holds no pixel's centre counts the pixel that it touches."""
    roi = box_in(grid_site.grid, (5.1, 5.3), (7.6, 7.8))
    with shoestring.open(grid_site.folder) as catalogue:
        stack = catalogue["fields"].extract("B04", roi)
    with rasterio.open(grid_site.folder / "fields" / "2018-01-02_B04.tif") as file:
        wanted = file.read(1)[5, 7]
    assert stack["B04"]["2018-01-02"].tolist() == [[float(wanted)]]


@pytest.mark.parametrize("rows", [(-9.0, -2.0), (41.0, 60.0), (-3.0, 0.0)])
def test_a_region_wholly_outside_is_an_error(
    grid_site: SiteFolder, rows: tuple[float, float]
) -> None:
    """A region wholly outside of the grid is refused with both extents named."""
    with (
        shoestring.open(grid_site.folder) as catalogue,
        pytest.raises(RoiError, match=r"lies outside of the collection's grid \(.*\): choose"),
    ):
        catalogue["fields"].extract("B04", box_in(grid_site.grid, rows, (3, 9)))

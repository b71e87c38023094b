"""Every kind of region that a person has at hand, and every broken one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from rasterio.warp import transform_geom

import shoestring
from shoestring import Roi
from shoestring.roi import to_roi
from shoestring_schema.errors import CatalogueError, MissingExtraError, RoiError
from shoestring_schema.grid import Grid
from support.faulty_server import FaultyServer
from support.site import SINUSOIDAL, UTM, SiteFolder, box_in, numbers

FIELD = shapely.Polygon([(-2.09, 7.232), (-2.087, 7.232), (-2.088, 7.2345)])
"""A triangle in degrees within the small grid in Ghana."""

GEOMETRY = json.loads(shapely.to_geojson(FIELD))
FEATURE = {"type": "Feature", "properties": {}, "geometry": GEOMETRY}
FEATURES = {"type": "FeatureCollection", "features": [FEATURE]}
COLLECTION = {"type": "GeometryCollection", "geometries": [GEOMETRY]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    """A site of one layer."""
    made = SiteFolder(tmp_path_factory.mktemp("site"), {"B04": {"data_type": "uint8"}})
    made.add("2018-01-02", "B04", numbers(UTM.shape, "uint8"))
    return made.write()


def write_vector(path: Path, geometry: Any, crs: str, driver: str) -> Path:  # noqa: ANN401
    """Write a vector file of one feature."""
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(geometry)], dtype=object),
        [np.array([1])],
        ["id"],
        geometry_type="Polygon",
        crs=crs,
        driver=driver,
    )
    return path


class Shaped:
    """An object of some library that speaks the protocol of geometries."""

    def __init__(self, geometry: Any, crs: object = None) -> None:  # noqa: ANN401
        self.__geo_interface__ = geometry
        self.crs = crs


@pytest.mark.parametrize(
    "roi",
    [
        GEOMETRY,
        FEATURE,
        FEATURES,
        COLLECTION,
        json.dumps(GEOMETRY),
        "\n " + json.dumps(FEATURES),
        FIELD,
        shapely.MultiPolygon([FIELD]),
        shapely.GeometryCollection([FIELD, shapely.Point(0, 0)]),
        Shaped(GEOMETRY),
        Shaped(FEATURES, crs="OGC:CRS84"),
        Roi(FIELD),
        Roi(FIELD, "EPSG:4326"),
    ],
    ids=lambda roi: type(roi).__name__,
)
def test_every_kind_of_geometry_is_the_same_region(site: SiteFolder, roi: object) -> None:
    """GeoJSON objects and texts, shapely geometries and what speaks __geo_interface__ are one."""
    with shoestring.open(site.folder) as catalogue:
        wanted = catalogue["fields"].explain("B04", Roi(FIELD)).roi
        found = catalogue["fields"].explain("B04", roi).roi
    assert found.window == wanted.window
    assert found.geometry.equals_exact(wanted.geometry, 1e-6)


@pytest.mark.parametrize(
    "box",
    [
        (-2.09, 7.232, -2.087, 7.2345),
        [-2.09, 7.232, -2.087, 7.2345],
        np.array([-2.09, 7.232, -2.087, 7.2345]),
        "-2.09,7.232,-2.087,7.2345",
        " -2.09, 7.232, -2.087, 7.2345 ",
    ],
    ids=["tuple", "list", "array", "text", "text with spaces"],
)
def test_a_bounding_box_is_a_region(box: object) -> None:
    """West, south, east, north is a region, as numbers or as text."""
    assert to_roi(box).geometry.bounds == (-2.09, 7.232, -2.087, 7.2345)


@pytest.mark.parametrize(
    ("name", "driver"),
    [("a.shp", "ESRI Shapefile"), ("a.gpkg", "GPKG"), ("a.fgb", "FlatGeobuf"), ("a.geojson", None)],
)
def test_a_vector_file_is_a_region(
    tmp_path: Path, site: SiteFolder, name: str, driver: str | None
) -> None:
    """A shapefile, GeoPackage, FlatGeobuf or GeoJSON file gives the region that it holds."""
    path = tmp_path / name
    if driver is None:
        path.write_text(json.dumps(FEATURES), encoding="utf-8")
    else:
        write_vector(path, FIELD, "EPSG:4326", driver)
    with shoestring.open(site.folder) as catalogue:
        wanted = catalogue["fields"].explain("B04", FIELD).roi
        for given in (path, str(path)):
            found = catalogue["fields"].explain("B04", given).roi
            assert shapely.hausdorff_distance(found.geometry, wanted.geometry) < 1e-3


@pytest.mark.parametrize("crs", ["EPSG:32630", "EPSG:3857", SINUSOIDAL])
def test_a_vector_files_own_crs_counts(tmp_path: Path, site: SiteFolder, crs: str) -> None:
    """A file's CRS counts, whatever it is."""
    moved = shapely.geometry.shape(transform_geom("EPSG:4326", crs, GEOMETRY))
    path = write_vector(tmp_path / "field.gpkg", moved, crs, "GPKG")
    with shoestring.open(site.folder) as catalogue:
        wanted = catalogue["fields"].explain("B04", FIELD).roi
        found = catalogue["fields"].explain("B04", path).roi
    assert shapely.hausdorff_distance(found.geometry, wanted.geometry) < 0.01


def test_several_features_are_one_region(site: SiteFolder) -> None:
    """Features that touch or overlap count once, and those apart span one window."""
    one, two = box_in(UTM, (2, 8), (3, 9)), box_in(UTM, (5, 12), (6, 20))
    features = [{"type": "Feature", "geometry": box} for box in (one, two)]
    features.append({"type": "Feature", "geometry": None})
    document = {"type": "FeatureCollection", "crs": one["crs"], "features": features}
    with shoestring.open(site.folder) as catalogue:
        stack = catalogue["fields"].extract("B04", document)
    counted = np.isfinite(stack["B04"]["2018-01-02"])
    wanted = np.zeros((10, 17), bool)
    wanted[0:6, 0:6] = wanted[3:10, 3:17] = True
    np.testing.assert_array_equal(counted, wanted)


@pytest.mark.parametrize(
    "name",
    ["EPSG:32630", "urn:ogc:def:crs:EPSG::32630"],
)
def test_a_named_crs_member_counts(site: SiteFolder, name: str) -> None:
    """GeoJSON's former crs member, which GDAL and QGIS still write, is obeyed."""
    roi = {**box_in(UTM, (2, 8), (3, 9)), "crs": {"type": "name", "properties": {"name": name}}}
    with shoestring.open(site.folder) as catalogue:
        window = catalogue["fields"].explain("B04", roi).roi.window
    assert (window.row, window.column, window.height, window.width) == (2, 3, 6, 6)


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "OGC:CRS84", "EPSG:4326"])
def test_crs84_is_longitude_and_latitude(name: str) -> None:
    """The names that mean plain GeoJSON keep x as longitude."""
    roi = to_roi({**GEOMETRY, "crs": {"type": "name", "properties": {"name": name}}})
    assert roi.crs == "EPSG:4326"
    assert roi.geometry.equals(FIELD)


def test_an_objects_crs_counts(site: SiteFolder) -> None:
    """The crs attribute of a GeoDataFrame or the like is obeyed."""
    box = {key: value for key, value in box_in(UTM, (2, 8), (3, 9)).items() if key != "crs"}
    with shoestring.open(site.folder) as catalogue:
        window = catalogue["fields"].explain("B04", Shaped(box, crs="EPSG:32630")).roi.window
    assert (window.row, window.column, window.height, window.width) == (2, 3, 6, 6)


def test_a_url_is_a_region(tmp_path: Path, site: SiteFolder) -> None:
    """GeoJSON is fetched from an http address; a missing one is named."""
    (tmp_path / "field.geojson").write_text(json.dumps(FEATURES), encoding="utf-8")
    with FaultyServer(tmp_path) as server, shoestring.open(site.folder) as catalogue:
        found = catalogue["fields"].explain("B04", f"{server.address}/field.geojson").roi
        assert found.window == catalogue["fields"].explain("B04", FIELD).roi.window
        with pytest.raises(CatalogueError, match=r"none\.geojson does not exist"):
            catalogue["fields"].explain("B04", f"{server.address}/none.geojson")


def ring(*points: tuple[float, float]) -> dict[str, Any]:
    """A polygon as GeoJSON."""
    return {"type": "Polygon", "coordinates": [[list(point) for point in points]]}


@pytest.mark.parametrize(
    ("roi", "says"),
    [
        ({"type": "FeatureCollection", "features": []}, "is empty: give it"),
        (shapely.Polygon(), "is empty: give it"),
        ({"type": "Feature", "properties": {}, "geometry": None}, "is empty: give it"),
        ({"type": "Point", "coordinates": [-2, 7]}, "holds a Point and no polygon: buffer it"),
        (shapely.LineString([(0, 0), (1, 1)]), "holds a LineString and no polygon: buffer it"),
        (shapely.MultiPoint([(0, 0), (1, 1)]), "holds a Point and no polygon: buffer it"),
        (Roi, "is no ROI: give GeoJSON"),
        (17, "A int is no ROI: give GeoJSON"),
        ((1, 2, 3), "A tuple is no ROI"),
        ((1.0, 5.0, 2.0, 4.0), "is no box: give west, south, east, north"),
        ((1.0, 4.0, 1.0, 5.0), "is no box"),
        ("{not json", "is not GeoJSON"),
        ('{"type": "Polygon"}', "is not GeoJSON that can be read"),
        ('{"type": "Polygon", "coordinates": 7}', "is not GeoJSON that can be read"),
        ('{"type": "Nonsense"}', "is not GeoJSON that can be read"),
        ('{"type": "FeatureCollection", "features": [1]}', "is not GeoJSON that can be read"),
        ('{"type": "FeatureCollection"}', "is not GeoJSON that can be read"),
        ("{" + '"a":{' * 100_000, "is not GeoJSON"),
        (ring((0, 0), (1, 1), (1, 0), (0, 1), (0, 0)), "is not valid .Self-intersection.*make_valid"),
        (ring((5e5, 8e5), (6e5, 8e5), (6e5, 9e5), (5e5, 8e5)), r"no longitudes and latitudes: name"),
        ((500000.0, 700000.0, 600000.0, 800000.0), "no longitudes and latitudes: name its CRS"),
        ((float("nan"), 0.0, 1.0, 1.0), "is no box"),
        ((0.0, 0.0, float("inf"), 1.0), "is no box"),
        ({**GEOMETRY, "crs": {"type": "name", "properties": {"name": "EPSG:0"}}}, "names a CRS that"),
        ({**GEOMETRY, "crs": {"type": "link"}}, "names a CRS that can't be understood"),
        ("nowhere/field.geojson", r"field\.geojson does not exist: give the ROI's file"),
        ("", "does not exist|can't be read"),
    ],
)  # fmt: skip
def test_a_region_that_is_none_is_refused(site: SiteFolder, roi: object, says: str) -> None:
    """What can't be a region is refused with one sentence that says what to give."""
    with shoestring.open(site.folder) as catalogue, pytest.raises(RoiError, match=says) as caught:
        catalogue["fields"].explain("B04", roi)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_region_in_an_unknown_crs_is_refused(site: SiteFolder) -> None:
    """A CRS that nobody knows is named."""
    with (
        shoestring.open(site.folder) as catalogue,
        pytest.raises(RoiError, match="CRS can't be understood: 'EPSG:999999'"),
    ):
        catalogue["fields"].explain("B04", Roi(FIELD, "EPSG:999999"))


def test_a_region_that_has_no_place_in_the_grids_crs_is_refused(site: SiteFolder) -> None:
    """A region with points that the grid's projection does not have is refused."""
    with shoestring.open(site.folder) as catalogue, pytest.raises(RoiError, match="ROI"):
        catalogue["fields"].explain("B04", (80.0, -10.0, 100.0, 10.0))


def test_files_that_hold_no_region_are_refused(tmp_path: Path) -> None:
    """A folder, a text and a table are named, each in one sentence."""
    (tmp_path / "a.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "a.geojson").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for name in ("", "a.txt", "a.geojson", "b.csv"):
        with pytest.raises(RoiError, match=str(tmp_path)) as caught:
            to_roi(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_vector_file_without_pyogrio_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the package for vector files the message says what to install."""
    path = write_vector(tmp_path / "field.gpkg", FIELD, "EPSG:4326", "GPKG")
    monkeypatch.setitem(__import__("sys").modules, "pyogrio", None)
    with pytest.raises(MissingExtraError, match=r'pip install "shoestring\[vector\]"'):
        to_roi(path)


def test_parts_far_apart_keep_their_vertices_in_another_crs() -> None:
    """Several fields, reprojected, stay the polygons that they are: no edge joins one to the next."""
    fields = [shapely.box(-2.001 + x, 7.2 + x, -2 + x, 7.201 + x) for x in (0.0, 0.5, 1.0)]
    moved = Roi(shapely.MultiPolygon(fields)).on(Grid(UTM.crs, UTM.transform, (20000, 20000)))
    expected = [
        shapely.geometry.shape(transform_geom("EPSG:4326", UTM.crs, field)) for field in fields
    ]
    assert shapely.get_num_coordinates(moved.geometry) == 3 * 5
    assert shapely.equals_exact(moved.geometry, shapely.MultiPolygon(expected), tolerance=1e-6)


def test_long_edges_are_cut_where_the_crs_bends_them() -> None:
    """A country's box, straight in longitude and latitude, reaches as far on the grid as it should."""
    grid = Grid("EPSG:32630", (1000.0, 0.0, 0.0, 0.0, -1000.0, 1500000.0), (1500, 1000))
    region = Roi(shapely.box(-6, 5, 0, 11)).on(grid)
    middle = transform_geom("EPSG:4326", grid.crs, {"type": "Point", "coordinates": [-3, 11]})
    assert region.geometry.distance(shapely.geometry.shape(middle)) < 100
    assert shapely.get_num_coordinates(region.geometry) > 5

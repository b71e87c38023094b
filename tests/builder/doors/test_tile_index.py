"""Tile indexes: GDAL opens a part as one raster, with the newest date on top or any that is asked for."""

import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from shoestring_builder.doors.part import DoorPart
from shoestring_builder.doors.tile_index import tile_index
from shoestring_schema.grid import Grid
from support.door_parts import BANDS, UTM, Layers, repeated, season, with_vrts, write_part
from support.nginx import Nginx
from support.tools import require_tool

pytestmark = pytest.mark.pixels

DATES = ("2018-01-15", "2018-02-14", "2018-03-16")


def write_index(folder: Path, part: DoorPart) -> Path:
    """The tile index of a part, and the VRTs that it names."""
    path = folder / "s2-l2a-2018.gti.gpkg"
    path.write_bytes(tile_index(with_vrts(folder, part)) or b"")
    return path


def stacked(layers: Layers, band: str) -> np.ndarray:
    """The newest pixel with data of each place."""
    newest, *older = (own[band] for own in reversed(layers.values()))
    found = newest.copy()
    for pixels in older:
        found[found == 0] = pixels[found == 0]
    return found


def test_the_newest_date_lies_on_top(tmp_path: Path) -> None:
    """Where it has no data, the one before shows; each band has its own type and meaning."""
    layers = season(DATES)
    with rasterio.open(write_index(tmp_path, write_part(tmp_path, layers))) as dataset:
        assert dataset.driver == "GTI"
        assert dataset.descriptions == ("B04", "B08", "SCL")
        assert dataset.dtypes == ("uint16", "uint16", "uint8")
        assert dataset.nodatavals == (0, 0, 0)
        assert (dataset.scales, dataset.offsets) == ((0.0001, 0.0001, 1), (-0.1, -0.1, 0))
        assert (dataset.crs, dataset.transform[:6], dataset.shape) == (
            CRS.from_epsg(32630), UTM.transform, UTM.shape,
        )  # fmt: skip
        for number, band in enumerate(BANDS, 1):
            wanted = repeated(stacked(layers, band.name), band.factor, UTM.shape)
            np.testing.assert_array_equal(dataset.read(number), wanted)


@pytest.mark.parametrize(
    "asked", ["date = '2018-02-14'", "datetime < '2018-03-01'", "clear_percent > 80"]
)
def test_a_filter_gives_a_date(asked: str, tmp_path: Path) -> None:
    """Dates are found by their day, their instant, and how clear they are."""
    layers = season(DATES)
    part = write_part(tmp_path, layers)
    for own, clear in zip(part.items, (10.5, 90.5, 20.5), strict=True):
        own["properties"]["shoestring:clear_percent"] = clear
    path = write_index(tmp_path, part)
    if asked.startswith("datetime"):
        layers = {date: layers[date] for date in DATES[:2]}
    else:
        layers = {"2018-02-14": layers["2018-02-14"]}
    with rasterio.open(path, FILTER=asked) as dataset:
        np.testing.assert_array_equal(dataset.read(1), stacked(layers, "B04"))


def test_an_instant_of_a_day_is_found(tmp_path: Path) -> None:
    """Where there are several layers a day, a filter tells the instant."""
    dates = ("2018-01-15T12:00:00Z", "2018-01-15T13:00:00Z")
    layers = season(dates)
    path = write_index(tmp_path, write_part(tmp_path, layers))
    with rasterio.open(path, FILTER="datetime = '2018-01-15T12:00:00.000Z'") as dataset:
        np.testing.assert_array_equal(dataset.read(2), layers[dates[0]]["B08"])
    with rasterio.open(path, FILTER="date = '2018-01-15'") as dataset:
        np.testing.assert_array_equal(dataset.read(2), stacked(layers, "B08"))


@pytest.mark.parametrize("crs", ["EPSG:4326", "+proj=sinu +R=6371007.181 +units=m +no_defs"])
def test_any_crs(crs: str, tmp_path: Path) -> None:
    """Longitude and latitude are not confused, and a CRS without a code is told by its words."""
    own = crs if crs.startswith("EPSG") else CRS.from_string(crs).to_wkt(version="WKT2_2019")
    grid = Grid(own, (0.25, 0.0, -3.5, 0.0, -0.25, 11.0), (30, 40))
    layers = season(DATES, grid)
    path = write_index(tmp_path, write_part(tmp_path, layers, grid=grid))
    with rasterio.open(path) as dataset, rasterio.open(tmp_path / "2018-01-15_B04.tif") as layer:
        assert dataset.crs == layer.crs
        assert dataset.transform == layer.transform
        np.testing.assert_array_equal(dataset.read(1), stacked(layers, "B04"))
    told = subprocess.run(
        [require_tool("ogrinfo"), "-so", "-al", path], capture_output=True, text=True, check=True
    )
    assert "Extent: (-3.500000, 3.500000) - (6.500000, 11.000000)" in told.stdout
    assert told.stderr == ""


def test_zoomed_out_the_dates_overviews_are_read(tmp_path: Path) -> None:
    """Its overviews are those of the layers."""
    grid = Grid("EPSG:32630", UTM.transform, (500, 700))
    part = write_part(tmp_path, season(DATES[:1], grid), grid=grid, overviews=True)
    path = write_index(tmp_path, part)
    with rasterio.open(tmp_path / "2018-01-15_B04.tif", overview_level=1) as layer:
        wanted = layer.read(1)
    with rasterio.open(path, overview_level=1) as dataset:
        np.testing.assert_array_equal(dataset.read(1), wanted)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1, out_shape=wanted.shape), wanted)


def test_opening_over_http_opens_no_tile(tmp_path: Path, nginx: Callable[..., Nginx]) -> None:
    """All that there is to know stands in the index; a date is fetched when it is read, no other."""
    layers = season(DATES)
    path = write_index(tmp_path, write_part(tmp_path, layers))
    server = nginx(tmp_path)
    with (
        rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
        rasterio.open(
            f"/vsicurl/{server.http}/{path.name}", FILTER="date = '2018-02-14'"
        ) as dataset,
    ):
        named = [request.path for request in server.requests()]
        assert {name for name in named if name.endswith((".vrt", ".tif"))} == set()
        np.testing.assert_array_equal(dataset.read(1), layers["2018-02-14"]["B04"])
        fetched = {request.path for request in server.requests() if request.status < 400}
    assert fetched == {f"/{path.name}", "/2018-02-14.vrt", "/2018-02-14_B04.tif"}


def test_it_is_a_sound_geopackage(tmp_path: Path) -> None:
    """SQLite finds it whole, and Debian's GDAL lists its dates without a warning."""
    path = write_index(tmp_path, write_part(tmp_path, season(DATES)))
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()
    command = [require_tool("ogrinfo"), "-al", "-geom=NO", str(path), "dates"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stderr == ""
    for number, date in enumerate(DATES, 1):
        day = date.replace("-", "/")
        assert f"OGRFeature(dates):{number}\n  location (String) = {date}.vrt" in told.stdout
        assert f"date (Date) = {day}\n  datetime (DateTime) = {day} 00:00:00+00" in told.stdout


def test_the_same_part_gives_the_same_bytes(tmp_path: Path) -> None:
    """No clock, no count of changes and no version of a library shows in the file."""
    part = with_vrts(tmp_path, write_part(tmp_path, season(DATES)))
    first = tile_index(part) or b""
    assert tile_index(part) == first
    assert first[24:28] == first[92:96] == b"\0\0\0\1"
    assert first[96:100] == (3_040_000).to_bytes(4, "big")
    one = sqlite3.connect(":memory:")
    one.deserialize(first)
    (changed,) = one.execute("SELECT last_change FROM gpkg_contents").fetchone()
    (noted,) = one.execute("SELECT timestamp FROM gpkg_metadata_reference").fetchone()
    one.close()
    assert changed == noted == "2000-01-01T00:00:00.000Z"


def test_what_gdal_could_not_open_is_not_written(tmp_path: Path) -> None:
    """Without VRTs, or on a grid that is turned, there is no tile index."""
    part = write_part(tmp_path, season(DATES))
    assert tile_index(part) is None
    whole = with_vrts(tmp_path, part)
    assert tile_index(whole) is not None
    for transform in ((10, 0.1, 0, 0.1, -10, 0), (10, 0, 0, 0, 10, 0), (-10, 0, 0, 0, -10, 0)):
        grid = Grid("EPSG:32630", tuple(map(float, transform)), UTM.shape)  # type: ignore[arg-type]
        assert tile_index(replace(whole, grid=grid)) is None

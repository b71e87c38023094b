"""The real data of the examples: built, checked, and compared with the sources."""

import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.inventory.files import take_inventory
from shoestring_builder.inventory.header import read_header
from shoestring_schema.configuration import parse_configuration
from support.examples import EXAMPLES, GRIB, HOURS, SOME_HOURS
from support.mosaics import times
from support.tools import require_tool, shared_data

pytestmark = pytest.mark.pixels


def documents(site: Path, collection: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The collection, and its items as the parts have them."""
    folder = site / collection
    document = json.loads((folder / "collection.json").read_text("utf-8"))
    items = [
        item
        for part in document["shoestring:parts"]
        for item in json.loads((folder / part["href"]).read_text("utf-8"))["features"]
    ]
    return document, items


def layer(site: Path, collection: str, item: Mapping[str, Any], band: str) -> NDArray[Any]:
    """The pixels of a layer."""
    year = item["properties"]["shoestring:date"][:4]
    with rasterio.open(site / collection / year / item["assets"][band]["href"]) as dataset:
        pixels: NDArray[Any] = dataset.read(1)
    return pixels


@pytest.mark.parametrize("name", ["s2_site", "modis_site", "era5_site"])
def test_the_site_has_no_fault(name: str, request: pytest.FixtureRequest) -> None:
    """Every link, file, size, checksum, COG and STAC document of the site is right."""
    assert check(request.getfixturevalue(name)).faults == ()


def test_a_second_run_has_nothing_to_do(modis_site: Path) -> None:
    """The example built again writes nothing."""
    before = times(modis_site)
    report = build(modis_site.parent / "modis-ndvi.toml")
    assert (report.changed, report.collections[0].kept) == (False, 12)
    assert times(modis_site) == before


# --- Sentinel-2 ---


def test_s2_dates_grid_and_bands(s2_site: Path) -> None:
    """Two tiles half a pixel apart make one grid that holds both."""
    document, items = documents(s2_site, "s2-l2a")
    found = [item["properties"]["shoestring:date"] for item in items]
    assert found == ["2023-08-10", "2023-08-13", "2023-08-15"]
    grid = document["shoestring:grid"]
    assert (grid["crs"], grid["shape"]) == ("EPSG:32633", [1749, 915])
    assert grid["transform"] == [120, 0, 499_980, 0, -120, 5_200_080]
    bands = {band["name"]: band for band in document["shoestring:bands"]}
    assert list(bands) == ["B02", "B03", "B04", "B08", "SCL"]
    assert (bands["B04"]["data_type"], bands["SCL"]["data_type"]) == ("uint16", "uint8")
    assert document["shoestring:mask"] == {"band": "SCL", "clear": [4, 5, 6, 7]}
    west, south, east, north = document["extent"]["spatial"]["bbox"][0]
    assert (14.9 < west < 15.1, 45.0 < south < 45.2) == (True, True)
    assert (16.3 < east < 16.5, 46.8 < north < 47.0) == (True, True)


def test_s2_clear_share_is_that_of_the_classes(s2_site: Path) -> None:
    """Each item's clear share is that of clear classes among its pixels with data."""
    for item in documents(s2_site, "s2-l2a")[1]:
        classes = layer(s2_site, "s2-l2a", item, "SCL")
        expected = 100 * np.isin(classes, [4, 5, 6, 7]).sum() / (classes != 0).sum()
        assert item["properties"]["shoestring:clear_percent"] == pytest.approx(expected)


def test_s2_statistics_are_those_of_the_pixels(s2_site: Path) -> None:
    """Statistics in the catalogue are those of the stored pixels that hold data."""
    item = documents(s2_site, "s2-l2a")[1][0]
    pixels = layer(s2_site, "s2-l2a", item, "B08")
    valid = pixels[pixels != 0].astype(float)
    stored = item["assets"]["B08"]["raster:bands"][0]["statistics"]
    assert stored["minimum"] == valid.min()
    assert stored["maximum"] == valid.max()
    assert stored["mean"] == pytest.approx(valid.mean())
    assert stored["stddev"] == pytest.approx(valid.std())
    assert stored["valid_percent"] == pytest.approx(100 * valid.size / pixels.size)


@pytest.mark.parametrize(
    ("band", "method", "kind"), [("SCL", "near", "Byte"), ("B04", "bilinear", "UInt16")]
)
def test_s2_pixels_are_those_of_gdalwarp(
    s2_site: Path, tmp_path: Path, band: str, method: str, kind: str
) -> None:
    """GDAL's own gdalwarp makes the same mosaic: classes alike, reflectance within one count."""
    gdalwarp = require_tool("gdalwarp")
    for item in documents(s2_site, "s2-l2a")[1]:
        day = item["properties"]["shoestring:date"].replace("-", "")
        sources = [
            str(next(shared_data("s2-tiles").glob(f"*_{tile}_{day}_*")) / f"{band}.tif")
            for tile in ("33TWL", "33TWM")
        ]
        expected = tmp_path / f"{day}.tif"
        bounds = ["499980", "4990200", "609780", "5200080"]
        command = [gdalwarp, "-q", "-r", method, "-te", *bounds, "-tr", "120", "120",
                   "-srcnodata", "0", "-dstnodata", "0", "-ot", kind, "-et", "0"]  # fmt: skip
        subprocess.run([*command, *sources, str(expected)], check=True, capture_output=True)
        with rasterio.open(expected) as dataset:
            other = dataset.read(1).astype(int)
        own = layer(s2_site, "s2-l2a", item, band).astype(int)
        differs = np.abs(own - other)
        assert differs.max() <= (0 if band == "SCL" else 1)
        assert (differs > 0).mean() < 0.01


# --- MODIS ---


def test_modis_dates_are_those_of_the_files(modis_site: Path) -> None:
    """Each file's date is an item."""
    files = sorted(shared_data("modis-ndvi").glob("*.jp2"))
    found = [item["properties"]["shoestring:date"] for item in documents(modis_site, "mod13q1")[1]]
    assert found == [path.stem[-10:] for path in files]
    assert (found[0], len(found)) == ("2013-09-14", 12)


def test_modis_pixels_are_the_sources(modis_site: Path) -> None:
    """On the sources' own grid, stored pixels are the sources', one by one."""
    for item in documents(modis_site, "mod13q1")[1]:
        day = item["properties"]["shoestring:date"]
        with rasterio.open(next(shared_data("modis-ndvi").glob(f"*{day}.jp2"))) as source:
            assert (layer(modis_site, "mod13q1", item, "NDVI") == source.read(1)).all()


def test_modis_keeps_its_custom_crs(modis_site: Path) -> None:
    """A CRS without a code survives: in the catalogue as WKT 2, in the file as the source's."""
    document, items = documents(modis_site, "mod13q1")
    source = next(shared_data("modis-ndvi").glob("*.jp2"))
    href = items[0]["assets"]["NDVI"]["href"]
    with rasterio.open(source) as one, rasterio.open(modis_site / "mod13q1" / "2013" / href) as two:
        assert two.crs == one.crs
        assert two.transform == one.transform
        assert (two.nodata, two.scales) == (-3000, (0.0001,))
        assert rasterio.crs.CRS.from_user_input(document["shoestring:grid"]["crs"]) == one.crs
    assert items[0]["properties"]["proj:code"] is None
    assert items[0]["properties"]["proj:wkt2"].startswith("PROJCRS[")
    west, south, east, north = items[0]["bbox"]
    assert (-55.9 < west < east < -55.1, -11.9 < south < north < -11.4) == (True, True)


# --- ERA5 ---


def test_era5_has_a_layer_for_each_hour_of_the_month() -> None:
    """The example's configuration finds 744 instants in UTC in the one file, in order."""
    shared_data("era5")
    path = EXAMPLES / "era5.toml"
    (table,) = parse_configuration(path.read_text("utf-8"), str(path)).collections
    inventory = take_inventory(table, EXAMPLES, read_header)
    start = datetime(2019, 3, 1, tzinfo=UTC)
    expected = [(start + timedelta(hours=hour), hour + 1) for hour in range(HOURS)]
    found = [(key.moment, sources[0].band) for key, sources in inventory.layers.items()]
    assert found == expected


def test_era5_dates_are_those_of_the_file(era5_site: Path) -> None:
    """Items and parts have the file's own times."""
    document, items = documents(era5_site, "era5")
    start = datetime(2019, 3, 1, tzinfo=UTC)
    expected = [f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}" for hour in range(SOME_HOURS)]
    assert [item["properties"]["datetime"] for item in items] == expected
    assert document["shoestring:parts"][0]["dates"] == [f"R{SOME_HOURS - 1}/{expected[0]}/PT3600S"]


def test_era5_pixels_are_the_sources(era5_site: Path) -> None:
    """Each instant's layer is its raster band, as float32; scaled, it is degrees Celsius."""
    items = documents(era5_site, "era5")[1]
    raster = items[0]["assets"]["t2m"]["raster:bands"][0]
    with rasterio.open(shared_data("era5") / GRIB) as source:
        for number in (1, 13, 25, SOME_HOURS):
            pixels = layer(era5_site, "era5", items[number - 1], "t2m")
            assert pixels.dtype == np.float32
            assert (pixels == source.read(number).astype(np.float32)).all()
            values = pixels * raster["scale"] + raster["offset"]
            assert -10 < values.min() < values.max() < 25  # the British Isles in March
    assert raster["unit"] == "degC"

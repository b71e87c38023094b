"""GDAL's programs read the site: by the lines of their page, and pixel for pixel."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from support.door_parts import repeated
from support.door_site import DATES, REFLECTANCE, SHAPE, DoorSite
from support.page_lines import PUBLIC, page_lines
from support.tools import require_tool

FIELD = (slice(100, 400), slice(200, 500))
"""Rows and columns of the page's field."""


def release() -> tuple[int, ...]:
    """Which GDAL the machine has, such as ``(3, 6, 2)``."""
    command = [require_tool("gdalinfo"), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"GDAL (\d+)\.(\d+)\.(\d+)", done.stdout)
    assert found is not None
    return tuple(map(int, found.groups()))


@pytest.fixture
def version(record_property: Callable[[str, object], None]) -> None:
    """What the table says was tried."""
    record_property("version", ".".join(map(str, release())))


def ran(doors: DoorSite, lines: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run lines of the page in a folder; nothing may go wrong in any of them."""
    before = page_lines("doors/gdal.md", "sh").split("\n\n")[0]
    script = f"set -eu\n{before}\nsite=/vsicurl/{doors.url}\n{lines.replace(PUBLIC, doors.url)}"
    trust = {"GDAL_CURL_CA_BUNDLE": str(doors.ca), "CURL_CA_BUNDLE": str(doors.ca)}
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, capture_output=True, text=True, env=os.environ | trust,
        check=False,
    )  # fmt: skip


def block(start: str) -> str:
    """The block of the page's lines that begins so."""
    blocks = page_lines("doors/gdal.md", "sh").split("\n\n")
    return next(own for own in blocks if own.startswith(start))


def hashed(doors: DoorSite, pattern: str) -> str:
    """The name of the one file of the season's second month that fits a pattern."""
    (path,) = (doors.folder / "s2-l2a/2018").glob(pattern)
    return path.name


@pytest.mark.door("GDAL, command line")
@pytest.mark.usefixtures("version")
def test_the_season_of_a_band(doors: DoorSite, tmp_path: Path) -> None:
    """Dates are listed by name, a place gives its number on each, a field of a date is its source's."""
    done = ran(doors, block("site="), tmp_path)
    assert (done.stderr, done.returncode) == ("", 0)
    assert re.findall(r"Description = (\S+)", done.stdout) == list(DATES)
    red = [doors.pixels["s2-l2a", date, "B04"] for date in DATES]
    place = [str(pixels[200, 300]) for pixels in red]
    assert "\n".join(place) in done.stdout
    with rasterio.open(tmp_path / "field.tif") as field:
        np.testing.assert_array_equal(field.read(1), red[1][FIELD])


@pytest.mark.door("GDAL, command line")
@pytest.mark.usefixtures("version")
def test_all_bands_of_a_date(doors: DoorSite, tmp_path: Path) -> None:
    """The item names its VRTs; `gdalinfo` lists the bands of the date, and its indexes."""
    item = hashed(doors, "2018-02-14-????????????????.json")
    lines = re.sub(r"2018-02-14-[0-9a-f]{16}\.json", item, block("item="))
    done = ran(doors, lines, tmp_path)
    assert (done.stderr, done.returncode) == ("", 0)
    named = re.findall(r"Description = (.+)", done.stdout)
    assert named[:7] == [*REFLECTANCE, "SCL", "NDVI", "NDWI"]


@pytest.mark.door("GDAL, command line")
@pytest.mark.usefixtures("version")
def test_each_band_of_a_date_is_its_source(doors: DoorSite, tmp_path: Path) -> None:
    """`gdal_translate` gives the pixels of each band over HTTPS, the coarser one's repeated."""
    name = hashed(doors, "2018-02-14-????????????????.vrt")
    for number, band in enumerate((*REFLECTANCE, "SCL"), 1):
        line = f"gdal_translate -q -b {number} $site/s2-l2a/2018/{name} {band}.tif"
        done = ran(doors, line, tmp_path)
        assert (done.stderr, done.returncode) == ("", 0)
        pixels = doors.pixels["s2-l2a", "2018-02-14", band]
        wanted = repeated(pixels, 2, SHAPE) if band == "SCL" else pixels
        with rasterio.open(tmp_path / f"{band}.tif") as found:
            np.testing.assert_array_equal(found.read(1), wanted)


@pytest.mark.door("GDAL, command line")
@pytest.mark.usefixtures("version")
def test_indexes_are_those_of_values(doors: DoorSite, tmp_path: Path) -> None:
    """NDVI as GDAL computes it is NumPy's of the sources' values, and no data where they are none."""
    name = hashed(doors, "2018-02-14-indexes-*.vrt")
    done = ran(doors, f"gdal_translate -q -b 1 $site/s2-l2a/2018/{name} ndvi.tif", tmp_path)
    assert (done.stderr, done.returncode) == ("", 0)
    red, nir = (
        np.where(pixels == 0, np.nan, pixels * 0.0001 - 0.1)
        for pixels in (doors.pixels["s2-l2a", "2018-02-14", band] for band in ("B04", "B08"))
    )
    with rasterio.open(tmp_path / "ndvi.tif") as found:
        np.testing.assert_allclose(found.read(1), (nir - red) / (nir + red), rtol=0, atol=1e-6)


@pytest.mark.door("GDAL, tile index (GTI)")
@pytest.mark.usefixtures("version")
def test_a_date_by_the_tile_index(doors: DoorSite, tmp_path: Path) -> None:
    """A filter by date gives the field of that date."""
    if release() < (3, 9):
        pytest.skip("GDAL's programs have tile indexes from 3.9 on; rasterio proves them here.")
    done = ran(doors, block("gdalwarp"), tmp_path)
    assert (done.stderr, done.returncode) == ("", 0)
    with rasterio.open(tmp_path / "date.tif") as found:
        wanted = doors.pixels["s2-l2a", "2018-02-14", "B04"][FIELD]
        np.testing.assert_array_equal(found.read(3), wanted)


@pytest.mark.door("GDAL, STACIT")
@pytest.mark.usefixtures("version")
def test_a_layer_by_stacit(doors: DoorSite, tmp_path: Path) -> None:
    """The month's catalogue names the date's ItemCollection, by which a layer is read."""
    catalogue = hashed(doors, "catalog-2018-02-*.json")
    lines = re.sub(r"catalog-2018-02-[0-9a-f]{16}\.json", catalogue, block("catalogue="))
    done = ran(doors, lines, tmp_path)
    assert (done.stderr, done.returncode) == ("", 0)
    with rasterio.open(tmp_path / "b04.tif") as found:
        np.testing.assert_array_equal(found.read(1), doors.pixels["s2-l2a", "2018-02-14", "B04"])

"""rasterio and rioxarray read the site: by the lines of their page, and pixel for pixel."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import rasterio
import rioxarray
from affine import Affine
from rasterio.windows import from_bounds

from support.door_parts import Array, repeated
from support.door_site import DATES, REFLECTANCE, SHAPE, DoorSite
from support.page_lines import PUBLIC, page_lines

FIELD = (502000, 3996000, 505000, 3999000)


@pytest.fixture
def version(record_property: Callable[[str, object], None]) -> None:
    """What the table says was tried."""
    record_property("version", f"{rasterio.__version__} (GDAL {rasterio.__gdal_version__})")


@pytest.fixture
def trusting(doors: DoorSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """GDAL trusts the site's authority, and asks only for what it is told to open.

    Here and in programs that are started: rasterio may have told GDAL otherwise in this process.
    """
    settings = {
        "GDAL_CURL_CA_BUNDLE": str(doors.ca),
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with rasterio.Env(**settings):
        yield


def field_of(pixels: Array) -> Array:
    """The pixels of the page's field."""
    rows, columns = from_bounds(*FIELD, Affine(10, 0, 500_000, 0, -10, 4_000_000)).toslices()
    return pixels[rows, columns]


@pytest.mark.door("rasterio")
@pytest.mark.usefixtures("version", "trusting")
def test_the_lines_of_the_page(doors: DoorSite) -> None:
    """The page's lines give the field of each date, one date by the tile index, and a mean."""
    lines = page_lines("doors/rasterio.md", "python").replace(PUBLIC, doors.url)
    quiet = ["-W", "error", "-W", "ignore::PendingDeprecationWarning"]  # rioxarray's, of affine 3
    program = [sys.executable, *quiet, "-c", lines]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    season, bands, stored, nir = done.stdout.splitlines()
    assert season == f"{DATES} (3, 300, 300)"
    assert bands == f"{(*REFLECTANCE, 'SCL')}"
    three = [field_of(doors.pixels["s2-l2a", "2018-02-14", band]) for band in REFLECTANCE[:3]]
    assert float(stored) == pytest.approx(np.mean(three))
    wanted = field_of(doors.pixels["s2-l2a", "2018-03-16", "B08"]).mean() * 0.0001 - 0.1
    assert float(nir) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.door("rasterio")
@pytest.mark.usefixtures("version", "trusting")
def test_the_season_of_each_band_is_the_sources(doors: DoorSite) -> None:
    """Each band's VRT holds all dates, pixel for pixel; coarser bands are repeated."""
    for collection, band in (
        *(("s2-l2a", own) for own in (*REFLECTANCE, "SCL")),
        ("weather", "t2m"),
    ):
        with rasterio.open(f"/vsicurl/{doors.url}/{collection}/{band}.vrt") as season:
            assert season.descriptions == DATES
            for number, date in enumerate(DATES, 1):
                pixels = doors.pixels[collection, date, band]
                wanted = repeated(pixels, 2, SHAPE) if band == "SCL" else pixels
                np.testing.assert_array_equal(season.read(number), wanted)


@pytest.mark.door("rasterio")
@pytest.mark.usefixtures("version", "trusting")
def test_the_tile_index_gives_each_date(doors: DoorSite) -> None:
    """By a filter, with every band of its own type; opening it opens no file of a date."""
    before = len(doors.server.requests())
    path = f"/vsicurl/{doors.url}/s2-l2a/s2-l2a.gti.gpkg"
    for date in DATES:
        with rasterio.open(path, FILTER=f"date = '{date}'") as index:
            if date == DATES[0]:
                named = [request.path for request in doors.server.requests()[before:]]
                assert [name for name in named if "/2018/" in name] == []
            for number, band in enumerate((*REFLECTANCE, "SCL"), 1):
                pixels = doors.pixels["s2-l2a", date, band]
                wanted = repeated(pixels, 2, SHAPE) if band == "SCL" else pixels
                np.testing.assert_array_equal(index.read(number), wanted)


@pytest.mark.door("rioxarray")
@pytest.mark.usefixtures("trusting")
def test_rioxarray_reads_values(
    doors: DoorSite, record_property: Callable[[str, object], None]
) -> None:
    """Scaled and masked, each date is its source's values."""
    record_property("version", rioxarray.__version__)
    path = f"/vsicurl/{doors.url}/s2-l2a/B04.vrt"
    stack = rioxarray.open_rasterio(path, mask_and_scale=True)
    assert tuple(stack.long_name) == DATES
    for number, date in enumerate(DATES):
        pixels = doors.pixels["s2-l2a", date, "B04"]
        wanted = np.where(pixels == 0, np.nan, pixels * 0.0001 - 0.1)
        np.testing.assert_allclose(stack[number].values, wanted, rtol=0, atol=1e-6)
    stack.close()

"""xarray through kerchunk: the references of a site, over HTTPS, give the pixels of the sources."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shoestring_builder.build import build
from support.door_site import DATES, DoorSite
from support.mosaics import write_configuration, write_raster
from support.newer_python import NewerPython, newer_python, page_blocks
from support.nginx import Nginx

DOOR = pytest.mark.door("xarray, through kerchunk")
PRINT = """
print(dict(season.sizes), season.B04.rio.crs if hasattr(season.B04, "rio") else "")
print([str(time)[:10] for time in season.time.values])
import numpy as np
np.save("field.npy", field.values)
"""
READ = """
import sys
import numpy as np
import xarray as xr
for number, address in enumerate(sys.argv[2:]):
    for stored in (False, True):
        with xr.open_dataset(address, engine="kerchunk", mask_and_scale=not stored) as found:
            arrays = {str(name): own.values for name, own in found.variables.items()}
            dimensions = {str(name): ",".join(own.dims) for name, own in found.variables.items()}
        np.savez(f"{sys.argv[1]}_{number}_{stored}.npz", **arrays)
print(dimensions)
"""

BARE = """
import sys
import numcodecs.registry
import xarray as xr
for name in [own for own in numcodecs.registry.entries if own.startswith("imagecodecs")]:
    del numcodecs.registry.entries[name]  # as if the package were not installed
try:
    xr.open_dataset(sys.argv[1], engine="kerchunk").B04.values
except Exception as error:
    print(repr(error))
"""
GDAL = """
import sys
import rasterio
try:
    rasterio.open(f'ZARR:"/vsikerchunk_json_ref/{{{sys.argv[1]}}}":/B04')
except rasterio.RasterioIOError as error:
    print(error)
print(rasterio.__gdal_version__)
"""

OTHERS = """\
[catalogue]
id = "test"
base_url = "{url}"
doors = ["kerchunk"]
settle = "0 seconds"

[[collections]]
id = "others"
source = "mosaics/{{date}}_{{band}}.tif"
[collections.bands.I2]
nodata = -32768
scale = 0.5
[collections.bands.U4]
[collections.bands.F8]
nodata = nan
"""


@pytest.fixture
def newer(doors: DoorSite, tmp_path: Path) -> NewerPython:
    """The environment that has it."""
    return newer_python(tmp_path, doors)


@DOOR
def test_the_lines_of_the_page(
    newer: NewerPython, record_property: Callable[[str, object], None]
) -> None:
    """References are found by STAC; all months are one dataset, of which a field is read."""
    record_property("version", newer.version("kerchunk"))
    sizes, dates = newer.run(page_blocks("kerchunk.md")[0] + PRINT)
    assert sizes.startswith("{'time': 3, 'y': 700, 'x': 900, 'y_2': 350, 'x_2': 450}")
    assert dates == str(list(DATES))
    field = np.load(newer.home / "field.npy")
    stored = newer.site.pixels["s2-l2a", "2018-02-14", "B04"][50:150, 50:150]
    np.testing.assert_allclose(field, _scaled(stored), rtol=1e-12)


@DOOR
def test_all_layers_are_their_mosaics(
    newer: NewerPython, record_property: Callable[[str, object], None]
) -> None:
    """Each band of each date of both collections, as stored numbers and as values with their NaN."""
    record_property("version", newer.version("kerchunk"))
    site = newer.site
    for collection in ("s2-l2a", "weather"):
        files = sorted((site.folder / collection / "2018").glob("kerchunk-*.json"))
        newer.run(READ, collection, *(f"{site.url}/{collection}/2018/{own.name}" for own in files))
        for number, date in enumerate(DATES):
            stored, values = _results(newer.home, f"{collection}_{number}")
            own = {
                key[2]: pixels
                for key, pixels in site.pixels.items()
                if key[:2] == (collection, date)
            }
            assert own.keys() <= stored.keys()
            for band, pixels in own.items():
                np.testing.assert_array_equal(stored[band], pixels[None], strict=True)
                np.testing.assert_allclose(values[band][0], _value(band, pixels), rtol=1e-12)


@DOOR
def test_a_year_in_one_file(
    doors: DoorSite,
    newer: NewerPython,
    nginx: Callable[..., Nginx],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Types, blocks that hold nothing, and dates that lack a band, in a file of several dates."""
    record_property("version", newer.version("kerchunk"))
    pixels = _others(tmp_path / "mosaics")
    (tmp_path / "site").mkdir()
    server = nginx(tmp_path / "site")
    build(write_configuration(tmp_path, OTHERS.format(url=server.https)))
    (path,) = (tmp_path / "site/others/2017").glob("kerchunk-2017-*.json")
    (told,) = newer.run(READ, "year", f"{server.https}/others/2017/{path.name}")
    assert "'U4': 'time_U4,y,x'" in told
    stored, values = _results(tmp_path, "year_0")
    for band, nodata in (("I2", -32768), ("F8", np.nan)):
        expected = [pixels.get((day, band), np.full((310, 330), nodata)) for day in (1, 2, 3)]
        np.testing.assert_array_equal(stored[band], np.stack(expected).astype(stored[band].dtype))
    np.testing.assert_array_equal(stored["U4"], np.stack([pixels[1, "U4"], pixels[3, "U4"]]))
    expected = np.where(stored["I2"] == -32768, np.nan, stored["I2"] * 0.5)
    np.testing.assert_array_equal(values["I2"], expected)
    assert (values["x"][0], values["y"][0]) == (500005, 3999995)
    assert values["time_U4"].astype("M8[D]").astype(str).tolist() == ["2017-05-01", "2017-05-03"]


@pytest.mark.door("xarray, through kerchunk", limit=True)
def test_without_imagecodecs_nothing_is_read(
    newer: NewerPython, record_property: Callable[[str, object], None]
) -> None:
    """Who has not installed its filters is told so, and gets no wrong pixels."""
    record_property("version", newer.version("kerchunk"))
    (path,) = (newer.site.folder / "s2-l2a/2018").glob("kerchunk-2018-02-*.json")
    (told,) = newer.run(BARE, f"{newer.site.url}/s2-l2a/2018/{path.name}")
    assert "imagecodecs_delta" in told


@pytest.mark.door("GDAL, on kerchunk's references", limit=True)
def test_gdal_refuses_what_it_has_no_filter_for(
    newer: NewerPython, record_property: Callable[[str, object], None]
) -> None:
    """GDAL 3.11 and newer reads references of other codecs; these it refuses, and says why."""
    (path,) = (newer.site.folder / "s2-l2a/2018").glob("kerchunk-2018-02-*.json")
    told, version = newer.run(GDAL, str(path))
    record_property("version", version)
    assert told == "Filter imagecodecs_delta not handled"


def _others(folder: Path) -> dict[tuple[int, str], Any]:
    """Three dates; the second one lacks U4, the third one F8; I2 has a block of nothing."""
    random = np.random.default_rng(3)
    made: dict[tuple[int, str], Any] = {}
    for day, band, dtype in _layers():
        pixels = random.integers(-30000, 30000, (310, 330)).astype(dtype)
        if band == "I2":
            pixels[:200, :200] = -32768
        if band == "U4":
            pixels[:200, :200] = 0
        made[day, band] = pixels
        write_raster(folder / f"2017-05-{day:02}_{band}.tif", pixels, dtype=dtype)
    write_raster(folder / "2018-05-01_I2.tif", np.ones((310, 330)), dtype="int16")
    return made


def _layers() -> Iterator[tuple[int, str, str]]:
    lacking = {(2, "U4"), (3, "F8")}
    for day in (1, 2, 3):
        for band, dtype in (("I2", "int16"), ("U4", "uint32"), ("F8", "float64")):
            if (day, band) not in lacking:
                yield day, band, dtype


def _results(home: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The stored numbers and the values that a program has read."""
    with np.load(home / f"{name}_True.npz") as stored, np.load(home / f"{name}_False.npz") as own:
        return dict(stored), dict(own)


def _value(band: str, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if band == "t2m":
        return np.where(pixels == -9999, np.nan, pixels)
    return _scaled(pixels) if band != "SCL" else np.where(pixels == 0, np.nan, pixels)


def _scaled(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(pixels == 0, np.nan, pixels * 0.0001 - 0.1)

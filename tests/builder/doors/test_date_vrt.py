"""VRTs of dates and bands: what GDAL reads in them is what the layers hold, on the collection's grid."""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.windows import Window as RasterioWindow

from shoestring_builder.doors.band_vrt import band_vrt
from shoestring_builder.doors.date_vrt import date_vrt
from shoestring_builder.doors.part import DoorPart
from shoestring_schema.grid import Grid, Window
from shoestring_schema.site import BandDocument
from shoestring_schema.vrt import PlainVrt, VrtSource
from support.door_parts import BANDS, UTM, Array, item, repeated, season, write_part
from support.layers import write_tiff
from support.nginx import Nginx
from support.tools import require_tool

pytestmark = pytest.mark.pixels

TYPES = ("uint8", "int16", "uint16", "int32", "float32", "float64")
SINUSOIDAL = CRS.from_string("+proj=sinu +R=6371007.181 +units=m +no_defs").to_wkt(
    version="WKT2_2019"
)


def write_vrts(folder: Path, part: DoorPart) -> list[Path]:
    """The VRTs of a part's dates, beside its layers."""
    paths = []
    for own in part.items:
        paths.append(folder / f"{own['id'].replace(':', '')}.vrt")
        paths[-1].write_bytes(date_vrt(part, own))
    return paths


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Grid, tuple[BandDocument, ...], Window, int]:
    """A grid, bands of any types and factors, a window and a seed."""
    rows, columns = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    grid = Grid("EPSG:32630", (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), (rows, columns))
    bands = tuple(
        BandDocument(
            name=f"B{number}",
            data_type=draw(st.sampled_from(TYPES)),
            nodata=draw(st.sampled_from([None, 0.0])),
            factor=draw(st.integers(1, 7)),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    row, column = draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))
    height, width = draw(st.integers(1, rows - row)), draw(st.integers(1, columns - column))
    return grid, bands, Window(row, column, height, width), draw(st.integers(0, 999))


def random_layers(grid: Grid, bands: tuple[BandDocument, ...], seed: int) -> dict[str, Array]:
    """A layer of each band, as it is stored."""
    random = np.random.default_rng(seed)
    return {
        band.name: random.integers(0, 120, grid.coarsen(band.factor).shape).astype(band.data_type)
        for band in bands
    }


@given(scenes())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_window_holds_the_layers_pixels(
    scene: tuple[Grid, tuple[BandDocument, ...], Window, int],
) -> None:
    """Whatever types and factors the bands have, each pixel is the one that a reader repeats."""
    grid, bands, window, seed = scene
    layers = random_layers(grid, bands, seed)
    place = RasterioWindow(window.column, window.row, window.width, window.height)
    with tempfile.TemporaryDirectory() as name:
        part = write_part(Path(name), {"2018-01-15": layers}, grid=grid, bands=bands)
        (path,) = write_vrts(Path(name), part)
        with rasterio.open(path) as dataset:
            assert dataset.dtypes == tuple(band.data_type for band in bands)
            for number, band in enumerate(bands, 1):
                whole = repeated(layers[band.name], band.factor, grid.shape)
                np.testing.assert_array_equal(dataset.read(number), whole)
                np.testing.assert_array_equal(
                    dataset.read(number, window=place), whole[window.slices]
                )


def test_bands_say_what_they_are(tmp_path: Path) -> None:
    """Names, types, nodata, scales, offsets, units and colours are the collection's; so is the grid."""
    (path,) = write_vrts(tmp_path, write_part(tmp_path, season(("2018-01-15",))))
    with rasterio.open(path) as dataset:
        assert dataset.descriptions == ("B04", "B08", "SCL")
        assert dataset.dtypes == ("uint16", "uint16", "uint8")
        assert dataset.nodatavals == (0, 0, 0)
        assert dataset.scales == (0.0001, 0.0001, 1)
        assert dataset.offsets == (-0.1, -0.1, 0)
        assert dataset.units == (None, "1", None)
        assert dataset.colorinterp == (ColorInterp.red, ColorInterp.gray, ColorInterp.gray)
        assert (dataset.crs, dataset.transform[:6], dataset.shape) == (
            CRS.from_epsg(32630), UTM.transform, UTM.shape,
        )  # fmt: skip
        assert dataset.tags()["datetime"] == "2018-01-15"


def test_debians_gdal_reads_the_same(tmp_path: Path) -> None:
    """`gdal_translate` gives the pixels of each band, also of the coarser one, and says nothing."""
    layers = season(("2018-01-15",))
    (path,) = write_vrts(tmp_path, write_part(tmp_path, layers))
    for number, band in enumerate(BANDS, 1):
        out = tmp_path / f"{number}.tif"
        command = [require_tool("gdal_translate"), "-q", "-b", str(number), str(path), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        with rasterio.open(out) as dataset:
            wanted = repeated(layers["2018-01-15"][band.name], band.factor, UTM.shape)
            np.testing.assert_array_equal(dataset.read(1), wanted)


@pytest.mark.parametrize("nodata", [0, None], ids=["nodata", "no number for it"])
def test_a_missing_band_keeps_its_number_and_has_no_data(
    nodata: float | None, tmp_path: Path
) -> None:
    """A band that a date lacks is there, named and masked; those behind it keep their numbers."""
    first = BandDocument(name="B04", data_type="uint16", nodata=nodata)
    bands = (first, BandDocument(name="SCL", data_type="uint8", nodata=0))
    pixels = np.full(UTM.shape, 4, "uint8")
    part = write_part(tmp_path, {"2018-01-15": {"SCL": pixels}}, bands=bands)
    (path,) = write_vrts(tmp_path, part)
    with rasterio.open(path) as dataset:
        assert dataset.descriptions == ("B04", "SCL")
        assert not dataset.read_masks(1).any()
        np.testing.assert_array_equal(dataset.read(2), pixels)


def test_a_band_without_nodata_has_data_everywhere(tmp_path: Path) -> None:
    """Where nothing means "no data", zero is a number as any other."""
    bands = (BandDocument(name="B04", data_type="uint16"),)
    part = write_part(tmp_path, {"2018-01-15": {"B04": np.zeros(UTM.shape, "uint16")}}, bands=bands)
    (path,) = write_vrts(tmp_path, part)
    with rasterio.open(path) as dataset:
        assert dataset.nodatavals == (None,)
        assert dataset.read_masks(1).all()


def test_nan_is_no_data(tmp_path: Path) -> None:
    """A band whose nodata is NaN masks its NaN."""
    pixels = np.ones(UTM.shape, "float32")
    pixels[3, 4] = np.nan
    bands = (BandDocument(name="t2m", data_type="float32", nodata="nan"),)
    (path,) = write_vrts(
        tmp_path, write_part(tmp_path, {"2018-01-15": {"t2m": pixels}}, bands=bands)
    )
    with rasterio.open(path) as dataset:
        assert np.argwhere(dataset.read_masks(1) == 0).tolist() == [[3, 4]]


def test_zoomed_out_it_gives_the_layers_overviews(tmp_path: Path) -> None:
    """Overviews are those of the files, also through a smaller buffer; none is computed anew."""
    grid = Grid("EPSG:32630", UTM.transform, (500, 700))
    layers = season(("2018-01-15",), grid)
    part = write_part(tmp_path, layers, grid=grid, overviews=True)
    (path,) = write_vrts(tmp_path, part)
    for level, number in ((0, 1), (1, 1), (1, 3)):
        name = BANDS[number - 1].name
        own = level - (number == 3)  # the coarser band's own pixels are the others' first overview
        with rasterio.open(tmp_path / f"2018-01-15_{name}.tif", overview_level=own) as layer:
            wanted = layer.read(1)
        with rasterio.open(path, overview_level=level) as dataset:
            np.testing.assert_array_equal(dataset.read(number), wanted)
        with rasterio.open(path) as dataset:
            assert dataset.overviews(number) == [2, 4, 8]
            smaller = dataset.read(number, out_shape=wanted.shape)
            np.testing.assert_array_equal(smaller, wanted)


def test_layers_may_be_vrts(tmp_path: Path) -> None:
    """A layer that is a VRT of files in another folder is read through."""
    pixels = season()["2018-01-15"]["B04"]
    write_tiff(tmp_path / "mosaics/a b.tif", pixels, UTM, 0)
    source = VrtSource("../mosaics/a b.tif", 1, UTM.whole, UTM.whole, 0)
    folder = tmp_path / "2018"
    folder.mkdir()
    (folder / "layer.vrt").write_text(PlainVrt(UTM, "uint16", 0, (source,)).to_xml(), "utf-8")
    own = item("2018-01-15", {"B04": {"href": "layer.vrt"}})
    (path,) = write_vrts(folder, DoorPart("s2", "S2", "2018", UTM, BANDS[:1], (own,)))
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), pixels)


def test_a_crs_without_a_code_is_kept(tmp_path: Path) -> None:
    """A grid of MODIS, whose CRS has no code, is the layers' grid, for Debian's GDAL too."""
    grid = Grid(SINUSOIDAL, (463.3127, 0.0, -1e6, 0.0, -463.3127, 2e6), (40, 50))
    part = write_part(tmp_path, season(("2018-01-15",), grid), grid=grid)
    (path,) = write_vrts(tmp_path, part)
    with rasterio.open(path) as dataset, rasterio.open(tmp_path / "2018-01-15_B04.tif") as layer:
        assert dataset.crs == layer.crs
        np.testing.assert_array_equal(dataset.read(1), layer.read(1))
    told = subprocess.run(
        [require_tool("gdalinfo"), path], capture_output=True, text=True, check=True
    )
    assert "Sinusoidal" in told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize("title", ["<B> & \"C\" 'D'", "über\r\nuns\t\x07\x00", "]]>"])
def test_any_text_can_be_said(title: str, tmp_path: Path) -> None:
    """What XML has other uses for is escaped; what it can't hold is left out."""
    bands = (BandDocument(name="B04", data_type="uint16", unit=title),)
    own = item("2018-01-15", {})
    own["properties"]["title"] = title
    part = DoorPart("s2", title, "2018", UTM, bands, (own,))
    (path,) = write_vrts(tmp_path, part)
    with rasterio.open(path) as dataset:
        wanted = title.replace("\x07", "").replace("\x00", "")
        assert dataset.tags()["title"] == wanted
        assert dataset.units == (wanted,)


def test_statistics_are_the_layers_own(tmp_path: Path) -> None:
    """What items tell of a layer is what GDAL would find; nobody must read it for that."""
    layers = season(("2018-01-15",))
    part = write_part(tmp_path, layers)
    own = part.items[0]
    valid = layers["2018-01-15"]["B04"][layers["2018-01-15"]["B04"] != 0].astype(float)
    told = {
        "minimum": valid.min(),
        "maximum": valid.max(),
        "mean": valid.mean(),
        "stddev": valid.std(),
    }
    own["assets"]["B04"]["raster:bands"][0]["statistics"] = told
    found = []
    for path in (*write_vrts(tmp_path, part), tmp_path / "2018-01-15_B04.tif"):
        command = [require_tool("gdalinfo"), "-stats", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(next(line for line in done.stdout.splitlines() if "StdDev=" in line))
    assert found[0] == found[1]


def test_statistics_are_left_out_where_a_layer_reaches_beyond_the_grid(tmp_path: Path) -> None:
    """Those of a coarser layer may count pixels that the grid does not have."""
    grid = Grid("EPSG:32630", UTM.transform, (61, 90))
    part = write_part(tmp_path, season(("2018-01-15",), grid), grid=grid)
    part.items[0]["assets"]["SCL"]["raster:bands"][0]["statistics"] = {"minimum": 1.0}
    (path,) = write_vrts(tmp_path, part)
    with rasterio.open(path) as dataset:
        assert dataset.tags(3) == {}


def test_dates_are_bands(tmp_path: Path) -> None:
    """The VRT of a band has a band a date, named by it; a date without the band is left out."""
    layers = season(("2018-01-15", "2018-02-14", "2018-03-16"))
    some = {date: dict(own) for date, own in layers.items()}
    del some["2018-02-14"]["B04"]
    part = write_part(tmp_path, some)
    for band, dates in (("B04", ("2018-01-15", "2018-03-16")), ("SCL", tuple(layers))):
        (own,) = (one for one in BANDS if one.name == band)
        (tmp_path / "band.vrt").write_bytes(band_vrt(part, own) or b"")
        with rasterio.open(tmp_path / "band.vrt") as dataset:
            assert dataset.descriptions == dates
            assert set(dataset.scales) == {own.scale}
            assert set(dataset.nodatavals) == {own.nodata}
            for number, date in enumerate(dates, 1):
                wanted = repeated(layers[date][band], own.factor, UTM.shape)
                np.testing.assert_array_equal(dataset.read(number), wanted)


def test_a_band_that_no_date_has_has_no_vrt(tmp_path: Path) -> None:
    """There is nothing to open, so there is no file."""
    part = write_part(tmp_path, {"2018-01-15": {"B04": season()["2018-01-15"]["B04"]}})
    assert band_vrt(part, BANDS[1]) is None


def test_instants_are_bands_too(tmp_path: Path) -> None:
    """Where there are several layers a day, a band is named by its instant."""
    part = write_part(tmp_path, season(("2018-01-15T13:00:00Z",)))
    (tmp_path / "band.vrt").write_bytes(band_vrt(part, BANDS[0]) or b"")
    with rasterio.open(tmp_path / "band.vrt") as dataset:
        assert dataset.descriptions == ("2018-01-15T13:00:00Z",)


def test_over_http_only_what_is_read_is_fetched(
    tmp_path: Path, nginx: Callable[..., Nginx]
) -> None:
    """Opening a VRT fetches no layer, and reading one of its bands fetches one."""
    layers = season()
    part = write_part(tmp_path, layers)
    write_vrts(tmp_path, part)
    (tmp_path / "band.vrt").write_bytes(band_vrt(part, BANDS[1]) or b"")
    server = nginx(tmp_path)
    for name, fetched in (
        ("2018-01-15.vrt", "2018-01-15_B08.tif"),
        ("band.vrt", "2018-02-14_B08.tif"),
    ):
        before = len(server.requests())
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
            rasterio.open(f"/vsicurl/{server.http}/{name}") as dataset,
        ):
            assert {request.path for request in server.requests()[before:]} == {f"/{name}"}
            pixels = dataset.read(2)
        date, band = fetched.removesuffix(".tif").split("_")
        np.testing.assert_array_equal(pixels, layers[date][band])
        asked = {request.path for request in server.requests()[before:]}
        assert asked == {f"/{name}", f"/{fetched}"}

"""Mosaics are what gdalwarp makes of the same files in the same order; bad files are named."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoestring_builder.layer import SourceBand
from shoestring_builder.render.mosaic import open_mosaic
from shoestring_schema.errors import SourceError
from shoestring_schema.grid import Grid, Window
from support.layers import (
    differences,
    gdalwarp,
    mosaicked,
    order,
    read,
    recipe,
    source,
    square,
    write_tiff,
)
from support.tools import require_tool, shared_data

pytestmark = pytest.mark.pixels

UTM = "EPSG:32633"
LIMITS = {"uint8": (1, 255), "uint16": (1, 9000), "int16": (-3000, 9000), "int32": (-70000, 90000)}


def pixels_of(shape: tuple[int, int], data_type: str, seed: int, holes: float) -> np.ndarray:
    """Random pixels, some of which are 0, which is no data."""
    random = np.random.default_rng(seed)
    if data_type == "float32":
        pixels = random.normal(5, 1, shape).astype(data_type)
    else:
        pixels = random.integers(*LIMITS[data_type], shape).astype(data_type)
    pixels[random.random(shape) < holes] = 0
    return pixels


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[Grid], Grid, str, float, int]:
    """Grids of sources, a grid to make, a type, a share of holes and a seed."""
    size = draw(st.sampled_from([10.0, 20.0, 30.0]))
    number = st.integers(5, 40)
    sources = [
        square(
            draw(st.sampled_from([UTM, UTM, "EPSG:32632"])),
            draw(st.integers(0, 30)) * 10.0 + 800_000,
            draw(st.integers(0, 30)) * 10.0 + 5_000_000,
            size,
            (draw(number), draw(number)),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    sources = [
        square(grid.crs, grid.transform[2] - 470_000, grid.transform[5] + 8_000, size, grid.shape)
        if grid.crs != UTM
        else grid
        for grid in sources
    ]
    crs, left, top, target = draw(
        st.sampled_from(
            [
                (UTM, 800_000, 5_000_100, size),
                (UTM, 800_000, 5_000_100, 20.0),
                (UTM, 800_003, 5_000_101, 7.0),
                ("EPSG:4326", 18.805, 45.087, 0.0001),
            ]
        )
    )
    grid = square(crs, left, top, target, (draw(number), draw(number)))
    return (
        sources,
        grid,
        draw(st.sampled_from([*LIMITS, "float32"])),
        draw(st.sampled_from([0.0, 0.2])),
        draw(st.integers(0, 99)),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenes())
def test_nearest_is_gdalwarp_bit_for_bit(scene) -> None:  # noqa: ANN001
    """Random files on random grids, several and overlapping, give gdalwarp's pixels."""
    grids, target, data_type, holes, seed = scene
    how = recipe(target, data_type)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [
            write_tiff(
                folder / f"{n}.tif", pixels_of(g.shape, data_type, seed + n, holes), g, nodata=0
            )
            for n, g in enumerate(grids)
        ]
        assert differences(
            mosaicked(paths, how, folder), gdalwarp(paths, how, folder / "out.tif")
        ) == (0, 0)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["bilinear", "cubic", "cubic_spline", "lanczos"]),
    st.sampled_from(["uint8", "uint16", "int16", "int32", "float32"]),
    st.sampled_from([1, 2, 3, 0.5]),
    st.tuples(st.integers(-200, 200), st.integers(-200, 200)),
    st.sampled_from([0.0, 0.2]),
    st.integers(0, 99),
)
def test_kernels_are_gdalwarp_within_one_count(
    resampling: str, data_type: str, factor: float, shift: tuple[int, int], holes: float, seed: int
) -> None:
    """Random files, moved by parts of pixels, onto finer and coarser grids; float within rounding.

    The kernel's width is given to gdalwarp too: its own guess depends on its memory limit.
    Lanczos on coarser grids was another formula in Debian's GDAL 3.6 and is left out there.
    """
    factor = 1 if resampling == "lanczos" and factor > 1 else factor
    have = square(UTM, 500_000, 5_000_000, 10, (50, 45))
    grid = square(UTM, 500_000 + shift[0], 5_000_000 + shift[1], 10 * factor, (31, 37))
    how = recipe(grid, data_type, resampling=resampling)
    scale = str(min(1, 1 / factor))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_tiff(
            folder / "a.tif", pixels_of(have.shape, data_type, seed, holes), have, nodata=0
        )
        theirs = gdalwarp(
            [path], how, folder / "o.tif", "-wo", f"XSCALE={scale}", "-wo", f"YSCALE={scale}"
        )
        ours = mosaicked([path], how, folder)
    count, apart = differences(ours, theirs)
    if shift[0] % 10 == 0 and shift[1] % 10 == 0 and factor == 1:
        assert (count, apart) == (0, 0)  # copied, and gdalwarp's kernels are exact there
    elif data_type == "float32":
        assert apart < 1e-4
    else:
        assert apart <= 1
        assert count <= ours.size // 100


@pytest.mark.parametrize("resampling", ["average", "mode", "max", "min", "med"])
def test_aggregates_are_gdalwarp_within_one_count(resampling: str, tmp_path: Path) -> None:
    """20 m made of whole 10 m pixels is what gdalwarp makes of them."""
    have = square(UTM, 500_000, 5_000_000, 10, (60, 80))
    path = write_tiff(tmp_path / "a.tif", pixels_of(have.shape, "uint16", 3, 0.1), have, nodata=0)
    how = recipe(have.coarsen(2), resampling=resampling)
    count, apart = differences(
        mosaicked([path], how, tmp_path), gdalwarp([path], how, tmp_path / "o.tif")
    )
    assert apart <= 1
    assert count <= 12


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_pixels_do_not_depend_on_the_window_they_are_read_in(data: st.DataObject) -> None:
    """Any window of a warped mosaic is that part of the whole, across the warper's blocks."""
    have = square(UTM, 500_000, 5_000_000, 10, (700, 90))
    how = recipe(square("EPSG:32632", 971_000, 5_020_000, 16, (600, 120)), resampling="cubic")
    row, column = data.draw(st.integers(0, 599)), data.draw(st.integers(0, 119))
    window = Window(
        row, column, data.draw(st.integers(1, 600 - row)), data.draw(st.integers(1, 120 - column))
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_tiff(folder / "a.tif", pixels_of(have.shape, "uint16", 5, 0.1), have, nodata=0)
        whole = mosaicked([path], how, folder)
        with open_mosaic([source(path)], how, folder) as mosaic:
            assert np.array_equal(mosaic.read(window), whole[window.slices])
    assert 0.2 < np.mean(whole > 0) < 1


@pytest.mark.parametrize("date", ["20230810", "20230813", "20230815"])
def test_sentinel_2_tiles_are_gdalwarp_bit_for_bit(date: str, tmp_path: Path) -> None:
    """Two real tiles half a pixel apart: classes by nearest and reflectance bilinear, no pixel off."""
    folder = shared_data("s2-tiles")
    grid = square(UTM, 499_980, 5_200_020, 120, (1752, 915))
    for band, data_type, resampling in (("SCL", "uint8", "nearest"), ("B04", "uint16", "bilinear")):
        paths = sorted(folder.glob(f"*_{date}_*/{band}.tif"))
        how = recipe(grid, data_type, resampling=resampling)
        theirs = gdalwarp(paths, how, tmp_path / "out.tif")
        assert differences(mosaicked(paths, how, tmp_path), theirs) == (0, 0)
        assert np.mean(theirs > 0) > 0.9


def test_modis_sinusoidal_is_gdalwarp_bit_for_bit(tmp_path: Path) -> None:
    """A CRS without a code is warped as gdalwarp does it, and is the grid's where the grid has it."""
    path = sorted(shared_data("modis-ndvi").glob("*.jp2"))[0]
    how = recipe(square("EPSG:32721", 590_000, 8_725_000, 250, (150, 240)), "int16", -9999)
    theirs = gdalwarp([path], how, tmp_path / "o.tif", "-srcnodata", "-9999")
    assert differences(mosaicked([path], how, tmp_path), theirs) == (0, 0)
    with rasterio.open(path) as dataset:
        wkt, transform, shape = (
            dataset.crs.to_wkt(version="WKT2_2019"),
            dataset.transform,
            dataset.shape,
        )
    own = recipe(Grid(wkt, tuple(transform)[:6], shape), "int16", None, may_reproject=False)
    assert np.array_equal(mosaicked([path], own, tmp_path), read(path))


def test_one_band_of_a_grib_of_many(tmp_path: Path) -> None:
    """A band of 744 is copied as float32 where the recipe says so, and warped as gdalwarp does it."""
    path = next(shared_data("era5").glob("*.grib"))
    with rasterio.open(path) as dataset:
        there = dataset.read(700)
        own = Grid(
            dataset.crs.to_wkt(version="WKT2_2019"), tuple(dataset.transform)[:6], dataset.shape
        )
    kept = mosaicked([source(path, 700)], recipe(own, "float32", None), tmp_path)
    assert kept.dtype == np.float32
    assert np.array_equal(kept, there.astype(np.float32))
    one = tmp_path / "one.tif"
    subprocess.run(
        [require_tool("gdal_translate"), "-q", "-b", "700", path, one],
        check=True,
        capture_output=True,
    )
    how = recipe(
        square("EPSG:32630", 300_000, 6_300_000, 10_000, (60, 60)),
        "float32",
        -9999.0,
        resampling="bilinear",
    )
    theirs = gdalwarp([one], how, tmp_path / "o.tif", "-wo", "XSCALE=1", "-wo", "YSCALE=1")
    _, apart = differences(mosaicked([source(path, 700)], how, tmp_path), theirs)
    assert apart < 1e-4
    assert np.mean(theirs > -9000) > 0.5


@pytest.mark.parametrize(
    ("have", "target"),
    [
        pytest.param(
            square("EPSG:32660", 780_000, 100_000, 100, (300, 600)),
            square("EPSG:4326", 179.6, 0.8, 0.001, (700, 400)),
            id="up to 180 degrees",
        ),
        pytest.param(
            square("EPSG:32660", 780_000, 100_000, 100, (300, 600)),
            square("EPSG:4326", -180, 0.8, 0.001, (700, 400)),
            id="beyond 180 degrees",
        ),
        pytest.param(
            square("EPSG:4326", 0, 60, 0.5, (60, 720)),
            square("EPSG:32630", 100_000, 6_000_000, 20_000, (30, 30)),
            id="longitudes 0 to 360",
        ),
        pytest.param(
            square("EPSG:4258", 9, 50, 0.001, (300, 300)),
            square("EPSG:25832", 490_000, 5_550_000, 80, (400, 400)),
            id="latitude first",
        ),
        pytest.param(
            Grid(UTM, (8, 6, 500_000, 6, -8, 5_000_000), (90, 80)),
            square(UTM, 500_000, 5_000_400, 10, (90, 120)),
            id="rotated",
        ),
        pytest.param(
            Grid(UTM, (10, 0, 500_000, 0, 10, 5_000_000), (90, 80)),
            square(UTM, 500_000, 5_000_900, 10, (90, 80)),
            id="south up",
        ),
    ],
)  # fmt: skip
def test_unusual_places_are_gdalwarp_bit_for_bit(have: Grid, target: Grid, tmp_path: Path) -> None:
    """Files at the edge of the world, turned or upside down give gdalwarp's pixels."""
    path = write_tiff(tmp_path / "a.tif", pixels_of(have.shape, "uint16", 1, 0.0), have, nodata=0)
    how = recipe(target)
    theirs = gdalwarp([path], how, tmp_path / "out.tif")
    assert differences(mosaicked([path], how, tmp_path), theirs) == (0, 0)
    assert np.any(theirs > 0)


@pytest.mark.parametrize("shifted", [0, 3])
def test_a_files_own_nodata_becomes_the_bands(shifted: int, tmp_path: Path) -> None:
    """What a file's tag or the band's number calls no data leaves the file below as it is."""
    grid = square(UTM, 500_000, 5_000_000, 10, (20, 20))
    below = write_tiff(tmp_path / "a.tif", np.full((20, 20), 7, np.int16), grid, nodata=0)
    pixels = np.full((20, 20), 9, np.int16)
    pixels[:5], pixels[5:10] = -32768, 0
    moved = square(UTM, 500_000 + shifted, 5_000_000, 10, (20, 20))
    above = write_tiff(tmp_path / "b.tif", pixels, moved, nodata=-32768)
    made = mosaicked([below, above], recipe(grid, "int16", 0), tmp_path)
    assert np.all(made[:9, 1:] == 7)
    assert np.all(made[10:, 1:] == 9)


@pytest.mark.parametrize("shifted", [0, 3])
@pytest.mark.parametrize("nodata", [-9999.0, float("nan")])
def test_nan_is_no_data(shifted: int, nodata: float, tmp_path: Path) -> None:
    """NaN in a file leaves the file below as it is, whatever the file's nodata value is."""
    grid = square(UTM, 500_000, 5_000_000, 10, (20, 20))
    below = write_tiff(tmp_path / "a.tif", np.full((20, 20), 7, np.float32), grid, nodata=nodata)
    pixels = np.full((20, 20), 9, np.float32)
    pixels[:10] = np.nan
    moved = square(UTM, 500_000 + shifted, 5_000_000, 10, (20, 20))
    above = write_tiff(tmp_path / "b.tif", pixels, moved, nodata=nodata)
    how = recipe(grid, "float32", nodata, resampling="bilinear")
    made = mosaicked([below, above], how, tmp_path)
    assert np.all(made[:10, 1:] == 7)
    assert np.all(made[10:, 1:] == 9)


@pytest.mark.parametrize("shifted", [0, 3])
@pytest.mark.parametrize("alpha", [False, True])
def test_a_mask_or_alpha_band_cuts_pixels_out(shifted: int, alpha: bool, tmp_path: Path) -> None:
    """Pixels that a file's mask calls invalid, or transparent ones, are no data."""
    grid = square(UTM, 500_000 + shifted, 5_000_000, 10, (20, 20))
    mask = np.full((20, 20), 255, np.uint8)
    mask[:10] = 0
    pixels = np.full((2, 20, 20), 9, np.uint8)
    pixels[1] = mask
    path = write_tiff(tmp_path / "a.tif", pixels, grid, alpha="yes" if alpha else "no")
    if not alpha:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
            dataset.write_mask(mask)
    how = recipe(square(UTM, 500_000, 5_000_000, 10, (20, 20)), "uint8")
    made = mosaicked([path], how, tmp_path)
    assert np.all(made[:10] == 0)
    assert np.all(made[10:, 1:] == 9)


def test_without_a_nodata_value_the_files_must_cover_the_grid(tmp_path: Path) -> None:
    """Two halves make a whole; one half is refused with the advice to state nodata."""
    grid = square(UTM, 500_000, 5_000_000, 10, (20, 20))
    left = write_tiff(
        tmp_path / "a.tif",
        np.zeros((20, 12), np.uint16),
        square(UTM, 500_000, 5_000_000, 10, (20, 12)),
    )
    right = write_tiff(
        tmp_path / "b.tif",
        np.full((20, 12), 5, np.uint16),
        square(UTM, 500_093, 5_000_000, 10, (20, 12)),
    )
    how = recipe(grid, nodata=None)
    assert np.unique(mosaicked([left, right], how, tmp_path)).tolist() == [0, 5]
    with pytest.raises(SourceError, match=r"a\.tif leaves pixels .* state nodata"):
        mosaicked([left], how, tmp_path)


def test_more_files_than_may_be_open_at_a_time(tmp_path: Path) -> None:
    """Seventy tiles make one mosaic, each in its place."""
    paths = []
    for n in range(70):
        place = square(UTM, 500_000 + 40 * (n % 10), 5_000_000 - 40 * (n // 10), 10, (4, 4))
        paths.append(write_tiff(tmp_path / f"{n}.tif", np.full((4, 4), n + 1, np.uint8), place))
    made = mosaicked(
        paths, recipe(square(UTM, 500_000, 5_000_000, 10, (28, 40)), "uint8"), tmp_path
    )
    assert np.array_equal(
        made, np.kron(np.arange(1, 71, dtype=np.uint8).reshape(7, 10), np.ones((4, 4), np.uint8))
    )


def test_whole_numbers_are_stored_exactly_or_refused(tmp_path: Path) -> None:
    """int64 goes into uint8 where every number fits; else file, number and both types are named."""
    grid = square(UTM, 500_000, 5_000_000, 10, (4, 4))
    path = write_tiff(tmp_path / "a.tif", np.arange(16, dtype=np.int64).reshape(4, 4), grid)
    assert mosaicked([path], recipe(grid, "uint8"), tmp_path).ravel().tolist() == list(range(16))
    for shifted in (0, 5):
        moved = square(UTM, 500_000 + shifted, 5_000_000, 10, (4, 4))
        path = write_tiff(tmp_path / "b.tif", np.full((4, 4), 300, np.int64), moved)
        with pytest.raises(SourceError, match=r"b\.tif holds 300 \(int64\).*uint8.*data_type"):
            mosaicked([path], recipe(grid, "uint8"), tmp_path)
    path = write_tiff(tmp_path / "c.tif", np.full((4, 4), 2**24 + 1, np.int32), grid)
    with pytest.raises(SourceError, match="16777217"):
        mosaicked([path], recipe(grid, "float32"), tmp_path)


GRID = square(UTM, 500_000, 5_000_000, 10, (300, 300))
FULL = np.random.default_rng(0).integers(1, 9000, (300, 300)).astype(np.uint16)


def refused(path: Path, folder: Path, *, band: int = 1, **how: object) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(SourceError) as caught:
        mosaicked([SourceBand(path, band, "", 0, 0)], recipe(GRID, **how), folder)  # type: ignore[arg-type]
    assert path.name in str(caught.value)
    return str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that vanished is named."""
    assert "can't be opened" in refused(tmp_path / "gone.tif", tmp_path)


def test_a_file_that_is_no_raster(tmp_path: Path) -> None:
    """A text that is called .tif is named."""
    path = tmp_path / "text.tif"
    path.write_text("not a raster")
    assert "can't be opened" in refused(path, tmp_path)


@pytest.mark.parametrize("compress", ["none", "deflate"])
@pytest.mark.parametrize("shifted", [0, 3])
def test_a_truncated_file(compress: str, shifted: int, tmp_path: Path) -> None:
    """A file that was cut short is named, copied or warped."""
    moved = square(UTM, 500_000 + shifted, 5_000_000, 10, (300, 300))
    path = write_tiff(tmp_path / "cut.tif", FULL, moved, nodata=0, compress=compress)
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size // 2)
    assert "cut short or damaged" in refused(path, tmp_path)


def test_a_truncated_jpeg_2000(tmp_path: Path) -> None:
    """A real tile of which half arrived is named, although GDAL's own threads say nothing."""
    whole = next(shared_data("s2-tiles").glob("*/B04.tif"))
    path = tmp_path / "half.tif"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (tmp_path / "half.tif.aux.xml").write_bytes(whole.with_name("B04.tif.aux.xml").read_bytes())
    with rasterio.open(whole) as dataset:
        grid = Grid(UTM, tuple(dataset.transform)[:6], dataset.shape)
    with pytest.raises(SourceError, match=r"half\.tif can't be (read|opened)"):
        mosaicked([path], recipe(grid), tmp_path)


def test_a_file_without_crs(tmp_path: Path) -> None:
    """The remedy is to state it in the file."""
    path = write_tiff(tmp_path / "bare.tif", FULL, Grid("", GRID.transform, GRID.shape))
    assert "has no CRS: state it" in refused(path, tmp_path)


def test_a_file_without_georeference(tmp_path: Path) -> None:
    """A CRS alone does not say where the pixels lie; no warning of rasterio leaks."""
    path = tmp_path / "nowhere.tif"
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        write_tiff(path, FULL, Grid(UTM, (1, 0, 0, 0, 1, 0), GRID.shape))
    assert "does not say where its pixels lie" in refused(path, tmp_path)


def test_another_crs_where_no_grid_is_stated(tmp_path: Path) -> None:
    """Both CRSs are named, and the key that allows reprojection."""
    path = write_tiff(tmp_path / "far.tif", FULL, Grid("EPSG:32630", GRID.transform, GRID.shape))
    sentence = refused(path, tmp_path, may_reproject=False)
    assert "EPSG:32630" in sentence
    assert "EPSG:32633" in sentence
    assert "grid = { crs" in sentence


def test_another_kind_of_numbers(tmp_path: Path) -> None:
    """Fractions where the band holds whole numbers: both types are named."""
    path = write_tiff(tmp_path / "float.tif", FULL.astype(np.float32), GRID)
    sentence = refused(path, tmp_path)
    assert "float32" in sentence
    assert "uint16" in sentence


def test_a_raster_band_that_is_not_there(tmp_path: Path) -> None:
    """The file's number of bands and the key to correct are named."""
    path = write_tiff(tmp_path / "one.tif", FULL, GRID)
    assert "no raster band 3, only 1: correct source_band" in refused(path, tmp_path, band=3)


def test_a_nodata_value_that_the_type_can_not_hold(tmp_path: Path) -> None:
    """-9999 is no uint16; the band is named."""
    path = write_tiff(tmp_path / "a.tif", FULL, GRID)
    with pytest.raises(SourceError, match=r'"B04" states nodata = -9999.*uint16'):
        mosaicked([path], recipe(GRID, nodata=-9999), tmp_path)


def test_temporary_copies_do_not_stay(tmp_path: Path) -> None:
    """A file that had to be rewritten for the warper leaves nothing behind."""
    moved = square(UTM, 500_003, 5_000_000, 10, (300, 300))
    path = write_tiff(tmp_path / "in" / "a.tif", FULL, moved, nodata=9)
    work = order([path], recipe(GRID), tmp_path).staging
    with open_mosaic([source(path)], recipe(GRID), work) as mosaic:
        mosaic.read(GRID.whole)
        assert len(list(work.iterdir())) == 1
    assert not list(work.iterdir())
    assert Affine(*GRID.transform) == Affine(10, 0, 500_000, 0, -10, 5_000_000)

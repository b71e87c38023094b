"""The ways out of a stack: mapping, xarray, GeoTIFF files, and how it looks."""

import subprocess
import sys
import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray

import shoestring
from shoestring_schema.errors import MissingExtraError, OutputError, UnknownNameError
from shoestring_schema.grid import Grid
from support.disk import mounted
from support.site import SINUSOIDAL, UTM, SiteFolder, box_in, numbers

BANDS: dict[str, dict[str, Any]] = {
    "u1": {"data_type": "uint8", "nodata": 0},
    "u2": {"data_type": "uint16", "nodata": 0, "scale": 0.0001, "offset": -0.1, "common_name": "red"},
    "i2": {"data_type": "int16", "nodata": -9999, "unit": "K", "title": "Temperature"},
    "i4": {"data_type": "int32", "nodata": -2147483648},
    "f4": {"data_type": "float32", "nodata": "nan"},
    "f8": {"data_type": "float64", "nodata": -1.5},
    "no": {"data_type": "uint8"},
}  # fmt: skip
DATES = [date(2018, 1, 1), date(2018, 1, 11)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    """Two dates of a band of each type, with some pixels without data; ``no`` has one date."""
    made = SiteFolder(tmp_path_factory.mktemp("site"), BANDS)
    for number, day in enumerate(DATES):
        for band, facts in BANDS.items():
            if band == "no" and number:
                continue
            pixels = numbers(UTM.shape, facts["data_type"], seed=number)
            if band == "i4":
                pixels += 2**30
            if "nodata" in facts:
                pixels[:4] = float(facts["nodata"])
            made.add(day.isoformat(), band, pixels)
    return made.write()


def extract(site: SiteFolder, bands: Any = None, **wanted: Any) -> shoestring.Stack:  # noqa: ANN401
    """The window of rows 2 to 20 and columns 5 to 30."""
    with shoestring.open(site.folder) as catalogue:
        return catalogue["fields"].extract(bands, box_in(UTM, (2, 20), (5, 30)), **wanted)


def test_a_stack_is_a_mapping(site: SiteFolder) -> None:
    """Bands, then dates (as dates or text), then arrays; what is not there is named."""
    stack = extract(site, ["u2", "u1"])
    assert list(stack) == ["u2", "u1"]
    assert len(stack) == 2
    assert stack.dates == tuple(DATES)
    assert stack["u1"][DATES[0]] is stack["u1"]["2018-01-01"]
    assert stack["u1"][DATES[0]].shape == stack.grid.shape == (18, 25)
    assert stack.nbytes == 4 * 18 * 25 * 4
    assert stack.grid.xy(0, 0) == UTM.xy(2, 5)
    with pytest.raises(UnknownNameError, match="There is no band 'u3'"):
        stack["u3"]
    with pytest.raises(KeyError, match="There is no layer of 2018-01-02: the dates begin with"):
        stack["u1"]["2018-01-02"]


@pytest.mark.parametrize(
    "wanted", [{}, {"masked": False}, {"scaled": True}], ids=["masked", "stored", "scaled"]
)
@pytest.mark.parametrize("band", BANDS)
def test_saved_files_hold_what_the_stack_holds(
    site: SiteFolder,
    tmp_path: Path,
    band: str,
    wanted: Any,  # noqa: ANN401
) -> None:
    """A saved layer read again is the layer: numbers, nodata, CRS, place, scale and date."""
    stack = extract(site, band, **wanted)
    paths = stack.save(tmp_path / "out")
    assert [path.name for path in paths] == [f"fields_{band}_{day}.tif" for day in stack[band]]
    for path, (day, pixels) in zip(paths, stack[band].items(), strict=True):
        with rasterio.open(path) as file:
            assert file.crs.to_epsg() == 32630
            assert tuple(file.transform)[:6] == stack.grid.transform
            assert file.tags()["DATE"] == day.isoformat()
            assert file.tags()["TIFFTAG_DATETIME"] == f"{day:%Y:%m:%d} 00:00:00"
            assert file.descriptions == (band,)
            scale, offset = BANDS[band].get("scale", 1.0), BANDS[band].get("offset", 0.0)
            assert (file.scales, file.offsets) == (
                ((1.0,), (0.0,)) if wanted.get("scaled") else ((scale,), (offset,))
            )
            if "unit" in BANDS[band]:
                assert file.units == (BANDS[band]["unit"],)
            data = file.read(1, masked=True)
            kept = data.filled(0) if data.dtype.kind != "f" else np.ma.filled(data, np.nan)
        if wanted == {"masked": False} and pixels.dtype.kind != "f":
            np.testing.assert_array_equal(data.data, pixels)
            assert data.dtype == pixels.dtype
            assert file.nodata == BANDS[band].get("nodata")
            continue
        expected = pixels.astype("float64")
        if wanted == {"masked": False} and band == "f8":
            expected[pixels == BANDS[band]["nodata"]] = np.nan
        found = np.where(np.ma.getmaskarray(data), np.nan, kept.astype("float64"))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("band", "kind", "nodata"),
    [("u1", "uint8", 0), ("u2", "uint16", 0), ("i2", "int16", -9999), ("f4", "float32", np.nan),
     ("i4", "float32", np.nan), ("f8", "float32", np.nan)],
)  # fmt: skip
def test_masked_layers_keep_their_type_where_it_is_exact(
    site: SiteFolder, tmp_path: Path, band: str, kind: str, nodata: float
) -> None:
    """Masked layers of up to two bytes are saved in their own type; all others as float32."""
    (path, *_) = extract(site, band).save(tmp_path)
    with rasterio.open(path) as file:
        assert file.dtypes == (kind,)
        np.testing.assert_equal(file.nodata, nodata)


def test_a_masked_layer_without_nodata_is_float_where_pixels_do_not_count(
    site: SiteFolder, tmp_path: Path
) -> None:
    """Where the type has no number for "no data", a layer with holes is saved as float32."""
    with shoestring.open(site.folder) as catalogue:
        triangle = box_in(UTM, (2, 20), (5, 30))
        triangle["coordinates"][0].pop(2)
        stack = catalogue["fields"].extract("no", triangle)
    (path,) = stack.save(tmp_path)
    with rasterio.open(path) as file:
        assert file.dtypes == ("float32",)
        np.testing.assert_array_equal(file.read(1), stack["no"][DATES[0]])
    (path,) = extract(site, "no").save(tmp_path)
    with rasterio.open(path) as file:
        assert (file.dtypes, file.nodata) == (("uint8",), None)


def test_a_custom_crs_is_kept(tmp_path: Path) -> None:
    """A CRS without a code is kept in saved files and in xarray."""
    grid = Grid(SINUSOIDAL, (231.65, 0.0, -6000000.0, 0.0, -231.65, -1200000.0), (20, 30))
    site = SiteFolder(tmp_path, {"B": {"data_type": "uint8"}}, grid=grid)
    site.add("2018-01-01", "B", numbers(grid.shape, "uint8"))
    with shoestring.open(site.write().folder) as catalogue:
        stack = catalogue["fields"].extract("B", box_in(grid, (1, 9), (1, 9)))
    (path,) = stack.save(tmp_path / "out")
    with rasterio.open(path) as file:
        assert file.crs == rasterio.CRS.from_user_input(SINUSOIDAL)
    assert stack.to_xarray().rio.crs == rasterio.CRS.from_user_input(SINUSOIDAL)


def test_saving_replaces_files_and_leaves_others(site: SiteFolder, tmp_path: Path) -> None:
    """Files of the same name are replaced, all others in the folder stay."""
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "fields_u1_2018-01-01.tif").write_text("old", encoding="utf-8")
    paths = extract(site, "u1").save(str(tmp_path))
    assert sorted(tmp_path.iterdir()) == sorted([*paths, tmp_path / "mine.txt"])
    with rasterio.open(paths[0]) as file:
        assert file.shape == (18, 25)


def test_a_folder_that_cannot_be_made_is_named(site: SiteFolder, tmp_path: Path) -> None:
    """A file where the folder should be, or a place where none can be made, is named."""
    stack = extract(site, "u1")
    (tmp_path / "file").write_text("", encoding="utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(
            OutputError, match=r"can't be made a folder \(.*\): choose another"
        ) as caught:
            stack.save(folder)
        assert str(folder) in str(caught.value)


def test_a_folder_that_is_read_only_is_named(site: SiteFolder, tmp_path: Path) -> None:
    """A folder that can't be written is named with the reason, and stays as it was."""
    stack = extract(site, "u1")
    with mounted(tmp_path / "disk", "ro") as disk:
        with pytest.raises(OutputError, match=r"disk.*u1.*can't be written \(.*[Rr]ead-only"):
            stack.save(disk)
        assert list(disk.iterdir()) == []


def test_a_file_that_cannot_be_replaced_leaves_nothing_half(
    site: SiteFolder, tmp_path: Path
) -> None:
    """Where a folder stands in a file's place, the error names it and no part is left."""
    blocked = tmp_path / "fields_u1_2018-01-11.tif"
    blocked.mkdir()
    with pytest.raises(OutputError, match=r"fields_u1_2018-01-11\.tif can't be written"):
        extract(site, "u1").save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "fields_u1_2018-01-01.tif",
        blocked.name,
    ]
    with rasterio.open(tmp_path / "fields_u1_2018-01-01.tif") as file:
        assert file.read(1).shape == (18, 25)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files.")
def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    """When there is no more room, wherever that is, the error names the file, and no half of it is left."""
    site = SiteFolder(tmp_path / "site", {"B": {"data_type": "uint16"}},
                      grid=Grid(UTM.crs, UTM.transform, (400, 400)))  # fmt: skip
    site.add(
        "2018-01-01", "B", np.random.default_rng(1).integers(0, 60000, (400, 400)).astype("uint16")
    )
    site.write()
    script = textwrap.dedent("""
        import resource, signal, sys, shoestring
        with shoestring.open(sys.argv[1]) as catalogue:
            collection = catalogue["fields"]
            stack = collection.extract("B", collection.extent, masked=False)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        for limit in (0, 100, 5000, 60_000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            try:
                stack.save(f"{sys.argv[2]}/{limit}")
            except shoestring.ShoestringError as error:
                print(type(error).__name__, error)
    """)
    command = [sys.executable, "-c", script, str(site.folder), str(tmp_path / "out")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert len(said.splitlines()) == 4
    for line in said.splitlines():
        assert line.startswith("OutputError ")
        assert "fields_B_2018-01-01.tif can't be written" in line
        assert "check the folder and the room in it" in line
    left = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*"))
    assert left == [Path("0"), Path("100"), Path("5000"), Path("60000")]


def test_xarray_has_coordinates_crs_and_units(site: SiteFolder) -> None:
    """The Dataset has time, y, x at pixel centres, the CRS as CF and rioxarray have it, and units."""
    stack = extract(site, ["u2", "i2", "no"])
    dataset = stack.to_xarray()
    assert dict(dataset.sizes) == {"time": 2, "y": 18, "x": 25}
    assert list(dataset.data_vars) == ["u2", "i2", "no"]
    assert dataset.rio.crs.to_epsg() == 32630
    assert dataset["u2"].rio.crs.to_epsg() == 32630
    assert tuple(dataset.rio.transform())[:6] == stack.grid.transform
    left, bottom, right, top = dataset.rio.bounds()
    assert (left, bottom, right, top) == stack.grid.bounds
    assert dataset["x"].values[0] == stack.grid.transform[2] + 5
    assert dataset["y"].values[-1] == stack.grid.bounds[1] + 5
    assert dataset["time"].values.astype("datetime64[D]").tolist() == DATES
    assert dataset["i2"].attrs["units"] == "K"
    assert dataset["i2"].attrs["long_name"] == "Temperature"
    assert (dataset["u2"].attrs["scale_factor"], dataset["u2"].attrs["add_offset"]) == (
        0.0001,
        -0.1,
    )
    assert dataset["u2"].attrs["long_name"] == "red"
    for number, day in enumerate(DATES):
        np.testing.assert_array_equal(dataset["u2"].values[number], stack["u2"][day])
    assert np.isnan(dataset["no"].values[1]).all()


def test_xarray_of_stored_and_scaled_numbers(site: SiteFolder) -> None:
    """Stored numbers keep their type with nodata for missing layers; scaled ones carry no scale."""
    stored = extract(site, ["u2", "no"], masked=False).to_xarray()
    assert (stored["u2"].dtype, stored["u2"].attrs["_FillValue"]) == (np.uint16, 0)
    assert (stored["no"].values[1] == 0).all()
    scaled = extract(site, ["u2", "i2"], scaled=True).to_xarray()
    assert "scale_factor" not in scaled["u2"].attrs
    assert scaled["i2"].attrs["units"] == "K"


def test_xarray_can_be_written_as_netcdf(site: SiteFolder, tmp_path: Path) -> None:
    """What to_xarray gives can be written as netCDF and read back, CRS and times included."""
    for wanted in ({}, {"masked": False}):
        dataset = extract(site, ["u2", "i2"], **wanted).to_xarray()
        dataset.to_netcdf(tmp_path / "a.nc")
        with xarray.open_dataset(tmp_path / "a.nc", decode_coords="all") as again:
            assert again.rio.crs.to_epsg() == 32630
            np.testing.assert_array_equal(again["time"].values, dataset["time"].values)


def test_without_xarray_the_extra_is_named(
    site: SiteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without xarray the message says what to install."""
    monkeypatch.setitem(sys.modules, "rioxarray", None)
    with pytest.raises(
        MissingExtraError,
        match=r'to_xarray\(\) needs more packages: pip install "shoestring\[xarray\]"',
    ):
        extract(site, "u1").to_xarray()


def test_representations_tell_what_a_person_asks_first(site: SiteFolder) -> None:
    """Catalogue, collection, plan and stack tell their dates, bands, grid and sizes in few lines."""
    with shoestring.open(site.folder) as catalogue:
        collection = catalogue["fields"]
        plan = collection.explain("u2", box_in(UTM, (2, 20), (5, 30)))
        assert "fields" in repr(catalogue)
        assert "2, from 2018-01-01 to 2018-01-11" in repr(catalogue)
        for words in ("u2 (red, uint16)", "40 x 50 pixels of 10, EPSG:32630", "E, 7.2", "CC0-1.0"):
            assert words in repr(collection)
    stack = extract(site, "u2", min_clear=0.99)
    for words in ("18 x 25 pixels, from row 2 and column 5", "files     2, of", "result    3.6 kB"):
        assert words in repr(plan)
    for words in ("Stack of fields", "left out", "2018-01-01 (89% clear)", "memory"):
        assert words in repr(stack)
    for shown in (catalogue, collection, plan, stack):
        assert shown._repr_html_().startswith("<div><strong>")
        assert shown._repr_html_().count("<tr>") == len(repr(shown).split("\n")) - 1

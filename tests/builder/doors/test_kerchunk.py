"""References to blocks: what they say, read by their specification, is what GDAL reads."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.doors.kerchunk import kerchunk_files
from shoestring_builder.doors.stored_layer import stored_layer
from shoestring_builder.index.index_file import open_index
from shoestring_builder.publish.rebase import rebase
from shoestring_schema.configuration import parse_configuration
from shoestring_schema.errors import CatalogueError, ConfigError
from shoestring_schema.grid import Grid
from support.indexed import add_index
from support.indexed_part import ADDRESS, door_part
from support.mosaics import CONFIGURATION, write_configuration, write_raster, write_season
from support.references import References
from support.site import SINUSOIDAL, UTM, SiteFolder

Array = NDArray[Any]

KINDS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
TURNED = Grid("EPSG:32630", (10.0, 2.0, 600000.0, 2.0, -10.0, 800000.0), (20, 30))


def tiled(**more: object) -> dict[str, Any]:
    """How a file is written that may leave out blocks."""
    return {"driver": "GTiff", "tiled": True, "blockxsize": 16, "blockysize": 16,
            "compress": "zstd", "SPARSE_OK": True, **more}  # fmt: skip


def references(site: SiteFolder, **options: Any) -> list[References]:  # noqa: ANN401
    """The files of a site's only part, read."""
    add_index(site)
    home = site.folder / site.name
    files = kerchunk_files(door_part(home), **options)
    return [References(file.data, ADDRESS, home) for file in files]


def of_layers(
    folder: Path, kind: str, nodata: float | None, layers: dict[str, Array], **creation: object
) -> References:
    """Those of a collection of one band, B."""
    shape = next(iter(layers.values())).shape
    grid = Grid(UTM.crs, UTM.transform, (shape[0], shape[1]))
    told = "nan" if nodata != nodata else nodata
    site = SiteFolder(folder, {"B": {"data_type": kind, "nodata": told}}, grid=grid)
    for date, pixels in layers.items():
        site.add(date, "B", pixels, **tiled(**creation))
    (found,) = references(site.write())
    return found


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, float | None, Array, dict[str, Any]]:
    """A type, its nodata value, pixels of some dates with blocks of nothing, a way to store them."""
    kind = draw(st.sampled_from(KINDS))
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 50), st.integers(1, 50)))
    nodata = draw(
        st.sampled_from((None, 0, 7, *((float("nan"), -9999.5) if kind[0] == "f" else ())))
    )
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    low, high = (-1e6, 1e6) if kind[0] == "f" else (np.iinfo(kind).min, np.iinfo(kind).max)
    pixels = random.uniform(low, high, shape).astype(kind)
    blocks = random.random((shape[0], 4, 4)) < draw(st.floats(0, 1))
    empty = blocks.repeat(16, 1).repeat(16, 2)[:, : shape[1], : shape[2]]
    pixels[empty] = 0 if nodata is None else nodata
    predictors = (1, 3) if kind[0] == "f" else (1, 2)
    how = {"compress": draw(st.sampled_from(("zstd", "deflate", "none")))}
    if how["compress"] != "none":
        how["predictor"] = draw(st.sampled_from(predictors))
    how |= {
        "blockxsize": draw(st.sampled_from((16, 32))),
        "blockysize": draw(st.sampled_from((16, 48))),
    }
    return kind, nodata, pixels, how


@settings(deadline=None, max_examples=60)
@given(case=cases())
def test_stored_numbers_are_those_of_gdal(
    case: tuple[str, float | None, Array, dict[str, Any]],
) -> None:
    """Of every type, codec, predictor and shape of blocks, with blocks that the files do not hold."""
    kind, nodata, pixels, how = case
    with tempfile.TemporaryDirectory() as folder:
        layers = {f"2018-01-{day:02}": own for day, own in enumerate(pixels, 1)}
        found = of_layers(Path(folder), kind, nodata, layers, **how)
        read = found.read("B")
        expected = [_read(path) for path in sorted(Path(folder).rglob("*.tif"))]
    assert read.dtype == kind
    np.testing.assert_array_equal(read, np.stack(expected))
    np.testing.assert_array_equal(read, pixels)


def test_blocks_are_left_out_in_these_tests(tmp_path: Path) -> None:
    """A file of nodata alone has no block, no reference is written, and the fill value stands for it."""
    found = of_layers(tmp_path, "int16", -5, {"2018-01-01": np.full((40, 40), -5, "int16")})
    assert [key for key in found.keys if key.startswith("B/")] == ["B/.zarray", "B/.zattrs"]
    assert found.about("B")["fill_value"] == -5


def test_zeros_that_are_data_are_no_fill_value(tmp_path: Path) -> None:
    """Where no number means "no data", blocks that the files lack are written as blocks of zeros."""
    found = of_layers(tmp_path, "uint16", None, {"2018-01-01": np.zeros((40, 40), "uint16")})
    assert found.about("B")["fill_value"] is None
    assert len([key for key in found.keys if key.startswith("B/")]) == 2 + 9
    assert not found.read("B").any()


def test_a_date_without_a_band_holds_no_data(tmp_path: Path) -> None:
    """Its place in the array is the fill value."""
    site = SiteFolder(tmp_path, {name: {"data_type": "uint8", "nodata": 9} for name in "AB"})
    for date, bands in (("2018-01-01", "AB"), ("2018-01-03", "B")):
        for band in bands:
            site.add(date, band, np.ones(UTM.shape, "uint8"), **tiled())
    (found,) = references(site.write())
    assert np.unique(found.read("A"), axis=0).shape[0] == 2
    assert [np.unique(found.read("A")[day]).tolist() for day in (0, 1)] == [[1], [9]]
    assert found.attributes("A")["_ARRAY_DIMENSIONS"] == ["time", "y", "x"]


def test_a_band_that_can_t_say_so_has_times_of_its_own(tmp_path: Path) -> None:
    """Without a nodata value a missing date is no date of the band, rather than zeros."""
    site = SiteFolder(tmp_path, {name: {"data_type": "uint8"} for name in "AB"})
    for date, bands in (("2018-01-01", "B"), ("2018-01-03", "AB")):
        for band in bands:
            site.add(date, band, np.ones(UTM.shape, "uint8"), **tiled())
    (found,) = references(site.write())
    assert found.attributes("A")["_ARRAY_DIMENSIONS"] == ["time_A", "y", "x"]
    assert found.attributes("B")["_ARRAY_DIMENSIONS"] == ["time", "y", "x"]
    assert found.read("time_A").tolist() == [17534]
    assert found.read("time").tolist() == [17532, 17534]
    assert found.about("A")["shape"] == [1, *UTM.shape]


def test_coordinates_are_centres_of_pixels(tmp_path: Path) -> None:
    """Coarser bands have dimensions, coordinates and a CRS of their own."""
    bands = {
        "B04": {"data_type": "uint16", "nodata": 0},
        "SCL": {"data_type": "uint8", "factor": 3},
    }
    site = SiteFolder(tmp_path, bands)
    site.add("2018-01-01", "B04", np.ones((40, 50), "uint16"), **tiled())
    site.add("2018-01-01", "SCL", np.ones((14, 17), "uint8"), **tiled())
    (found,) = references(site.write())
    assert found.read("x")[[0, -1]].tolist() == [600005.0, 600495.0]
    assert found.read("y")[[0, -1]].tolist() == [799995.0, 799605.0]
    assert found.read("x_3")[[0, -1]].tolist() == [600015.0, 600495.0]
    assert found.attributes("SCL")["_ARRAY_DIMENSIONS"] == ["time", "y_3", "x_3"]
    assert found.attributes("SCL")["grid_mapping"] == "spatial_ref_3"
    assert found.attributes()["coordinates"] == "spatial_ref spatial_ref_3"
    assert (
        found.attributes("spatial_ref_3")["GeoTransform"] == "600000.0 30.0 0.0 800000.0 0.0 -30.0"
    )
    assert rasterio.CRS.from_wkt(found.attributes("spatial_ref")["crs_wkt"]).to_epsg() == 32630
    assert found.attributes("x")["units"] == "metre"


@pytest.mark.parametrize(
    ("crs", "names"),
    [("EPSG:4326", ("longitude", "degrees_east")), (SINUSOIDAL, ("projection_x_coordinate", "metre"))],
)  # fmt: skip
def test_axes_are_called_as_cf_calls_them(tmp_path: Path, crs: str, names: tuple[str, str]) -> None:
    """Longitudes in degrees, or the unit that the CRS counts in."""
    site = SiteFolder(
        tmp_path, {"B": {"data_type": "uint8"}}, grid=Grid(crs, (1, 0, 0, 0, -1, 9), (9, 9))
    )
    site.add("2018-01-01", "B", np.ones((9, 9), "uint8"), **tiled())
    (found,) = references(site.write())
    assert (found.attributes("x")["standard_name"], found.attributes("x")["units"]) == names


def test_a_turned_grid_has_no_columns_x(tmp_path: Path) -> None:
    """Only the transform tells where its pixels lie."""
    site = SiteFolder(tmp_path, {"B": {"data_type": "uint8"}}, grid=TURNED)
    site.add("2018-01-01", "B", np.ones((20, 30), "uint8"), **tiled())
    (found,) = references(site.write())
    assert not {"x/.zarray", "y/.zarray"} & set(found.keys)
    assert found.attributes("spatial_ref")["GeoTransform"] == "600000.0 10.0 2.0 800000.0 2.0 -10.0"


def test_instants_are_seconds(tmp_path: Path) -> None:
    """Parts of a second are kept where there are any."""
    for text, unit, number in (
        ("2018-01-01T13:00:00Z", "seconds", 1514811600),
        ("2018-01-01T13:00:00.500000Z", "microseconds", 1514811600500000),
    ):
        found = of_layers(tmp_path / unit, "uint8", 0, {text: np.ones((9, 9), "uint8")})
        assert found.attributes("time")["units"] == f"{unit} since 1970-01-01"
        assert found.read("time").tolist() == [number]


def test_values_have_scale_offset_and_unit(tmp_path: Path) -> None:
    """As CF calls them; a unit that xarray would take for a length of time is not called a unit."""
    fields = {"data_type": "uint16", "nodata": 0, "scale": 0.0001, "offset": -0.1, "title": "Red"}
    bands = {"B04": {**fields, "unit": "1"}, "AGE": {"data_type": "uint16", "unit": "days"}}
    site = SiteFolder(tmp_path, bands)
    for band in bands:
        site.add("2018-01-01", band, np.ones(UTM.shape, "uint16"), **tiled())
    (found,) = references(site.write())
    red = found.attributes("B04")
    assert (red["scale_factor"], red["add_offset"], red["units"]) == (0.0001, -0.1, "1")
    assert red["long_name"] == "Red"
    assert "units" not in found.attributes("AGE")
    assert found.attributes("AGE")["unit"] == "days"


def test_many_blocks_are_several_files(tmp_path: Path) -> None:
    """Each with some of the dates, in order, and as many as it can hold."""
    site = SiteFolder(tmp_path, {"B": {"data_type": "uint8", "nodata": 0}})
    for day in range(1, 6):
        site.add(f"2018-01-{day:02}", "B", np.full(UTM.shape, day, "uint8"), **tiled())
    found = references(site.write(), limit=25)  # 12 blocks a date
    assert [np.unique(file.read("B")).tolist() for file in found] == [[1, 2], [3, 4], [5]]
    files = list(kerchunk_files(door_part(site.folder / site.name), limit=25))
    assert [file.stem for file in files] == [f"kerchunk-2018_{number}" for number in (1, 2, 3)]
    assert files[1].title == "References for xarray (kerchunk), 2018-01-03 to 2018-01-04"
    (whole,) = kerchunk_files(door_part(site.folder / site.name))
    assert whole.stem == "kerchunk-2018"


def test_a_date_with_too_many_blocks_is_refused(tmp_path: Path) -> None:
    """The sentence names the collection, the date and the remedy."""
    site = SiteFolder(tmp_path, {"B": {"data_type": "uint8", "nodata": 0}})
    site.add("2018-01-01", "B", np.ones(UTM.shape, "uint8"), **tiled())
    with pytest.raises(ConfigError, match=r"'fields' has 12 blocks on 2018-01-01.*block_size"):
        references(site.write(), limit=11)


@pytest.mark.parametrize(
    ("creation", "reason"),
    [
        ({"compress": "lzw", "predictor": 2}, "their codec has TIFF's number 5"),
        ({"compress": "lerc"}, "their codec has TIFF's number 34887"),
        ({"ENDIANNESS": "BIG"}, "big-endian"),
        ({"nodata": 3}, "they say that 3.0 is no data, where the collection says 0"),
        ({"dtype": "uint8"}, "their numbers are of type"),
    ],
)
def test_what_would_be_read_wrong_is_refused(
    tmp_path: Path, creation: dict[str, Any], reason: str
) -> None:
    """The sentence names the collection, the band and the reason."""
    site = SiteFolder(tmp_path, {"B": {"data_type": "uint16", "nodata": 0}})
    path = site.add("2018-01-01", "B", np.ones(UTM.shape, "uint16"), **tiled())
    _rewrite(path, **creation)
    with pytest.raises(ConfigError, match=f"'fields'.*'B'.*{reason}.*doors"):
        references(site.write())


def test_dates_that_are_stored_in_several_ways_are_refused(tmp_path: Path) -> None:
    """An array has one codec and one shape of chunks."""
    for number, other in enumerate(({"predictor": 2}, {"blockxsize": 32}, {"compress": "deflate"})):
        site = SiteFolder(tmp_path / str(number), {"B": {"data_type": "uint16", "nodata": 0}})
        site.add("2018-01-01", "B", np.ones(UTM.shape, "uint16"), **tiled())
        site.add("2018-01-02", "B", np.ones(UTM.shape, "uint16"), **tiled(**other))
        with pytest.raises(ConfigError, match=r"'B'.*stored in several ways"):
            references(site.write())


def test_a_layer_off_the_grid_is_refused(tmp_path: Path) -> None:
    """Its pixels would lie elsewhere."""
    site = SiteFolder(tmp_path, {"B": {"data_type": "uint16", "nodata": 0}})
    site.add("2018-01-01", "B", np.ones((30, 30), "uint16"), **tiled())
    with pytest.raises(ConfigError, match=r"'B'.*has \(30, 30\) pixels, not \(40, 50\)"):
        references(site.write())


def test_several_bands_in_a_block_are_refused(tmp_path: Path) -> None:
    """Zarr would take one band's pixels for the next one's."""
    site = SiteFolder(tmp_path, {"B": {"data_type": "uint16", "nodata": 0}})
    path = site.add("2018-01-01", "B", np.ones(UTM.shape, "uint16"), **tiled())
    _rewrite(path, count=2, interleave="pixel")
    with pytest.raises(ConfigError, match="several bands lie in a block"):
        references(site.write())


@pytest.mark.parametrize("name", ["time", "x", "spatial_ref"])
def test_bands_are_not_called_like_coordinates(tmp_path: Path, name: str) -> None:
    """An array has one name."""
    site = SiteFolder(tmp_path, {name: {"data_type": "uint16", "nodata": 0}})
    site.add("2018-01-01", name, np.ones(UTM.shape, "uint16"), **tiled())
    with pytest.raises(ConfigError, match=f"a band {name!r}, .* a coordinate of that name: call"):
        references(site.write())


def test_the_same_part_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whatever folder it lies in; another address changes addresses alone."""
    sites = []
    for folder in ("one", "two"):
        site = SiteFolder(tmp_path / folder, {"B": {"data_type": "uint16"}})
        site.add("2018-01-01", "B", np.ones(UTM.shape, "uint16"), **tiled())
        add_index(site.write())
        sites.append(site.folder / site.name)
    (one,), (two,) = (kerchunk_files(door_part(home)) for home in sites)
    assert one.data == two.data
    (other,) = kerchunk_files(door_part(sites[0], address="https://example.com/"))
    assert other.data.replace(b"https://example.com/", ADDRESS.encode()) == one.data


def test_collections_of_vrts_are_refused_before_they_are_built() -> None:
    """Their layers have no blocks of their own; only who asks for kerchunk is told so."""
    base = CONFIGURATION.replace("settle", 'base_url = "https://example.org"\nsettle')
    vrt = base.replace('id = "s2"', 'id = "s2"\nlayout = "vrt"')
    parse_configuration(vrt, "site.toml")
    asked = vrt.replace("settle", 'doors = ["kerchunk"]\nsettle')
    with pytest.raises(ConfigError, match=r'"kerchunk" refers to blocks.*"s2" are VRTs.*layout'):
        parse_configuration(asked, "site.toml")
    parse_configuration(asked.replace('"vrt"', '"cog"'), "site.toml")


def test_without_an_index_nothing_is_made_up(tmp_path: Path) -> None:
    """A sentence says that the site must be built again."""
    site = SiteFolder(tmp_path, {"B": {"data_type": "uint16"}})
    site.add("2018-01-01", "B", np.ones(UTM.shape, "uint16"), **tiled())
    add_index(site.write())
    part = replace(door_part(site.folder / site.name), index=None)
    with pytest.raises(CatalogueError, match=r"'fields' has no tile index of 2018.*build"):
        list(kerchunk_files(part))


def test_a_layer_that_no_index_tells_of_is_left_out(tmp_path: Path) -> None:
    """It could not be read, as the builder said: it stops no build, and its date holds no data."""
    site = SiteFolder(tmp_path, {"B": {"data_type": "uint16", "nodata": 0}})
    site.add("2018-01-01", "B", np.ones(UTM.shape, "uint16"), **tiled())
    _rewrite(site.add("2018-01-02", "B", np.ones(UTM.shape, "uint16"), **tiled()), tiled=False)
    (found,) = references(site.write())
    assert [np.unique(pixels).tolist() for pixels in found.read("B")] == [[1], [0]]


def test_a_site_with_references_is_whole(tmp_path: Path) -> None:
    """Each part's catalogue links to its own; check and rebase make the same ones."""
    write_season(tmp_path)
    write_raster(tmp_path / "mosaics/S2_2017-06-01_B04.tif")
    text = CONFIGURATION.replace(
        "settle", 'base_url = "https://example.org"\ndoors = ["kerchunk"]\nsettle'
    )
    build(write_configuration(tmp_path, text))
    site = tmp_path / "site"
    assert check(site).faults == ()
    before = {path.name for path in site.rglob("kerchunk-*.json")}
    assert {name[:-22] for name in before} == {"kerchunk-2017", "kerchunk-2018-01"}
    assert rebase(site, "https://example.com").changed
    assert check(site).faults == ()
    rebase(site, "https://example.org")
    moved = {path.name for path in site.rglob("kerchunk-*.json")}
    assert len(moved) == 4
    assert before < moved


def test_a_layer_that_the_index_does_not_tell_of_is_none(tmp_path: Path) -> None:
    """Neither a date nor a band that is not there is made up."""
    site = SiteFolder(tmp_path, {"B": {"data_type": "uint16"}})
    site.add("2018-01-01", "B", np.ones(UTM.shape, "uint16"), **tiled())
    add_index(site.write())
    own = door_part(site.folder / site.name).index
    assert own is not None
    index = open_index(own.path, own.document, "index")
    assert stored_layer(index, "B", "2018-01-01") is not None
    assert stored_layer(index, "B", "2018-01-02") is None
    assert stored_layer(index, "C", "2018-01-01") is None


def _read(path: Path) -> Array:
    with rasterio.open(path) as layer:
        pixels: Array = layer.read(1)
        return pixels


def _rewrite(path: Path, **creation: Any) -> None:  # noqa: ANN401
    """Write a file anew, in another way."""
    with rasterio.open(path) as layer:
        profile, pixels = {**layer.profile, **tiled(), **creation}, layer.read()
    if not profile["tiled"]:
        del profile["blockxsize"], profile["blockysize"]
    with rasterio.open(path, "w", **profile) as layer:
        layer.write(np.repeat(pixels, profile["count"], 0).astype(profile["dtype"]))

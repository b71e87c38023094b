"""The grid of a collection, and the types, factors and nodata of its bands."""

from pathlib import Path
from typing import Any

import pytest

from shoestring_builder.inventory.files import take_inventory
from shoestring_builder.inventory.first_file import FirstFile, first_files
from shoestring_builder.inventory.header import RasterBand, SourceHeader, read_header
from shoestring_builder.inventory.survey import survey, undecided
from shoestring_schema.configuration import BandTable, CollectionTable, GridTable, MaskTable
from shoestring_schema.errors import ConfigError, SourceError
from shoestring_schema.grid import Grid
from shoestring_schema.site import BandDocument, CollectionDocument, GridDocument
from support.mosaics import write_raster

UTM = "EPSG:32630"


def table(*bands: str, **fields: Any) -> CollectionTable:  # noqa: ANN401 (its keywords)
    """A collection with plain bands, unless a table of bands is given."""
    tables = fields.pop("bands", {name: BandTable() for name in bands})
    return CollectionTable(id="s2", source="{date}_{band}.tif", bands=tables, **fields)


def first(
    band: str = "B04",
    tile: str = "",
    *,
    origin: tuple[float, float] = (1000.0, 2000.0),
    resolution: float = 10,
    shape: tuple[int, int] = (10, 20),
    crs: str | None = UTM,
    data_type: str = "uint16",
    nodata: float | None = None,
    south_up: bool = False,
) -> FirstFile:
    """A first file, without a file."""
    x, y = origin
    transform = (resolution, 0.0, x, 0.0, -resolution, y)
    if south_up:
        transform = (resolution, 0.0, x, 0.0, resolution, y - shape[0] * resolution)
    raster = RasterBand(1, data_type, nodata, (), None)
    return FirstFile(band, tile, SourceHeader(Path("f"), crs, transform, shape, (raster,)), 1)


def published(grid: Grid, *bands: BandDocument) -> CollectionDocument:
    """A collection as it stands in the site."""
    document = GridDocument(crs=grid.crs, transform=grid.transform, shape=grid.shape)
    return CollectionDocument(
        type="Collection", id="s2", version="1.0", grid=document, bands=bands, parts=()
    )


def test_the_grid_is_that_of_the_first_mosaic() -> None:
    """Without a stated grid, CRS, pixels and extent are those of the one file."""
    grid = survey(table("B04"), [first()], None).grid
    assert grid == Grid(UTM, (10, 0, 1000, 0, -10, 2000), (10, 20))


def test_the_finest_band_gives_the_grid_and_the_coarse_ones_their_factor() -> None:
    """A 20 m band beside a 10 m one is stored coarser by 2, whichever is listed first."""
    files = [first("SCL", resolution=20, shape=(5, 10)), first("B04")]
    result = survey(table("SCL", "B04"), files, None)
    assert result.grid.resolution == (10, 10)
    assert [band.factor for band in result.bands] == [2, 1]
    assert result.recipes["SCL"].grid.shape == (5, 10)


def test_tiles_are_joined_on_the_pixels_of_the_first() -> None:
    """The extent holds all tiles, grown to whole pixels of the first tile's file."""
    files = [first(tile="b", origin=(1205, 2000)), first(tile="a")]
    grid = survey(table("B04"), files, None).grid
    assert grid.transform == (10, 0, 1000, 0, -10, 2000)
    assert grid.shape == (10, 41)


def test_tiles_in_another_crs_do_not_stretch_the_grid() -> None:
    """A tile in another CRS is left to be refused, not reinterpreted."""
    grid = survey(table("B04"), [first(tile="a"), first(tile="b", crs="EPSG:32631")], None).grid
    assert grid.shape == (10, 20)


def test_north_is_up() -> None:
    """A file whose rows run northwards gives the same grid as one the right way up."""
    assert survey(table("B04"), [first(south_up=True)], None).grid == first().grid


def test_a_stated_grid_takes_the_bounds_of_the_mosaic_grown() -> None:
    """Bounds that are not stated are the mosaic's, grown to multiples of the resolution."""
    stated = table("B04", grid=GridTable(UTM, 30))
    grid = survey(stated, [first()], None).grid
    assert grid.bounds == (990, 1890, 1200, 2010)
    assert survey(stated, [first()], None).recipes["B04"].may_reproject


def test_a_stated_grid_with_bounds_is_taken_as_it_is() -> None:
    """Bounds start the grid at the upper left; a part of a pixel makes a whole one."""
    stated = table("B04", grid=GridTable("EPSG:4326", 0.5, (1, 2, 3.2, 4)))
    grid = survey(stated, [first()], None).grid
    assert grid == Grid("EPSG:4326", (0.5, 0, 1, 0, -0.5, 4), (4, 5))


def test_a_stated_grid_in_another_crs_holds_the_mosaic() -> None:
    """Bounds in another CRS hold the mosaic's corners."""
    file = first(origin=(500_000, 4_000_000), shape=(100, 100))
    grid = survey(table("B04", grid=GridTable("EPSG:4326", 0.001)), [file], None).grid
    left, bottom, right, top = grid.bounds
    assert left <= -3.0 <= right
    assert 36.13 < bottom < top < 36.16


@pytest.mark.parametrize(
    ("resolution", "origin", "factor"),
    [
        (20.0, (1000.0, 2000.0), 2),
        (60.0, (1000.0, 2000.0), 6),
        (25.0, (1000.0, 2000.0), 1),  # not a whole factor
        (20.0, (1010.0, 2000.0), 1),  # its pixels would straddle the grid's
    ],
)
def test_a_factor_is_whole_and_lines_up(
    resolution: float, origin: tuple[float, float], factor: int
) -> None:
    """A factor is taken from the files only where each coarse pixel is a whole block."""
    stated = table("B", grid=GridTable(UTM, 10, (1000, 1400, 1600, 2000)))
    result = survey(stated, [first("B", resolution=resolution, origin=origin)], None)
    assert result.bands[0].factor == factor


def test_what_is_configured_counts_before_the_file() -> None:
    """Type, nodata and factor of the configuration win over the file's."""
    own = BandTable(data_type="float32", nodata=-1, factor=4, scale=0.5, unit="K")
    result = survey(table(bands={"B": own}), [first("B", nodata=3)], None)
    band = result.bands[0]
    assert (band.data_type, band.nodata, band.factor) == ("float32", -1, 4)
    assert (result.recipes["B"].scale, result.recipes["B"].unit) == (0.5, "K")


@pytest.mark.parametrize(
    ("data_type", "tag", "nodata"),
    [
        ("uint16", 0.0, 0.0),
        ("uint8", -9999.0, None),  # a tag that no pixel can have means nothing
        ("float32", float("nan"), "nan"),
        ("int16", float("nan"), None),
        ("uint16", None, None),
    ],
)
def test_the_files_own_nodata(data_type: str, tag: float | None, nodata: object) -> None:
    """The tag of the first file counts where a pixel of the type can have it."""
    files = [first("B", data_type=data_type, nodata=tag)]
    assert survey(table("B"), files, None).bands[0].nodata == nodata


def test_overviews_of_classes_and_of_measurements() -> None:
    """Bands with nearest get overviews by mode, others by average, or as stated."""
    bands = {
        "SCL": BandTable(resampling="nearest"),
        "B04": BandTable(),
        "X": BandTable(overview_resampling="nearest"),
    }
    recipes = survey(table(bands=bands), [first(name) for name in bands], None).recipes
    assert [recipe.overview_resampling for recipe in recipes.values()] == [
        "mode", "average", "nearest"
    ]  # fmt: skip


def test_the_mask_belongs_to_its_band_alone() -> None:
    """What is clear stands in the recipe of the mask's band only."""
    wanted = table("B04", "SCL", mask=MaskTable("SCL", clear=(4, 5)))
    result = survey(wanted, [first("B04"), first("SCL")], None)
    assert result.recipes["B04"].clear is None
    assert result.recipes["SCL"].clear == result.mask
    assert result.mask is not None
    assert result.mask.clear == (4, 5)


def test_what_is_published_stays() -> None:
    """A published grid, type and nodata are kept, whatever the files of today say."""
    grid = Grid(UTM, (10, 0, 0, 0, -10, 0), (5, 5))
    old = published(grid, BandDocument(name="B04", data_type="int16", nodata=-1))
    assert undecided(table("B04", "B08"), old) == ("B08",)
    result = survey(table("B04", "B08"), [first("B08")], old)
    assert result.grid == grid
    assert (result.bands[0].data_type, result.bands[0].nodata) == ("int16", -1)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"grid": GridTable(UTM, 20)}, "grid"),
        ({"grid": GridTable("EPSG:32631", 10)}, "grid"),
        ({"grid": GridTable(UTM, 10, (0, -60, 50, 0))}, "grid"),
        ({"bands": {"B04": BandTable(data_type="float32")}}, "bands.B04.data_type"),
        ({"bands": {"B04": BandTable(nodata=5)}}, "bands.B04.nodata"),
        ({"bands": {"B04": BandTable(factor=2)}}, "bands.B04.factor"),
    ],
)
def test_what_is_published_can_not_be_changed(change: dict[str, Any], what: str) -> None:
    """A change that would break readers is refused, with the remedy."""
    old = published(
        Grid(UTM, (10, 0, 0, 0, -10, 0), (5, 5)), BandDocument(name="B04", data_type="int16")
    )
    with pytest.raises(ConfigError) as refused:
        survey(table("B04", **change), [], old)
    assert f"{what} differs from what is published" in str(refused.value)
    assert "give the collection a new id, or remove its folder" in str(refused.value)


@pytest.mark.parametrize(
    "stated", [GridTable(UTM, 10), GridTable(UTM, 10, (0, -50, 50, 0)), GridTable("epsg:32630", 10)]
)
def test_the_published_grid_may_be_stated(stated: GridTable) -> None:
    """Stating the published grid in any spelling is no change."""
    grid = Grid(UTM, (10, 0, 0, 0, -10, 0), (5, 5))
    old = published(grid, BandDocument(name="B04", data_type="int16"))
    assert survey(table("B04", grid=stated), [], old).grid == grid


@pytest.mark.parametrize(
    ("fields", "files", "sentence"),
    [
        ({"grid": GridTable("EPSG:1", 10)}, [first()], 'grid.crs "EPSG:1" is not a CRS'),
        ({"grid": GridTable(UTM, 1e-7, (0, 0, 1e5, 1e5))}, [first()], "is too large"),
        ({}, [first(data_type="complex64")], "comes as complex64, which can't be stored"),
        ({"bands": {"B04": BandTable(nodata=-1)}}, [first()], "nodata = -1 of band"),
        ({"bands": {"B04": BandTable(nodata=0.5)}}, [first()], "nodata = 0.5 of band"),
    ],
)
def test_what_can_not_be_used(
    fields: dict[str, Any], files: list[FirstFile], sentence: str
) -> None:
    """Each value that can't be used is a sentence that names it."""
    with pytest.raises(ConfigError) as refused:
        survey(table("B04", **fields), files, None)
    assert sentence in str(refused.value)
    assert 'collection "s2"' in str(refused.value)


def test_a_bad_first_file_is_passed_over(tmp_path: Path) -> None:
    """The next usable file of the band and tile decides; nothing is raised for the bad ones."""
    (tmp_path / "2018-01-01_B04.tif").write_bytes(b"broken")
    write_raster(tmp_path / "2018-01-02_B04.tif", crs=None)
    write_raster(tmp_path / "2018-01-03_B04.tif", shape=(3, 4))
    write_raster(tmp_path / "2018-01-04_B04.tif", shape=(9, 9))
    inventory = take_inventory(table("B04"), tmp_path, read_header)
    (chosen,) = first_files(table("B04"), inventory, ("B04",), read_header)
    assert chosen.header.shape == (3, 4)


def test_no_usable_file_at_all(tmp_path: Path) -> None:
    """Where no file of a band can be used, the first reason is told."""
    write_raster(tmp_path / "2018-01-02_B04.tif", crs=None)
    inventory = take_inventory(table("B04"), tmp_path, read_header)
    with pytest.raises(SourceError, match=r"2018-01-02_B04\.tif has no CRS"):
        first_files(table("B04"), inventory, ("B04",), read_header)


@pytest.mark.parametrize("wanted", [3, "swir"])
def test_a_raster_band_that_no_file_has(tmp_path: Path, wanted: int | str) -> None:
    """A `source_band` that no file has is a mistake of the configuration."""
    write_raster(tmp_path / "2018-01-02_B04.tif")
    own = CollectionTable(
        id="s2", source="{date}_{band}.tif", bands={"B04": BandTable(source_band=wanted)}
    )
    with pytest.raises(ConfigError, match='no file has band "B04"'):
        first_files(own, take_inventory(own, tmp_path, read_header), ("B04",), read_header)

"""A rendered layer: a valid COG with all that is known of it, or an error and no file."""

import hashlib
import os
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from hypothesis import given, settings
from hypothesis import strategies as st
from rio_cogeo import cog_validate

from shoestring_builder.layer import LayerKey, RenderTask
from shoestring_builder.render import layer_file
from shoestring_builder.render.geotiff import write_cog
from shoestring_builder.render.layer_file import render
from shoestring_builder.render.tally import Tally
from shoestring_schema.errors import PublishError, SourceError
from shoestring_schema.site import MaskDocument
from shoestring_schema.vrt import parse_vrt
from support.disk import mounted
from support.layers import (
    Array,
    mosaicked,
    order,
    read,
    recipe,
    rendered,
    source,
    square,
    write_tiff,
)

pytestmark = pytest.mark.pixels

UTM = "EPSG:32633"


def season(shape: tuple[int, int] = (300, 400), data_type: str = "uint16") -> Array:
    """Pixels with a hole."""
    pixels = np.random.default_rng(1).integers(1, 250, shape).astype(data_type)
    pixels[10:20, 5:40] = 0
    return pixels


def scene(
    folder: Path, shape: tuple[int, int] = (300, 400), data_type: str = "uint16"
) -> RenderTask:
    """An order for one file on its own grid."""
    grid = square(UTM, 500_000, 5_000_000, 10, shape)
    path = write_tiff(folder / "in" / "a.tif", season(shape, data_type), grid, nodata=0)
    return order([path], recipe(grid, data_type), folder)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(1, 1), (49, 33), (256, 256), (700, 1100)])
@pytest.mark.parametrize(
    "data_type", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
def test_layers_are_valid_cogs(shape: tuple[int, int], data_type: str, tmp_path: Path) -> None:
    """Of every size and type: valid by rio-cogeo's strict rules, with the source's pixels."""
    task = scene(tmp_path, shape, data_type)
    made = render(task)
    assert cog_validate(made.path, strict=True, quiet=True) == (True, [], [])
    assert np.array_equal(read(made.path), read(task.sources[0].path))
    with rasterio.open(made.path) as dataset:
        assert dataset.block_shapes == [(256, 256)]
        assert dataset.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == "ZSTD"
        assert bool(dataset.overviews(1)) == (max(shape) > 256)


def test_a_layer_says_what_it_is(tmp_path: Path) -> None:
    """Name, nodata, scale, offset, unit and date stand in the file itself."""
    task = scene(tmp_path)
    how = replace(task.recipe, scale=0.0001, offset=-0.1, unit="1")
    moment = datetime(2018, 1, 2, 13, 30, tzinfo=UTC)
    made = render(replace(task, recipe=how, key=LayerKey(moment, "B04")))
    with rasterio.open(made.path) as dataset:
        assert dataset.descriptions == ("B04",)
        assert (dataset.nodata, dataset.scales, dataset.offsets, dataset.units) == (
            0,
            (0.0001,),
            (-0.1,),
            ("1",),
        )
        assert dataset.tags()["TIFFTAG_DATETIME"] == "2018:01:02 13:30:00"
        assert dataset.crs.to_epsg() == 32633
        assert tuple(dataset.transform)[:6] == how.grid.transform


@pytest.mark.parametrize(("resampling", "expected"), [("mode", 3), ("nearest", 1), ("average", 2)])
def test_overviews_are_made_as_ordered(resampling: str, expected: int, tmp_path: Path) -> None:
    """Mode keeps classes, nearest takes one, average mixes; no data is left out."""
    grid = square(UTM, 500_000, 5_000_000, 10, (600, 600))
    block = np.array([[1, 3], [3, 0]] if resampling == "mode" else [[1, 3], [2, 2]], np.uint8)
    path = write_tiff(tmp_path / "a.tif", np.tile(block, (300, 300)), grid, nodata=0)
    made = rendered([path], recipe(grid, "uint8", overview_resampling=resampling), tmp_path)
    with rasterio.open(made.path, overview_level=0) as overview:
        assert np.unique(overview.read(1)).tolist() == [expected]


def test_size_and_checksum_are_the_files(tmp_path: Path) -> None:
    """The staging folder holds the finished file and its blocks' records, and nothing else."""
    task = scene(tmp_path)
    made = render(task)
    data = made.path.read_bytes()
    assert {made.path, made.records} == set(task.staging.iterdir())
    assert made.size == len(data)
    assert made.checksum == "1220" + hashlib.sha256(data).hexdigest()
    assert (made.key, made.fingerprint, made.sources) == (task.key, "fingerprint", ())


def test_the_header_alone_tells_where_every_block_lies(tmp_path: Path) -> None:
    """Its bytes open as a TIFF whose first block begins where they end."""
    made = render(scene(tmp_path, (700, 1100)))
    assert made.header_size is not None
    header = tmp_path / "header.tif"
    header.write_bytes(made.path.read_bytes()[: made.header_size])
    with rasterio.open(header) as dataset:
        offsets = [
            int(dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", 1, level))
            for level, rows, columns in ((None, 3, 5), (0, 2, 3), (1, 1, 2), (2, 1, 1))
            for row in range(rows)
            for column in range(columns)
            if level is None or level < len(dataset.overviews(1))
        ]
    assert min(offsets) == made.header_size


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_statistics_are_numpys_over_any_pieces(data: st.DataObject) -> None:
    """Of the valid pixels, to 12 digits, however the layer is cut in pieces."""
    data_type = data.draw(st.sampled_from(["uint8", "int16", "int32", "float32"]))
    random = np.random.default_rng(data.draw(st.integers(0, 999)))
    pixels = (random.normal(50, 20, (30, 7)) * data.draw(st.sampled_from([1, 1000])) % 120).astype(
        data_type
    )
    pixels[random.random(pixels.shape) < 0.3] = 0
    if data_type == "float32":
        pixels[random.random(pixels.shape) < 0.1] = np.nan
    cuts = sorted(data.draw(st.sets(st.integers(1, 29), max_size=4)))
    rule = MaskDocument(band="B04", clear_below=40)
    tally = Tally(recipe(square(UTM, 0, 0, 1, (30, 7)), data_type, clear=rule))
    for piece in np.split(pixels, cuts):
        tally.add(piece)
    valid = pixels[(pixels != 0) & ~np.isnan(pixels)].astype(np.float64)
    told = tally.statistics
    assert (told.minimum, told.maximum) == (valid.min(), valid.max())
    assert told.mean == pytest.approx(valid.mean(), rel=1e-12)
    assert told.stddev == pytest.approx(valid.std(), rel=1e-9)
    assert told.valid_percent == pytest.approx(100 * valid.size / pixels.size)
    assert tally.clear_percent == pytest.approx(100 * np.mean(valid < 40))


def test_an_empty_layer_has_no_statistics(tmp_path: Path) -> None:
    """Where no file reaches the grid, nothing is valid, nothing clear, and the COG is whole."""
    task = scene(tmp_path)
    away = square(UTM, 700_000, 5_000_000, 10, (40, 40))
    rule = MaskDocument(band="B04", clear=(4, 5))
    made = render(replace(task, recipe=replace(task.recipe, grid=away, clear=rule)))
    told = made.statistics
    assert (told.minimum, told.maximum, told.mean, told.stddev, told.valid_percent) == (
        None,
        None,
        None,
        None,
        0,
    )
    assert made.clear_percent == 0
    assert not read(made.path).any()


def test_clear_is_counted_among_valid_pixels(tmp_path: Path) -> None:
    """Classes that are listed are clear; other bands have no such number."""
    task = scene(tmp_path)
    assert render(task).clear_percent is None
    rule = MaskDocument(band="B04", clear=(4, 5, 6, 7))
    made = render(replace(task, recipe=replace(task.recipe, clear=rule)))
    valid = season()[season() > 0]
    assert made.clear_percent == pytest.approx(100 * np.isin(valid, (4, 5, 6, 7)).mean())


def test_infinity_is_data_that_statistics_leave_out(tmp_path: Path) -> None:
    """A division by zero in a source spoils neither the mean nor the run."""
    grid = square(UTM, 500_000, 5_000_000, 10, (2, 2))
    path = write_tiff(
        tmp_path / "a.tif", np.array([[1, 3], [np.inf, np.nan]], np.float32), grid, nodata=-1
    )
    told = rendered([path], recipe(grid, "float32", -1), tmp_path).statistics
    assert (told.minimum, told.maximum, told.mean, told.stddev, told.valid_percent) == (
        1,
        3,
        2,
        1,
        75,
    )


def test_bytes_depend_on_pixels_and_recipe_alone(tmp_path: Path) -> None:
    """Another folder, another process, other threads: the same bytes, and no path in them."""
    tasks = [scene(tmp_path / name, (700, 1100)) for name in ("one", "another")]
    made = [render(task) for task in tasks]
    os.environ["GDAL_NUM_THREADS"] = "4"  # what a user may have set
    try:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            made += pool.map(render, [tasks[1], tasks[0], tasks[1]])
    finally:
        del os.environ["GDAL_NUM_THREADS"]
    data = {layer.path.read_bytes() for layer in made}
    assert len(data) == 1
    assert len({layer.path for layer in made}) == 5
    assert len({layer.statistics for layer in made}) == 1
    assert str(tmp_path).encode() not in data.pop()
    assert pickle.loads(pickle.dumps(made[0])) == made[0]


def test_a_bad_source_leaves_no_file_behind(tmp_path: Path) -> None:
    """A file cut short, found when half of the mosaic is written."""
    task = scene(tmp_path, (1500, 300))
    with task.sources[0].path.open("rb+") as file:
        file.truncate(600_000)
    with pytest.raises(SourceError, match=r"a\.tif can't be read"):
        render(task)
    assert not list(task.staging.iterdir())


def test_a_staging_folder_that_is_not_there(tmp_path: Path) -> None:
    """It is named, with the reason."""
    task = replace(scene(tmp_path), staging=tmp_path / "gone")
    with pytest.raises(PublishError, match=r"gone can't be written"):
        render(task)


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of so many kilobytes."""
    with mounted(tmp_path / "disk", f"size={request.param}k") as disk:
        yield disk


@pytest.mark.parametrize("small_disk", [8, 400, 2000, 2600, 3200, 3472, 3496, 6000], indirect=True)
@pytest.mark.parametrize("shifted", [0, 5])
def test_a_full_disk_leaves_no_half_file(
    small_disk: Path, shifted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever room runs out: the folder is named, and is as empty as before; or the layer is whole.

    There was room when the layer was begun. On 3472 and 3496 kB GDAL says that it has written the
    whole COG: only reading it back tells.
    """
    monkeypatch.setattr(layer_file, "require_room", lambda *_: None)
    task = scene(tmp_path, (700, 1100))
    grid = square(UTM, 500_000 + shifted, 5_000_000, 10, (700, 1100))
    task = replace(task, staging=small_disk, recipe=replace(task.recipe, grid=grid, nodata=-0.0))
    try:
        made = render(task)
    except PublishError as error:
        assert str(small_disk) in str(error)  # noqa: PT017 (both ends are right)
        assert "make room" in str(error)  # noqa: PT017
        assert not list(small_disk.iterdir())
    else:
        assert np.array_equal(read(made.path), mosaicked(task.sources, task.recipe, tmp_path))
        assert small_disk.stat().st_dev == made.path.stat().st_dev


@pytest.mark.parametrize("small_disk", [1400], indirect=True)
def test_a_disk_too_small_for_the_mosaic_is_full(small_disk: Path, tmp_path: Path) -> None:
    """A layer that does not fit is not begun; the need and the room are told."""
    says = (
        r"disk has no room for a layer of \w+ .*: 4\.1 MB are needed, 1\.4 MB are free; make room"
    )
    with pytest.raises(PublishError, match=says):
        render(replace(scene(tmp_path, (700, 1100)), staging=small_disk))


# ---- VRT


def tiles(
    site: Path, *, data_type: str = "uint16", nodata: float | None = 0, **options: object
) -> list[Path]:
    """Two tiled files in a site that overlap."""
    options = {"tiled": True, "blockxsize": 64, "blockysize": 64} | options
    random = np.random.default_rng(4)
    paths = []
    for number, left in enumerate((500_000, 501_500)):
        pixels = random.integers(0, 5, (150, 200)).astype(data_type)
        grid = square(UTM, left, 5_000_000 + 300 * number, 10, (150, 200))
        paths.append(write_tiff(site / "tiled" / f"{number}.tif", pixels, grid, nodata, **options))
    return paths


def vrt_order(site: Path, paths: list[Path], **how: object) -> RenderTask:
    """An order for a VRT that cuts the files at the grid's edges."""
    grid = square(UTM, 500_100, 4_999_900, 10, (100, 300))
    plain = recipe(grid, layout="vrt", clear=MaskDocument(band="B04", clear=(4,)))
    task = order(paths, replace(plain, **how), site)  # type: ignore[arg-type]
    return replace(task, home=site / "s2" / "2018", site=site)


@pytest.mark.parametrize("nodata", [0, None])
def test_a_vrt_reads_as_the_mosaic(nodata: float | None, tmp_path: Path) -> None:
    """Moved to its home, GDAL reads from it pixel for pixel what a COG would hold."""
    site = tmp_path / "site"
    paths = tiles(site, nodata=nodata)
    if nodata is None:
        grid = square(UTM, 500_100, 5_000_000, 10, (100, 300))
        task = vrt_order(site, paths, nodata=None, grid=grid)
    else:
        task = vrt_order(site, paths)
    made = render(task)
    task.home.mkdir(parents=True)
    there = made.path.rename(task.home / "layer.vrt")
    as_cog = render(replace(task, recipe=replace(task.recipe, layout="cog")))
    assert np.array_equal(read(there), read(as_cog.path))
    assert made.statistics == as_cog.statistics
    assert made.clear_percent == as_cog.clear_percent
    assert made.header_size is None
    assert parse_vrt(there.read_bytes(), "it").sources[0].href == "../../tiled/0.tif"
    with rasterio.open(there) as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert dataset.descriptions == ("B04",)


def test_a_vrt_lists_its_files(tmp_path: Path) -> None:
    """Each with size and checksum, relative to where the VRT will lie."""
    site = tmp_path / "site"
    paths = tiles(site)
    made = render(vrt_order(site, paths))
    assert [file.href for file in made.sources] == ["../../tiled/0.tif", "../../tiled/1.tif"]
    for file, path in zip(made.sources, paths, strict=True):
        data = path.read_bytes()
        assert (file.size, file.checksum) == (len(data), "1220" + hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(
    ("options", "how", "sentence"),
    [
        ({"tiled": False}, {}, "not tiled inside"),
        ({"data_type": "int16"}, {}, "it holds int16 and the band is uint16"),
        ({"nodata": 9}, {}, "its nodata value is 9.0 and that of the band 0"),
        ({}, {"grid": square(UTM, 500_103, 4_999_900, 10, (100, 300))}, "do not fall on"),
        ({}, {"grid": square(UTM, 500_100, 4_999_900, 20, (50, 150))}, "do not fall on"),
        ({}, {"grid": square("EPSG:32632", 500_100, 4_999_900, 10, (9, 9))}, "do not fall on"),
    ],
)  # fmt: skip
def test_what_a_vrt_can_not_do_is_refused(
    options: dict[str, object], how: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    """The file and the reason are named, and COGs as the remedy."""
    paths = tiles(tmp_path, **options)  # type: ignore[arg-type]
    with pytest.raises(SourceError) as caught:
        render(vrt_order(tmp_path, paths, **how))
    assert sentence in str(caught.value)
    assert "0.tif can't be part of a VRT" in str(caught.value)
    assert 'state layout = "cog"' in str(caught.value)


def test_a_vrt_of_files_outside_the_site_is_refused(tmp_path: Path) -> None:
    """Also through a symbolic link: what lies outside is not published."""
    paths = tiles(tmp_path / "elsewhere")
    site = tmp_path / "site"
    site.mkdir()
    with pytest.raises(SourceError, match=r"outside of the site .*move it into the site"):
        render(vrt_order(site, paths))
    (site / "link.tif").symlink_to(paths[0])
    with pytest.raises(SourceError, match="outside of the site"):
        render(vrt_order(site, [site / "link.tif"]))


def test_a_vrt_of_another_driver_is_refused(tmp_path: Path) -> None:
    """A PNG is no GeoTIFF, whatever it is called."""
    path = tiles(tmp_path)[0]
    with rasterio.open(path) as dataset:
        rasterio.shutil.copy(dataset, tmp_path / "0.png", driver="PNG", WORLDFILE="YES")
    with pytest.raises(SourceError, match="it is PNG and not GeoTIFF"):
        render(vrt_order(tmp_path, [tmp_path / "0.png"]))


def test_a_vrt_with_uncovered_pixels_needs_nodata(tmp_path: Path) -> None:
    """Without it, pixels that no file covers would read as 0."""
    paths = tiles(tmp_path, nodata=None)
    wide = square(UTM, 499_000, 4_999_900, 10, (100, 300))
    with pytest.raises(SourceError, match="state nodata"):
        render(vrt_order(tmp_path, paths, nodata=None, grid=wide))


def test_nan_that_would_hide_a_file_below_is_refused_in_a_vrt(tmp_path: Path) -> None:
    """GDAL's VRT knows one number that means no data."""
    paths = tiles(tmp_path, data_type="float32", nodata=-1)
    with rasterio.open(paths[1], "r+") as dataset:
        dataset.write(np.full((150, 200), np.nan, np.float32), 1)
    with pytest.raises(SourceError, match=r"1\.tif .*NaN beside its nodata"):
        render(vrt_order(tmp_path, paths, data_type="float32", nodata=-1))


def test_a_truncated_file_of_a_vrt(tmp_path: Path) -> None:
    """It is found when the VRT is made, not when a reader meets it."""
    paths = tiles(tmp_path, compress="deflate")
    with paths[0].open("rb+") as file:
        file.truncate(paths[0].stat().st_size // 2)
    with pytest.raises(SourceError, match="can't be read"):
        render(vrt_order(tmp_path, paths))
    assert not list((tmp_path / "staging").iterdir())
    assert source(paths[1]).size == paths[1].stat().st_size
    assert date(2018, 1, 2) == vrt_order(tmp_path, paths).key.moment


def _unlabelled(file: rasterio.io.DatasetWriter) -> None:
    file.set_band_description(1, "")


def _unscaled(file: rasterio.io.DatasetWriter) -> None:
    file.scales = (1.0,)


def _undated(file: rasterio.io.DatasetWriter) -> None:
    file.update_tags(TIFFTAG_DATETIME="")


def _moved(file: rasterio.io.DatasetWriter) -> None:
    file.transform = file.transform * file.transform.translation(1, 0)


@pytest.mark.parametrize("lose", [_unlabelled, _unscaled, _undated, _moved])
def test_what_a_file_says_of_itself_is_read_back(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lose: Callable[[rasterio.io.DatasetWriter], None],
) -> None:
    """A write of a name, a number, a date or a place that was lost on the disk is noticed."""

    def losing(plain: Path, path: Path, **how: Any) -> None:  # noqa: ANN401 (its keywords)
        with rasterio.open(plain, "r+") as file:
            lose(file)
        write_cog(plain, path, **how)

    task = scene(tmp_path)
    task = replace(task, recipe=replace(task.recipe, scale=0.5))
    monkeypatch.setattr(layer_file, "write_cog", losing)
    with pytest.raises(PublishError, match="what was written did not come back"):
        render(task)
    assert os.listdir(tmp_path / "staging") == []


def test_an_overview_that_was_lost_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of all its pixels, and in order, of which the coarsest overview is not there."""

    def losing(plain: Path, path: Path, **_: Any) -> None:  # noqa: ANN401 (its keywords)
        rasterio.shutil.copy(plain, path, driver="COG", BLOCKSIZE="256", OVERVIEWS="NONE")

    monkeypatch.setattr(layer_file, "write_cog", losing)
    with pytest.raises(PublishError, match="not all overviews that were written came back"):
        render(scene(tmp_path, (1000, 600)))


def test_a_header_at_another_place_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An overview's header may be written anew behind all blocks: that file is another one."""

    def losing(plain: Path, path: Path, **how: Any) -> None:  # noqa: ANN401 (its keywords)
        write_cog(plain, path, **how)
        data = bytearray(path.read_bytes())
        first = int.from_bytes(data[4:8], "little")
        link = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")
        second = int.from_bytes(data[link : link + 4], "little")
        size = 2 + 12 * int.from_bytes(data[second : second + 2], "little") + 4
        data[link : link + 4] = len(data).to_bytes(4, "little")
        path.write_bytes(data + data[second : second + size])

    monkeypatch.setattr(layer_file, "write_cog", losing)
    with pytest.raises(PublishError, match="what was written did not come back"):
        render(scene(tmp_path, (1000, 600)))


def test_a_file_without_a_cogs_layout_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pixels may be there, and what tells readers of their order be lost."""

    def losing(plain: Path, path: Path, **_: Any) -> None:  # noqa: ANN401 (its keywords)
        blocks = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "ZSTD"}
        rasterio.shutil.copy(plain, path, driver="GTiff", **blocks)

    monkeypatch.setattr(layer_file, "write_cog", losing)
    with pytest.raises(PublishError, match="what was written did not come back"):
        render(scene(tmp_path, (200, 150)))

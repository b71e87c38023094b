"""The tile index of a site: right for every block, and the same whatever the site has seen."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.index import layer_files
from shoestring_builder.render import layer_file
from support.index import layer_pixels, read_collection, read_index, require_right
from support.mosaics import (
    age,
    hidden,
    outdate,
    timeless,
    times,
    write_configuration,
    write_raster,
)

pytestmark = pytest.mark.pixels

HEAD = """\
[catalogue]
id = "test"
settle = "0 seconds"

[[collections]]
id = "s2"
"""

BANDS = """\
[collections.bands.B04]
nodata = 0
[collections.bands.B11]
nodata = 0
[collections.bands.SCL]
nodata = 0
resampling = "nearest"
"""

MASK = """\
[collections.mask]
band = "SCL"
clear = [4, 5]
"""

COGS = f'{HEAD}source = "mosaics/{{date}}_{{band}}.tif"\n{BANDS}{MASK}'
VRTS = f'{HEAD}source = "site/raw/{{date}}_{{tile}}_{{band}}.tif"\nlayout = "vrt"\n{BANDS}{MASK}'
SHAPE = (611, 530)
DATES = ("2017-12-30", "2018-01-02", "2018-01-05", "2018-01-21")


def scene(date: str, band: str, shape: tuple[int, int] = SHAPE) -> "np.ndarray[Any, Any]":
    """Pixels of a date: some without data, clouds in large pieces."""
    random = np.random.default_rng([*date.encode(), *band.encode()])
    if band == "SCL":
        pieces = random.choice([0, 3, 4, 5, 9], (3, 3))
        return pieces.repeat(220, 0).repeat(220, 1)[: shape[0], : shape[1]].astype(np.uint8)
    pixels = random.integers(1, 3000, shape).astype(np.uint16)
    pixels[: random.integers(0, 300), : random.integers(0, 600)] = 0
    return pixels


def write_scenes(folder: Path, dates: tuple[str, ...] = DATES) -> Path:
    """Write the mosaics of some dates: B11 has larger pixels than the others."""
    for date in dates:
        for band in ("B04", "B11", "SCL"):
            pixels = scene(date, band)
            coarse = pixels[::2, ::2] if band == "B11" else pixels
            write_raster(folder / f"mosaics/{date}_{band}.tif", coarse, dtype=str(pixels.dtype),
                         resolution=20.0 if band == "B11" else 10.0)  # fmt: skip
    return folder


def write_tiles(folder: Path, dates: tuple[str, ...] = DATES) -> Path:
    """Write tiles inside of the site: two that overlap, with overviews, and classes."""
    for date in dates:
        for band in ("B04", "B11", "SCL"):
            pixels, size = scene(date, band), 20 if band == "B11" else 10
            pixels = pixels[::2, ::2] if band == "B11" else pixels
            for tile, start in (("a", 0), ("b", pixels.shape[1] // 3)):
                end = None if tile == "b" else 2 * pixels.shape[1] // 3
                path = folder / f"site/raw/{date}_{tile}_{band}.tif"
                _write_tile(path, pixels[:, start:end], start * size, size)
    return folder


def _write_tile(path: Path, pixels: "np.ndarray[Any, Any]", x: float, size: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=pixels.shape[0], width=pixels.shape[1],
        dtype=pixels.dtype, crs="EPSG:32630", nodata=0, tiled=True, blockxsize=128, blockysize=64,
        compress="deflate", transform=Affine(size, 0, 500_000 + x, 0, -size, 4_000_000),
    ) as dataset:  # fmt: skip
        dataset.write(pixels, 1)
        dataset.build_overviews([2, 4], rasterio.enums.Resampling.nearest)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four dates in two years and the site built of them; not to be changed."""
    folder = write_scenes(tmp_path_factory.mktemp("built"))
    assert build(write_configuration(folder, COGS)).failed == ()
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of `built` to work on, modification times included."""
    return Path(shutil.copytree(built, tmp_path / "project"))


def indexes(site: Path) -> list[str]:
    """The names of the indexes that the collection names."""
    named = [part.index for part in read_collection(site).parts]
    return [index.href for index in named if index is not None]


def no_reading(patch: pytest.MonkeyPatch) -> None:
    """Fail where an index is made from a layer in the site."""

    def fail(path: Path, *_: object) -> None:
        raise AssertionError(f"{path} was read")

    patch.setattr(layer_files, "read_blocks", fail)
    patch.setattr(layer_file, "read_blocks", fail)


def test_every_block_is_told_right(built: Path) -> None:
    """Each record is what GDAL and counting say: two years, a coarser band, overviews, a mask."""
    require_right(built / "site")
    assert check(built / "site").faults == ()
    stacks = [part.index.stacks for part in read_collection(built / "site").parts if part.index]
    assert [[dict(stack.files) for stack in own] for own in stacks] == [
        [{"B04": 1, "SCL": 1}, {"B11": 1}],
        [{"B04": 3, "SCL": 3}, {"B11": 3}],
    ]


def test_layers_can_be_read_by_their_index(built: Path) -> None:
    """Blocks alone give the pixels that GDAL reads from the layer."""
    index = read_index(built / "site")
    for band, date in (("B04", "2018-01-02"), ("B11", "2018-01-21"), ("SCL", "2018-01-05")):
        (path,) = (built / "site/s2/2018").glob(f"{date}_{band}-*.tif")
        with rasterio.open(path) as dataset:
            assert (layer_pixels(index, band, date) == dataset.read(1)).all()


def test_vrts_are_told_down_to_their_sources(tmp_path: Path) -> None:
    """Tiles that lie over each other: their blocks, places and order."""
    folder = write_tiles(tmp_path)
    assert build(write_configuration(folder, VRTS)).failed == ()
    require_right(folder / "site")
    assert check(folder / "site").faults == ()
    index = read_index(folder / "site")
    assert {len(pieces) for own in index.head.layers.values() for pieces in own.values()} == {2}
    assert sorted({stack.place for stack in index.document.stacks}) == [(0, 0), (0, 88), (0, 176)]
    files = [file for own in index.head.files for files in own.values() for file in files]
    assert {file.header_size for file in files} == {None}
    for band, dates in index.head.layers.items():
        for date in dates:
            (path,) = index.folder.glob(f"{date}_{band}-*.vrt")
            with rasterio.open(path) as dataset:
                assert (layer_pixels(index, band, date) == dataset.read(1)).all()


def test_a_file_of_many_bands(tmp_path: Path) -> None:
    """One file that several bands of a VRT read is told of for each; a tile may begin outside."""
    pixels = np.stack(
        [scene("2018-01-02", "B04", (200, 200)), scene("2018-01-02", "B11", (200, 200))]
    )
    path = tmp_path / "site/raw/2018-01-02.tif"
    path.parent.mkdir(parents=True)
    with rasterio.open(
        path, "w", driver="GTiff", count=2, height=200, width=200, dtype="uint16", nodata=0,
        crs="EPSG:32630", transform=Affine(10, 0, 500_000, 0, -10, 4_000_000), tiled=True,
        blockxsize=64, blockysize=64, compress="zstd", interleave="pixel",
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
    grid = 'grid = { crs = "EPSG:32630", resolution = 10, bounds = [500300, 3998500, 501500, 3999500] }'
    text = (
        f'{HEAD}source = "site/raw/{{date}}.tif"\nlayout = "vrt"\n{grid}\n'
        "bands.B04 = {source_band = 1}\nbands.B11 = {source_band = 2}\n"
    )
    assert build(write_configuration(tmp_path, text)).failed == ()
    require_right(tmp_path / "site")
    assert check(tmp_path / "site").faults == ()
    index = read_index(tmp_path / "site")
    (stack,) = index.document.stacks
    assert (stack.place, dict(stack.files)) == ((-50, -30), {"B04": 1, "B11": 1})
    assert [how.sample for how in index.head.formats] == [1, 2]
    assert (layer_pixels(index, "B11", "2018-01-02") == pixels[1, 50:150, 30:150]).all()


def test_a_second_run_keeps_the_indexes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing new, no layer and no index is opened, and nothing is written."""
    before = times(project / "site")
    no_reading(monkeypatch)
    for path in (project / "site/s2").glob("*/index-*.bin"):
        path.chmod(0)
    assert not build(project / "site.toml").changed
    assert times(project / "site") == before


def test_only_what_is_new_is_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new date costs no reading of the others, and the other part's index stays as it is."""
    before = indexes(project / "site")
    write_scenes(project, ("2018-01-28",))
    with monkeypatch.context() as patch:
        patch.setattr(layer_files, "read_blocks", None)  # the renderer reads its own layers only
        assert build(project / "site.toml").failed == ()
    require_right(project / "site")
    after = indexes(project / "site")
    assert before[0] == after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_history_does_not_show(built: Path, workers: int, tmp_path: Path) -> None:
    """Dates that came one by one, in any order, by any number of workers: the same bytes."""
    folder = tmp_path / "grown"
    (folder / "mosaics").mkdir(parents=True)
    config = write_configuration(folder, COGS)
    for date in ("2018-01-05", "2018-01-21", "2017-12-30", "2018-01-02"):
        for path in (built / "mosaics").glob(f"{date}_*"):
            shutil.copy2(path, folder / "mosaics")
        build(config, workers=workers, progress=False)
    at_once, grown = timeless(built / "site"), timeless(folder / "site")
    assert {name: grown[name] for name in at_once} == at_once


def drop_indexes(site: Path) -> None:
    """Make a site as it was before there were indexes."""
    path = site / "s2/collection.json"
    document = json.loads(path.read_text("utf-8"))
    for part in document["shoestring:parts"]:
        del part["index"]
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    for index in (site / "s2").glob("*/index-*.bin"):
        index.unlink()
    if (site / "snapshots.json").is_file():
        outdate(site)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_old_site_gets_its_indexes(project: Path, workers: int) -> None:
    """A site of an earlier builder is whole without them, and has them after the next run."""
    before = timeless(project / "site")
    drop_indexes(project / "site")
    assert check(project / "site").faults == ()
    report = build(project / "site.toml", workers=workers, progress=False)
    assert (report.changed, report.collections[0].rendered) == (True, 0)
    assert timeless(project / "site") == before


def test_old_vrts_get_their_index(tmp_path: Path) -> None:
    """The same for VRTs."""
    folder = write_tiles(tmp_path, DATES[1:])
    config = write_configuration(folder, VRTS)
    build(config)
    before = timeless(folder / "site")
    drop_indexes(folder / "site")
    assert build(config).failed == ()
    assert timeless(folder / "site") == before


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"x")])
def test_a_lost_index_is_made_again(project: Path, spoil: Callable[[Path], object]) -> None:
    """It is said like any other file that is not as published."""
    before = timeless(project / "site")
    (path,) = (project / "site/s2/2018").glob("index-*.bin")
    spoil(path)
    report = build(project / "site.toml")
    assert [path.name in sentence for sentence in report.damaged] == [True]
    assert timeless(project / "site") == before


def test_a_damaged_index_is_not_taken_over(project: Path) -> None:
    """One whose bytes have changed on the disk is no source for the next."""
    (path,) = (project / "site/s2/2018").glob("index-*.bin")
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    write_scenes(project, ("2018-01-28",))
    assert build(project / "site.toml").failed == ()
    require_right(project / "site")


@pytest.mark.parametrize("rule", ["clear = [9]", "clear_below = 4.5"])
def test_another_rule_of_the_mask(
    rule: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is clear is counted anew; the layers of other bands are not read."""
    before = indexes(project / "site")
    config = write_configuration(project, COGS.replace("clear = [4, 5]", rule))
    read: list[Path] = []
    original = layer_files.read_blocks
    monkeypatch.setattr(
        layer_files, "read_blocks", lambda path, *more: read.append(path) or original(path, *more)
    )
    assert build(config).failed == ()
    assert read == []
    assert not set(before) & set(indexes(project / "site"))
    require_right(project / "site")


def test_a_mask_that_comes_and_goes(built: Path, project: Path) -> None:
    """Without a mask all is clear; with it again, the index is the one that it was."""
    config = write_configuration(project, COGS.replace(MASK, ""))
    build(config)
    require_right(project / "site")
    index = read_index(project / "site")
    (piece,) = index.head.layers["B04"]["2018-01-02"]
    assert index.record("B04", piece, 0, 0, 0)[-1] == 255
    build(write_configuration(project, COGS))
    assert indexes(project / "site") == indexes(built / "site")


def test_dates_without_a_mask(tmp_path: Path) -> None:
    """Where the mask of a date is missing, none of its blocks is clear; until it comes."""
    folder = write_scenes(tmp_path, DATES[1:3])
    mask = folder / "mosaics" / f"{DATES[1]}_SCL.tif"
    mask.rename(folder / "mask.tif")
    config = write_configuration(folder, COGS)
    build(config)
    require_right(folder / "site")
    (folder / "mask.tif").rename(mask)
    build(config)
    require_right(folder / "site")
    assert check(folder / "site").faults == ()


def test_a_mask_that_was_made_again(project: Path) -> None:
    """Another mask of a date: its blocks are counted anew, those of other dates stay."""
    write_raster(project / "mosaics/2018-01-02_SCL.tif", scene("2018-09-09", "SCL"), dtype="uint8")
    assert build(project / "site.toml").collections[0].rendered == 1
    require_right(project / "site")


@pytest.mark.parametrize("factor", [2, 3])
def test_coarse_masks(factor: int, tmp_path: Path) -> None:
    """A mask of larger pixels than the grid, over bands of either size."""
    folder = write_scenes(tmp_path, DATES[:2])
    for date in DATES[:2]:
        pixels = scene(date, "SCL")[::factor, ::factor]
        write_raster(folder / f"mosaics/{date}_SCL.tif", pixels, dtype="uint8",
                     resolution=10.0 * factor)  # fmt: skip
    build(write_configuration(folder, COGS))
    assert [band.factor for band in read_collection(folder / "site").bands] == [1, 2, factor]
    require_right(folder / "site")
    assert check(folder / "site").faults == ()


def test_a_mask_in_tiles_that_was_replaced_under_its_name(tmp_path: Path) -> None:
    """Sources of a VRT keep their names: their checksums tell that they are others."""
    folder = write_tiles(tmp_path, DATES[1:])
    config = write_configuration(folder, VRTS)
    build(config)
    path = folder / f"site/raw/{DATES[1]}_b_SCL.tif"
    with rasterio.open(path) as dataset:
        pixels = dataset.read(1)
    _write_tile(path, np.full_like(pixels, 4), float(530 // 3 * 10), 10)
    assert build(config).failed == ()
    require_right(folder / "site")
    assert check(folder / "site").faults == ()


def spoil_blocks(path: Path) -> None:
    """Damage the last blocks of a layer; its size stays."""
    data = bytearray(path.read_bytes())
    data[-300:] = bytes(300)
    path.write_bytes(data)


def test_a_layer_that_can_not_be_read_is_told_and_left_out(project: Path) -> None:
    """One that is damaged on the disk has no blocks in the index; the others have theirs."""
    drop_indexes(project / "site")
    (path,) = (project / "site/s2/2018").glob("2018-01-02_B04-*.tif")
    spoil_blocks(path)
    (failed,) = build(project / "site.toml").failed
    assert path.name in failed
    index = read_index(project / "site")
    empty = [(band, date) for band, own in index.head.layers.items()
             for date, pieces in own.items() if not pieces]  # fmt: skip
    assert empty == [("B04", "2018-01-02")]
    faults = check(project / "site").faults
    assert faults
    assert all(path.name in fault for fault in faults)


def test_a_mask_that_can_not_be_read(project: Path) -> None:
    """Then nothing is told of its date: a reader opens the files, and finds the damage."""
    drop_indexes(project / "site")
    (path,) = (project / "site/s2/2018").glob("2018-01-05_SCL-*.tif")
    spoil_blocks(path)
    (failed,) = build(project / "site.toml").failed
    assert path.name in failed
    index = read_index(project / "site")
    empty = {
        date for own in index.head.layers.values() for date, pieces in own.items() if not pieces
    }
    assert empty == {"2018-01-05"}


def test_layers_in_strips_are_not_told(project: Path) -> None:
    """A layer that some other program has put there has no blocks: it must be opened."""
    site = project / "site"
    (path,) = (site / "s2/2018").glob("2018-01-02_B04-*.tif")
    with rasterio.open(path) as dataset:
        rasterio.shutil.copy(dataset, project / "strips.tif", driver="GTiff", tiled=False)
    size = path.stat().st_size
    data = (project / "strips.tif").read_bytes()
    drop_indexes(site)
    path.write_bytes(data)
    for name in (
        "s2/collection.json",
        *(str(p.relative_to(site)) for p in site.glob("s2/2018/items-*")),
    ):
        (site / name).write_text((site / name).read_text().replace(f":{size},", f":{len(data)},"))
    _restate(site)
    assert build(project / "site.toml").failed == ()
    index = read_index(site)
    assert index.head.layers["B04"]["2018-01-02"] == ()
    assert len(index.head.layers["B04"]["2018-01-05"]) == 1


def _restate(site: Path) -> None:
    """Make the collection name the items of 2018 as they are now."""
    (items,) = (site / "s2/2018").glob("items-*.json")
    data = items.read_bytes()
    path = site / "s2/collection.json"
    document = json.loads(path.read_text())
    document["shoestring:parts"][1] |= {
        "size": len(data),
        "checksum": "1220" + hashlib.sha256(data).hexdigest(),
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def test_old_indexes_are_swept(project: Path) -> None:
    """After the grace period the index of an earlier snapshot goes, and the current ones stay."""
    write_scenes(project, ("2018-01-28",))
    build(project / "site.toml")
    assert len(list((project / "site/s2").glob("*/index-*.bin"))) == 3
    age(project / "site", 21)
    build(project / "site.toml")
    left = [f"./{path.parent.name}/{path.name}" for path in (project / "site/s2").glob("*/index-*")]
    assert sorted(left) == sorted(indexes(project / "site"))


def test_a_band_that_is_no_longer_configured(tmp_path: Path) -> None:
    """A band that was taken out of the configuration leaves the index with it."""
    folder = write_scenes(tmp_path, DATES[1:3])
    build(write_configuration(folder, COGS))
    text = COGS.replace("[collections.bands.B11]\nnodata = 0\n", "")
    build(write_configuration(folder, text))
    assert sorted(read_index(folder / "site").head.layers) == ["B04", "SCL"]
    require_right(folder / "site")


def test_the_index_is_small(tmp_path: Path) -> None:
    """Of layers as large as they are in life, it is well under a hundredth of the data."""
    random = np.random.default_rng(1)
    for day in range(1, 4):
        pixels = (1500 + random.normal(0, 90, (2100, 2300))).astype(np.uint16)
        write_raster(tmp_path / f"mosaics/2018-01-{day:02}_B04.tif", pixels)
    text = f'{HEAD}source = "mosaics/{{date}}_{{band}}.tif"\n[collections.bands.B04]\nnodata = 0\n'
    build(write_configuration(tmp_path, text))
    site = tmp_path / "site"
    data = sum(path.stat().st_size for path in site.glob("s2/*/*.tif"))
    index = sum(path.stat().st_size for path in site.glob("s2/*/index-*"))
    assert index < 0.002 * data


def test_staging_is_left_clean(project: Path) -> None:
    """Nothing of the work on an index stays in the site."""
    drop_indexes(project / "site")
    build(project / "site.toml")
    assert hidden(project / "site") == []

"""Bad configurations, bad files and full disks, through the real command line.

Each gives sentences that name the thing and the remedy, and the exit code of its kind: 1 for
source files, 73 for the site, 78 for the configuration.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from shoestring_builder.check.site import check
from shoestring_builder.publish import snapshot as snapshot_module
from shoestring_builder.publish.room import require_room
from support.command import Ran, run_here, shoestring
from support.disk import mounted
from support.mosaics import (
    CONFIGURATION,
    times,
    tree,
    write_configuration,
    write_raster,
    write_season,
)


def run(config: Path, *more: str) -> Ran:
    """Build, within this process."""
    return run_here("build", config, *more)


def dates(folder: Path) -> list[str]:
    """The dates of the site in a folder that have a reflectance layer."""
    database = json.loads((folder / "site" / "s2" / "database.json").read_text("utf-8"))
    return [date for date, hrefs in database.items() if hrefs[0] is not None]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("nodata = 0", "no_data = 0", 'unknown key "no_data" in collections[0].bands.NAME; did you mean "nodata"?'),
        ("[catalogue]", "[catalog]", "catalogue"),
        ('id = "s2"', "id = 2", "in collections"),
        ('id = "s2"', 'id = "../s2"', "in collections"),
        ("= 0.0001", "=", "is not TOML"),
        ('band = "SCL"', 'band = "CLD"', 'mask.band "CLD" is not one of its bands'),
        ('"red"', '"crimson"', "crimson"),
        ("{band}", "{bnad}", "unknown field {bnad}"),
        ("{date}", "{*}", "there is no date with a year in it"),
        ("mosaics/S2", "mosaics/S3", "no file matches source"),
        ("mosaics/S2", "mosaic/S2", "there is no folder"),
        ("{date}", "2018-01-0{*}_{date}", "no file matches source"),
        ("{date}", "{date:%Y-%m}{*}", "is in two files,"),
        ("bands.B04]", "bands.B05]", 'no file has band "B05"'),
        ('"red"', '"red"\nsource_band = 3', 'no file has band "B04"'),
        ('"red"', '"red"\nsource_band = "x"', 'no file has band "B04"'),
        ("nodata = 0\nscale", "nodata = -1\nscale", "nodata = -1 of band \"B04\""),
        ('source = "', 'grid = {crs = "EPSG:0", resolution = 10}\nsource = "', "is not a CRS"),
    ],
)  # fmt: skip
def test_a_wrong_configuration(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    """One sentence says what is wrong; nothing is written."""
    write_season(tmp_path, dates=2)
    assert old in CONFIGURATION
    result = run(write_configuration(tmp_path, CONFIGURATION.replace(old, new)))
    assert (result.code, result.out) == (78, "")
    assert sentence in result.err
    assert result.err.count("\n") == 1
    assert not (tmp_path / "site").exists()


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    """A missing configuration is named."""
    result = run(tmp_path / "none.toml")
    assert result.code == 78
    assert f"{tmp_path / 'none.toml'} can't be read" in result.err


def test_wrong_usage(tmp_path: Path) -> None:
    """Wrong usage is exit code 2."""
    assert run_here("build").code == 2
    assert run(tmp_path / "site.toml", "--workers", "0").code == 2


def test_verbose_adds_the_traceback(tmp_path: Path) -> None:
    """With --verbose the sentence comes after a traceback."""
    result = run_here("--verbose", "build", tmp_path / "none.toml")
    assert result.code == 78
    assert "Traceback" in result.err
    assert "none.toml can't be read" in result.err


def _truncated(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _without_crs(path: Path) -> None:
    write_raster(path, crs=None)


def _in_another_crs(path: Path) -> None:
    write_raster(path, crs="EPSG:32631")


def _of_another_type(path: Path) -> None:
    write_raster(path, 100_000, dtype="int32")


DAMAGES = {
    "truncated": _truncated,
    "empty": _empty,
    "no CRS": _without_crs,
    "another CRS": _in_another_crs,
    "another type": _of_another_type,
}


@pytest.mark.parametrize(
    ("day", "damage"),
    # The first usable file decides what the others must be like.
    [
        *(("02", damage) for damage in DAMAGES),
        *(("01", d) for d in ("truncated", "empty", "no CRS")),
    ],
)
def test_one_bad_file_does_not_keep_the_others(tmp_path: Path, damage: str, day: str) -> None:
    """The bad file is named once, at the end; all other layers are built; exit code 1."""
    write_season(tmp_path)
    bad = tmp_path / "mosaics" / f"S2_2018-01-{day}_B04.tif"
    DAMAGES[damage](bad)
    result = run(write_configuration(tmp_path))
    assert result.code == 1
    assert result.out == "s2: 5 layers rendered, 0 kept, 1 failure\n"
    assert result.err.count("\n") == 1
    assert str(bad) in result.err
    assert dates(tmp_path) == [
        d for d in ("2018-01-01", "2018-01-02", "2018-01-03") if d[-2:] != day
    ]
    assert check(tmp_path / "site").faults == ()


def test_a_bad_file_that_is_replaced_is_built(tmp_path: Path) -> None:
    """The next run after the file was put right completes the site, and only that."""
    write_season(tmp_path)
    bad = tmp_path / "mosaics" / "S2_2018-01-02_B04.tif"
    good = bad.read_bytes()
    _truncated(bad)
    config = write_configuration(tmp_path)
    assert run(config).code == 1
    again = run(config)
    assert (again.code, again.out) == (1, "s2: nothing new, 5 layers kept, 1 failure\n")
    bad.write_bytes(good)
    done = run(config)
    assert (done.code, done.out) == (0, "s2: 1 layer rendered, 5 kept\n")
    assert len(dates(tmp_path)) == 3


def test_a_published_layer_survives_a_bad_new_source(tmp_path: Path) -> None:
    """A source that is damaged later on does not take its layer away."""
    config = write_configuration(write_season(tmp_path))
    assert run(config).code == 0
    before = tree(tmp_path / "site")
    _truncated(tmp_path / "mosaics" / "S2_2018-01-02_B04.tif")
    assert run(config).code == 1
    assert tree(tmp_path / "site") == before


def test_a_collection_that_fails_wholly_does_not_keep_the_others(tmp_path: Path) -> None:
    """The other collections are built and listed; the failed one is named."""
    write_season(tmp_path)
    write_raster(tmp_path / "dem" / "2018-01-01_DEM.tif", crs=None)
    more = '[[collections]]\nid = "dem"\nsource = "dem/{date}_{band}.tif"\nbands.DEM = {}\n'
    result = run(write_configuration(tmp_path, CONFIGURATION + more))
    assert result.code == 1
    assert result.out == "s2: 6 layers rendered, 0 kept\ndem: nothing could be built\n"
    assert "2018-01-01_DEM.tif has no CRS" in result.err
    assert not (tmp_path / "site" / "dem").exists()
    assert check(tmp_path / "site").faults == ()


def test_an_output_below_a_file(tmp_path: Path) -> None:
    """A folder that can't be made is named; nothing else is touched."""
    write_season(tmp_path)
    (tmp_path / "file").write_text("mine")
    text = CONFIGURATION.replace('id = "test"', 'id = "test"\noutput = "file/site"')
    result = run(write_configuration(tmp_path, text))
    assert (result.code, result.out) == (73, "")
    assert str(tmp_path / "file" / "site") in result.err
    assert result.err.count("\n") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB of its own."""
    with mounted(tmp_path / "disk", "size=2m") as disk:
        yield disk


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk(tmp_path: Path, small_disk: Path, workers: str) -> None:
    """The build stops with one sentence; the site is whole, no litter is left, the status tells."""
    noise = np.random.default_rng(1).integers(0, 60_000, (400, 400))
    write_raster(tmp_path / "mosaics" / "S2_2018-01-01_B04.tif", noise)
    write_raster(tmp_path / "mosaics" / "S2_2018-01-01_SCL.tif", noise % 11, dtype="uint8")
    text = CONFIGURATION.replace('id = "test"', f'id = "test"\noutput = "{small_disk}/site"')
    config = write_configuration(tmp_path, text)
    assert run(config).code == 0
    before = tree(small_disk / "site")
    for day in range(2, 9):
        write_raster(tmp_path / "mosaics" / f"S2_2018-01-{day:02d}_B04.tif", noise + day)
    ran = shoestring("build", config, "--workers", workers)
    assert (ran.code, ran.out) == (73, "")
    # libtiff writes lines of its own, past GDAL's handlers; ours is the last one.
    sentence = ran.err.splitlines()[-1]
    assert sentence.startswith(f"Error: {small_disk}")
    assert "make room" in sentence
    assert "Traceback" not in ran.err
    assert tree(small_disk / "site") == before
    assert check(small_disk / "site").faults == ()
    last = json.loads((small_disk / "site" / "status.json").read_bytes())["runs"][-1]
    assert (last["exit"], "make room" in last["error"]) == (73, True)


def test_no_room_for_the_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where layers have found room and documents do not, nothing of either is left."""
    config = write_configuration(write_season(tmp_path, dates=1))
    assert run(config).code == 0
    before = tree(tmp_path / "site")
    write_season(tmp_path, dates=3)
    with monkeypatch.context() as patch:
        free = shutil.disk_usage(tmp_path)._replace(free=5000)
        patch.setattr(snapshot_module, "require_room", _with_free(free))
        result = run(config)
    assert result.code == 73
    assert f'{tmp_path / "site"} has no room for the documents of collection "s2": ' in result.err
    assert "kB are needed, 5.0 kB are free; make room" in result.err
    assert tree(tmp_path / "site") == before
    assert run(config).out == "s2: 6 layers rendered, 0 kept\n"


def _with_free(usage: object) -> Callable[..., None]:
    def run(folder: Path, sizes: Iterable[int], what: str) -> None:
        with pytest.MonkeyPatch.context() as own:
            own.setattr(shutil, "disk_usage", lambda _: usage)
            require_room(folder, sizes, what)

    return run


def test_a_folder_that_can_not_be_written(tmp_path: Path, small_disk: Path) -> None:
    """A site on a file system that is read-only stays as it is, and that is said."""
    write_season(tmp_path, dates=1)
    text = CONFIGURATION.replace('id = "test"', f'id = "test"\noutput = "{small_disk}/site"')
    config = write_configuration(tmp_path, text)
    assert run(config).code == 0
    write_season(tmp_path, dates=2)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    before = times(small_disk / "site")
    result = run(config)
    assert result.code == 73
    assert "Read-only file system" in result.err
    assert result.err.count("\n") == 1
    assert times(small_disk / "site") == before


def test_a_site_of_a_newer_version(tmp_path: Path) -> None:
    """A site that a newer builder wrote is left alone."""
    config = write_configuration(write_season(tmp_path, dates=1))
    assert run(config).code == 0
    path = tmp_path / "site" / "catalog.json"
    path.write_text(path.read_text("utf-8").replace('"1.0"', '"2.0"'), "utf-8")
    before = times(tmp_path / "site")
    result = run(config)
    assert result.code == 1
    assert "follows catalogue schema 2.0" in result.err
    assert times(tmp_path / "site") == before

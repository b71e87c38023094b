"""Sources that vanish, and sources that are still being copied."""

import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest

from shoestring_builder import build as building
from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.doors.names import pointer_of
from shoestring_builder.inventory import settle
from shoestring_builder.layer import RenderedLayer, RenderTask, SourceBand
from shoestring_builder.publish.names import SnapshotNames
from shoestring_builder.render.layer_file import render
from shoestring_schema.errors import ConfigError
from support.command import run_here
from support.mosaics import (
    CONFIGURATION,
    age,
    times,
    tree,
    write_configuration,
    write_raster,
    write_season,
)

DROP = CONFIGURATION.replace('id = "s2"', 'id = "s2"\non_missing = "drop"')


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three dates of sources, and the site of them, whose layers go with their sources."""
    build(write_configuration(write_season(tmp_path), DROP))
    return tmp_path


def dates(site: Path) -> list[str]:
    """The dates that a reader finds."""
    import shoestring

    with shoestring.open(site) as catalogue:
        return [str(date) for date in catalogue["s2"].dates]


# ---- vanished


def test_a_layer_goes_with_its_source(project: Path) -> None:
    """With on_missing = "drop" a date whose mosaics vanished goes, and what it was told of goes."""
    for path in (project / "mosaics").glob("*-02_*"):
        path.unlink()
    ran = run_here("build", project / "site.toml")
    assert (ran.code, ran.out) == (0, "s2: 0 layers rendered, 4 kept, 2 dropped\n")
    assert dates(project / "site") == ["2018-01-01", "2018-01-03"]
    assert "1 date dropped (2 layers)" in run_here("history", project / "site").out
    assert (check(project / "site").faults, check(project / "site").notes) == ((), ())


def test_a_dropped_layer_stays_as_long_as_a_snapshot_names_it(project: Path) -> None:
    """Its file goes with the last snapshot that is kept and names it."""
    site = project / "site"
    (project / "mosaics" / "S2_2018-01-02_B04.tif").unlink()
    before = {path.name for path in (site / "s2" / "2018").glob("2018-01-02_B04*")}
    build(project / "site.toml")
    assert before <= set(os.listdir(site / "s2" / "2018"))
    age(site, 21)
    assert build(project / "site.toml").freed.files
    assert not before & set(os.listdir(site / "s2" / "2018"))
    assert check(site).faults == ()


def test_what_is_no_longer_dropped_comes_back(project: Path) -> None:
    """A source that is there again is published again, of the file that is still there."""
    source = project / "mosaics" / "S2_2018-01-02_B04.tif"
    source.rename(project / "away.tif")
    build(project / "site.toml")
    (project / "away.tif").rename(source)
    report = build(project / "site.toml").collections[0]
    assert (report.rendered, report.reused, report.kept) == (0, 1, 5)
    assert len(dates(project / "site")) == 3


@pytest.mark.parametrize("gone", ["files", "folder"])
def test_an_archive_that_is_not_there_drops_nothing(project: Path, gone: str) -> None:
    """No source at all is an archive that is not mounted: an error, and the site stays."""
    shutil.rmtree(project / "mosaics")
    if gone == "files":
        (project / "mosaics").mkdir()
    before = times(project / "site")
    ran = run_here("build", project / "site.toml")
    assert (ran.code, ran.out) == (1, "s2: nothing new, 6 layers kept, 1 failure\n")
    assert "no file matches source" in ran.err
    assert ran.err.endswith(" All is kept as it is.\n")
    assert times(project / "site") == before


def test_an_archive_that_is_not_there_does_not_keep_others(project: Path) -> None:
    """The other collections are brought up to date all the same."""
    write_raster(project / "dem" / "2018-01-01_DEM.tif", 3)
    more = '[[collections]]\nid = "dem"\nsource = "dem/{date}_{band}.tif"\nbands.DEM = {}\n'
    shutil.rmtree(project / "mosaics")
    ran = run_here("build", write_configuration(project, DROP + more))
    assert ran.code == 1
    assert ran.out == ("s2: nothing new, 6 layers kept, 1 failure\ndem: 1 layer rendered, 0 kept\n")
    assert check(project / "site").faults == ()
    assert len(dates(project / "site")) == 3


def test_an_archive_that_never_was_is_a_mistake(tmp_path: Path) -> None:
    """Where nothing is published, no source is the configuration's mistake, as it was."""
    with pytest.raises(ConfigError, match="no file matches source"):
        build(write_configuration(tmp_path, DROP))


def test_a_file_that_can_not_be_opened_drops_nothing(tmp_path: Path) -> None:
    """Where only a file tells which bands it holds, a damaged one may hold what seems to be gone."""
    for day in (1, 2):
        write_raster(tmp_path / f"2018-01-0{day}.tif", day, names=("red",))
    text = DROP.partition("[[collections]]")[0] + (
        '[[collections]]\nid = "s2"\non_missing = "drop"\nsource = "{date}.tif"\n'
        "bands.B04 = {source_band = 'red'}\n"
    )
    config = write_configuration(tmp_path, text)
    build(config)
    good = (tmp_path / "2018-01-02.tif").read_bytes()
    (tmp_path / "2018-01-02.tif").write_bytes(good[:100])
    report = build(config)
    assert report.collections[0].dropped == 0
    assert len(report.failed) == 1
    assert len(dates(tmp_path / "site")) == 2


def test_a_folder_that_can_not_be_listed_is_not_empty(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that reports an error while it is listed stops the build, and drops nothing."""
    scandir = os.scandir

    def broken(folder: Path) -> object:
        if Path(folder).name == "mosaics":
            raise OSError(5, "Input/output error", str(folder))
        return scandir(folder)

    before = times(project / "site")
    monkeypatch.setattr(os, "scandir", broken)
    with pytest.raises(ConfigError, match="Input/output error"):
        build(project / "site.toml")
    monkeypatch.undo()
    assert times(project / "site") == before


# ---- still being copied


def test_a_source_that_changes_while_it_is_read_is_left(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told and left for the next run, which takes it; the others are published."""
    slow = write_raster(project / "mosaics" / "S2_2018-01-04_B04.tif", 4)
    write_raster(project / "mosaics" / "S2_2018-01-05_B04.tif", 5)

    def meanwhile(task: RenderTask) -> RenderedLayer:
        made = render(task)
        if task.sources[0].path == slow:
            write_raster(slow, 44)  # the copy goes on
        return made

    with monkeypatch.context() as patch:
        patch.setattr(building, "render", meanwhile)
        ran = run_here("build", project / "site.toml")
    assert (ran.code, ran.out) == (0, "s2: 1 layer rendered, 6 kept, 1 file left\n")
    assert ran.err == (
        f"{slow} is left for the next run: it changed while it was read, so it is still being copied.\n"
    )
    assert dates(project / "site")[-1] == "2018-01-05"
    assert "2018-01-04" not in dates(project / "site")
    report = build(project / "site.toml").collections[0]
    assert (report.rendered, report.reused, report.left) == (1, 0, ())
    assert "2018-01-04" in dates(project / "site")
    assert check(project / "site").faults == ()


def test_a_copy_that_is_half_there_is_no_failure(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that can't be read yet because it is still growing is left, and nobody gets mail."""
    whole = write_raster(project / "whole.tif", 4).read_bytes()
    slow = project / "mosaics" / "S2_2018-01-04_B04.tif"
    slow.write_bytes(whole[: len(whole) // 2])

    def meanwhile(task: RenderTask) -> RenderedLayer:
        try:
            return render(task)
        finally:
            slow.write_bytes(whole)

    with monkeypatch.context() as patch:
        patch.setattr(building, "render", meanwhile)
        report = build(project / "site.toml")
    assert (report.failed, len(report.left)) == ((), 1)
    assert build(project / "site.toml").collections[0].rendered == 1


def test_a_published_layer_survives_a_source_that_is_being_replaced(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a reprocessed mosaic is being copied, readers have the one before it."""
    site, source = project / "site", project / "mosaics" / "S2_2018-01-02_B04.tif"
    before = times(site)
    write_raster(source, 5)

    def meanwhile(task: RenderTask) -> RenderedLayer:
        made = render(task)
        write_raster(source, 6)
        return made

    with monkeypatch.context() as patch:
        patch.setattr(building, "render", meanwhile)
        assert build(project / "site.toml").changed is False
    after = times(site)
    own = {name for name in before if not name.startswith(".")} - {"."}
    assert {name: after[name] for name in own} == {name: before[name] for name in own}


def source(path: Path, modified: float) -> SourceBand:
    """A source as the inventory saw it."""
    return SourceBand(path, 1, "", 1, int(modified * 1e9))


@pytest.mark.parametrize(
    ("hours", "waits"), [(0, True), (-0.9, True), (0.9, True), (-1.1, False), (1.1, False)]
)
def test_only_young_sources_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: float, waits: bool
) -> None:
    """A source that is older than an hour, or that long in the future, is not waited for."""
    slept: list[float] = []
    monkeypatch.setattr(settle.time, "sleep", slept.append)
    own = source(tmp_path / "x", time.time() + 3600 * hours)
    settle.wait([own], timedelta(minutes=2), time.monotonic())
    assert bool(slept) == waits
    assert all(119 < seconds <= 120 for seconds in slept)


def test_nobody_waits_longer_than_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What rendering took counts; without a new source there is nothing to wait for."""
    slept: list[float] = []
    monkeypatch.setattr(settle.time, "sleep", slept.append)
    own = source(tmp_path / "x", time.time())
    settle.wait([own], timedelta(minutes=2), time.monotonic() - 121)
    settle.wait([], timedelta(minutes=2), time.monotonic())
    settle.wait([own], timedelta(0), time.monotonic())
    assert slept == []


def test_a_source_that_is_gone_has_changed(tmp_path: Path) -> None:
    """A file that vanished while it was read is left as well."""
    own = source(tmp_path / "x", 1)
    assert list(settle.changed([own])) == [own.path]


def test_names_are_those_of_the_snapshot(project: Path) -> None:
    """What a snapshot names is there, and is all that there is of a site with just one."""
    site = project / "site"
    (snapshot,) = site.glob("catalog-*.json")
    named = SnapshotNames(site).of(snapshot.stem[len("catalog-") :])
    pointers = {"catalog.json", "snapshots.json", "s2/collection.json", "s2/database.json"}
    doors = {own for name in named if (own := pointer_of(name)) is not None}
    assert doors == {"s2/B04.vrt", "s2/SCL.vrt", "s2/s2.gti.gpkg"}
    assert set(tree(site)) == named | pointers | doors

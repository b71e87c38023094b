"""Disks that report errors, folders that are read-only, sources that shrink, clocks that jump."""

import os
import random
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.publish.rollback import list_snapshots
from support.command import Ran, run_here
from support.disk import read_only
from support.faults import Faults, make_faults
from support.instants import INSTANTS
from support.mosaics import (
    hidden,
    times,
    tree,
    write_configuration,
    write_raster,
    write_season,
)
from support.whole_reader import WholeReader

pytestmark = pytest.mark.once

DISK = "read,write,fsync,rename,open"
"""All calls that a disk can refuse."""

SHAPE = 300, 260
"""Of the mosaics, in pixels: so that layers have overviews, of more than one block."""


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Faults:
    """Calls of the system that can be made to fail."""
    return make_faults(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two dates, and sources of two more, one of which was reprocessed."""
    project = tmp_path_factory.mktemp("evening") / "project"
    build(write_configuration(write_season(project, dates=2, shape=SHAPE)))
    for band, dtype in (("B04", "uint16"), ("SCL", "uint8")):
        path = project / "mosaics" / f"S2_2018-01-03_{band}.tif"
        write_raster(path, 5, dtype=dtype, shape=SHAPE)
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 4000, shape=SHAPE)
    return project


@pytest.fixture
def project(evening: Path, tmp_path: Path) -> Path:
    """The same, to work on."""
    return Path(shutil.copytree(evening, tmp_path / "project"))


@pytest.fixture(scope="module")
def morning(evening: Path) -> str:
    """The snapshot that there is when the work was done undisturbed: it stands for every byte."""
    undisturbed = Path(shutil.copytree(evening, evening.with_name("undisturbed")))
    return str(build(undisturbed / "site.toml").snapshot)


def told(ran: Ran) -> str:
    """The one sentence that a run has ended with."""
    assert "Traceback" not in ran.err, ran.err
    ours = [line for line in ran.err.splitlines() if line.startswith("Error: ")]
    assert (ran.code, len(ours)) == (73, 1), ran
    return ours[0]


def is_as_in_the_morning(project: Path, morning: str) -> None:
    """The next run, on a disk that is well, ends as if nothing had happened."""
    ran = run_here("build", project / "site.toml")
    assert (ran.code, ran.err) == (0, "")
    assert shown(project / "site") == morning
    report = check(project / "site")
    assert (report.faults, report.notes, hidden(project / "site")) == ((), (), [])


def shown(site: Path) -> str | None:
    """The snapshot that a site shows."""
    mark = list_snapshots(site)[1]
    return None if mark is None else mark.id


# ---- a disk that reports errors


def test_a_source_that_can_not_be_read(project: Path, faults: Faults, morning: str) -> None:
    """It is set aside and named, the others are published, and the next run takes it."""
    ran = faults.run(
        "build", project / "site.toml", calls="read", path="S2_2018-01-03_B04", at=1, times=10**6
    )
    assert (ran.code, "Traceback" in ran.err) == (1, False)
    assert ran.out.startswith("s2: 2 layers rendered, 3 kept, 1 failure")
    assert "S2_2018-01-03_B04.tif can't be " in ran.err.splitlines()[-1]
    assert check(project / "site").faults == ()
    is_as_in_the_morning(project, morning)


@pytest.mark.parametrize("at", [1, 2, 3, 5])
@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_site_that_can_not_be_written(
    project: Path, faults: Faults, morning: str, call: str, at: int
) -> None:
    """The run stops with one sentence that names the place, and readers see what they saw."""
    before = tree(project / "site")
    ran = faults.run("build", project / "site.toml", calls=call, path="/site/", at=at, times=10**6)
    assert str(project / "site") in told(ran)
    assert tree(project / "site") == before
    is_as_in_the_morning(project, morning)


@pytest.mark.parametrize(
    "name", ["catalog.json", "snapshots.json", "/s2/collection-", "/items-", "/index-", "site.toml"]
)
def test_a_document_that_can_not_be_read(
    project: Path, faults: Faults, morning: str, name: str
) -> None:
    """A document of the site that the disk does not give costs one sentence and no reader."""
    with WholeReader(project / "site") as reader:
        ran = faults.run("build", project / "site.toml", calls="read", path=name, at=1, times=10**6)
    assert "Traceback" not in ran.err, ran.err
    assert reader.faults == []
    is_as_in_the_morning(project, morning)


@pytest.mark.torture
@pytest.mark.parametrize("instant", range(INSTANTS // 4))
def test_a_layer_of_which_a_write_fails(
    project: Path, faults: Faults, morning: str, instant: int
) -> None:
    """A write that GDAL keeps for itself never becomes a layer that lacks anything."""
    dice = random.Random(instant)
    spare = Path(shutil.copytree(project, project.with_name("spare")))
    name = dice.choice(["mosaic.tif", "layer.tif"])
    faults.run("build", spare / "site.toml", calls="write", path=name)
    at = dice.randint(1, faults.count)
    ran = faults.run("build", project / "site.toml", calls="write", path=name, at=at)
    assert ran.code in (0, 73), (name, at, ran.err)
    is_as_in_the_morning(project, morning)


@pytest.mark.torture
@pytest.mark.parametrize("instant", range(INSTANTS))
def test_a_disk_that_fails_once(project: Path, faults: Faults, morning: str, instant: int) -> None:
    """Whichever call it refuses, readers see whole snapshots, and the next run ends well."""
    dice, site = random.Random(instant), project / "site"
    spare = Path(shutil.copytree(project, project.with_name("spare")))
    call = dice.choice(DISK.split(","))
    faults.run("build", spare / "site.toml", calls=call, path="/spare/site/")
    at = dice.randint(1, faults.count)
    held = {own.id for own in list_snapshots(site)[0]}
    with WholeReader(site) as reader:
        ran = faults.run("build", project / "site.toml", calls=call, path="/project/site/", at=at)
    assert "Traceback" not in ran.err, (call, at, ran.err)
    assert ran.code in (0, 1, 73)
    assert reader.faults == []
    is_as_in_the_morning(project, morning)
    assert set(reader.seen) <= held | {own.id for own in list_snapshots(site)[0]}


# ---- read-only


@pytest.mark.parametrize("folder", ["site", "site/.staging", "site/s2", "site/s2/2018"])
def test_a_folder_that_is_read_only(project: Path, morning: str, folder: str) -> None:
    """The sentence names the place, nothing changes, and the next run does it all."""
    before = tree(project / "site")
    with read_only(project / folder):
        ran = run_here("build", project / "site.toml")
        assert folder in told(ran)
    assert tree(project / "site") == before
    is_as_in_the_morning(project, morning)


# ---- a source that shrinks while it is read


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_source_that_shrinks_while_it_is_read(
    project: Path, faults: Faults, morning: str, at: int
) -> None:
    """It is left for the next run, whatever was read of it; the others are published."""
    source = project / "mosaics" / "S2_2018-01-03_B04.tif"
    whole, status = source.read_bytes(), source.stat()
    ran = faults.run(
        "build", project / "site.toml", calls="read", path=source.name, at=at, how="truncate"
    )
    assert (ran.code, ran.out) == (0, "s2: 2 layers rendered, 3 kept, 1 file left\n")
    assert f"{source} is left for the next run" in ran.err
    assert source.stat().st_size == status.st_size // 2
    assert check(project / "site").faults == ()
    source.write_bytes(whole)
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    is_as_in_the_morning(project, morning)


# ---- clocks


@pytest.mark.parametrize("looks", range(0, 12, 2))
def test_a_clock_that_jumps_back_while_a_build_runs(
    project: Path, faults: Faults, morning: str, looks: int
) -> None:
    """The snapshot is published, comes after the one before, and nothing is removed."""
    site = project / "site"
    before = list_snapshots(site)[0]
    ran = faults.run("build", project / "site.toml", clock=f"{looks}:{400 * 86400}")
    assert (ran.code, ran.err) == (0, "")
    snapshots, mark = list_snapshots(site)
    assert [own.id for own in snapshots] == [before[0].id, mark.id]  # type: ignore[union-attr]
    moments = [datetime.fromisoformat(own.time) for own in snapshots]
    assert moments == sorted(moments)
    assert mark.id == morning  # type: ignore[union-attr]
    assert (check(site).faults, check(site).notes) == ((), ())


def test_a_clock_that_jumps_back_between_builds(
    project: Path, faults: Faults, morning: str
) -> None:
    """A year of runs before the last one adds nothing, removes nothing, and says nothing."""
    build(project / "site.toml")
    before = times(project / "site")
    for days in (1, 30, 365):
        ran = faults.run("build", project / "site.toml", clock=f"0:{days * 86400}")
        assert (ran.code, ran.out, ran.err) == (0, "s2: nothing new, 6 layers kept\n", "")
    assert times(project / "site") == before
    assert shown(project / "site") == morning

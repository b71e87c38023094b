"""Builders that are killed at random instants, while readers read."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from shoestring_builder.build import build
from shoestring_builder.check import stac
from shoestring_builder.check.site import check
from shoestring_builder.publish.rollback import list_snapshots
from shoestring_schema.moment import format_moment
from shoestring_schema.moments import unpack_moments
from support import killed_build
from support.dask_cluster import DaskCluster
from support.instants import INSTANTS
from support.mosaics import (
    CONFIGURATION,
    age,
    hidden,
    timeless,
    write_configuration,
    write_raster,
)
from support.whole_reader import WholeReader

OLD, NEW = 3, 10
"""Dates that are published, and that are to be."""

pytestmark = [
    pytest.mark.torture,
    # What silences it where it is meant is of the whole process, and here several threads do so.
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="This system has no SIGKILL."),
]


@dataclass(frozen=True, slots=True)
class Night:
    """A site with work to do.

    Attributes:
        project: The folder: new sources, a reprocessed one, and snapshots to be cleaned up.
        after: The site when the work was done undisturbed, without its times.
        events: How many calls that changed the disk this took.
        seconds: How long it took, from start to end, and until there was something in the site.
    """

    project: Path
    after: dict[str, str]
    events: int
    seconds: tuple[float, float]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A site as it lies there in the evening, and as it is in the morning."""
    project = tmp_path_factory.mktemp("night") / "project"
    public = 'base_url = "https://example.org"'  # so that there is GeoParquet too
    text = CONFIGURATION.replace("settle", f"{public}\nsettle")
    config = write_configuration(_dated(project, 1), text)
    for date in range(2, OLD + 1):
        build(config)
        age(project / "site", 13)
        _dated(project, date)
    build(config)
    age(project / "site", 13)
    for date in range(OLD + 1, OLD + NEW + 1):
        _dated(project, date)
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 4000)
    undisturbed = Path(shutil.copytree(project, project.with_name("undisturbed")))
    begun = time.monotonic()
    process = _start(undisturbed, workers=1, event=0)
    while process.poll() is None and not (undisturbed / "site" / ".staging" / "journal").exists():
        time.sleep(0.001)
    first = time.monotonic() - begun
    out, _ = process.communicate(timeout=60)
    whole = time.monotonic() - begun
    assert check(undisturbed / "site").faults == ()
    return Night(project, timeless(undisturbed / "site"), int(out), (first, whole))


def _dated(project: Path, date: int) -> Path:
    for band, dtype in (("B04", "uint16"), ("SCL", "uint8")):
        write_raster(project / "mosaics" / f"S2_2018-01-{date:02}_{band}.tif", date, dtype=dtype)
    return project


def _start(
    project: Path, *, workers: int, event: int, before: bool = False, scheduler: str = ""
) -> "subprocess.Popen[str]":
    arguments = [project / "site.toml", workers, event, int(before), scheduler]
    return subprocess.Popen(
        [sys.executable, killed_build.__file__, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(autouse=True, scope="module")
def validated_once() -> Iterator[None]:
    """Validate each document once only: they are the same after each kill."""
    known: dict[str, list[str]] = {}
    validate = stac.validate

    def remembered(document: dict[str, object]) -> list[str]:
        key = json.dumps(document)
        if key not in known:
            known[key] = validate(document)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stac, "validate", remembered)
        yield


@pytest.mark.parametrize("instant", range(INSTANTS))
def test_a_builder_that_is_killed(night: Night, tmp_path: Path, instant: int) -> None:
    """Readers see only whole snapshots, and the next run ends as if nothing had happened.

    Half of the instants are before or after one of the calls by which the builder changes what is
    on the disk, half are at any time between its first layer and its end; in every fourth, two
    workers render. No layer is rendered twice that was finished.
    """
    dice = random.Random(instant)
    project = Path(shutil.copytree(night.project, tmp_path / "project"))
    site = project / "site"
    held = {own.id for own in list_snapshots(site)[0]}
    by_call = instant % 2 == 0
    event = dice.randint(1, night.events) if by_call else 10**9
    workers = 2 if instant % 4 == 3 else 1
    with WholeReader(site) as reader:
        process = _start(project, workers=workers, event=event, before=dice.random() < 0.5)
        if not by_call:
            _kill_at(process, dice.uniform(*night.seconds))
        process.communicate(timeout=60)
        _ends_well(night, project)
    assert reader.faults == []
    assert set(reader.seen) <= held | {list_snapshots(site)[1].id}  # type: ignore[union-attr]
    shutil.rmtree(project)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="Only Linux tells of children.")
@pytest.mark.parametrize("instant", range(-(-INSTANTS // 4)))
def test_workers_that_are_killed_in_turn(night: Night, tmp_path: Path, instant: int) -> None:
    """One of two workers, then the one in their place, and then sometimes the builder, are killed.

    Readers see only whole snapshots, and what was finished is not done again.
    """
    dice = random.Random(1000 + instant)
    project = Path(shutil.copytree(night.project, tmp_path / "project"))
    site = project / "site"
    held = {own.id for own in list_snapshots(site)[0]}
    with WholeReader(site) as reader:
        process = _start(project, workers=2, event=10**9)
        _until_it_renders(process, site)
        for _ in range(dice.randint(1, 2)):
            _wait(process, dice.uniform(0, 0.3))
            _kill_a_worker(process, dice)
        if dice.random() < 0.5:
            _kill_at(process, dice.uniform(0, night.seconds[1]))
        process.communicate(timeout=60)
        _ends_well(night, project)
    assert reader.faults == []
    assert set(reader.seen) <= held | {list_snapshots(site)[1].id}  # type: ignore[union-attr]
    shutil.rmtree(project)


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskCluster]:
    """A Dask cluster, whose workers are killed by the tests."""
    with DaskCluster(2) as running:
        yield running


@pytest.mark.parametrize("instant", range(-(-INSTANTS // 4)))
def test_a_dask_worker_that_is_killed(
    night: Night, cluster: DaskCluster, tmp_path: Path, instant: int
) -> None:
    """Others do its work, and the run ends well; sometimes the builder is killed as well."""
    dice = random.Random(2000 + instant)
    project = Path(shutil.copytree(night.project, tmp_path / "project"))
    site = project / "site"
    held = {own.id for own in list_snapshots(site)[0]}
    both = dice.random() < 0.3
    with WholeReader(site) as reader:
        process = _start(project, workers=0, event=10**9, scheduler=cluster.address)
        _until_it_renders(process, site)
        _wait(process, dice.uniform(0, 0.3))
        cluster.kill_worker(dice.randrange(2))
        cluster.add_worker()
        if both:
            _kill_at(process, dice.uniform(0, night.seconds[1]))
        process.communicate(timeout=60)
        assert both or process.returncode == 0
        _ends_well(night, project)
    assert reader.faults == []
    assert set(reader.seen) <= held | {list_snapshots(site)[1].id}  # type: ignore[union-attr]
    shutil.rmtree(project)


def _ends_well(night: Night, project: Path) -> None:
    """The next run does what is left, and nothing twice."""
    site = project / "site"
    finished = _finished(site)
    published = len(reader_dates(site)) == OLD + NEW
    report = build(project / "site.toml", progress=False).collections[0]
    to_do = 0 if published else 2 * NEW + 1
    assert report.rendered + report.reused == to_do
    assert report.rendered == to_do - (0 if published else finished)
    assert timeless(site) == night.after
    assert (check(site).faults, hidden(site)) == ((), [])


def _until_it_renders(process: "subprocess.Popen[str]", site: Path) -> None:
    while process.poll() is None and not _finished(site):
        time.sleep(0.001)


def _wait(process: "subprocess.Popen[str]", seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)


def _kill_a_worker(process: "subprocess.Popen[str]", dice: random.Random) -> None:
    """Kill one of the processes that a builder has started to render, if there is one."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    with suppress(OSError):
        workers = [
            int(child)
            for child in children.read_text().split()
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
        if workers:
            os.kill(dice.choice(workers), signal.SIGKILL)


def _kill_at(process: "subprocess.Popen[str]", seconds: float) -> None:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()


def _finished(site: Path) -> int:
    """How many layers the journal tells of, in whole lines."""
    journal = site / ".staging" / "journal"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def reader_dates(site: Path) -> list[str]:
    """The dates of the snapshot that a site shows."""
    (entry,) = json.loads((site / "catalog.json").read_bytes())["shoestring:collections"]
    document = json.loads((site / entry["href"]).read_bytes())
    words = (word for part in document["shoestring:parts"] for word in part["dates"])
    return list(map(format_moment, unpack_moments(words)))

"""Building with the workers of a Dask cluster."""

import gc
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import pytest

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.pool import open_pool
from shoestring_builder.workers import cluster as cluster_module
from shoestring_builder.workers import fitness
from shoestring_builder.workers.cluster import Cluster
from shoestring_builder.workers.fitness import require_fit, state_needs
from shoestring_schema.errors import LostWorkerError, MissingExtraError, PublishError
from support.command import run_here
from support.dask_cluster import DaskCluster, when
from support.mosaics import (
    CONFIGURATION,
    hidden,
    timeless,
    tree,
    write_configuration,
    write_raster,
    write_season,
)
from support.tasks import die, double, full
from support.tls import PrivateCa
from support.tools import require_tool

pytestmark = pytest.mark.once


DATES = 20
LAYERS = 2 * DATES
PATH = str(Path(__file__).parents[1])
"""Where the tests' own tasks are found."""


@pytest.fixture(autouse=True)
def clients_end() -> Iterator[None]:
    """A client that could not connect is cleared away now: Dask may do so while it holds a lock."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskCluster]:
    """Two workers of one thread each."""
    with DaskCluster() as running:
        yield running


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources, and what one process makes of them."""
    folder = write_season(tmp_path_factory.mktemp("season") / "project", dates=DATES)
    build(write_configuration(folder))
    (folder / "site").rename(folder.parent / "site")
    return folder


@pytest.fixture
def project(season: Path, tmp_path: Path) -> Path:
    """The same sources, and no site."""
    return Path(shutil.copytree(season, tmp_path / "project"))


def expected(season: Path) -> dict[str, str]:
    """The site that one process makes, without its times."""
    return timeless(season.parent / "site")


def finished(project: Path) -> int:
    """How many layers the journal tells of."""
    journal = project / "site" / ".staging" / "journal"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


# ---- the same bytes


def test_the_same_bytes(cluster: DaskCluster, season: Path, project: Path) -> None:
    """Two workers make the site that one process makes, byte for byte, and leave no litter."""
    ran = run_here("build", project / "site.toml", "--scheduler", cluster.address)
    assert (ran.code, ran.out) == (0, f"s2: {LAYERS} layers rendered, 0 kept\n")
    assert timeless(project / "site") == expected(season)
    assert (check(project / "site").faults, hidden(project / "site")) == ((), [])


def test_the_same_bytes_of_threads(season: Path, project: Path) -> None:
    """A worker with several threads makes the same, and so it does of VRTs and warped mosaics."""
    text = CONFIGURATION.replace(
        'source = "mosaics/', 'grid = { crs = "EPSG:32631", resolution = 7 }\nsource = "mosaics/'
    )
    inside = (
        '[[collections]]\nid = "vrts"\nlayout = "vrt"\n'
        'source = "site/in/S2_{date}_{band}.tif"\nbands.B04 = { nodata = 0 }\n'
    )
    config = write_configuration(project, text + inside)
    trees = []
    with DaskCluster(1, 4) as threads:
        for scheduler in (None, threads.file):
            shutil.rmtree(project / "site", ignore_errors=True)
            source = project / "site/in/S2_2018-01-01_B04.tif"
            os.utime(write_raster(source, 3, tiled=True), (10**9, 10**9))  # it stands in the item
            more = () if scheduler is None else ("--scheduler", scheduler)
            ran = run_here("build", config, *more)
            assert (ran.code, ran.err) == (0, "")
            trees.append(timeless(project / "site"))
    assert trees[0] == trees[1]


def test_a_client_that_is_connected(cluster: DaskCluster, season: Path, project: Path) -> None:
    """A script can build with a client of its own, as Dask Gateway gives one; it stays open."""
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        build(project / "site.toml", scheduler=client)
        assert client.status == "running"
    assert timeless(project / "site") == expected(season)


def test_no_scheduler_is_asked_where_there_is_nothing_to_do(season: Path, project: Path) -> None:
    """A night without news needs no cluster."""
    build(project / "site.toml")
    ran = run_here("build", project / "site.toml", "--scheduler", "tcp://127.0.0.1:9")
    assert (ran.code, ran.out) == (0, f"s2: nothing new, {LAYERS} layers kept\n")


def test_tls(ca: PrivateCa, season: Path, project: Path) -> None:
    """Keys and certificates are those of Dask's own configuration."""
    import dask

    files = {"ca-file": ca.ca, "scheduler": ca, "worker": ca, "client": ca}
    settings = {}
    for role, own in files.items():
        if isinstance(own, PrivateCa):
            settings |= {f"{role}.cert": str(own.cert), f"{role}.key": str(own.key)}
        else:
            settings[role] = str(own)
    named = {f"distributed.comm.tls.{key}": value for key, value in settings.items()}
    environment = {
        "DASK_" + key.replace(".", "__").replace("-", "_").upper(): value
        for key, value in named.items()
    }
    with DaskCluster(1, environment=environment, protocol="tls") as secured:
        assert secured.address.startswith("tls://")
        with dask.config.set(named):
            build(project / "site.toml", scheduler=secured.address)
    assert timeless(project / "site") == expected(season)


# ---- what is lost


def test_a_worker_that_is_killed(season: Path, project: Path) -> None:
    """Others do what it was about to do, and nobody sees a difference."""
    with DaskCluster(2) as running:
        killed = when(lambda: finished(project) > 2, running.workers[0].kill)
        ran = run_here("build", project / "site.toml", "--scheduler", running.address)
        killed.join()
    assert (ran.code, ran.out) == (0, f"s2: {LAYERS} layers rendered, 0 kept\n")
    assert timeless(project / "site") == expected(season)
    assert (check(project / "site").faults, hidden(project / "site")) == ((), [])


def test_a_scheduler_that_is_killed(season: Path, project: Path) -> None:
    """The run ends with one sentence, and the next one goes on from there."""
    with DaskCluster(2) as running:
        killed = when(lambda: finished(project) > 2, running.kill_scheduler)
        ran = run_here("build", project / "site.toml", "--scheduler", running.address)
        killed.join()
        address = running.address
    assert (ran.code, ran.out) == (71, "")
    assert ran.err.splitlines()[-1] == (
        f"Error: The Dask scheduler {address} was lost: see why it ended, and build again, which "
        "goes on from here; the site is as it was."
    )
    assert not (project / "site" / "catalog.json").exists()
    done = finished(project)
    report = build(project / "site.toml").collections[0]
    assert (report.rendered, report.reused) == (LAYERS - done, done)
    assert done > 2
    assert timeless(project / "site") == expected(season)


def test_a_task_that_kills_all_workers(tmp_path: Path) -> None:
    """A task that workers die of, as often as Dask tries it, is told with the remedy."""
    often = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1", "PYTHONPATH": PATH}
    with (
        DaskCluster(2, environment=often) as running,
        open_pool(Cluster(running.address, tmp_path, ()), progress=False) as pool,
        pytest.raises(LostWorkerError, match=r"died again and again .* give them more"),
    ):
        pool.run(die, [1], "test")


def test_a_scheduler_that_is_not_there(season: Path, project: Path) -> None:
    """An address where nobody listens is named, in limited time."""
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "200ms"}):
        ran = run_here("build", project / "site.toml", "--scheduler", "tcp://127.0.0.1:9")
    assert (ran.code, ran.out) == (71, "")
    assert "The Dask scheduler 'tcp://127.0.0.1:9' can't be reached (" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("address", ["nonsense://x", "tcp://127.0.0.1:x", "missing.json", ""])
def test_an_address_that_is_none(project: Path, address: str) -> None:
    """What is no address is named."""
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "200ms"}):
        ran = run_here("build", project / "site.toml", "--scheduler", address)
    assert ran.code == 71
    assert f"The Dask scheduler {address!r} can't be reached" in ran.err


# ---- what a worker must see and be


def test_a_worker_that_does_not_see_the_site(project: Path) -> None:
    """A worker with another disk in the place of the site's is named, and nothing is lost."""
    unshare = require_tool("unshare")
    site = project / "site"
    site.mkdir()
    script = 'mount -t tmpfs tmpfs "$0" && exec "$@"'
    with DaskCluster(0) as running:
        running.add_worker(unshare, "-m", "sh", "-c", script, str(site))
        ran = run_here("build", project / "site.toml", "--scheduler", running.address)
    assert ran.code == 71
    assert f"does not see {site} as the builder does: put the site and the sources on" in ran.err
    assert run_here("build", project / "site.toml").code == 0


def test_what_a_worker_must_see(tmp_path: Path) -> None:
    """A worker sees the mark of this run and the sources' folders, or says which it does not see."""
    staging = tmp_path / "site" / ".staging" / "run-1"
    staging.mkdir(parents=True)
    require_fit(state_needs(staging, [tmp_path]))
    with pytest.raises(LostWorkerError, match="does not see /nowhere as the builder does"):
        require_fit(state_needs(staging, [tmp_path, Path("/nowhere")]))
    needs = state_needs(staging, [])
    needs.mark.write_text("another")
    with pytest.raises(LostWorkerError, match=f"does not see {tmp_path / 'site'} as"):
        require_fit(needs)


def test_a_worker_of_another_version(
    cluster: DaskCluster, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with another GDAL may write other bytes: it is refused, and both are named."""
    ours = tuple((name, "0.1") if name == "GDAL" else (name, own)
                 for name, own in fitness.own_versions())  # fmt: skip
    monkeypatch.setattr(fitness, "own_versions", lambda: ours)
    ran = run_here("build", project / "site.toml", "--scheduler", cluster.address)
    assert ran.code == 71
    assert ", the builder has 0.1: install the same versions" in ran.err
    assert " has GDAL " in ran.err


def test_a_cluster_without_our_packages(cluster: DaskCluster, tmp_path: Path) -> None:
    """Workers that can't find what they shall do are told how to."""
    with (
        open_pool(Cluster(cluster.address, tmp_path, ()), progress=False) as pool,
        pytest.raises(LostWorkerError, match=r"install \"shoestring\[builder,dask\]\" where"),
    ):
        pool.run(double, range(3), "test")  # of these tests, which workers do not have


def test_without_dask(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the sentence says which one to install."""
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"--scheduler needs .*shoestring\[dask\]"):
        build(project / "site.toml", scheduler="tcp://127.0.0.1:9")


def test_workers_or_a_scheduler(project: Path) -> None:
    """Both together are wrong usage."""
    ran = run_here("build", project / "site.toml", "--workers", "2", "--scheduler", "tcp://x:1")
    assert ran.code == 2
    assert "exclude each other" in ran.err


# ---- the pool


class Counted(Sequence[int]):
    """Numbers, and how far they were looked at."""

    def __init__(self, size: int) -> None:
        self._size, self.taken = size, 0

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        """One of them."""
        assert isinstance(index, int)
        if index >= self._size:
            raise IndexError
        self.taken = max(self.taken, index + 1)
        return index


def test_few_tasks_are_on_their_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, the scheduler knows of a limited number, and results stand in order."""
    monkeypatch.setattr(cluster_module, "AHEAD", 10)
    tasks, ahead = Counted(60), []
    done = 0

    def note(_: int) -> None:
        nonlocal done
        ahead.append(tasks.taken - done)
        done += 1

    with (
        DaskCluster(1, environment={"PYTHONPATH": PATH}) as running,
        open_pool(Cluster(running.address, tmp_path, ()), progress=False) as pool,
    ):
        results = pool.run(double, tasks, "test", done=note)
        assert [str(own) for own in results[:5]] == ["0", "2", "4", "three.tif is bad.", "8"]
        with pytest.raises(PublishError, match="no room"):
            pool.run(full, range(50), "test")
    assert len(results) == 60
    assert max(ahead) <= 11


def test_nothing_is_left_running(cluster: DaskCluster, project: Path) -> None:
    """After a build no thread of Dask's keeps at work in this process but those it shares."""
    build(project / "site.toml", scheduler=cluster.address)
    names = [own.name for own in threading.enumerate()]
    assert not [name for name in names if name.startswith("Client")]


def test_a_run_that_fails_leaves_the_site(cluster: DaskCluster, project: Path) -> None:
    """What readers see does not change where workers are lost."""
    build(project / "site.toml")
    before = tree(project / "site")
    write_season(project, dates=DATES + 1)
    ran = run_here("build", project / "site.toml", "--scheduler", "missing.json")
    assert ran.code == 71
    assert tree(project / "site") == before

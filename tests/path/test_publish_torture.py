"""Copies that are killed at random instants over bad lines, while readers read."""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from shoestring_builder.check.site import check
from shoestring_builder.mirror.object_target import ObjectTarget
from shoestring_builder.mirror.run import copy_site
from support.command import start
from support.evolving import Evolving, evolve
from support.mosaics import timeless, tree
from support.rsync import MODULE, CutLine, rsync_server
from support.s3 import BUCKET, S3, credentials, s3_server
from support.server import wait_for
from support.spoilt_line import Call, Cut, Half, Refused, SpoiltLine
from support.whole_reader import WholeReader

INSTANTS = int(os.environ.get("SHOESTRING_INSTANTS", "20")) // 4
"""Of each kind of target: 50 of 200."""

KEEP = timedelta(hours=20)

pytestmark = [
    pytest.mark.torture,
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="This system has no SIGKILL."),
]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Evolving:
    """A site in the evening and in the morning."""
    return evolve(tmp_path_factory.mktemp("sites"))


def snapshot_of(site: Path) -> str:
    """The snapshot that a site shows."""
    return WholeReader(site).held


# --- an object store -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """How a copy goes that nobody disturbs.

    Attributes:
        calls: How many requests it takes.
        seconds: How long, from the first one.
        names: What there is in the end.
    """

    calls: int
    seconds: float
    names: frozenset[str]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """A server, known to this process."""
    pytest.importorskip("obstore")
    with s3_server() as server, credentials(server):
        yield server


@pytest.fixture(scope="module")
def objects(s3: S3, sites: Evolving) -> Undisturbed:
    """A bucket of the evening becomes one of the morning."""
    address = f"s3://{BUCKET}/undisturbed"
    copy_site(sites.evening, address, keep=KEEP, progress=False)
    begun: list[float] = []
    with SpoiltLine(s3.port, lambda call: begun.append(time.monotonic())) as line:  # type: ignore[func-returns-value]
        _end(_publish(sites.morning, address, s3.environment(line.endpoint)))
    assert begun
    names = frozenset(ObjectTarget(address, 1).listing())
    return Undisturbed(len(line.calls), time.monotonic() - begun[0], names)


@pytest.mark.parametrize("instant", range(INSTANTS))
def test_a_copy_to_an_object_store_that_is_killed(
    s3: S3, sites: Evolving, objects: Undisturbed, instant: int
) -> None:
    """Readers of the bucket see only whole snapshots, and the next run sends what is missing.

    A tenth of the requests are refused, cut before or after they took effect, or answered by half.
    Half of the copies are killed as one of their requests passes, half at any time.
    """
    dice = random.Random(instant)
    prefix = f"killed-{instant}"
    address = f"s3://{BUCKET}/{prefix}"
    copy_site(sites.evening, address, keep=KEEP, progress=False)
    last = dice.randint(1, objects.calls) if instant % 2 == 0 else 10**9
    victims: list[subprocess.Popen[str]] = []

    def spoil(call: Call) -> Refused | Cut | Half | None:
        if call.number == 1 and last == 10**9:
            threading.Timer(dice.uniform(0, objects.seconds), victims[0].kill).start()
        if call.number == last:
            victims[0].kill()
        return dice.choice(FAULTS) if dice.random() < 0.1 else None

    with WholeReader(s3.path(prefix)) as reader, SpoiltLine(s3.port, spoil) as line:
        victims.append(_publish(sites.morning, address, s3.environment(line.endpoint)))
        victims[0].communicate(timeout=60)
        wait_for(lambda: line.connections == 0)  # what was on its way when it was killed
        there = set(ObjectTarget(address, 1).listing())
        line.rule = lambda call: None
        begun = len(line.calls)
        _end(_publish(sites.morning, address, s3.environment(line.endpoint)))
        put = [call.path.partition(f"/{prefix}/")[2] for call in line.calls[begun:]
               if call.method == "PUT"]  # fmt: skip
    assert reader.faults == []
    assert set(reader.seen) <= {snapshot_of(sites.evening), snapshot_of(sites.morning)}
    hashed = [name for name in put if "-" in name]
    assert sorted(hashed) == sorted(objects.names - there)
    assert set(ObjectTarget(address, 1).listing()) == objects.names
    for name in objects.names - {"snapshots.json"}:
        data = (s3.path(prefix) / name).read_bytes()
        assert data == (sites.morning / name).read_bytes()


FAULTS = (Refused(500), Refused(503), Cut(), Cut(after=True), Half())


# --- rsync ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the rsync server serves; the evening lies there."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def port(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An rsync server."""
    with rsync_server(root, tmp_path_factory.mktemp("rsyncd")) as number:
        yield number


@pytest.fixture(scope="module")
def bytes_of_a_copy(root: Path, port: int, sites: Evolving) -> int:
    """How many bytes travel, in both directions, as the evening becomes the morning there."""
    shutil.copytree(sites.evening, root / "undisturbed")
    with CutLine(port) as line:
        _end(_publish(sites.morning, f"rsync://127.0.0.1:{line.port}/{MODULE}/undisturbed"))
        return line.passed


@pytest.mark.parametrize("instant", range(INSTANTS))
def test_a_copy_by_rsync_that_is_killed(
    root: Path, port: int, sites: Evolving, bytes_of_a_copy: int, instant: int
) -> None:
    """Readers of the folder there see only whole snapshots, and the next run sends what is missing.

    The line is cut once before, in the midst of a file or between two; in every third the machine
    dies with the copy, so that what rsync was about to say there is never heard.
    """
    dice = random.Random(instant)
    target = root / f"killed-{instant}"
    shutil.copytree(sites.evening, target)
    cut, last = sorted(dice.uniform(0, 1.2 * bytes_of_a_copy) for _ in range(2))
    victims: list[subprocess.Popen[str]] = []
    cuts = [cut]

    def watch(passed: int) -> bool:
        if cuts and passed > cuts[0]:
            cuts.clear()
            return True
        if passed > last and victims[0].poll() is None:
            victims[0].kill()
            return instant % 3 == 0
        return False

    with WholeReader(target) as reader, CutLine(port, watch) as line:
        address = f"rsync://127.0.0.1:{line.port}/{MODULE}/{target.name}"
        victims.append(_publish(sites.morning, address))
        victims[0].communicate(timeout=60)
        line.hang_up()
        there = _settled(target)
        _end(_publish(sites.morning, f"rsync://127.0.0.1:{port}/{MODULE}/{target.name}"))
    assert reader.faults == []
    assert set(reader.seen) <= {snapshot_of(sites.evening), snapshot_of(sites.morning)}
    undisturbed = root / "undisturbed"
    for name, stamp in there.items():
        if "-" in name and not name.startswith("."):
            assert (target / name).stat().st_mtime_ns == stamp, name
    assert timeless(target) == timeless(undisturbed)
    assert check(target).faults == ()
    shutil.rmtree(target)


def _settled(target: Path) -> dict[str, int]:
    """The files of a folder and their times, once the rsync at its end has noticed that it is alone."""
    end = time.monotonic() + 20
    while any(path.name.startswith(".") for path in target.rglob(".*.*.*")):
        assert time.monotonic() < end, "rsync does not end"
        time.sleep(0.01)
    return {name: (target / name).stat().st_mtime_ns for name in tree(target)}


def _publish(
    site: Path, address: str, environment: "dict[str, str] | None" = None
) -> "subprocess.Popen[str]":
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        return start("publish", site, address)


def _end(process: "subprocess.Popen[str]") -> None:
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said

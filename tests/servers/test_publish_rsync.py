"""A site's copy on another machine: real rsync, from its own server and over real SSH."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shoestring_builder.check.site import check
from shoestring_builder.doors.names import pointer_of
from shoestring_builder.media import is_hashed
from shoestring_builder.mirror import patience, run
from shoestring_builder.mirror.report import CopyReport
from shoestring_builder.mirror.rsync_target import RsyncTarget
from shoestring_builder.mirror.run import copy_site
from shoestring_builder.mirror.target import Outgoing
from shoestring_schema.errors import PublishError, TransferError
from support.command import run_here
from support.evolving import Evolving, evolve
from support.mosaics import age, timeless, times, tree
from support.rsync import MODULE, CutLine, rsync_server, ssh_server

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Evolving:
    """A site in the evening and in the morning."""
    return evolve(tmp_path_factory.mktemp("sites"))


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A server over the folder ``there``."""
    (tmp_path / "there").mkdir()
    with rsync_server(tmp_path / "there", tmp_path / "rsyncd") as number:
        yield number


def copy(site: Path, port: int, name: str = "site") -> CopyReport:
    """Copy a site to a server of this machine."""
    address = f"rsync://127.0.0.1:{port}/{MODULE}/{name}"
    return copy_site(site, address, keep=timedelta(hours=20), progress=False)


def test_a_site_behind_ssh(
    sites: Evolving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy over SSH has the site's files, byte for byte, and a later one what is new."""
    target = tmp_path / "there"
    with ssh_server(tmp_path / "sshd") as shell:
        monkeypatch.setenv("RSYNC_RSH", shell)
        for site in (sites.evening, sites.morning, sites.morning):
            ran = run_here("publish", site, f"127.0.0.1:{target}")
            assert ran.code == 0, ran.err
    assert "nothing new" in ran.out
    assert set(timeless(target)) == {n for n in timeless(sites.morning) if not n.startswith(".")}
    assert check(target).faults == ()


def test_only_what_is_new_travels(sites: Evolving, port: int, tmp_path: Path) -> None:
    """What is there already is not written again: later files come, and pointers change."""
    copy(sites.evening, port)
    before = times(tmp_path / "there" / "site")
    report = copy(sites.morning, port)
    after = times(tmp_path / "there" / "site")
    new = [name for name in after if name not in before and is_hashed(name)]
    changed = {name for name in before if before[name] != after[name] and "." in name[1:]}
    assert report.sent.files == len(new)
    assert {name for name in changed if not (tmp_path / "there" / "site" / name).is_dir()} == {
        "catalog.json", "snapshots.json", "s2/collection.json", "s2/database.json",
        *(own for name in new if (own := pointer_of(name)) is not None),
    }  # fmt: skip
    assert copy(sites.morning, port).pointers == 0


def test_old_snapshots_go(
    sites: Evolving, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only an ended snapshot names goes, and other people's files stay."""
    target, site = tmp_path / "there" / "site", tmp_path / "morning"
    shutil.copytree(sites.morning, site)
    copy(sites.evening, port)
    copy(site, port)
    mine = target / "s2" / "2018" / "mine.txt"
    mine.write_text("mine")
    age(site, 21)
    age(target, 21)
    report = copy(site, port)
    copy(site, port, "fresh")
    mine.unlink()
    assert report.removed.files == len(sites.obsolete)
    assert set(tree(target)) == set(tree(tmp_path / "there" / "fresh"))


def test_what_only_the_copy_has(sites: Evolving, port: int, tmp_path: Path) -> None:
    """A snapshot that the site has forgotten is read from the copy, and kept there."""
    copy(sites.evening, port)
    site = Path(shutil.copytree(sites.morning, tmp_path / "morning"))
    for path in (*sites.evening.glob("catalog-*.json"), *sites.evening.glob("s2/2018/items-*")):
        (site / path.relative_to(sites.evening)).unlink()
    age(tmp_path / "there" / "site", 40)
    report = copy(site, port)
    assert (report.removed.files, report.hindrance) == (0, None)
    assert check(tmp_path / "there" / "site").faults == ()


def test_a_line_that_is_cut(
    sites: Evolving, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that is cut again and again delays a copy, and what has arrived is not sent again."""
    monkeypatch.setattr(patience, "WAIT", 0.0)
    with CutLine(port) as line:
        copy(sites.evening, line.port, "whole")
        whole, cuts = line.passed, [0.3, 0.6, 0.9]

        def watch(passed: int) -> bool:
            if cuts and passed - whole > cuts[0] * whole:
                cuts.pop(0)
                return True
            return False

        line.watch = watch
        copy(sites.evening, line.port)
        assert cuts == []
    assert timeless(tmp_path / "there" / "site") == timeless(tmp_path / "there" / "whole")


@pytest.mark.parametrize("name", ["raw tiles/a b.tif", "raw/Äpfel.tif", "raw/x\ny.tif", "raw/-a.tif",
                                  "raw/a\\#012b.tif", "raw/[a]*?.tif"])  # fmt: skip
def test_names_of_sources(port: int, tmp_path: Path, name: str) -> None:
    """The files that VRTs read keep their names, whatever these are made of."""
    path = tmp_path / "here" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"data")
    target = RsyncTarget(f"rsync://127.0.0.1:{port}/{MODULE}")
    target.send([Outgoing(name, path, 4, 0)], lambda file: None)
    assert target.read([name, "none"]) == {name: b"data"}
    assert target.listing()[name].size == 4
    target.remove([name])
    assert target.listing() == {}


def test_a_folder_that_is_not_there(sites: Evolving, port: int, tmp_path: Path) -> None:
    """A new folder is made, but not the folders around it: then the reason is told."""
    with pytest.raises(TransferError, match="No such file or directory"):
        copy(sites.evening, port, "none/site")
    assert not (tmp_path / "there" / "none").exists()


def test_nobody_answers(sites: Evolving, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that can't be reached is one sentence, after some patience."""
    monkeypatch.setattr(patience, "ATTEMPTS", 1)
    ran = run_here("publish", sites.evening, f"rsync://127.0.0.1:{port}/other/site")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "can't be reached or written by rsync (@ERROR: Unknown module" in ran.err


def test_a_file_that_vanishes(
    sites: Evolving, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a clean-up takes a file away meanwhile, that is said, and nothing is shown."""
    site = Path(shutil.copytree(sites.morning, tmp_path / "morning"))
    look = run._look

    def meanwhile(*own: object) -> object:
        work = look(*own)  # type: ignore[arg-type]
        work.lacking[0].path.unlink()
        return work

    monkeypatch.setattr(run, "_look", meanwhile)
    ran = run_here("publish", site, f"rsync://127.0.0.1:{port}/{MODULE}/site")
    assert (ran.code, "removed or changed while it was copied" in ran.err) == (1, True)
    assert not (tmp_path / "there" / "site" / "catalog.json").exists()


def test_without_rsync(sites: Evolving, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where rsync is not installed, the sentence says so."""
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(PublishError, match="needs the program rsync"):
        copy(sites.evening, 1)

"""The verb ``cache``, and the options of the others that read through one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shoestring.cache_store import FILE, Store
from shoestring.spans import Span
from support.cached_site import GRID, build_site
from support.command import run_here
from support.faulty_server import FaultyServer
from support.site import box_in


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of thirty blocks, named by the environment."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SHOESTRING_CACHE", str(folder))
    store = Store(folder, 10**7, lambda: 1_514_764_800)
    for number in range(30):
        store.keep(b"n", {Span(number, number + 1): os.urandom(20_000)})
    store.close()
    return folder


def test_show_tells_what_there_is(folder: Path) -> None:
    """Folder, limit, number, bytes, and how old the oldest is, on standard output."""
    ran = run_here("cache", "show")
    assert (ran.code, ran.err) == (0, "")
    told = [line.split(maxsplit=1) for line in ran.out.splitlines()]
    assert [own[0] for own in told] == ["folder", "limit", "holds", "oldest"]
    assert told[0][1] == str(folder)
    assert told[1][1] == "2 GB"
    assert told[2][1].startswith("30 blocks and documents, ")
    assert told[3][1] == "last used 2018-01-01"


def test_show_of_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    """A look makes no folder; the usual one is meant where none is named."""
    ran = run_here("cache", "show", "--cache", tmp_path / "none")
    assert ran.out.splitlines()[-1] == "holds     nothing yet"
    assert not (tmp_path / "none").exists()
    assert run_here("cache", "clear", "--cache", tmp_path / "none").code == 0
    assert run_here("cache", "trim", "1 MB", "--cache", tmp_path / "none").code == 0


def test_trim_shrinks_the_file(folder: Path) -> None:
    """Afterwards it has no more bytes than were asked for, and tells what is left."""
    ran = run_here("cache", "trim", "200 kB")
    assert ran.code == 0
    assert 0 < int(ran.out.split()[0]) < 11
    assert (folder / FILE).stat().st_size <= 200_000


def test_clear_leaves_nothing(folder: Path) -> None:
    """All blocks are gone, also what a killed process had begun, and the room is free."""
    unfinished, other = folder / "new-0123456789abcdef-wal", folder / "new-ideas"
    unfinished.touch()
    other.touch()
    assert run_here("cache", "clear").code == 0
    assert (folder / FILE).stat().st_size < 50_000
    assert (unfinished.exists(), other.exists()) == (False, True)
    store = Store(folder, 10**7)
    assert store.contents().entries == 0
    store.close()


def test_a_size_that_is_none_is_one_sentence(folder: Path) -> None:
    """`trim` says how a size is written."""
    ran = run_here("cache", "trim", "a lot")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "Error: 'a lot' is no size: write it as 500 MB or 20 GB.\n"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes.")
def test_a_folder_that_others_may_write_is_one_sentence(folder: Path) -> None:
    """No verb touches what may be somebody else's."""
    folder.chmod(0o777)
    for words in (("show",), ("trim", "1 MB"), ("clear",)):
        ran = run_here("cache", *words)
        assert ran.code == 1
        assert "may be written by others" in ran.err
        assert len(ran.err.splitlines()) == 1
    assert (folder / FILE).stat().st_size > 500_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultyServer]:
    """A site on a server, and a field beside it."""
    (tmp_path / "field.json").write_text(json.dumps(box_in(GRID, (70, 90), (70, 90))))
    with FaultyServer(build_site(tmp_path / "project")) as server:
        yield server


def test_info_and_extract_read_through_a_cache(server: FaultyServer, tmp_path: Path) -> None:
    """With --cache the second run asks once, with --offline not at all; what is missing is one sentence."""
    where = ("--cache", tmp_path / "kept")
    wanted = (server.address, "s2", "--band", "B04", "--roi", tmp_path / "field.json", *where)
    first = run_here("extract", *wanted, "--to", "2018-01-02", "--out", tmp_path / "out")
    assert (first.code, first.err) == (0, "")
    before = len(server.requests)
    again = run_here("extract", *wanted, "--to", "2018-01-02", "--out", tmp_path / "out")
    assert again.out == first.out
    assert len(server.requests) == before + 1
    assert (
        "3, from 2018-01-01 to 2018-01-03"
        in run_here("info", server.address, *where, "--offline").out
    )
    more = run_here("extract", *wanted, "--out", tmp_path / "out", "--offline")
    assert more.code == 1
    assert (
        "lacks 1 of the 3 dates that were asked for (in B04): 2018-01-03; read them once"
        in more.err
    )
    assert len(server.requests) == before + 1

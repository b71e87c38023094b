"""The cache's file: bounded, private, and never a reason to fail or to read a wrong byte."""

import os
import sqlite3
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import shoestring
from shoestring.cache_store import FILE, FRESH, Store
from shoestring.shared_disk import kind_of_disk
from shoestring.spans import Span
from shoestring_schema.errors import CacheError, CacheWarning
from support.cached_site import DATES, GRID, build_site, pixels_of
from support.command import run_here
from support.disk import mounted, read_only
from support.faulty_server import FaultyServer
from support.site import box_in

NAME = b"n" * 16
LIMIT = 2_000_000
BLOCK = 20_000


class Clock:
    """A clock that a test sets."""

    time = 1_700_000_000.0

    def __call__(self) -> float:
        """What it shows."""
        return self.time


def block(number: int) -> tuple[Span, bytes]:
    """A block of a file."""
    return Span(number * BLOCK, (number + 1) * BLOCK), os.urandom(BLOCK)


def fill(store: Store, count: int, clock: Clock) -> dict[Span, bytes]:
    """Keep blocks, each a while after the one before."""
    blocks = dict(block(number) for number in range(count))
    for span, data in blocks.items():
        clock.time += 2 * FRESH
        store.keep(NAME, {span: data})
    return blocks


def on_disk(folder: Path) -> int:
    """Bytes of the file."""
    return (folder / FILE).stat().st_size


def test_what_was_kept_is_found(tmp_path: Path) -> None:
    """Spans come back by name, start and stop; others do not."""
    store = Store(tmp_path / "cache", LIMIT)
    span, data = block(0)
    store.keep(NAME, {span: data}, b"note")
    found = store.find(NAME, [span, Span(0, 5), Span(7, 9)])
    assert {own: (entry.data, entry.note) for own, entry in found.items()} == {
        span: (data, b"note")
    }
    assert store.find(b"other" * 3, [span]) == {}
    assert (store.count(NAME, [span, Span(7, 9)]), store.count(NAME, [])) == (1, 0)
    store.close()


def test_more_spans_than_a_statement_holds_are_found(tmp_path: Path) -> None:
    """A long list is asked for in portions."""
    store = Store(tmp_path / "cache", LIMIT)
    spans = {Span(number, number + 1): bytes([number % 256]) for number in range(1200)}
    store.keep(NAME, spans)
    assert {own: entry.data for own, entry in store.find(NAME, list(spans)).items()} == spans
    assert store.count(NAME, list(spans)) == 1200
    store.close()


def test_the_limit_holds_and_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    """However much is kept, the file stays below its limit, and what was just used stays in it."""
    clock = Clock()
    store = Store(tmp_path, LIMIT, clock)
    first = fill(store, 50, clock)
    favourite = next(iter(first))
    for number in range(100, 400):
        clock.time += 2 * FRESH
        store.touch(list(store.find(NAME, [favourite]).values()))
        store.keep(NAME, dict([block(number)]))
        assert store.contents().size <= LIMIT
    assert store.find(NAME, list(first)).keys() == {favourite}
    assert store.contents().entries > LIMIT / BLOCK / 2
    store.close()
    assert on_disk(tmp_path) <= LIMIT


def test_a_smaller_limit_shrinks_the_file(tmp_path: Path) -> None:
    """What was larger is cut down by the first thing that is kept."""
    clock = Clock()
    store = Store(tmp_path, LIMIT, clock)
    fill(store, 80, clock)
    store.close()
    assert on_disk(tmp_path) > LIMIT / 2
    store = Store(tmp_path, LIMIT // 4, clock)
    store.keep(NAME, dict([block(500)]))
    store.close()
    assert on_disk(tmp_path) <= LIMIT // 4


def test_what_does_not_fit_is_not_kept(tmp_path: Path) -> None:
    """Something larger than half of the limit would drive out all else."""
    store = Store(tmp_path, LIMIT)
    store.keep(NAME, dict([block(0)]))
    store.keep(NAME, {Span(0, LIMIT): bytes(LIMIT)})
    assert store.contents().entries == 1
    store.close()


def test_use_is_not_noted_twice_in_a_minute(tmp_path: Path) -> None:
    """A hit writes nothing where it would say nothing new."""
    clock = Clock()
    store = Store(tmp_path, LIMIT, clock)
    span, data = block(0)
    store.keep(NAME, {span: data})
    kept = store.find(NAME, [span])[span]
    for later, used in ((FRESH, kept.used), (2 * FRESH, kept.used + 2 * FRESH)):
        clock.time = kept.used + later
        store.touch([kept])
        assert store.find(NAME, [span])[span].used == used
    store.close()


def test_folder_and_file_are_the_users_own(tmp_path: Path) -> None:
    """A folder that is made has mode 0700, the file 0600, whatever the umask."""
    before = os.umask(0)
    try:
        store = Store(tmp_path / "cache", LIMIT)
        store.keep(NAME, dict([block(0)]))
    finally:
        os.umask(before)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "cache").iterdir()
    }
    store.close()
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}


# What is wrong with a folder, and what is said of it.


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A server of a site of three dates and two bands; its address stays."""
    with FaultyServer(build_site(tmp_path_factory.mktemp("built"))) as server:
        yield server


def read_twice(server: FaultyServer, cache: Path) -> list[str]:
    """Read a window two times and look at its pixels; the warnings of the second time."""
    roi = box_in(GRID, (70, 190), (70, 120))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", CacheWarning)
        for _ in range(2):
            told.clear()
            with shoestring.open(server.address, cache=cache) as catalogue:
                stack = catalogue["s2"].extract(None, roi, masked=False)
                more = catalogue["s2"].extract("B04", box_in(GRID, (0, 64), (0, 64)), masked=False)
            for day in DATES:
                assert np.array_equal(stack["B08"][day], pixels_of(day, "B08")[70:190, 70:120])
                assert np.array_equal(more["B04"][day], pixels_of(day, "B04")[:64, :64])
    return [str(warning.message) for warning in told]


def test_a_sound_folder_is_silent(server: FaultyServer, tmp_path: Path) -> None:
    """Where nothing is wrong nothing is said."""
    assert read_twice(server, tmp_path / "cache") == []


@pytest.mark.once
def test_a_full_disk_is_one_warning(server: FaultyServer, tmp_path: Path) -> None:
    """All is read; that nothing more is kept is said once."""
    with mounted(tmp_path / "small", "size=256k,mode=700") as folder:
        (told,) = read_twice(server, folder)
        assert "can't grow, as its disk is full: make room" in told
        assert told.endswith("nothing more is kept.")


@pytest.mark.once
def test_a_read_only_folder_is_one_warning(server: FaultyServer, tmp_path: Path) -> None:
    """A folder that can't be written, empty or filled before, costs nothing but the cache."""
    for name, filled in (("empty", False), ("filled", True)):
        folder = tmp_path / name
        folder.mkdir(mode=0o700)
        if filled:
            assert read_twice(server, folder) == []
        with read_only(folder):
            (told,) = read_twice(server, folder)
            assert "can't be used" in told


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="Needs root.")
def test_another_users_folder_is_not_read(server: FaultyServer, tmp_path: Path) -> None:
    """Another user could show other catalogues: neither their folder nor their file is believed."""
    cache = tmp_path / "cache"
    assert read_twice(server, cache) == []
    os.chown(cache / FILE, 1, 1)
    (told,) = read_twice(server, cache)
    assert f"{FILE} belongs to another user" in told
    os.chown(cache / FILE, 0, 0)
    os.chown(cache, 1, 1)
    (told,) = read_twice(server, cache)
    assert "cache belongs to another user: name a folder of your own" in told


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes.")
def test_what_others_may_write_is_not_read(server: FaultyServer, tmp_path: Path) -> None:
    """A folder that others may write into, or a link instead of a file, is refused and said."""
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    (told,) = read_twice(server, cache)
    assert "may be written by others: `chmod go-w` it" in told
    cache.chmod(0o700)
    Store(tmp_path / "elsewhere", LIMIT).close()
    (cache / FILE).symlink_to(tmp_path / "elsewhere" / FILE)
    (told,) = read_twice(server, cache)
    assert "is not what a cache makes there" in told


@pytest.mark.parametrize("junk", [b"", b"junk" * 5000], ids=["empty", "junk"])
def test_a_damaged_file_is_one_warning_until_it_is_cleared(
    server: FaultyServer, tmp_path: Path, junk: bytes
) -> None:
    """What is no database is said once, with the remedy, which works."""
    cache = tmp_path / "cache"
    assert read_twice(server, cache) == []
    (cache / FILE).write_bytes(junk)
    (told,) = read_twice(server, cache)
    assert "is damaged: `shoestring cache clear` makes it anew" in told
    assert run_here("cache", "clear", "--cache", cache).code == 0
    assert read_twice(server, cache) == []
    store = Store(cache, LIMIT)
    assert store.contents().entries > 6
    store.close()


def test_a_file_in_the_place_of_the_folder_is_one_warning(
    server: FaultyServer, tmp_path: Path
) -> None:
    """A cache that is no folder costs nothing but the cache."""
    (tmp_path / "cache").write_text("not a folder")
    (told,) = read_twice(server, tmp_path / "cache")
    assert "can't be used" in told


def test_a_cache_that_another_program_holds_costs_only_the_cache(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where somebody writes for ever, nothing is kept, and reading goes on."""
    monkeypatch.setattr("shoestring.cache_store._PATIENCE", 0.05)
    Store(tmp_path, LIMIT).close()
    holder = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    (told,) = read_twice(server, tmp_path)
    assert "is held by another program: end that" in told
    holder.close()


def test_bytes_that_changed_on_the_disk_are_fetched_again(
    server: FaultyServer, tmp_path: Path
) -> None:
    """Whatever is turned over in blocks, indexes and documents, the pixels are right, and mended."""
    cache = tmp_path / "cache"
    assert read_twice(server, cache) == []
    database = sqlite3.connect(cache / FILE, isolation_level=None)
    rows = database.execute("SELECT id, data FROM content").fetchall()
    spoilt = [(bytes([data[0] ^ 255]) + data[1:], number) for number, data in rows]
    database.executemany("UPDATE content SET data = ? WHERE id = ?", spoilt)
    assert read_twice(server, cache) == []
    mended = dict(database.execute("SELECT id, data FROM content"))
    database.close()
    assert sorted(mended.values()) == sorted(data for _, data in rows)


@pytest.mark.parametrize("note", [None, b"", b"[]", b'{"digest": 3}', b"\xff"])
def test_a_note_that_can_not_be_read_is_no_document(
    server: FaultyServer, tmp_path: Path, note: bytes | None
) -> None:
    """What stands beside a document is believed as little as the document."""
    cache = tmp_path / "cache"
    assert read_twice(server, cache) == []
    database = sqlite3.connect(cache / FILE, isolation_level=None)
    database.execute("UPDATE entry SET note = ?", (note,))
    database.close()
    assert read_twice(server, cache) == []


def test_a_file_of_another_shape_is_an_error_of_ours(tmp_path: Path) -> None:
    """A database that is not a cache's is damaged, and says how to mend it."""
    tmp_path.chmod(0o700)
    other = sqlite3.connect(tmp_path / FILE)
    other.execute("CREATE TABLE fish (name TEXT)")
    other.close()
    with pytest.raises(CacheError, match="is damaged"):
        Store(tmp_path, LIMIT)


MOUNTS = r"""
1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 0:5 / /home rw shared:1 - nfs4 server:/home rw
3 2 8:2 / /home/a\040b rw - xfs /dev/sdb rw
4 1 0:9 / /mnt rw - ext4 /dev/sdc rw
5 1 0:9 / /mnt rw - cifs //server/share rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/var/x", "ext4"), ("/home/x/.cache", "nfs4"), ("/home/a b/c", "xfs"), ("/homes", "ext4"),
     ("/mnt/x", "cifs"), ("/home", "nfs4")],
)  # fmt: skip
def test_a_disk_that_machines_share_is_known_by_its_mount(path: str, kind: str) -> None:
    """The longest mount point counts, and of several at one place the last."""
    assert kind_of_disk(Path(path), MOUNTS) == kind


def test_on_a_shared_disk_there_is_no_write_ahead_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's log needs one machine; elsewhere the older journal does the same."""
    for shared, mode in ((True, "delete"), (False, "wal")):
        monkeypatch.setattr("shoestring.cache_store.is_shared", lambda path, told=shared: told)
        store = Store(tmp_path / mode, LIMIT)
        store.keep(NAME, dict([block(0)]))
        store.close()
        database = sqlite3.connect(tmp_path / mode / FILE)
        assert database.execute("PRAGMA journal_mode").fetchone() == (mode,)
        database.close()

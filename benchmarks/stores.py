"""Where a cache may keep blocks: what keeping and finding one costs in each kind of store.

Blocks of the size that our files have, put and found nine at a time, as a window of a layer has
them. ``diskcache`` is measured where it is installed. Each is written by one process, read by one
that has just begun, and written by four at once.
"""

import multiprocessing
import os
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import click
from report import keep, number, table, versions

GROUP = 9
"""Blocks: three by three."""

Blocks = Sequence[tuple[str, bytes]]


class Store(Protocol):
    """Keeps blocks by name."""

    def put(self, blocks: Blocks) -> None:
        """Keep them."""
        ...

    def get(self, names: Sequence[str]) -> list[bytes]:
        """Those that were kept."""
        ...


class Database:
    """SQLite: blocks in a table, a transaction for each group, a log beside the file."""

    def __init__(self, folder: Path) -> None:
        self._file = sqlite3.connect(folder / "blocks.db", isolation_level=None, timeout=60)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=NORMAL")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS block (id INTEGER PRIMARY KEY, name TEXT UNIQUE, used REAL)"
        )
        self._file.execute("CREATE INDEX IF NOT EXISTS age ON block (used)")
        self._file.execute("CREATE TABLE IF NOT EXISTS content (id INTEGER PRIMARY KEY, data BLOB)")

    def put(self, blocks: Blocks) -> None:
        """Keep them."""
        self._file.execute("BEGIN IMMEDIATE")
        for name, data in blocks:
            new = self._file.execute("INSERT INTO block (name, used) VALUES (?, 0)", (name,))
            self._file.execute("INSERT INTO content VALUES (?, ?)", (new.lastrowid, data))
        self._file.execute("COMMIT")

    def get(self, names: Sequence[str]) -> list[bytes]:
        """Those that were kept."""
        marks = ",".join("?" * len(names))
        query = f"SELECT data FROM block JOIN content USING (id) WHERE name IN ({marks})"
        return [data for (data,) in self._file.execute(query, tuple(names))]


class Files:
    """A file for each block, written beside its name and renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for first in range(256):
            (folder / f"{first:02x}").mkdir(exist_ok=True)

    def put(self, blocks: Blocks) -> None:
        """Keep them."""
        for name, data in blocks:
            path = self._path(name)
            beside = path.with_name(f"{name}-{os.getpid()}")
            beside.write_bytes(data)
            beside.replace(path)

    def get(self, names: Sequence[str]) -> list[bytes]:
        """Those that were kept."""
        return [self._path(name).read_bytes() for name in names]

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


class DiskCache:
    """The library diskcache, told to keep all in its database."""

    def __init__(self, folder: Path) -> None:
        import diskcache

        self._cache = diskcache.Cache(str(folder), disk_min_file_size=2**20, timeout=60)

    def put(self, blocks: Blocks) -> None:
        """Keep them."""
        with self._cache.transact():
            for name, data in blocks:
                self._cache.set(name, data)

    def get(self, names: Sequence[str]) -> list[bytes]:
        """Those that were kept."""
        return [self._cache[name] for name in names]


def _stores() -> Mapping[str, Callable[[Path], Store]]:
    found: dict[str, Callable[[Path], Store]] = {"sqlite3": Database, "files": Files}
    with suppress(ImportError):
        import diskcache  # noqa: F401

        found["diskcache"] = DiskCache
    return found


def _blocks(seed: int, count: int) -> list[tuple[str, bytes]]:
    chance = random.Random(seed)
    return [
        (chance.randbytes(16).hex(), chance.randbytes(chance.randint(10_000, 30_000)))
        for _ in range(count)
    ]


def _write(kind: str, folder: Path, seed: int, count: int) -> None:
    store, blocks = _stores()[kind](folder), _blocks(seed, count)
    for first in range(0, count, GROUP):
        store.put(blocks[first : first + GROUP])


def _one(kind: str, folder: Path, count: int) -> dict[str, float]:
    blocks = _blocks(0, count)
    groups = [blocks[first : first + GROUP] for first in range(0, count, GROUP)]
    store = _stores()[kind](folder)
    start = time.perf_counter()
    for group in groups:
        store.put(group)
    put = time.perf_counter() - start
    fresh = _stores()[kind](folder)
    start = time.perf_counter()
    size = sum(len(data) for group in groups for data in fresh.get([name for name, _ in group]))
    got = time.perf_counter() - start
    assert size == sum(len(data) for _, data in blocks)
    used = sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
    return {"put": put / count, "got": got / count, "room": used / size}


def _four(kind: str, folder: Path, count: int) -> float:
    context = multiprocessing.get_context("fork")
    own = [
        context.Process(target=_write, args=(kind, folder, seed, count // 4)) for seed in range(4)
    ]
    start = time.perf_counter()
    for process in own:
        process.start()
    for process in own:
        process.join()
    assert not any(process.exitcode for process in own)
    return (time.perf_counter() - start) / count


@click.command()
@click.option("--blocks", "count", default=4500, help="How many blocks of 10 to 30 kB.")
@click.option("--runs", default=3, help="Runs of each store, taken in turn.")
def main(count: int, runs: int) -> None:
    """Measure, print a table, keep it in results/."""
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in _stores()}
    for _ in range(runs):
        for kind, own in found.items():
            folders = [Path(tempfile.mkdtemp(prefix="stores-")) for _ in range(2)]
            own.append(_one(kind, folders[0], count) | {"four": _four(kind, folders[1], count)})
            for folder in folders:
                shutil.rmtree(folder)
    rows = [
        [kind, *(number(1e6 * statistics.median(one[key] for one in own)) for key in ("put", "got", "four")),
         number(statistics.median(one["room"] for one in own))]
        for kind, own in found.items()
    ]  # fmt: skip
    head = ["", "to keep one, µs", "to find one, µs", "to keep one, four processes, µs", "x room"]
    said = f"{count} blocks of 10 to 30 kB, {GROUP} at a time."
    keep("Stores for a cache", [versions(runs), "", said, "", *table(head, rows)])


if __name__ == "__main__":
    main()

"""The file of a cache: an SQLite database that may be lost at any time.

Many processes use one at once, and any of them may be killed: SQLite's write-ahead log lets
readers read while one writes, and takes back what was not finished. What a database says is
believed as little as what a server says: whoever asks for bytes proves them.

    entry    a row for each thing that is kept: its name, which span of it, how large, when used
    content  its bytes, apart, so that what is asked of entries alone touches no bytes
"""

import errno
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shoestring.cache_folder import new_beside, private_file
from shoestring.shared_disk import is_shared
from shoestring.spans import Span
from shoestring_schema.errors import CacheError

FILE = "blocks-1.db"
"""Its name in the cache's folder. Another way of keeping things gets another number."""

FRESH = 60
"""Seconds. What was used since is not noted as used again: noting is writing."""

_PATIENCE = 10.0
"""Seconds to wait for another program that writes."""

_MOST = 500
"""Values in a statement; SQLite had a limit of 999."""

_SLACK = 16
"""When room is made, one more part in so many is, so that it is not made for each block."""

_DAMAGED = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}

_REMEDY = "`shoestring cache clear` makes it anew"

_SCHEMA = """
PRAGMA auto_vacuum=INCREMENTAL;
PRAGMA journal_mode={journal};
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, name BLOB NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
    size INTEGER NOT NULL, used INTEGER NOT NULL, note BLOB, UNIQUE (name, start, stop)
);
CREATE INDEX age ON entry (used);
CREATE TABLE content (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
"""

_IS = "name = ? AND start = ? AND stop = ?"

_FIND = """
SELECT start, stop, id, used, note, data FROM entry JOIN content USING (id)
WHERE name = ? AND start IN ({})
"""

Key = tuple[bytes, int, int]
"""Name, start and stop."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that is kept.

    Attributes:
        id: Its number.
        used: When it was last used, in seconds since 1970; not more exact than `FRESH`.
        note: What was written beside it.
        data: Its bytes.
    """

    id: int
    used: int
    note: bytes | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """What a cache holds.

    Attributes:
        entries: How many blocks, pieces of indexes and documents.
        size: Bytes on the disk.
        oldest: When the one that will go first was last used; None where there is nothing.
    """

    entries: int
    size: int
    oldest: int | None


class Store:
    """A cache's file. One thread at a time uses it.

    Args:
        folder: Where it lies; made where it does not exist.
        limit: Bytes that it may have.
        now: Tells the time.

    Raises:
        CacheError: It can't be used.
    """

    def __init__(self, folder: Path, limit: int, now: Callable[[], float] = time.time) -> None:
        self.path = folder / FILE
        self._limit = limit
        self._now = now
        with self._explained():
            private_file(self.path, self._make)
            self._database = _connect(self.path)
            try:
                self._database.execute("SELECT 1 FROM entry JOIN content USING (id)").fetchone()
            except sqlite3.Error:
                self._database.close()
                raise

    def find(self, name: bytes, spans: Collection[Span]) -> dict[Span, Entry]:
        """What is kept of some spans.

        Args:
            name: What they are spans of.
            spans: Which.

        Raises:
            CacheError: The file can't be read.
        """
        wanted, found = set(spans), {}
        with self._explained():
            for starts in _portions([span.start for span in spans]):
                rows = self._database.execute(_FIND.format(_marks(starts)), (name, *starts))
                for start, stop, *rest in rows:
                    if (span := Span(start, stop)) in wanted:
                        found[span] = Entry(*rest)
        return found

    def count(self, name: bytes, spans: Collection[Span]) -> int:
        """How many of some spans are kept, without a look at their bytes."""
        count = 0
        with self._explained():
            for starts in _portions([span.start for span in spans]):
                query = f"SELECT count(*) FROM entry WHERE name = ? AND start IN ({_marks(starts)})"
                count += self._database.execute(query, (name, *starts)).fetchone()[0]
        return count

    def keep(
        self, name: bytes, contents: Mapping[Span, bytes | memoryview], note: bytes | None = None
    ) -> None:
        """Keep some spans, in place of what was kept of them; all or none.

        What would be more than half of the limit is not kept.

        Args:
            name: What they are spans of.
            contents: Their bytes.
            note: What to write beside each of them.

        Raises:
            CacheError: The file can't be written.
        """
        size = sum(len(data) for data in contents.values())
        if size > self._limit // 2:
            return
        now = int(self._now())
        with self._explained():
            with self._writing():
                self._make_room(size)
                for span, data in contents.items():
                    self._put((name, span.start, span.stop), data, note, now)
            if self._bytes() > self._limit:
                self._shrink()

    def touch(self, entries: Collection[Entry]) -> None:
        """Note that entries are used, but those of which that was noted a moment ago."""
        now = int(self._now())
        old = [(now, entry.id) for entry in entries if abs(now - entry.used) > FRESH]
        if old:
            with self._explained(), self._writing():
                self._database.executemany("UPDATE entry SET used = ? WHERE id = ?", old)

    def trim(self, limit: int) -> None:
        """Let go of what was not used for the longest, until the file has so many bytes."""
        with self._explained():
            with self._writing():
                self._evict(self._used_bytes() - limit)
            self._shrink()
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def contents(self) -> Contents:
        """What it holds."""
        with self._explained():
            entries, oldest = self._database.execute(
                "SELECT count(*), min(used) FROM entry"
            ).fetchone()
            return Contents(entries, self._bytes(), oldest)

    def close(self) -> None:
        """Close the file."""
        with self._explained():
            self._database.close()

    def _make_room(self, size: int) -> None:
        over = self._used_bytes() + size - self._limit
        if over > 0:
            self._evict(over + self._limit // _SLACK)

    def _put(self, key: Key, data: bytes | memoryview, note: bytes | None, now: int) -> None:
        found = self._database.execute(f"SELECT id FROM entry WHERE {_IS}", key).fetchall()
        self._remove(found)
        new = self._database.execute(
            "INSERT INTO entry (name, start, stop, size, used, note) VALUES (?, ?, ?, ?, ?, ?)",
            (*key, len(data), now, note),
        )
        self._database.execute("INSERT INTO content VALUES (?, ?)", (new.lastrowid, data))

    def _shrink(self) -> None:
        """Give back what is free; not within a transaction, and not by `execute`, which frees a page."""
        self._database.executescript("PRAGMA incremental_vacuum;")

    def _evict(self, size: int) -> None:
        """Let go of so many bytes."""
        gone, freed = [], 0
        for number, own in self._database.execute("SELECT id, size FROM entry ORDER BY used, id"):
            if freed >= size:
                break
            gone.append((number,))
            freed += own
        self._remove(gone)

    def _remove(self, numbers: Sequence[tuple[int]]) -> None:
        self._database.executemany("DELETE FROM entry WHERE id = ?", numbers)
        self._database.executemany("DELETE FROM content WHERE id = ?", numbers)

    def _bytes(self) -> int:
        return self._pragma("page_count") * self._pragma("page_size")

    def _used_bytes(self) -> int:
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        return pages * self._pragma("page_size")

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _DAMAGED or "no such" in str(error):
                raise CacheError(f"{self.path} is damaged: {_REMEDY}.", damaged=True) from error
            raise CacheError(f"{self.path} {_reason(error, code)}.") from error

    def _make(self) -> None:
        """Make the file, whole, or find it made by another process meanwhile."""
        with new_beside(self.path) as beside:
            database = _connect(beside)
            journal = "DELETE" if is_shared(beside) else "WAL"
            with closing(database):
                database.executescript(_SCHEMA.format(journal=journal))


def _connect(path: Path) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=rw"
    # Whoever closes it may be another thread than the one that uses it, but never at once.
    database = sqlite3.connect(
        address, uri=True, isolation_level=None, timeout=_PATIENCE, check_same_thread=False
    )
    try:  # a crash of the machine may cost the last blocks
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute("PRAGMA trusted_schema=OFF")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _portions(starts: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(starts), _MOST):
        yield starts[first : first + _MOST]


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


def _reason(error: sqlite3.Error | OSError, code: int) -> str:
    if code == sqlite3.SQLITE_FULL or getattr(error, "errno", 0) in {errno.ENOSPC, errno.EDQUOT}:
        return "can't grow, as its disk is full: make room, or name another folder"
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return "is held by another program: end that"
    words = error.strerror if isinstance(error, OSError) else str(error)
    return f"can't be used ({words}): look at its folder, or name another one"

"""A cache as the client sees it: asynchronous, and never a reason to fail.

Whatever is wrong with its folder, reading goes on without it, and that is said once.
"""

import asyncio
import functools
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from shoestring.excerpts import Proof
from shoestring.spans import Span
from shoestring.workers import Workers
from shoestring_schema.errors import CacheError, CacheWarning

if TYPE_CHECKING:
    from shoestring.cache_store import Entry, Store

WHOLE = Span(0, 0)
"""Stands for a whole document."""

BACKLOG = 32 * 2**20
"""Bytes. With so many that wait for the disk, what fetches them waits as well."""

Role = Literal["find", "keep"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Which cache.

    Attributes:
        folder: Where it lies.
        limit: Bytes that it may have.
    """

    folder: Path
    limit: int


class Cache:
    """Finds and keeps bytes in a folder, each in a thread of its own.

    Args:
        settings: Which cache.
    """

    def __init__(self, settings: CacheSettings) -> None:
        self.settings = settings
        self._process = os.getpid()
        self._workers: dict[Role, Workers] = {"find": Workers(1), "keep": Workers(1)}
        self._stores: dict[Role, Store] = {}
        self._broken: set[Role] = set()
        self._keeping: set[asyncio.Task[None]] = set()
        self._backlog = 0

    async def find(
        self, name: bytes, spans: Sequence[Span], proves: Proof
    ) -> Mapping[Span, memoryview]:
        """What is kept of some spans, and proven.

        Args:
            name: What they are spans of.
            spans: Which.
            proves: What tells the right bytes from all others.
        """
        work = functools.partial(_find, name=name, spans=spans, proves=proves)
        nothing: dict[Span, Entry] = {}
        entries = await self._do("find", work, nothing)
        self._note_use(list(entries.values()))
        return {span: memoryview(entry.data) for span, entry in entries.items()}

    async def find_document(self, name: bytes) -> "Entry | None":
        """A document that is kept, with the note beside it."""
        entry = await self._do("find", functools.partial(_find_document, name=name), None)
        self._note_use([] if entry is None else [entry])
        return entry

    async def holds(self, wanted: Sequence[tuple[bytes, Sequence[Span]]]) -> list[bool]:
        """For each of these: whether all of its spans are kept; whether they are right, is not looked at."""
        return await self._do(
            "find", functools.partial(_hold, wanted=wanted), [False] * len(wanted)
        )

    async def keep(self, name: bytes, contents: Mapping[Span, memoryview], proves: Proof) -> None:
        """Begin to keep spans, as far as they are proven; return as soon as there is room for more."""
        size = sum(len(data) for data in contents.values())
        work = functools.partial(_keep, name=name, contents=contents, proves=proves)
        await self._begin(work, size)

    async def keep_document(self, name: bytes, data: bytes, note: msgspec.Struct) -> None:
        """Begin to keep a document, with a note beside it."""
        work = functools.partial(
            _keep_document, name=name, data=data, note=msgspec.json.encode(note)
        )
        await self._begin(work, len(data))

    async def close(self) -> None:
        """Wait until all is kept, and close the files."""
        if os.getpid() != self._process:
            return  # the threads, and the files, are those of the process that was forked
        try:
            while tasks := tuple(self._keeping):
                await asyncio.gather(*tasks)
                # Where all are done, that lets nothing else run: not even what would discard them.
                self._keeping.difference_update(tasks)
        finally:
            for role, store in self._stores.items():
                with suppress(CacheError):
                    await self._workers[role].run(store.close)
            for workers in self._workers.values():
                workers.close()

    def _note_use(self, entries: "Sequence[Entry]") -> None:
        if entries:
            self._start(lambda store: store.touch(entries), 0)

    async def _begin(self, work: "Callable[[Store], None]", size: int) -> None:
        task = self._start(work, size)
        if self._backlog > BACKLOG:
            await asyncio.shield(task)

    def _start(self, work: "Callable[[Store], None]", size: int) -> "asyncio.Task[None]":
        async def run() -> None:
            try:
                await self._do("keep", work, None)
            finally:
                self._backlog -= size

        self._backlog += size
        task = asyncio.create_task(run())
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
        return task

    async def _do(self, role: Role, work: "Callable[[Store], T]", otherwise: T) -> T:
        """Do work in the thread of its role; without a cache, what stands for its result."""
        if role in self._broken:
            return otherwise
        try:
            return await self._workers[role].run(functools.partial(self._with_store, role, work))
        except CacheError as error:
            self._give_up(role, error)
            return otherwise

    def _with_store(self, role: Role, work: "Callable[[Store], T]") -> T:
        if role not in self._stores:
            from shoestring.cache_store import Store  # which takes time to import

            self._stores[role] = Store(self.settings.folder, self.settings.limit)
        return work(self._stores[role])

    def _give_up(self, role: Role, error: CacheError) -> None:
        told = bool(self._broken)
        self._broken |= {role, "keep"}  # what can't be read is not written to
        if not told:
            lost = "nothing more is kept" if role == "keep" else "reading goes on without a cache"
            warnings.warn(f"{str(error).rstrip('.')}; {lost}.", CacheWarning, stacklevel=2)


def _find(store: "Store", name: bytes, spans: Sequence[Span], proves: Proof) -> "dict[Span, Entry]":
    found = store.find(name, spans)
    return {span: own for span, own in found.items() if proves(span, memoryview(own.data))}


def _find_document(store: "Store", name: bytes) -> "Entry | None":
    return store.find(name, [WHOLE]).get(WHOLE)


def _hold(store: "Store", wanted: Sequence[tuple[bytes, Sequence[Span]]]) -> list[bool]:
    return [store.count(name, spans) == len(spans) for name, spans in wanted]


def _keep(store: "Store", name: bytes, contents: Mapping[Span, memoryview], proves: Proof) -> None:
    store.keep(name, {span: data for span, data in contents.items() if proves(span, data)})


def _keep_document(store: "Store", name: bytes, data: bytes, note: bytes) -> None:
    store.keep(name, {WHOLE: data}, note)

"""Orders in, whole files in their places out."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from shoestring.event_loop import EventLoopThread
from shoestring.location import Location
from shoestring.options import Options
from shoestring.site_transport import SiteTransport
from shoestring.workers import Workers
from shoestring_pull.transfer.fetch import Fetch
from shoestring_pull.transfer.incoming import Arrivals, Incoming
from shoestring_pull.transfer.meter import meter, say_beside
from shoestring_pull.transfer.order import Order, TransferReport
from shoestring_pull.transfer.pace import Pace
from shoestring_pull.transfer.place import flush, make_folder, place, require_room, told
from shoestring_pull.transfer.sequence import sequence
from shoestring_pull.transfer.staged import SpoiltError
from shoestring_pull.transfer.throttle import Throttle
from shoestring_schema.errors import TransferError

T = TypeVar("T")

_FLUSHERS = 4
"""Threads that wait for the disk."""

_FINISHING = 64
"""Files that may wait for the disk while others come in."""

_ENDING = 0.5
"""Seconds that an interrupted transfer gets to close its files and connections."""

_loop = EventLoopThread()


def transfer(
    orders: Sequence[Order],
    *,
    staging: Path,
    pace: Pace | None = None,
    options: Options | None = None,
    progress: bool | None = None,
    done: Callable[[Order, str], object] | None = None,
    say: Callable[[str], object] = say_beside,
) -> TransferReport:
    """Fetch files, several at once, and give each its name once it is whole and right.

    What has come when it fails, or is interrupted or killed, stays in the staging folder; the
    next transfer of the same order goes on behind its last byte.

    Args:
        orders: The files, each path once. What lies there is replaced.
        staging: Folder for what has come in part, in the file system of the files' places. One
            transfer at a time may use it.
        pace: How fast, and at which hours; by default as fast as the line bears, always.
        options: Connections, time limits, how often to try again.
        progress: True shows how far it is, as lines where there is no terminal; None only on a
            terminal or in a notebook.
        done: Called with each order, as soon as it is in its place, and the multihash of the
            file; one at a time, in another thread than this one.
        say: Called with a sentence where the user should know why nothing happens.

    Returns:
        What was done.

    Raises:
        TransferError: Bytes did not arrive, or wrong ones did twice.
        CatalogueError: A source is not there, or of another size.
        OutputError: The disk is full, or can't be written.
        KeyboardInterrupt: Ctrl-C.
    """
    ended = threading.Event()
    pace, options = pace or Pace(), options or Options()
    options = replace(options, connections=pace.connections(options.connections))

    async def run() -> TransferReport:
        try:
            async with SiteTransport(options) as transport:
                fetch = Fetch(transport, options, Throttle(pace, say), say)
                return await Transfer(orders, staging, fetch, done).run(progress)
        finally:
            ended.set()

    try:
        return _loop.run(run())
    except KeyboardInterrupt:
        ended.wait(_ENDING)
        raise


class Transfer:
    """A transfer under way.

    Args:
        orders: The files.
        staging: Folder for what has come in part.
        fetch: Fetches requests.
        done: Called with each file that is in its place.
    """

    def __init__(
        self,
        orders: Sequence[Order],
        staging: Path,
        fetch: Fetch,
        done: Callable[[Order, str], object] | None,
    ) -> None:
        self._orders, self._staging, self._fetch, self._done = orders, staging, fetch, done
        self._arrivals = Arrivals(orders, staging)
        self._flushers = Workers(_FLUSHERS)
        self._finishing = asyncio.Semaphore(_FINISHING)
        self._folders: set[Path] = set()

    async def run(self, progress: bool | None) -> TransferReport:
        """Do it; see `transfer`."""
        began, size = time.monotonic(), sum(order.size for order in self._orders)
        try:
            resumed, plan = await self._on_disk(self._staging, self._begin)
            self._fetch.to_come = size - resumed
            self._fetch.meter = meter(size, resumed, wanted=progress)
            await self._fetch_all(plan)
            await self._on_disk(self._staging, lambda: flush(self._folders))
        finally:
            self._close()
        seconds = time.monotonic() - began
        return TransferReport(len(self._orders), size, self._fetch.fetched, resumed, seconds)

    def _begin(self) -> tuple[int, Iterator[tuple[int, int]]]:
        """Look what is there, and say how many bytes, and in which order all else comes."""
        self._folders |= make_folder(self._staging)
        resumed = self._arrivals.resume()
        sizes = self._arrivals.sizes()
        require_room(self._staging, sum(map(sum, sizes)) - resumed)
        return resumed, sequence(sizes)

    async def _fetch_all(self, plan: Iterator[tuple[int, int]]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for file, order in enumerate(self._orders):
                    if not order.size:
                        await self._finishing.acquire()
                        group.create_task(self._finish(file))
                for _ in range(self._fetch.options.connections):
                    group.create_task(self._take(plan, group))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _take(self, plan: Iterator[tuple[int, int]], group: asyncio.TaskGroup) -> None:
        """Fetch one request after the other, as long as there are any."""
        for file, index in plan:
            incoming = self._arrivals[file]
            await self._fetch.fetch(incoming, index)
            incoming.left -= 1
            if not incoming.left:
                await self._finishing.acquire()
                group.create_task(self._finish(file))

    async def _finish(self, file: int) -> None:
        """Give a file its name, if it is right; what is spoilt is fetched again, once."""
        incoming = self._arrivals[file]
        try:
            try:
                checksum = await self._on_disk(incoming.order.path, lambda: self._place(incoming))
            except SpoiltError:
                await self._fetch_again(incoming)
                checksum = await self._on_disk(incoming.order.path, lambda: self._place(incoming))
        except SpoiltError:
            await self._on_disk(incoming.staged.path, incoming.staged.reset)  # or it would be kept
            raise _spoilt(incoming.order) from None
        finally:
            self._finishing.release()
        self._arrivals.forget(file)
        if self._done is not None:
            self._done(incoming.order, checksum)

    async def _fetch_again(self, incoming: Incoming) -> None:
        self._fetch.forget(incoming.order.size)
        await self._on_disk(incoming.staged.path, incoming.staged.reset)
        for index in range(len(incoming.units)):
            await self._fetch.fetch(incoming, index)

    def _place(self, incoming: Incoming) -> str:
        checksum = incoming.staged.finish()
        self._folders |= place(incoming.staged.path, incoming.order.path)
        return checksum

    async def _on_disk(self, path: Path, work: Callable[[], T]) -> T:
        def run() -> T:
            with told(path, self._staging, self._fetch.to_come):
                return work()

        return await self._flushers.run(run)

    def _close(self) -> None:
        self._fetch.close()
        self._flushers.close()
        self._arrivals.close()


def _spoilt(order: Order) -> TransferError:
    sources = (piece.source for piece in order.pieces)
    urls = [source.address for source in sources if isinstance(source, Location)]
    return TransferError(
        f"{urls[0] if urls else 'What was made here'} gives other bytes than its catalogue says, twice, so "
        f"{order.path} was not made: open the catalogue again, and tell its publisher if that does not help."
    )

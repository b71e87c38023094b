"""Sixteen processes that use one cache, and are killed: ``python hammer.py FOLDER KILLS``.

Each reads excerpts of files, and documents, whose right bytes it knows, from a transport of its own
making. What is wrong stands in ``wrong`` beside the cache; at the end, how many of the last
process's excerpts were hits is printed.
"""

import asyncio
import os
import random
import signal
import sys
import time
import warnings
import zlib
from pathlib import Path

from shoestring.cache import Cache, CacheSettings
from shoestring.cached_transport import CachedTransport
from shoestring.excerpts import Excerpts
from shoestring.location import Location
from shoestring.spans import Span
from shoestring.validators import Copy, Validators
from shoestring_schema.errors import ShoestringError

PROCESSES = 16
FILES = 12
BLOCKS = 12
LIMIT = 1_500_000
"""Less than all files together: there is always something that must go."""

CONTENT = {
    f"https://host/{number}.tif": random.Random(number).randbytes(BLOCKS * (8_000 + 1_000 * number))
    for number in range(FILES)
}


class Source:
    """A transport that has it all in memory, and counts."""

    fetched = 0

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """The whole."""
        return CONTENT[location.address]

    async def fetch_changed(
        self, location: Location, copy: Copy | None, *, max_bytes: int
    ) -> Copy | None:
        """Documents never change."""
        return Copy(CONTENT[location.address], Validators()) if copy is None else None

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """A part."""
        self.fetched += 1
        return CONTENT[location.address][span.start : span.stop]

    async def fetch_excerpts(self, excerpts: Excerpts) -> dict[Span, memoryview]:
        """Not asked by a cache."""
        raise NotImplementedError

    def prepare(self, location: Location, requests: int) -> None:
        """Nothing to prepare."""

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """Nothing is wrong."""
        return None

    async def close(self) -> None:
        """Nothing to let go of."""


async def read(folder: Path, rounds: int, chance: random.Random) -> int:
    """Read so many times; how often nothing had to be fetched."""
    source, hits = Source(), 0
    transport = CachedTransport(source, Cache(CacheSettings(folder, LIMIT)))
    for _ in range(rounds):
        url = chance.choice(list(CONTENT))
        data, before = CONTENT[url], source.fetched
        if chance.random() < 0.1:
            assert await transport.fetch(Location(url), max_bytes=2**20) == data, "a document"
            continue
        size = len(data) // BLOCKS
        first, last = sorted(chance.sample(range(BLOCKS + 1), 2))
        spans = [Span(number * size, (number + 1) * size) for number in range(first, last)]
        sums = {span: zlib.crc32(data[span.start : span.stop]) for span in spans}
        found = await transport.fetch_excerpts(
            Excerpts(Location(url), len(data), tuple(spans), 0, 2**20,
                     lambda span, own, sums=sums: zlib.crc32(own) == sums[span])  # type: ignore[misc]
        )  # fmt: skip
        assert all(found[span] == data[span.start : span.stop] for span in spans), "an excerpt"
        hits += source.fetched == before
    await transport.close()
    return hits


def child(folder: Path, seed: int) -> None:
    """Read until killed."""
    warnings.simplefilter("error")
    try:
        while True:
            asyncio.run(read(folder, 30, random.Random(seed)))
            seed += PROCESSES * 1000
    except BaseException as error:
        with (folder.parent / "wrong").open("a") as file:
            file.write(f"{error!r}\n")
        os._exit(1)


def main(folder: Path, kills: int) -> None:
    """Kill one after the other, each replaced by a new one; then read in peace."""
    chance, seeds = random.Random(7), iter(range(10**6))
    own = [spawn(folder, next(seeds)) for _ in range(PROCESSES)]
    for _ in range(kills):
        time.sleep(chance.uniform(0.01, 0.08))
        place = chance.randrange(PROCESSES)
        end(own[place])
        own[place] = spawn(folder, next(seeds))
    for process in own:
        end(process)
    print(asyncio.run(read(folder, 400, random.Random(1))))


def spawn(folder: Path, seed: int) -> int:
    """A new process."""
    process = os.fork()
    if not process:
        child(folder, seed)
    return process


def end(process: int) -> None:
    """Kill one of ours."""
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

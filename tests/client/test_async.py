"""Asynchronous use: layers as they arrive, and stopping that really stops."""

import asyncio
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import shoestring
from shoestring import Options
from shoestring_schema.errors import CatalogueError, ShoestringError
from support.faulty_server import FaultyServer, Request, Stall, Status
from support.site import UTM, numbers, simple_site

DATES = 12


def stall_after(count: int) -> tuple[threading.Event, "object"]:
    """A rule that answers for so many assets, the first asked for, and stalls for the others."""
    stalled = threading.Event()
    lock = threading.Lock()
    seen: list[str] = []

    def rule(request: Request) -> Stall | None:
        if not request.path.endswith(".tif"):
            return None
        with lock:
            if request.path not in seen:
                seen.append(request.path)
            if seen.index(request.path) < count:
                return None
        stalled.set()
        return Stall()

    return stalled, rule


def test_layers_arrive_while_others_are_on_their_way(tmp_path: Path) -> None:
    """Layers of complete dates are given while other dates are still stalled."""
    simple_site(tmp_path, DATES)
    _stalled, rule = stall_after(3)

    async def main(address: str) -> list[shoestring.Layer]:
        found = []
        async with shoestring.connect(
            address, options=Options(connections=2, timeout=20)
        ) as catalogue:
            collection = catalogue["fields"]
            async for layer in collection.layers("B04", collection.extent, masked=False):
                found.append(layer)
                if len(found) == 3:
                    break
        return found

    with FaultyServer(tmp_path, rule) as server:
        began = time.monotonic()
        layers = asyncio.run(main(server.address))
        assert time.monotonic() - began < 10
    assert len({layer.date for layer in layers}) == 3
    for layer in layers:
        wanted = numbers(UTM.shape, seed=layer.date.day - 1)
        np.testing.assert_array_equal(layer.pixels, wanted)


def test_leaving_the_loop_stops_reading(tmp_path: Path) -> None:
    """After `break` no further file is asked for, though most dates were not read."""
    simple_site(tmp_path, DATES)

    async def main(server: FaultyServer) -> int:
        async with shoestring.connect(server.address, options=Options(connections=1)) as catalogue:
            layers = catalogue["fields"].layers("B04", catalogue["fields"].extent)
            async for _ in layers:
                break
            await layers.aclose()
            asked = server.count(".tif")
            await catalogue["fields"].extract("B04", catalogue["fields"].extent, dates="2018-01-12")
            assert len({r.path for r in server.requests if r.path.endswith(".tif")}) < DATES - 4
        return asked

    with FaultyServer(tmp_path) as server:
        assert asyncio.run(main(server)) <= 8


def test_cancelling_stops_at_once_and_begins_nothing_more(tmp_path: Path) -> None:
    """A cancelled extraction returns promptly, closing too, and no further request is begun."""
    simple_site(tmp_path, DATES)
    stalled, rule = stall_after(2)

    async def main(server: FaultyServer) -> float:
        options = Options(connections=3, timeout=30)
        async with shoestring.connect(server.address, options=options) as catalogue:
            collection = catalogue["fields"]
            task = asyncio.create_task(collection.extract("B04", collection.extent))
            await asyncio.to_thread(stalled.wait, 20)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return time.monotonic() - began

    with FaultyServer(tmp_path, rule) as server:
        assert asyncio.run(main(server)) < 2
        paths = {request.path for request in server.requests if request.path.endswith(".tif")}
        assert len(paths) <= 2 + 3
        asked = len(server.requests)
    assert len(server.requests) - asked <= 0


def test_a_timeout_around_an_extraction_works(tmp_path: Path) -> None:
    """asyncio.timeout ends an extraction from a stalled server."""
    simple_site(tmp_path, 3)
    _, rule = stall_after(0)

    async def main(address: str) -> None:
        async with shoestring.connect(address, options=Options(timeout=30)) as catalogue:
            collection = catalogue["fields"]
            async with asyncio.timeout(0.3):
                await collection.extract("B04", collection.extent)

    with FaultyServer(tmp_path, rule) as server:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            asyncio.run(main(server.address))
        assert time.monotonic() - began < 3


def test_one_failure_ends_the_others(tmp_path: Path) -> None:
    """Where one layer fails for good, the extraction ends with it and does not wait for others."""
    simple_site(tmp_path, DATES)

    def rule(request: Request) -> Status | Stall | None:
        if request.path.endswith("2018-01-05_B04.tif"):
            return Status(404)
        return Stall() if request.path.endswith(".tif") else None

    async def main(address: str) -> None:
        async with shoestring.connect(address, options=Options(timeout=30)) as catalogue:
            collection = catalogue["fields"]
            await collection.extract("B04", collection.extent)

    with FaultyServer(tmp_path, rule) as server:
        began = time.monotonic()
        with pytest.raises(CatalogueError, match=r"2018-01-05_B04\.tif does not exist"):
            asyncio.run(main(server.address))
        assert time.monotonic() - began < 5


def test_several_extractions_share_a_catalogue(tmp_path: Path) -> None:
    """Extractions that run at once through one catalogue do not mix."""
    simple_site(tmp_path, 4)

    async def main(address: str) -> list[shoestring.Stack]:
        async with shoestring.connect(address) as catalogue:
            collection = catalogue["fields"]
            return await asyncio.gather(
                *(
                    collection.extract(
                        "B04", collection.extent, dates=day.isoformat(), masked=False
                    )
                    for day in collection.dates
                    for _ in range(3)
                )
            )

    with FaultyServer(tmp_path) as server:
        stacks = asyncio.run(main(server.address))
        assert server.count("items.json") <= 12
    for stack in stacks:
        (day,) = stack.dates
        np.testing.assert_array_equal(stack["B04"][day], numbers(UTM.shape, seed=day.day - 1))


def test_a_closed_catalogue_says_so(tmp_path: Path) -> None:
    """Using a collection after its catalogue was closed ends in one of our errors."""
    simple_site(tmp_path, 1)

    async def main() -> None:
        async with shoestring.connect(tmp_path) as catalogue:
            collection = catalogue["fields"]
        await collection.extract("B04", collection.extent)

    with pytest.raises(ShoestringError, match="closed: open it again"):
        asyncio.run(main())


def test_nothing_is_left_open(tmp_path: Path) -> None:
    """Opening a broken catalogue leaves no threads and no connections."""
    site = simple_site(tmp_path, 1)
    site.catalog["links"] *= 3
    site.catalog["links"].append({"rel": "child", "href": "./none/collection.json"})
    site.write()

    async def main(address: str) -> None:
        with pytest.raises(CatalogueError, match=r"none/collection\.json does not exist"):
            async with shoestring.connect(address):
                pass
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    before = set(threading.enumerate())
    with FaultyServer(tmp_path) as server:
        asyncio.run(main(server.address))
    new = set(threading.enumerate()) - before
    assert not [thread for thread in new if thread.name.startswith("shoestring")]

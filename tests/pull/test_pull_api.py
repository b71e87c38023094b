"""`catalogue.pull`, of both kinds of catalogues."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

import shoestring
from shoestring_builder.publish.current import read_current
from shoestring_pull.options import PullOptions
from shoestring_schema.errors import SelectionError
from support.faulty_server import Fault, FaultyServer, Request, Stall
from support.nginx import Nginx
from support.pulled import build_fields, faults, pull_into

REGION = [-2.99, 36.12, -2.97, 36.135]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two collections and two dates."""
    return build_fields(tmp_path_factory.mktemp("fields"), (1, 2))


def test_open_catalogue_is_pulled(nginx: Callable[..., Nginx], site: Path, tmp_path: Path) -> None:
    """An open catalogue copies its snapshot, and what is selected of it."""
    with shoestring.open(f"{nginx(site).http}/") as catalogue:
        whole = catalogue.pull(tmp_path / "whole")
        part = catalogue.pull(
            tmp_path / "part", collections="s2", bands=["B04"], dates="2018-01-02", roi=REGION,
            crop=True,
        )  # fmt: skip
        again = catalogue.pull(tmp_path / "part")  # as it was
    assert whole.snapshot == catalogue.snapshot
    assert part.fetched.files == 2
    assert str(again).startswith("nothing new")
    assert faults(tmp_path / "whole") == faults(tmp_path / "part") == ()


def test_asynchronous_catalogue_is_pulled(site: Path, tmp_path: Path) -> None:
    """The asynchronous catalogue has the same method, and the loop goes on meanwhile."""
    turns = 0

    async def work() -> None:
        nonlocal turns
        async with shoestring.connect(site) as catalogue:
            pulling = asyncio.create_task(catalogue.pull(tmp_path / "copy", progress=False))
            while not pulling.done():
                await asyncio.sleep(0.001)
                turns += 1
            assert (await pulling).snapshot == catalogue.snapshot

    asyncio.run(work())
    assert turns > 10
    assert faults(tmp_path / "copy") == ()


def test_cancelled_pull_ends(site: Path, tmp_path: Path) -> None:
    """To cancel a pull ends its work too: the folder is free, and the next pull goes on."""

    async def work(server: FaultyServer) -> None:
        loop, asked = asyncio.get_running_loop(), asyncio.Event()

        def rule(request: Request) -> Fault | None:
            if not request.path.endswith(".tif"):
                return None
            loop.call_soon_threadsafe(asked.set)
            return Stall(half=True)

        server.rule = rule
        async with shoestring.connect(f"{server.address}/") as catalogue:
            pulling = asyncio.create_task(catalogue.pull(tmp_path / "copy", progress=False))
            await asked.wait()
            pulling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await pulling

    with FaultyServer(site) as server:
        asyncio.run(work(server))  # returns when the thread has ended
        server.rule = lambda request: None
        pull_into(tmp_path / "copy", None)
    assert read_current(tmp_path / "copy").mark == read_current(site).mark
    assert faults(tmp_path / "copy") == ()


def test_what_is_no_site_can_not_be_pulled(site: Path, tmp_path: Path) -> None:
    """A plain `database.json` has no snapshot to be pulled."""
    with (
        shoestring.open(site / "height" / "database.json") as catalogue,
        pytest.raises(SelectionError, match="has no snapshots"),
    ):
        catalogue.pull(tmp_path / "copy")


def test_terms_are_checked_at_once() -> None:
    """What can't be a rate, hours or a duration is told when it is said."""
    for wrong in ({"limit_rate": 0}, {"limit_rate": "fast"}, {"at_night": "22"}, {"keep": "x"}):
        with pytest.raises(SelectionError):
            PullOptions(**wrong)  # type: ignore[arg-type]

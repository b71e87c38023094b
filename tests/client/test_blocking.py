"""The synchronous names: in scripts, in threads, and inside a running loop."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import shoestring
from shoestring import Options
from support.faulty_server import FaultyServer, Stall
from support.site import UTM, numbers, simple_site


def check(address: str) -> int:
    """Extract everything and compare."""
    with shoestring.open(address) as catalogue:
        collection = catalogue["fields"]
        stack = collection.extract("B04", collection.extent, masked=False)
    for day in stack.dates:
        np.testing.assert_array_equal(stack["B04"][day], numbers(UTM.shape, seed=day.day - 1))
    return len(stack.dates)


def test_it_works_inside_a_running_loop(tmp_path: Path) -> None:
    """Inside a running event loop, as in a notebook, the synchronous names work."""
    simple_site(tmp_path, 3)

    async def main(address: str) -> int:
        return check(address)

    with FaultyServer(tmp_path) as server:
        assert asyncio.run(main(server.address)) == 3


def test_it_works_in_several_threads(tmp_path: Path) -> None:
    """Several threads may open and extract at once."""
    simple_site(tmp_path, 3)
    with FaultyServer(tmp_path) as server, ThreadPoolExecutor(4) as threads:
        assert list(threads.map(check, [server.address] * 8)) == [3] * 8


def test_one_catalogue_may_be_used_by_several_threads(tmp_path: Path) -> None:
    """Threads may share an open catalogue."""
    simple_site(tmp_path, 3)
    with shoestring.open(tmp_path) as catalogue, ThreadPoolExecutor(4) as threads:
        collection = catalogue["fields"]
        work = [threads.submit(collection.extract, "B04", collection.extent) for _ in range(8)]
        assert [len(done.result()["B04"]) for done in work] == [3] * 8


def test_layers_may_be_looped_over(tmp_path: Path) -> None:
    """Layers come one by one; a loop that is left closes what it began."""
    simple_site(tmp_path, 5)
    with shoestring.open(tmp_path) as catalogue:
        collection = catalogue["fields"]
        days = {layer.date.day for layer in collection.layers("B04", collection.extent)}
        assert days == {1, 2, 3, 4, 5}
        for layer in collection.layers("B04", collection.extent):
            assert repr(layer).startswith("<Layer B04 2018-01-0")
            break


def test_a_catalogue_may_be_closed_twice(tmp_path: Path) -> None:
    """Closing is harmless, also twice, and also when nobody does it."""
    simple_site(tmp_path, 1)
    catalogue = shoestring.open(tmp_path)
    catalogue.close()
    catalogue.close()
    shoestring.open(tmp_path)


def test_the_synchronous_names_carry_their_documentation() -> None:
    """help() of the synchronous methods tells the options and not where to look them up."""
    for method in (
        shoestring.Collection.extract,
        shoestring.Collection.layers,
        shoestring.Collection.explain,
    ):
        assert method.__doc__
        assert not method.__doc__.startswith("See ")


@pytest.mark.skipif(sys.platform == "win32", reason="Signals are sent another way on Windows.")
def test_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    """Ctrl-C during a stalled extraction ends it promptly with KeyboardInterrupt."""
    simple_site(tmp_path, 6)
    stalled = threading.Event()

    def rule(request: object) -> Stall | None:
        if request.path.endswith(".tif"):  # type: ignore[attr-defined]
            stalled.set()
            return Stall()
        return None

    script = textwrap.dedent("""
        import signal, sys, shoestring
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
        catalogue = shoestring.open(sys.argv[1], options=shoestring.Options(timeout=60))
        collection = catalogue["fields"]
        try:
            collection.extract("B04", collection.extent)
        except KeyboardInterrupt:
            print("interrupted")
    """)
    with FaultyServer(tmp_path, rule) as server:
        command = [sys.executable, "-c", script, server.address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert stalled.wait(30)
                began = time.monotonic()
                os.kill(process.pid, signal.SIGINT)
                said, _ = process.communicate(timeout=20)
            finally:
                process.kill()
        assert (said, process.returncode) == ("interrupted\n", 0)
        assert time.monotonic() - began < 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork on this machine.")
def test_it_works_after_a_fork(tmp_path: Path) -> None:
    """A process that was forked from one that used the client can use it, too."""
    simple_site(tmp_path, 2)
    script = textwrap.dedent("""
        import os, sys, warnings, shoestring
        warnings.simplefilter("ignore")
        def count():
            with shoestring.open(sys.argv[1]) as catalogue:
                return len(catalogue["fields"].dates)
        assert count() == 2
        child = os.fork()
        if not child:
            os._exit(count())
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """)
    said = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True)  # fmt: skip  # noqa: E501
    assert said.stdout == "2\n"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"connections": 0}, "Options.connections must be at least 1, got 0"),
        ({"retries": -1}, "Options.retries must be at least 0, got -1"),
        ({"timeout": 0}, "Options.timeout must be positive, got 0"),
        ({"max_result": 0}, "Options.max_result must be at least 1, got 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, int], says: str) -> None:
    """An option out of its range is named with its value."""
    with pytest.raises(shoestring.ShoestringError, match=says):
        Options(**wrong)

"""A cache on a disk that refuses calls: the same files, and at most one line on standard error."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from shoestring.cache_store import FILE
from support.cached_site import DATES, GRID, build_site, pixels_of
from support.faults import Faults, make_faults
from support.faulty_server import FaultyServer
from support.instants import INSTANTS
from support.site import box_in

pytestmark = [pytest.mark.torture]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A site on a server."""
    with FaultyServer(build_site(tmp_path_factory.mktemp("built"))) as server:
        yield server


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Faults:
    """The library that lets calls fail."""
    return make_faults(tmp_path_factory.mktemp("faults"))


def extract(faults: Faults, server: FaultyServer, folder: Path, **how: object) -> str:
    """Read a window through a cache on that disk, look at all pixels; what is said beside."""
    (folder / "field.json").write_text(json.dumps(box_in(GRID, (70, 120), (70, 120))))
    ran = faults.run(
        "extract", server.address, "s2", "--band", "B04", "--roi", folder / "field.json",
        "--unmasked", "--out", folder / "out", "--cache", folder / "cache", path=FILE, **how,  # type: ignore[arg-type]
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == len(DATES)
    for day, path in zip(DATES, ran.out.splitlines(), strict=True):
        with rasterio.open(path) as file:
            assert np.array_equal(file.read(1), pixels_of(day, "B04")[70:120, 70:120])
    return ran.err


@pytest.mark.timeout(max(120, 10 * INSTANTS))
@pytest.mark.parametrize("call", ["read", "write", "fsync", "open"])
@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
def test_calls_that_fail_cost_the_cache_and_nothing_else(
    faults: Faults, server: FaultyServer, tmp_path: Path, call: str, filled: bool
) -> None:
    """Whichever call is the first that fails, once or for ever: pixels are right, and one line says why."""
    if filled:
        assert extract(faults, server, tmp_path) == ""
    extract(faults, server, tmp_path, calls=call, at=0)
    count = max(1, faults.count)
    instants = max(1, INSTANTS // 20)
    for number in range(instants):
        at = 1 + (2 * number + 1) * count // (2 * instants)
        for times in (1, 10**6):
            told = extract(faults, server, tmp_path, calls=call, at=at, times=times)
            assert told == "" or (told.startswith("Warning: ") and told.count("\n") == 1), told
    assert extract(faults, server, tmp_path) == ""

"""Any sequence of windows through a cache gives what it gives without."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shoestring
from shoestring import Options
from support.cached_site import BANDS, DATES, GRID, SHAPE, build_site
from support.faulty_server import FaultyServer
from support.site import box_in


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A server of a site of three dates and two bands."""
    with FaultyServer(build_site(tmp_path_factory.mktemp("built"))) as server:
        yield server


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    """What is asked of the site."""
    top, left = (draw(st.integers(0, size - 1)) for size in SHAPE)
    bottom, right = draw(st.integers(top + 1, SHAPE[0])), draw(st.integers(left + 1, SHAPE[1]))
    return {
        "bands": draw(st.lists(st.sampled_from(BANDS), min_size=1, unique=True)),
        "roi": box_in(GRID, (top, bottom), (left, right)),
        "dates": draw(st.lists(st.sampled_from(DATES), min_size=1, unique=True)),
        "masked": draw(st.booleans()),
        "resolution": draw(st.sampled_from([None, None, 20, 50])),
    }


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    runs=st.lists(st.lists(windows(), min_size=1, max_size=3), min_size=1, max_size=3),
    limit=st.sampled_from([50_000, 300_000, 10**9]),
)
def test_windows_through_a_cache_are_those_without(
    server: FaultyServer, runs: list[list[dict[str, Any]]], limit: int
) -> None:
    """Whatever was read before, in this run or another one, and however small the cache is."""
    options = Options(cache_size=limit)
    with tempfile.TemporaryDirectory() as folder, shoestring.open(server.folder) as plain:
        for run in runs:
            with shoestring.open(
                server.address, cache=Path(folder) / "cache", options=options
            ) as cached:
                for asked in run:
                    found, expected = (one["s2"].extract(**asked) for one in (cached, plain))
                    assert list(found) == list(expected)
                    for band in expected:
                        assert list(found[band]) == list(expected[band])
                        for day, pixels in expected[band].items():
                            assert found[band][day].dtype == pixels.dtype
                            assert np.array_equal(
                                found[band][day], pixels, equal_nan=bool(asked["masked"])
                            )

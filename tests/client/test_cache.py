"""A cache for windows: what is fetched, counted in the log of a real server."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shoestring
from shoestring import Options
from shoestring.cache_settings import USUAL_SIZE, cache_settings, parse_size
from shoestring.stack import Stack
from shoestring_schema.errors import OfflineError, SelectionError, TransferError
from support.cached_site import BANDS, DATES, GRID, build_site, pixels_of
from support.faulty_server import FaultyServer
from support.nginx import Nginx, Request
from support.site import box_in, simple_site

SMALL = ((70, 120), (70, 120))
LARGE = ((70, 180), (70, 120))
"""Blocks of 64 pixels: one, and that with the one below it."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three dates and two bands."""
    return build_site(tmp_path_factory.mktemp("built"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A folder that does not exist yet."""
    return tmp_path / "home" / "cache"


@pytest.fixture
def server(built: Path, nginx: Callable[..., Nginx]) -> Nginx:
    """The site on a real nginx."""
    return nginx(built)


def extract(address: str, cache: Any, window: Any = SMALL, **more: Any) -> Stack:  # noqa: ANN401
    """Open, extract all layers of a window, and close."""
    bands = more.pop("bands", None)
    dates = more.pop("dates", None)
    with shoestring.open(address, cache=cache, **more) as catalogue:
        roi = box_in(GRID, *window)
        return catalogue["s2"].extract(bands, roi, dates=dates, masked=False)


def assert_right(stack: Stack, window: Any = SMALL, dates: tuple[date, ...] = DATES) -> None:  # noqa: ANN401
    """The pixels are those of the mosaics."""
    (top, bottom), (left, right) = window
    assert set(stack.dates) == set(dates)
    for band, layers in stack.items():
        for day, found in layers.items():
            assert np.array_equal(found, pixels_of(day, band)[top:bottom, left:right])


def asked(server: Nginx, work: Callable[[], object]) -> list[Request]:
    """The requests that something makes."""
    before = len(server.requests())
    work()
    return server.requests()[before:]


def test_a_second_run_costs_one_revalidation(server: Nginx, cache: Path) -> None:
    """The second time there is one request on one connection: catalog.json, answered with 304 and no byte."""
    first = asked(server, lambda: extract(server.http, cache))
    again = asked(server, lambda: assert_right(extract(server.http, cache)))
    assert len(first) == 4 + len(DATES) * len(BANDS)
    assert [(r.path, r.status, r.bytes_sent) for r in again] == [("/catalog.json", 304, 0)]


def test_a_held_snapshot_costs_nothing(server: Nginx, cache: Path) -> None:
    """A snapshot never changes: the second time nothing is asked for."""
    with shoestring.open(server.http) as catalogue:
        snapshot = catalogue.snapshot
    extract(server.http, cache, snapshot=snapshot)
    work = lambda: assert_right(extract(server.http, cache, snapshot=snapshot))  # noqa: E731
    assert asked(server, work) == []


def test_an_overlapping_window_fetches_only_what_is_missing(server: Nginx, cache: Path) -> None:
    """Of two blocks under the second window, the one that the first has not read travels."""
    whole = asked(server, lambda: extract(server.http, False, LARGE))
    extract(server.http, cache, SMALL)
    rest = asked(server, lambda: assert_right(extract(server.http, cache, LARGE), LARGE))
    files = [r for r in rest if r.path.endswith(".tif")]
    assert len(files) == len(DATES) * len(BANDS)
    sent = sum(r.bytes_sent for r in whole if r.path.endswith(".tif"))
    assert 0.4 < sum(r.bytes_sent for r in files) / sent < 0.6
    assert not any(r.path.endswith(".json") and r.status == 200 for r in rest)


def test_missing_neighbours_still_share_a_request(server: Nginx, cache: Path) -> None:
    """What a cache lacks is put together as without one: a request a row of blocks."""
    extract(server.http, cache, SMALL)
    row = ((70, 120), (70, 310))
    rest = asked(server, lambda: assert_right(extract(server.http, cache, row), row))
    assert sum(r.path.endswith(".tif") for r in rest) == len(DATES) * len(BANDS)


def test_other_dates_and_bands_fetch_only_their_blocks(server: Nginx, cache: Path) -> None:
    """What is known of the index and of other layers is not fetched again."""
    extract(server.http, cache, bands="B04", dates=[DATES[0]])
    rest = asked(server, lambda: extract(server.http, cache, bands="B04"))
    assert [r.path.endswith(".tif") for r in rest if r.status != 304] == [True, True]


def test_a_new_snapshot_is_seen_at_once(
    tmp_path: Path, cache: Path, nginx: Callable[..., Nginx]
) -> None:
    """A pointer that changed is fetched, and only what is new behind it."""
    site = build_site(tmp_path / "project", DATES[:2], hours=2)
    server = nginx(site)
    assert_right(extract(server.http, cache), dates=DATES[:2])
    build_site(tmp_path / "project")
    rest = asked(server, lambda: assert_right(extract(server.http, cache)))
    assert sum(r.path.endswith(".tif") for r in rest) == len(BANDS)
    assert ("/catalog.json", 200) in [(r.path, r.status) for r in rest]


def test_a_document_that_has_just_changed_is_asked_for_again(
    built: Path, tmp_path: Path, cache: Path, nginx: Callable[..., Nginx]
) -> None:
    """Within the second of a change its tag may stay the same: then it is not believed."""
    site = shutil.copytree(built, tmp_path / "site")
    server = nginx(site)
    (site / "catalog.json").touch()
    extract(server.http, cache)
    again = asked(server, lambda: extract(server.http, cache))
    assert [(r.path, r.status) for r in again] == [("/catalog.json", 200)]


def test_a_server_without_validators_is_asked_for_the_whole(built: Path, cache: Path) -> None:
    """Without ETag and Last-Modified, pointers are fetched again, and blocks are not."""
    with FaultyServer(built) as server:
        extract(server.address, cache)
        before = len(server.requests)
        assert_right(extract(server.address, cache))
        assert [r.path for r in server.requests[before:]] == ["/catalog.json"]


def test_offline_opens_no_connection(built: Path, cache: Path, nginx: Callable[..., Nginx]) -> None:
    """What was read before is read again from the cache alone, also when the server is gone."""
    with FaultyServer(built) as server:
        extract(server.address, cache, LARGE)
        before = server.connections
        assert_right(extract(server.address, cache, SMALL, offline=True))
        assert server.connections == before
    assert_right(extract(server.address, cache, LARGE, offline=True), LARGE)


def test_offline_tells_all_dates_and_bands_that_are_missing(server: Nginx, cache: Path) -> None:
    """One error names each date of the request that is not there, and nothing is asked for."""
    extract(server.http, cache, bands="B04", dates=[DATES[0]])
    with shoestring.open(server.http, cache=cache, offline=True) as catalogue:
        assert catalogue["s2"].dates == DATES

    def work() -> None:
        with pytest.raises(
            OfflineError, match=r"lacks 2 of the 3 dates .*\(in B04\): 2018-01-02, 2018-01-03;"
        ) as error:
            extract(server.http, cache, bands="B04", offline=True)
        assert error.value.dates == DATES[1:]
        with pytest.raises(OfflineError, match=r"3 of the 3 dates .*in B04, B08"):
            extract(server.http, cache, LARGE, offline=True)

    assert asked(server, work) == []
    assert_right(
        extract(server.http, cache, bands="B04", dates=[DATES[0]], offline=True), dates=DATES[:1]
    )


def test_offline_layers_are_all_or_nothing_too(server: Nginx, cache: Path) -> None:
    """`layers` tells what is missing before the first one."""
    extract(server.http, cache, dates=[DATES[0]])
    with shoestring.open(server.http, cache=cache, offline=True) as catalogue:
        layers = catalogue["s2"].layers("B04", box_in(GRID, *SMALL), masked=False)
        with pytest.raises(OfflineError, match="2018-01-02, 2018-01-03"):
            next(layers)


def test_offline_without_anything_kept_says_so(server: Nginx, cache: Path) -> None:
    """A catalogue that was never opened is one sentence, and no request."""

    def work() -> None:
        with pytest.raises(OfflineError, match=r"catalog\.json is not in the cache"):
            shoestring.open(server.http, cache=cache, offline=True)

    assert asked(server, work) == []


def test_offline_needs_a_cache_on_the_web_only(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site in a folder is read offline as it is; one of the web needs a cache."""
    monkeypatch.delenv("SHOESTRING_CACHE", raising=False)
    assert_right(extract(str(built), None, offline=True))
    with pytest.raises(SelectionError, match="without a cache: name its folder, cache="):
        shoestring.open("http://127.0.0.1:9/", offline=True)


def test_offline_keeps_gdal_from_the_line(tmp_path: Path, cache: Path) -> None:
    """Layers without a tile index are GDAL's, which keeps nothing: offline says so and opens nothing."""
    site = simple_site(tmp_path / "site")
    database = tmp_path / "site" / "fields" / "database.json"
    database.write_text(json.dumps({"2018-01-01": ["2018-01-01_B04.tif"]}))
    with FaultyServer(site.folder) as server:
        for address in (server.address, f"{server.address}/fields/database.json"):
            with shoestring.open(address, cache=cache) as catalogue:
                collection = next(iter(catalogue.values()))
                collection.extract(None, collection.extent, masked=False)
        before = server.connections
        with shoestring.open(server.address, cache=cache, offline=True) as catalogue:
            collection = catalogue["fields"]
            with pytest.raises(
                OfflineError, match=r"3 of the 3 dates.*read by GDAL, which does not use it"
            ):
                collection.extract(None, collection.extent, masked=False)
        with pytest.raises(OfflineError, match="read by GDAL, which keeps nothing in the cache"):
            shoestring.open(f"{server.address}/fields/database.json", cache=cache, offline=True)
        assert server.connections == before


def test_a_line_that_is_down_tells_of_the_cache(built: Path, cache: Path) -> None:
    """When a pointer can't be asked for, the error says that the cache has it."""
    with FaultyServer(built) as server:
        extract(server.address, cache)
    options = Options(retries=0, timeout=2)
    with pytest.raises(TransferError, match=r"The cache has it: offline=True"):
        extract(server.address, cache, options=options)


def test_the_environment_names_the_cache(
    server: Nginx, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SHOESTRING_CACHE is used where no cache is given, and False is none."""
    monkeypatch.setenv("SHOESTRING_CACHE", str(cache))
    extract(server.http, None)
    assert len(asked(server, lambda: extract(server.http, None))) == 1
    assert len(asked(server, lambda: extract(server.http, False))) > 9


def test_settings_come_from_arguments_before_the_environment() -> None:
    """Folder and size: the argument, else the environment, else none and 2 GB."""
    told = {"SHOESTRING_CACHE": "~/kept", "SHOESTRING_CACHE_SIZE": "500 MB"}
    found = cache_settings(None, Options(), told)
    assert found is not None
    assert (found.folder, found.limit) == (Path("~/kept").expanduser(), 500 * 10**6)
    named = cache_settings("here", Options(cache_size=77), told)
    assert named is not None
    assert (named.folder, named.limit) == (Path("here"), 77)
    assert cache_settings(None, Options(), {}) is None
    assert cache_settings(False, Options(), told) is None
    usual = cache_settings(True, Options(), {})
    assert usual is not None
    assert (usual.folder, usual.limit) == (Path("~/.cache/shoestring").expanduser(), USUAL_SIZE)


@pytest.mark.parametrize(
    ("text", "size"), [("77", 77), ("1.5kB", 1500), (" 20 GB ", 20 * 10**9), ("1 MiB", 2**20)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    """A number with a unit, or bytes."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["much", "-1 GB", "1 lightyear", "1e400 GB"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    """The message names the variable and how to write it."""
    with pytest.raises(SelectionError, match=r"SHOESTRING_CACHE_SIZE can't be used: .* is no size"):
        cache_settings(True, Options(), {"SHOESTRING_CACHE_SIZE": text})


def test_a_size_of_nothing_is_refused() -> None:
    """Options(cache_size=0) is a mistake."""
    with pytest.raises(SelectionError, match="cache_size must be at least 1, got 0"):
        Options(cache_size=0)

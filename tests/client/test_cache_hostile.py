"""A cache before servers that mean no good, or are ill."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shoestring
from shoestring import Options
from shoestring.cache import Cache, CacheSettings
from shoestring.cache_names import identity, name_of_document, name_of_file, proves_itself
from shoestring.cache_store import FILE
from shoestring.cached_transport import CachedTransport, Origin
from shoestring.http_transport import HttpTransport
from shoestring.location import Location
from shoestring.offline import OfflineOrigin
from shoestring.stack import Stack
from shoestring.validators import Validators, read_validators
from shoestring_schema.errors import CatalogueError, TransferError
from support.cached_site import DATES, GRID, build_site, pixels_of
from support.faulty_server import Fault, FaultyServer, Request, Shifted, Status
from support.site import box_in

OPTIONS = Options(retries=1, retry_delay=0.01, timeout=2.0)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three dates and two bands."""
    return build_site(tmp_path_factory.mktemp("built"))


def extract(server: FaultyServer, cache: Path) -> Stack:
    """Open and extract a window of one band."""
    with shoestring.open(server.address, cache=cache, options=OPTIONS) as catalogue:
        return catalogue["s2"].extract("B04", box_in(GRID, (70, 120), (70, 120)), masked=False)


def is_right(stack: Stack) -> bool:
    """Whether the pixels are those of the mosaics."""
    own = stack["B04"]
    return all(np.array_equal(own[day], pixels_of(day, "B04")[70:120, 70:120]) for day in DATES)


def answering(site: Path, headers: dict[str, str]) -> Callable[[Request], Fault | None]:
    """A rule: catalog.json comes with these headers."""
    data = (site / "catalog.json").read_bytes()
    return lambda request: Status(200, headers, data) if "/catalog.json" in request.path else None


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": "not in quotes"},
        {"ETag": '"' + "x" * 5000 + '"'},
        {"ETag": '"a\x01b"'},
        {"ETag": '"\u00e9\u00ff"'},
        {"ETag": '""', "Last-Modified": "yesterday", "Date": "tomorrow"},
        {"Last-Modified": "Mon, 99 Foo 9999 99:99:99 GMT"},
        {f"X-More-{number}": "x" * 100 for number in range(100)},
    ],
    ids=["bare", "long", "control", "not ascii", "no times", "no time", "many"],
)
def test_headers_of_any_kind_are_survived(
    site: Path, tmp_path: Path, headers: dict[str, str]
) -> None:
    """What is no validator is as if it were not there."""
    with FaultyServer(site, answering(site, headers)) as server:
        assert is_right(extract(server, tmp_path / "cache"))
        assert is_right(extract(server, tmp_path / "cache"))


def test_an_enormous_header_is_one_sentence(site: Path, tmp_path: Path) -> None:
    """It is refused before there is a document, as without a cache, and nothing is kept of it."""
    cache = tmp_path / "cache"
    with FaultyServer(site, answering(site, {"ETag": '"' + "x" * 100_000 + '"'})) as server:
        with pytest.raises(
            TransferError, match=r"catalog\.json can't be had: .*more than 8190 bytes"
        ):
            extract(server, cache)
        server.rule = lambda request: None
        assert is_right(extract(server, cache))


@pytest.mark.parametrize(
    "header",
    ['"a\x01b"', '"a\r\nb"', '"' + "x" * 300 + '"', "bare", 'W/"', '"a" , "b"', "*", ""],
)
def test_only_entity_tags_are_sent_back(header: str) -> None:
    """A tag that is not written as HTTP has it is never asked with."""
    assert read_validators({"ETag": header}) == Validators()


def test_validators_are_sent_back_as_they_came() -> None:
    """The tag where there is one, else the time; none while the second of the change lasts."""
    then, now = "Tue, 02 Jan 2018 10:00:00 GMT", "Tue, 02 Jan 2018 10:00:09 GMT"
    both = read_validators({"ETag": 'W/"5a-1f"', "Last-Modified": then, "Date": now})
    assert both.headers == {"If-None-Match": 'W/"5a-1f"'}
    assert read_validators({"Last-Modified": then}).headers == {"If-Modified-Since": then}
    assert read_validators({"ETag": '"a"', "Last-Modified": then, "Date": then}).headers == {}


def test_a_document_that_is_not_the_one_of_its_name_is_not_kept(site: Path, tmp_path: Path) -> None:
    """Other content under a hashed name is an error each time, until it is the right one."""
    cache = tmp_path / "cache"
    fake = lambda r: Status(200, {"ETag": '"a"'}, b"{}") if "/collection-" in r.path else None  # noqa: E731
    with FaultyServer(site, fake) as server:
        for _ in range(2):
            with pytest.raises(CatalogueError, match="is not the file that its catalogue names"):
                extract(server, cache)
        server.rule = lambda request: None
        assert is_right(extract(server, cache))


def test_blocks_that_are_others_are_not_kept(site: Path, tmp_path: Path) -> None:
    """Wrong bytes of a layer or an index are an error, and never in the cache."""
    cache = tmp_path / "cache"
    for ending in (".tif", ".bin"):
        with FaultyServer(
            site, lambda r, end=ending: Shifted() if r.path.endswith(end) else None
        ) as server:
            with pytest.raises(CatalogueError, match=r"index|block of it differs"):
                extract(server, cache)
            server.rule = lambda request: None
            assert is_right(extract(server, cache))


def test_nothing_has_changed_of_what_was_never_fetched(site: Path, tmp_path: Path) -> None:
    """A server that answers 304 to a first question is told of in one sentence."""
    with (
        FaultyServer(site, lambda request: Status(304, {}, b"")) as server,
        pytest.raises(TransferError, match="answers HTTP 304"),
    ):
        extract(server, tmp_path / "cache")


def test_a_cache_is_closed_in_the_moment_in_which_all_is_kept(tmp_path: Path) -> None:
    """A task that is done, and whose end nobody was told of yet, does not hold it up for ever."""

    async def keep_and_close() -> None:
        cache = Cache(CacheSettings(tmp_path / "cache", 10**6))
        await cache.keep_document(b"name", b"data", Validators())
        (keeping,) = asyncio.all_tasks() - {asyncio.current_task()}
        while not keeping.done():  # noqa: ASYNC110 (each step of the loop counts)
            await asyncio.sleep(0)
        await cache.close()

    asyncio.run(keep_and_close())


def test_a_copy_is_bounded_as_a_document_is(site: Path, tmp_path: Path) -> None:
    """What one reader may take of a server, another one may not take of the cache."""

    async def fetch(origin: Origin, address: str, most: int) -> bytes:
        transport = CachedTransport(origin, Cache(CacheSettings(tmp_path / "cache", 10**6)))
        try:
            return await transport.fetch(Location(address), max_bytes=most)
        finally:
            await transport.close()

    with FaultyServer(site) as server:
        address = f"{server.address}/catalog.json"
        data = asyncio.run(fetch(HttpTransport(OPTIONS), address, 10**6))
    assert asyncio.run(fetch(OfflineOrigin(), address, len(data))) == data
    with pytest.raises(CatalogueError, match=f"larger than the {len(data) - 1} bytes"):
        asyncio.run(fetch(OfflineOrigin(), address, len(data) - 1))


def test_no_name_in_the_folder_is_a_servers(site: Path, tmp_path: Path) -> None:
    """The folder holds the database and its log, whatever servers call their files."""
    with FaultyServer(site) as server:
        extract(server, tmp_path / "cache")
    assert {
        name.removesuffix("-wal").removesuffix("-shm") for name in os.listdir(tmp_path / "cache")
    } == {FILE}


URL = "https://host.org/a/b.tif"


@pytest.mark.parametrize(
    "signed",
    [
        "https://me:secret@HOST.org/a/b.tif#part",
        f"{URL}?X-Amz-Algorithm=A&X-Amz-Date=2&X-Amz-Signature=3",
        f"{URL}?X-Goog-Expires=1&X-Goog-Signature=2",
        f"{URL}?sv=2022-11-02&se=2026&sr=b&sp=r&sig=abc%3D",
        f"{URL}?Expires=1&Signature=2&Key-Pair-Id=3",
    ],
)
def test_a_file_is_the_same_whoever_asks_for_it_and_when(signed: str) -> None:
    """Credentials and signatures are no part of what is kept, nor is it told by them."""
    assert identity(signed) == URL
    assert name_of_file(signed, 7) == name_of_file(URL, 7)


def test_other_files_have_other_names() -> None:
    """Path, query, port, size, and whether it is a document: each of them tells files apart."""
    urls = [
        URL,
        f"{URL}?id=1",
        f"{URL}?id=2",
        f"{URL}?sr=b",
        "https://host.org:81/a/b.tif",
        "http://host.org/a/b.tif",
    ]
    names = [name_of_file(url, 7) for url in urls]
    names += [name_of_file(URL, 8), *(name_of_document(url) for url in urls)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("url", "data", "told"),
    [
        ("https://h/a-e3b0c44298fc1c14.json", b"", True),
        ("https://h/a-e3b0c44298fc1c14.json?x=1", b"", True),
        ("https://h/a-e3b0c44298fc1c14.json", b"x", False),
        ("https://h/catalog.json", b"", False),
        ("https://h/catalog.json?a-e3b0c44298fc1c14.json", b"", False),
    ],
)
def test_a_document_proves_itself_by_its_name(url: str, data: bytes, told: bool) -> None:
    """The first 16 digits of its SHA-256 stand in the name; then it is never asked for again."""
    assert proves_itself(url, data) is told


def test_the_cache_can_be_a_folder_of_any_name(site: Path, tmp_path: Path) -> None:
    """Characters that mean something in addresses mean nothing in a folder's name."""
    cache: Any = tmp_path / "50 % ? #1 & more"
    with FaultyServer(site) as server:
        extract(server, cache)
        before = len(server.requests)
        assert is_right(extract(server, cache))
        assert len(server.requests) == before + 1

"""Servers that misbehave: right data in the end, or one clear sentence, and never a hang."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import shoestring
from shoestring import Options
from shoestring.stack import Stack
from shoestring_schema.errors import CatalogueError, ShoestringError, TransferError
from support.faulty_server import (
    Cut,
    Fault,
    FaultyServer,
    NoRanges,
    Request,
    Rule,
    Shifted,
    Stall,
    Status,
    redirect,
)  # fmt: skip
from support.site import UTM, SiteFolder, numbers, simple_site
from support.tls import PrivateCa
from support.tools import free_port

OPTIONS = Options(retries=2, retry_delay=0.01, timeout=1.0, connections=4)
DATE = "2018-01-01"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    """A site of one layer, whose blocks of pixels do not fit into the first request."""
    grid = type(UTM)(UTM.crs, UTM.transform, (400, 400))
    made = SiteFolder(
        tmp_path_factory.mktemp("site"), {"B04": {"data_type": "uint16", "nodata": 0}}, grid=grid
    )
    made.add(DATE, "B04", numbers(grid.shape) * 251)
    return made.write()


def extract(address: str, options: Options = OPTIONS) -> Stack:
    """Open and extract all but the head of the only layer."""
    with shoestring.open(address, options=options) as catalogue:
        collection = catalogue["fields"]
        return collection.extract("B04", collection.extent, masked=False, progress=False)


def is_right(stack: Stack) -> bool:
    """Whether the pixels are those of the source."""
    rows, columns = stack.grid.shape
    return bool(np.array_equal(stack["B04"][DATE], (numbers((400, 400)) * 251)[:rows, :columns]))


def on(ending: str, fault: Fault, times: int = 10**6, *, data: bool = False) -> Rule:
    """A rule: so often this fault for paths that end so (for data: beyond the file's head)."""
    left = [times]

    def rule(request: Request) -> Fault | None:
        if request.path.endswith(ending) and (request.of_data or not data) and left[0] > 0:
            left[0] -= 1
            return fault
        return None

    return rule


def message(site: SiteFolder, rule: Rule, options: Options = OPTIONS) -> tuple[str, FaultyServer]:
    """The sentence that an extraction ends with, and the server with its log."""
    with FaultyServer(site.folder, rule) as server, pytest.raises(ShoestringError) as caught:
        extract(server.address, options)
    text = str(caught.value)
    assert server.address in text, text
    assert "\n" not in text
    return text, server


DOCUMENTS = ["catalog.json", "collection.json", "items.json"]
PASSING = {
    "500": Status(500),
    "503": Status(503),
    "429": Status(429, {"Retry-After": "0"}),
    "cut": Cut(),
    "stalled": Stall(),
    "half": Stall(half=True),
}


def test_a_healthy_server_gives_the_right_pixels(site: SiteFolder) -> None:
    """Without a fault the pixels are right, and each document is asked for once."""
    with FaultyServer(site.folder) as server:
        assert is_right(extract(server.address))
    assert [server.count(name) for name in DOCUMENTS] == [1, 1, 1]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_is_tried_again_for_documents(
    site: SiteFolder, document: str, fault: Fault
) -> None:
    """A document that fails once for a reason that may pass is asked for again, and is right."""
    options = Options(retries=2, retry_delay=0.01, timeout=0.3)
    with FaultyServer(site.folder, on(document, fault, 1)) as server:
        assert is_right(extract(server.address, options))
    assert server.count(document) == 2


@pytest.mark.parametrize(
    ("fault", "data", "times"),
    [
        (Status(500), False, 3),
        (Status(500), True, 3),
        (Status(503), False, 3),
        (Status(503), True, 3),
        (Status(429, {"Retry-After": "0"}), False, 3),
        (Status(429, {"Retry-After": "0"}), True, 3),
        (Cut(), False, 3),
        (Cut(), True, 2),
        (Stall(), False, 1),
        (Stall(), True, 1),
        (Stall(half=True), True, 1),
    ],
)
def test_what_passes_is_tried_again_for_assets(
    site: SiteFolder, fault: Fault, data: bool, times: int
) -> None:
    """An asset that fails a few times for reasons that may pass gives the right pixels."""
    with FaultyServer(site.folder, on(".tif", fault, times, data=data)) as server:
        assert is_right(extract(server.address))
        assert server.count(".tif") > 3


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Status(500), "HTTP 500; try again later"),
        (Status(503), "HTTP 503; try again later"),
        (Status(429, {"Retry-After": "0.01"}), "HTTP 429; try again later"),
        (Cut(), "the line was cut before all of it had arrived"),
    ],
    ids=["500", "503", "429", "cut"],
)
def test_what_never_passes_ends_in_a_sentence_for_documents(
    site: SiteFolder, document: str, fault: Fault, says: str
) -> None:
    """A document that fails again and again is given up after the retries, with the reason."""
    text, server = message(site, on(document, fault))
    assert says in text
    assert document in text
    assert server.count(document) == 1 + OPTIONS.retries


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize(
    ("code", "says"),
    [
        (404, "does not exist on its server (HTTP 404): check the address"),
        (410, "does not exist on its server (HTTP 410): check the address"),
        (403, "is not allowed to be read (HTTP 403): ask its publisher for access"),
        (401, "is not allowed to be read (HTTP 401): ask its publisher for access"),
        (418, "its server answers HTTP 418; check the address"),
    ],
)
def test_what_cannot_pass_is_not_tried_again_for_documents(
    site: SiteFolder, document: str, code: int, says: str
) -> None:
    """A document that is not there or forbidden is asked for just once."""
    text, server = message(site, on(document, Status(code)))
    assert says in text
    assert document in text
    assert server.count(document) == 1


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (404, "does not exist on its server (HTTP 404): check the address"),
        (403, "is not allowed to be read (HTTP 403): ask its publisher for access"),
    ],
)
def test_what_cannot_pass_is_not_tried_again_for_assets(
    site: SiteFolder, code: int, says: str
) -> None:
    """An asset that is not there or forbidden is tried once, and asked why once."""
    text, server = message(site, on(".tif", Status(code)))
    assert says in text
    assert f"{DATE}_B04.tif" in text
    assert server.count(".tif") <= 3


@pytest.mark.parametrize("data", [False, True], ids=["head", "data"])
@pytest.mark.parametrize(
    "fault", [Status(500), Status(503), Status(404), Cut(), NoRanges()],
    ids=["500", "503", "404", "cut", "200"],
)  # fmt: skip
def test_an_asset_that_never_comes_ends_in_a_sentence(
    site: SiteFolder, data: bool, fault: Fault
) -> None:
    """An asset whose head or blocks never arrive ends in an error that names it, not in pixels."""
    text, server = message(site, on(".tif", fault, data=data))
    assert f"{DATE}_B04.tif" in text
    assert server.count(".tif") < 60


def test_a_server_without_ranges_is_named_with_the_remedy(site: SiteFolder) -> None:
    """A server that sends whole files is told from a broken file, at once, with what to use."""
    text, server = message(site, on(".tif", NoRanges()))
    assert "does not answer requests for a range of bytes: host the site with nginx" in text
    assert server.count(".tif") <= 4


@pytest.mark.parametrize("by", [64, 1000])
@pytest.mark.parametrize("data", [False, True], ids=["head", "data"])
def test_wrong_bytes_are_never_pixels(site: SiteFolder, by: int, data: bool) -> None:
    """Bytes from another place than asked for end in an error: they do not decode."""
    text, _ = message(site, on(".tif", Shifted(by), data=data))
    assert "can't be read as a GeoTIFF" in text
    assert "must be built anew" in text


@pytest.mark.parametrize("ending", [*DOCUMENTS, ".tif"])
@pytest.mark.parametrize("half", [False, True], ids=["silent", "half"])
def test_a_stalled_server_is_given_up(site: SiteFolder, ending: str, half: bool) -> None:
    """A server that says nothing more is given up after the time limit, with the remedy."""
    options = Options(retries=0, timeout=0.4)
    began = time.monotonic()
    text, _ = message(site, on(ending, Stall(half)), options)
    assert ending in text
    assert "no answer within 0.4 s" in text or "can't be read as a GeoTIFF" in text
    assert time.monotonic() - began < 20


def test_a_refused_connection_names_the_address() -> None:
    """Where nobody listens, the address is named, and the remedy."""
    address = f"http://127.0.0.1:{free_port()}/catalog.json"
    with pytest.raises(
        TransferError, match=r"can't be had: no connection .*; check the address"
    ) as caught:
        shoestring.open(address, options=OPTIONS)
    assert address in str(caught.value)


def test_an_unknown_host_is_named() -> None:
    """A host's name that nobody knows is said to be the reason."""
    with pytest.raises(TransferError, match=r"its host's name can't be found"):
        shoestring.open("http://no-such-host.invalid/catalog.json", options=OPTIONS)


def test_assets_on_a_host_that_refuses_connections(tmp_path: Path) -> None:
    """Where an asset's server does not listen, its address is named."""
    site = simple_site(tmp_path)
    address = f"http://127.0.0.1:{free_port()}/a.tif"
    site.link("2018-01-02", "B04", address)
    with pytest.raises(TransferError, match=address):
        extract(str(site.write().folder))


def test_an_untrusted_certificate_is_named_with_the_remedy(
    site: SiteFolder, ca: PrivateCa, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that can't be trusted is not tried again, and the option is named."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with (
        FaultyServer(site.folder, ca=ca) as server,
        pytest.raises(
            TransferError, match=r"can't be trusted: .*Options\(ca_bundle=\.\.\.\)"
        ) as caught,
    ):
        extract(server.address)
    assert server.address in str(caught.value)
    assert server.requests == []


def test_a_private_authority_can_be_trusted(site: SiteFolder, ca: PrivateCa) -> None:
    """With the authority's file, documents and assets come over TLS."""
    options = Options(retries=0, ca_bundle=ca.ca)
    with FaultyServer(site.folder, ca=ca) as server:
        assert is_right(extract(server.address, options))


def test_a_private_authority_can_be_trusted_by_the_environment(
    site: SiteFolder, ca: PrivateCa, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE counts for documents and for assets."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.ca))
    with FaultyServer(site.folder, ca=ca) as server:
        assert is_right(extract(server.address))


def test_assets_on_a_server_that_is_not_trusted(
    site: SiteFolder, ca: PrivateCa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An asset behind a certificate that can't be trusted is not read, and the option is named."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with FaultyServer(site.folder, ca=ca) as server:
        mine = SiteFolder(tmp_path, {"B04": {"data_type": "uint16"}}, grid=site.grid)
        mine.link(DATE, "B04", f"{server.address}/fields/{DATE}_B04.tif")
        with pytest.raises(TransferError, match=r"can't be trusted: .*ca_bundle"):
            extract(str(mine.write().folder))
    assert server.requests == []


def test_a_ca_bundle_that_is_none_is_named(site: SiteFolder, tmp_path: Path) -> None:
    """A file that holds no certificates, or is not there, is named."""
    (tmp_path / "ca.pem").write_text("hello", encoding="utf-8")
    for name in ("ca.pem", "none.pem"):
        with pytest.raises(TransferError, match=rf"{name} is no file of trusted certificates"):
            shoestring.open("https://127.0.0.1:1/", options=Options(ca_bundle=tmp_path / name))


def test_a_server_is_given_the_time_that_it_asks_for(site: SiteFolder) -> None:
    """A server's Retry-After is obeyed before the next try."""
    rule = on("catalog.json", Status(429, {"Retry-After": "0.4"}), 1)
    with FaultyServer(site.folder, rule) as server:
        began = time.monotonic()
        shoestring.open(server.address, options=OPTIONS).close()
        assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_redirects_on_the_web_are_followed(site: SiteFolder, code: int) -> None:
    """Redirects to another http address are followed, for documents and for assets."""
    with FaultyServer(site.folder) as other:
        moved: Rule = lambda request: redirect(other.address + request.path, code)  # noqa: E731
        with FaultyServer(site.folder, moved) as server:
            assert is_right(extract(server.address))


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    """A file of which half is missing is an error that names it, over HTTP and in a folder."""
    site = simple_site(tmp_path, 1)
    path = tmp_path / "fields" / f"{DATE}_B04.tif"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with FaultyServer(tmp_path) as server:
        for address in (server.address, str(tmp_path)):
            with pytest.raises(TransferError, match=r"_B04\.tif can't be read as a GeoTIFF"):
                extract(address)
    assert site.folder == tmp_path


def test_a_missing_file_in_a_folder_is_named(tmp_path: Path) -> None:
    """A layer that is missing in a local site is named."""
    simple_site(tmp_path, 1)
    (tmp_path / "fields" / f"{DATE}_B04.tif").unlink()
    with pytest.raises(CatalogueError, match=r"_B04\.tif does not exist: the site is not complete"):
        extract(str(tmp_path))


@pytest.mark.parametrize(
    "make", [lambda pixels: pixels.astype("int16"), lambda pixels: pixels[:30]]
)
def test_a_file_that_is_not_what_the_catalogue_says(
    tmp_path: Path, make: Callable[[np.ndarray], np.ndarray]
) -> None:
    """A file of another type or shape than the catalogue says is an error and no pixels."""
    from support.site import write_tiff

    simple_site(tmp_path, 1)
    path = tmp_path / "fields" / f"{DATE}_B04.tif"
    path.unlink()
    pixels = make(numbers(UTM.shape))
    write_tiff(path, pixels, type(UTM)(UTM.crs, UTM.transform, pixels.shape))
    with pytest.raises(CatalogueError, match=r"its catalogue says .*must be built anew"):
        extract(str(tmp_path))


@pytest.mark.parametrize(
    ("fault", "times"),
    # curl needs 6 s to see that a line stands still on which something came before.
    [(Status(503), 2), (Status(404), 2), (Cut(), 2), (Stall(half=True), 1)],
    ids=["503", "404", "cut", "half"],
)
def test_a_server_that_comes_back_is_read_again(site: SiteFolder, fault: Fault, times: int) -> None:
    """After a failure for good, the same process reads the same asset once its server is well."""
    ill = True

    def rule(request: Request) -> Fault | None:
        return fault if ill and request.path.endswith(".tif") else None

    with FaultyServer(site.folder, rule) as server:
        for _ in range(times):
            with pytest.raises(ShoestringError):
                extract(server.address, replace(OPTIONS, retries=1))
        ill = False
        for _ in range(2):
            assert is_right(extract(server.address, replace(OPTIONS, retries=0)))

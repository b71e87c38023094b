"""The servers whose configurations we ship, and our own: each does what a reader needs."""

import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from shoestring_builder.serve.background import BackgroundServer
from support.apache import apache
from support.caddy import caddy
from support.curl import Answer, curl
from support.nginx import Nginx
from support.tls import PrivateCa

TIFF = bytes(range(256)) * 40
CATALOGUE = json.dumps({"type": "Catalog", "id": "x", "links": [], "more": ["more"] * 500}).encode()
FILES = {
    "catalog.json": CATALOGUE,
    "s2/collection.json": CATALOGUE,
    "s2/database.json": CATALOGUE,
    "s2/2018/items-0123456789abcdef.json": CATALOGUE,
    "s2/2018/2018-01-02_B04-0123456789abcdef.tif": TIFF,
    "s2/2018/2018-01-02_B04-0123456789abcdef.vrt": b"<VRTDataset/>",
    "s2/2018/items-0123456789abcdef.parquet": b"PAR1PAR1",
    "s2/sources/plain.tif": TIFF,
    "fields.geojson": CATALOGUE,
    "ghana.qgs": CATALOGUE,
    "s2/s2-0123456789abcdef.qlr": CATALOGUE,
    ".hidden.json": CATALOGUE,
    "s2/.staging-1/x.tif": TIFF,
}
HASHED_TIFF = "/s2/2018/2018-01-02_B04-0123456789abcdef.tif"


@contextmanager
def _nginx(folder: Path, ca: PrivateCa) -> Iterator[str]:
    with Nginx(folder, ca) as server:
        yield server.https


@contextmanager
def _shoestring(folder: Path, ca: PrivateCa) -> Iterator[str]:
    with BackgroundServer(folder, tls=(ca.cert, ca.key)) as server:
        yield server.url


SERVERS = {"nginx": _nginx, "caddy": caddy, "apache": apache, "shoestring serve": _shoestring}


@dataclass(frozen=True, slots=True)
class Host:
    """A running server."""

    url: str
    ca: Path

    def get(self, path: str, *arguments: str, **headers: str) -> Answer:
        """Ask for a path."""
        return curl(self.url + path, *arguments, ca=self.ca, **headers)


@pytest.fixture(scope="module", params=list(SERVERS))
def host(request: pytest.FixtureRequest, ca: PrivateCa) -> Iterator[Host]:
    """Each of the servers over the same small site."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # Apache reads as www-data
        for path, content in FILES.items():
            file = folder / "site" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            # Apache's ETag of a file that was written just now is a weak one.
            os.utime(file, (1_600_000_000, 1_600_000_000))
        (folder / "outside.json").write_bytes(CATALOGUE)
        server: AbstractContextManager[str] = SERVERS[request.param](folder / "site", ca)
        with server as url:
            yield Host(url, ca.ca)


def test_http2(host: Host) -> None:
    """Over TLS a whole file comes by HTTP/2, and says that it can be read in ranges."""
    answer = host.get(HASHED_TIFF)
    assert (answer.version, answer.status, answer.body) == ("2", 200, TIFF)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(TIFF))
    assert answer.headers["etag"]
    assert answer.headers["last-modified"]


@pytest.mark.parametrize(
    ("text", "part"),
    [("0-9", slice(0, 10)), ("300-555", slice(300, 556)), ("-7", slice(-7, None))],
)
def test_range(host: Host, text: str, part: slice) -> None:
    """A range gives 206, just its bytes, and says where they lie."""
    answer = host.get(HASHED_TIFF, Range=f"bytes={text}")
    assert (answer.status, answer.body) == (206, TIFF[part])
    first, stop, _ = part.indices(len(TIFF))
    assert answer.headers["content-range"] == f"bytes {first}-{stop - 1}/{len(TIFF)}"


def test_range_outside(host: Host) -> None:
    """A range after the end gives 416."""
    assert host.get(HASHED_TIFF, Range=f"bytes={len(TIFF)}-").status == 416


def test_if_range(host: Host) -> None:
    """A range of a file that changed meanwhile is answered with the whole file."""
    etag = host.get(HASHED_TIFF).headers["etag"]
    assert host.get(HASHED_TIFF, Range="bytes=0-9", If_Range=etag).status == 206
    assert host.get(HASHED_TIFF, Range="bytes=0-9", If_Range='"other"').status == 200


def test_head(host: Host) -> None:
    """HEAD tells the length and sends no body."""
    answer = host.get(HASHED_TIFF, "--head")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(TIFF))


@pytest.mark.parametrize("path", ["/catalog.json", HASHED_TIFF, "/missing.json"])
def test_cors(host: Host, path: str) -> None:
    """A page of another site may read every answer, also that a file is missing."""
    answer = host.get(path, Origin="https://elsewhere.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].lower()
    for name in ("content-range", "content-length", "etag", "accept-ranges", "last-modified"):
        assert name in exposed


def test_preflight(host: Host) -> None:
    """OPTIONS allows the headers of ranges and of conditional requests."""
    answer = host.get(
        HASHED_TIFF,
        "--request",
        "OPTIONS",
        Origin="https://elsewhere.example",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="range,if-none-match",
    )
    assert answer.status in (200, 204)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    for name in ("range", "if-none-match", "if-range"):
        assert name in allowed


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", ["/catalog.json", HASHED_TIFF])
def test_not_modified(host: Host, path: str, encoding: str) -> None:
    """Who has a file, compressed or not, and asks again by its ETag gets 304 and no body."""
    etag = host.get(path, Accept_Encoding=encoding).headers["etag"]
    answer = host.get(path, Accept_Encoding=encoding, If_None_Match=etag)
    assert (answer.status, answer.body) == (304, b"")
    assert host.get(path, Accept_Encoding=encoding, If_None_Match='"other"').status == 200


@pytest.mark.parametrize("path", ["/catalog.json", "/ghana.qgs", "/s2/s2-0123456789abcdef.qlr"])
def test_gzip_of_json(host: Host, path: str) -> None:
    """JSON and QGIS's XML are compressed for who can read that, and caches are told."""
    answer = host.get(path, Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert gzip.decompress(answer.body) == CATALOGUE
    assert len(answer.body) < len(CATALOGUE) / 5
    plain = host.get(path)
    assert ("content-encoding" in plain.headers, plain.body) == (False, CATALOGUE)


@pytest.mark.parametrize("path", [HASHED_TIFF, HASHED_TIFF.replace(".tif", ".vrt")])
def test_no_gzip_of_rasters(host: Host, path: str) -> None:
    """A raster is never compressed on its way."""
    assert "content-encoding" not in host.get(path, Accept_Encoding="gzip").headers


def test_range_of_json(host: Host) -> None:
    """A range of JSON is never a range of compressed bytes."""
    answer = host.get("/catalog.json", Accept_Encoding="gzip", Range="bytes=5-2004")
    if answer.status == 200:  # nginx: the whole, compressed
        assert gzip.decompress(answer.body) == CATALOGUE
    else:
        assert (answer.status, answer.body) == (206, CATALOGUE[5:2005])
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/catalog.json", "/s2/collection.json", "/s2/database.json", "/s2/sources/plain.tif"]
)
def test_pointers_are_revalidated(host: Host, path: str) -> None:
    """What may change is asked for again before it is used again."""
    assert host.get(path).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", [HASHED_TIFF, "/s2/2018/items-0123456789abcdef.json"])
def test_hashed_names_are_kept(host: Host, path: str) -> None:
    """What never changes is kept for a year without asking."""
    for answer in (host.get(path), host.get(path, Range="bytes=0-9")):
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_errors_are_not_kept(host: Host) -> None:
    """That a file is missing is not kept, even where its name has a hash."""
    answer = host.get("/s2/2018/items-ffffffffffffffff.json")
    assert answer.status == 404
    assert "max-age" not in answer.headers.get("cache-control", "")


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/catalog.json", "application/json"),
        ("/fields.geojson", "application/geo+json"),
        (HASHED_TIFF, "image/tiff"),
        (HASHED_TIFF.replace(".tif", ".vrt"), "application/xml"),
        ("/s2/2018/items-0123456789abcdef.parquet", "application/vnd.apache.parquet"),
    ],
)
def test_media_types(host: Host, path: str, media_type: str) -> None:
    """Each kind of file is called by its name."""
    assert host.get(path).headers["content-type"].split(";")[0] == media_type


@pytest.mark.parametrize("path", ["/.hidden.json", "/s2/.staging-1/x.tif", "/%2ehidden.json"])
def test_hidden_files(host: Host, path: str) -> None:
    """Files and folders whose names begin with a dot are not there."""
    assert host.get(path).status == 404


@pytest.mark.parametrize("path", ["/", "/s2/", "/s2/2018/"])
def test_no_listing(host: Host, path: str) -> None:
    """A folder is not listed."""
    assert host.get(path).status in (403, 404)


@pytest.mark.parametrize(
    "path", ["/../outside.json", "/%2e%2e/outside.json", "/s2/..%2f..%2foutside.json"]
)
def test_nothing_outside(host: Host, path: str) -> None:
    """No path leads out of the folder."""
    assert host.get(path).status in (400, 403, 404)

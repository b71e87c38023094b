"""`shoestring serve` and the server beside a program, over real connections.

What it has in common with the big servers is in test_servers.py.
"""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_builder.serve.app import CHUNK
from shoestring_builder.serve.background import BackgroundServer
from shoestring_builder.serve.server import serve
from shoestring_builder.site_path import find_file
from shoestring_schema.errors import (
    CatalogueError,
    ConfigError,
    MissingExtraError,
    ShoestringError,
)
from support.command import run_here
from support.curl import curl
from support.tls import PrivateCa
from support.tools import free_port

CATALOGUE = (
    b'{"type": "Catalog", "id": "x", "links": [{"rel": "child", "href": "./s2/collection.json"}]}'
)
LARGE = bytes(i * 7 % 256 for i in range(256)) * (3 * CHUNK // 256) + b"end"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a site, with all that must not be served."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.json").write_bytes(b"secret")
    site = outside / "site"
    (site / "s2" / ".staging-1").mkdir(parents=True)
    (site / "catalog.json").write_bytes(CATALOGUE)
    (site / "s2" / "large-0123456789abcdef.tif").write_bytes(LARGE)
    (site / "s2" / "a b%20c.json").write_bytes(b"[]")
    (site / "s2" / ".staging-1" / "secret.tif").write_bytes(b"secret")
    (site / "s2" / ".hidden").write_bytes(b"secret")
    (site / "s2" / "leads-out.json").symlink_to(outside / "secret.json")
    (site / "s2" / "leads-out").symlink_to(outside, target_is_directory=True)
    (site / "s2" / "leads-to-hidden.tif").symlink_to(site / "s2" / ".staging-1" / "secret.tif")
    (site / "s2" / "leads-inside.json").symlink_to(site / "catalog.json")
    (site / "s2" / "circle.json").symlink_to(site / "s2" / "circle.json")
    return site


@pytest.fixture(scope="module")
def server(site: Path) -> Iterator[BackgroundServer]:
    """The site, served without TLS."""
    with BackgroundServer(site) as server:
        yield server


@pytest.fixture(scope="module")
def connection(server: BackgroundServer) -> Iterator[http.client.HTTPConnection]:
    """A connection that is kept."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    yield connection
    connection.close()


@given(first=st.integers(0, len(LARGE) + 9), length=st.integers(1, len(LARGE)))
@settings(deadline=None, max_examples=40)
def test_ranges(connection: http.client.HTTPConnection, first: int, length: int) -> None:
    """Every range, also one of many chunks, is just that slice of the file."""
    last = first + length - 1
    connection.request(
        "GET", "/s2/large-0123456789abcdef.tif", headers={"Range": f"bytes={first}-{last}"}
    )
    answer = connection.getresponse()
    body = answer.read()
    if first >= len(LARGE):
        assert (answer.status, body) == (416, b"")
        assert answer.headers["Content-Range"] == f"bytes */{len(LARGE)}"
    else:
        assert (answer.status, body) == (206, LARGE[first : last + 1])


def test_several_ranges(server: BackgroundServer) -> None:
    """Several ranges at once are answered by the whole file, as the standard allows."""
    answer = curl(f"{server.url}/s2/large-0123456789abcdef.tif", Range="bytes=0-1,5-6")
    assert (answer.status, answer.body) == (200, LARGE)


def test_range_of_json(server: BackgroundServer) -> None:
    """A range of JSON is one of the file's bytes, also for who could read compressed ones."""
    url = f"{server.url}/catalog.json"
    answer = curl(url, Range="bytes=5-1500", Accept_Encoding="gzip")
    assert (answer.status, answer.body) == (206, CATALOGUE[5:1501])
    assert "content-encoding" not in answer.headers


def test_head(server: BackgroundServer) -> None:
    """HEAD tells the length and sends nothing, also of a large file and of one that is missing."""
    answer = curl(f"{server.url}/s2/large-0123456789abcdef.tif", "--head", Range="bytes=0-9")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(LARGE))
    assert curl(f"{server.url}/missing.tif", "--head").status == 404


def test_modified_since(server: BackgroundServer) -> None:
    """Who knows a file by its date gets 304 too."""
    url = f"{server.url}/catalog.json"
    date = curl(url).headers["last-modified"]
    assert curl(url, If_Modified_Since=date).status == 304
    assert curl(url, If_Modified_Since="Thu, 01 Jan 1970 00:00:00 GMT").status == 200
    assert curl(url, If_Modified_Since="yesterday").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.json",
        "/s2/../catalog.json",
        "/s2/../../secret.json",
        "/%2e%2e/secret.json",
        "/..%2fsecret.json",
        "/s2/%2e%2e%2f%2e%2e%2fsecret.json",
        "/%252e%252e/secret.json",
        "//secret.json",
        "/..\\secret.json",
        "/s2/..%5c..%5csecret.json",
        "/s2/leads-out.json",
        "/s2/leads-out/secret.json",
        "/s2/leads-to-hidden.tif",
        "/s2/.staging-1/secret.tif",
        "/s2/%2estaging-1/secret.tif",
        "/s2/.hidden",
        "/s2/circle.json",
        "/catalog.json%00",
        "/catalog.json/",
        "/catalog.json/x",
        "/" + "x" * 5000,
        "/%ff%fe",
        "/s2",
        "/s2/",
        "/",
    ],
)
def test_hostile_paths(server: BackgroundServer, path: str) -> None:
    """No path gives a file outside the site, a hidden one, or a listing."""
    answer = curl(server.url + path)
    assert answer.status == 404
    assert b"secret" not in answer.body


def test_absolute_path(server: BackgroundServer, site: Path) -> None:
    """An absolute path of this machine is not one of the site."""
    assert curl(f"{server.url}/{site.parent / 'secret.json'}").status == 404


@given(path=st.text("./\\%: \x00as2catlogjn-", max_size=30))
@settings(deadline=None)
def test_find_file(site: Path, path: str) -> None:
    """Whatever is asked for: what is found is a file inside, under no hidden name."""
    found = find_file(site.resolve(), path)
    assert found is None or (
        found.is_file() and found.is_relative_to(site.resolve()) and "/." not in f"/{path}"
    )


@pytest.mark.parametrize("path", ["/s2/leads-inside.json", "/s2/a%20b%2520c.json"])
def test_other_names(server: BackgroundServer, path: str) -> None:
    """Links that stay inside, and names with blanks and percent signs, are served."""
    assert curl(server.url + path).status == 200


def test_other_methods(server: BackgroundServer) -> None:
    """Nothing can be written."""
    for method in ("PUT", "POST", "DELETE"):
        assert curl(f"{server.url}/catalog.json", "--request", method).status == 405


def test_replaced_pointer(tmp_path: Path) -> None:
    """A pointer that was replaced at once, by one of the same size, is told from the old one."""
    pointer = tmp_path / "catalog.json"
    pointer.write_bytes(CATALOGUE)
    with BackgroundServer(tmp_path) as server:
        etag = curl(f"{server.url}/catalog.json").headers["etag"]
        new = CATALOGUE.replace(b'"x"', b'"y"')
        (tmp_path / "new").write_bytes(new)
        os.replace(tmp_path / "new", pointer)
        answer = curl(f"{server.url}/catalog.json", If_None_Match=etag)
        assert (answer.status, answer.body) == (200, new)


def test_self_signed(site: Path) -> None:
    """A certificate made on the spot gives HTTP/2 to who trusts it, and nothing to others."""
    with BackgroundServer(site, tls="self-signed") as server:
        certificate = server.address.certificate
        assert certificate is not None
        answer = curl(f"{server.url}/catalog.json", ca=certificate)
        assert (answer.version, answer.status, answer.body) == ("2", 200, CATALOGUE)
        with pytest.raises(OSError, match="curl 60"):
            curl(f"{server.url}/catalog.json")
        where = urlsplit(server.url)
        context = ssl.create_default_context(cafile=certificate)
        with socket.create_connection((where.hostname, where.port), timeout=30) as plain:
            context.wrap_socket(plain, server_hostname="localhost").close()
    assert not certificate.exists()


def test_kept_connection_does_not_hold_the_end(site: Path) -> None:
    """A server ends at once also while a client keeps its connection."""
    with BackgroundServer(site) as server:
        client = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
        client.request("GET", "/catalog.json")
        assert client.getresponse().read() == CATALOGUE
        process = server._process
    assert process.returncode == 0
    client.close()


def test_loopback_only(server: BackgroundServer) -> None:
    """Unless told otherwise, other machines can't reach it."""
    assert urlsplit(server.url).hostname == "127.0.0.1"


def test_not_a_site(tmp_path: Path) -> None:
    """A folder that is not a site, or is not there, is refused in one sentence."""
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CatalogueError, match=r"is not a site: it has no catalog\.json"):
            serve(folder)
    (tmp_path / "catalog.json").write_text("<html>")
    with pytest.raises(CatalogueError, match="is not JSON"):
        serve(tmp_path)
    with pytest.raises(ShoestringError, match="is not JSON"), BackgroundServer(tmp_path):
        pytest.fail("It must not start.")


def test_port_in_use(site: Path) -> None:
    """A port that somebody has is named."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"^Port {port} of 127\.0\.0\.1 .*--port\.$"):
            serve(site, port=port)


def test_unknown_host(site: Path) -> None:
    """A host that is not this machine is named."""
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        serve(site, host="192.0.2.1", port=0)
    with pytest.raises(ConfigError, match=r"no\.such\.host\.invalid"):
        serve(site, host="no.such.host.invalid", port=0)


def test_bad_certificate(site: Path, tmp_path: Path, ca: PrivateCa) -> None:
    """Files that are no certificate and key, or do not belong together, are named."""
    with pytest.raises(ConfigError, match=r"missing\.pem is not there"):
        serve(site, port=0, tls=(tmp_path / "missing.pem", ca.key))
    with pytest.raises(ConfigError, match="are not a certificate and its unencrypted key"):
        serve(site, port=0, tls=(ca.cert, ca.cert))


def test_missing_extra(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the sentence says which one to install."""
    for name in ("hypercorn.config", "shoestring_builder.serve.certificate"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"shoestring\[serve\]"):
        serve(site, port=0)
    with pytest.raises(MissingExtraError, match=r"shoestring\[serve\]"):
        serve(site, port=0, tls="self-signed")


def hang_up(url: str) -> None:
    """Ask for a large file several times, and close the connection after the first bytes."""
    where = urlsplit(url)
    for _ in range(4):
        with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
            connection.settimeout(30)
            context = ssl._create_unverified_context()
            stream = context.wrap_socket(connection) if where.scheme == "https" else connection
            stream.sendall(b"GET /s2/large-0123456789abcdef.tif HTTP/1.1\r\nHost: x\r\n\r\n")
            assert stream.recv(1000).startswith(b"HTTP/1.1 200")
            stream.close()


@pytest.mark.parametrize("tls", [[], ["--tls"]])
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C can't be sent to one process there.")
def test_verb(site: Path, tls: list[str]) -> None:
    """The verb tells URL and three lines of Python; Ctrl-C ends it with 0 and without noise."""
    port = free_port()
    code = "from shoestring_builder.cli import serve; serve()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(site), "--port", str(port), *tls],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    url = process.stdout.readline().strip()
    told = ""
    while "Ctrl-C" not in told:
        told += process.stderr.readline()
    assert url == f"{'https' if tls else 'http'}://127.0.0.1:{port}/catalog.json"
    assert f'catalogue = shoestring.open("{url}")' in told
    assert 'catalogue["s2"]' in told
    assert ("SSL_CERT_FILE" in told) == bool(tls)
    assert curl(url, "--insecure").status == 200
    hang_up(url)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_verb_usage(site: Path) -> None:
    """A certificate without its key is wrong usage."""
    result = run_here("serve", site, "--cert", "x.pem")
    assert result.code == 2
    assert "--cert and --key go together" in result.err

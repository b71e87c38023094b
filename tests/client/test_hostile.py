"""Catalogues, files and servers that mean harm."""

import gzip
import json
import os
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely

import shoestring
from shoestring import Options
from shoestring_schema.errors import CatalogueError, SelectionError, ShoestringError, TransferError
from shoestring_schema.grid import Grid
from support.faulty_server import FaultyServer, Request, Status, redirect
from support.site import UTM, SiteFolder, numbers, simple_site, write_tiff

QUICK = Options(retries=1, retry_delay=0.01, timeout=1.0)
DATE = "2018-01-01"


def extract(address: str | Path) -> Any:  # noqa: ANN401
    """Open and extract everything."""
    with shoestring.open(address, options=QUICK) as catalogue:
        collection = catalogue["fields"]
        return collection.extract(None, collection.extent, masked=False, progress=False)


@contextmanager
def tripwire() -> Iterator[tuple[int, list[bytes]]]:
    """A raw socket's port, and what came in there: one entry for each connection."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                seen.append(b"connected")
                connection.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield listener.getsockname()[1], seen
        # Whoever connected before is accepted before this last one.
        with socket.create_connection(listener.getsockname()):
            pass
        while not seen:
            thread.join(0.01)
        seen.pop()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that fits the catalogue perfectly, outside of any site: reading it would succeed."""
    return write_tiff(tmp_path / "outside" / "secret.tif", numbers(UTM.shape), UTM)


HREFS = [
    "file:///etc/passwd",
    "file://{secret}",
    "FILE://{secret}",
    "{secret}",
    "../../outside/secret.tif",
    "..%2F..%2Foutside%2Fsecret.tif",
    "%2e%2e/%2e%2e/outside/secret.tif",
    "/vsicurl/http://127.0.0.1:{port}/a.tif",
    "/vsizip/{secret}",
    "/vsimem/a.tif",
    "/vsistdin/",
    "vrt://{secret}",
    "GTIFF_RAW:{secret}",
    "GTIFF_DIR:1:{secret}",
    "ftp://127.0.0.1:{port}/a.tif",
    "gopher://127.0.0.1:{port}/a.tif",
    "dict://127.0.0.1:{port}/a.tif",
    "s3://bucket/a.tif",
    "javascript:alert(1)",
    "data:image/tiff;base64,AAAA",
    "C:\\Windows\\a.tif",
    "C:/Windows/a.tif",
    "\\\\127.0.0.1\\share\\a.tif",
    "%5C%5C127.0.0.1%5Cshare%5Ca.tif",
    "a.tif\n/etc/passwd",
    "a\x00.tif",
    "a%00.tif",
    "a%0d%0aX: y.tif",
    "\u202ea.tif",
    "http://[::1",
    "http://127.0.0.1:0/a.tif",
    "http://127.0.0.1:99999999/a.tif",
    "http:///a.tif",
    "http://",
    "a" * 5000,
    "",
    ".",
    "#",
    "?",
]


@pytest.mark.parametrize("href", HREFS, ids=lambda href: ascii(href[:40]))
@pytest.mark.parametrize("served", [False, True], ids=["folder", "web"])
@pytest.mark.parametrize("of", ["asset", "vrt source", "database"])
def test_an_asset_elsewhere_is_not_read(
    tmp_path: Path, secret: Path, href: str, served: bool, of: str
) -> None:
    """No href makes the client read a local file, another protocol or a virtual file system."""
    home = tmp_path / "site"
    site = SiteFolder(home, {"B04": {"data_type": "uint16"}})
    with tripwire() as (port, seen), FaultyServer(home) as server:
        bad = href.replace("{secret}", str(secret)).replace("{port}", str(port))
        document = ""
        if of == "vrt source":
            site.link(DATE, "B04", "./layer.vrt")
            (home / "fields").mkdir(parents=True)
            (home / "fields" / "layer.vrt").write_bytes(plain_vrt(bad))
        elif of == "database":
            home.mkdir()
            document = "/database.json"
            (home / "database.json").write_text(json.dumps({DATE: [bad]}), encoding="utf-8")
        else:
            site.link(DATE, "B04", bad)
        site.write()
        with pytest.raises(ShoestringError) as caught:
            extract((server.address if served else str(home)) + document)
        assert all("secret" not in r.path or r.path.count("/") for r in server.requests)
    assert seen == []
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def plain_vrt(source: str, **changes: str) -> bytes:
    """A plain VRT over one file, as bytes; `changes` replace parts of its text."""
    from xml.sax.saxutils import escape

    safe = "".join(c if c.isprintable() else f"&#{ord(c)};" for c in escape(source))
    rows, columns = UTM.shape
    text = f"""<VRTDataset rasterXSize="{columns}" rasterYSize="{rows}"><SRS>EPSG:32630</SRS>
<GeoTransform>600000, 10, 0, 800000, 0, -10</GeoTransform>
<VRTRasterBand dataType="UInt16" band="1"><SimpleSource>
<SourceFilename relativeToVRT="1">{safe}</SourceFilename><SourceBand>1</SourceBand>
<SrcRect xOff="0" yOff="0" xSize="{columns}" ySize="{rows}"/>
<DstRect xOff="0" yOff="0" xSize="{columns}" ySize="{rows}"/>
</SimpleSource></VRTRasterBand></VRTDataset>"""
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text.encode()


@pytest.mark.parametrize("href", HREFS, ids=lambda href: ascii(href[:40]))
@pytest.mark.parametrize("served", [False, True], ids=["folder", "web"])
@pytest.mark.parametrize("of", ["collection", "part"])
def test_a_document_elsewhere_is_not_read(
    tmp_path: Path, secret: Path, href: str, served: bool, of: str
) -> None:
    """Collections and parts come from the web or the folder and from nowhere else."""
    home = tmp_path / "site"
    site = simple_site(home, 1)
    with tripwire() as (port, seen), FaultyServer(home) as server:
        bad = href.replace("{secret}", str(secret)).replace("{port}", str(port))
        if of == "collection":
            site.catalog["links"] = [{"rel": "child", "href": bad}]
        else:
            part = {"href": bad, "dates": [DATE], "size": 1, "checksum": "1220" + "0" * 64}
            site.collection["shoestring:parts"] = [part]
        site.write()
        with pytest.raises(ShoestringError) as caught:
            extract(server.address if served else home)
    assert seen == []
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "scheme", ["file", "ftp", "ftps", "gopher", "dict", "telnet", "ws", "imap"]
)
@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("code", [301, 302])
def test_a_redirect_of_an_asset_stays_on_the_web(
    tmp_path: Path, secret: Path, scheme: str, method: str, code: int
) -> None:
    """A server that redirects an asset to another protocol finds nobody following."""
    simple_site(tmp_path / "site", 1)
    with tripwire() as (port, seen):
        target = f"file://{secret}" if scheme == "file" else f"{scheme}://127.0.0.1:{port}/a.tif"

        def rule(request: Request) -> Status | None:
            moved = request.path.endswith(".tif") and request.method == method
            return redirect(target, code) if moved else None

        with (
            FaultyServer(tmp_path / "site", rule) as server,
            pytest.raises(ShoestringError) as caught,
        ):
            extract(server.address)
    assert seen == []
    if method == "GET":
        assert "only http and https addresses are" in str(caught.value)
    assert server.count(".tif") < 12


@pytest.mark.parametrize("name", ["catalog.json", "collection.json", "items.json"])
@pytest.mark.parametrize("scheme", ["file", "ftp", "gopher"])
def test_a_redirect_of_a_document_stays_on_the_web(
    tmp_path: Path, secret: Path, name: str, scheme: str
) -> None:
    """A document that is redirected to another protocol is refused, with the target named."""
    simple_site(tmp_path / "site", 1)
    with tripwire() as (port, seen):
        target = f"file://{secret}" if scheme == "file" else f"{scheme}://127.0.0.1:{port}/a"
        rule = lambda request: redirect(target) if request.path.endswith(name) else None  # noqa: E731
        with (
            FaultyServer(tmp_path / "site", rule) as server,
            pytest.raises(CatalogueError, match="only http and https addresses are") as caught,
        ):
            extract(server.address)
        assert target in str(caught.value)
    assert seen == []


@pytest.mark.parametrize("ending", ["catalog.json", ".tif"])
def test_endless_redirects_end(tmp_path: Path, ending: str) -> None:
    """A circle of redirects is left after a few turns."""
    simple_site(tmp_path, 1)

    def rule(request: Request) -> Status | None:
        if not request.path.partition("?")[0].endswith(ending):
            return None
        return redirect(f"{request.path.partition('?')[0]}?{request.number}")

    with (
        FaultyServer(tmp_path, rule) as server,
        pytest.raises(ShoestringError, match="redirected more than 5 times"),
    ):
        extract(server.address)
    assert len(server.requests) < 60


def test_a_redirect_without_a_target_ends(tmp_path: Path) -> None:
    """A redirect that names no target goes in a circle and is left."""
    simple_site(tmp_path, 1)
    rule = lambda request: Status(302) if request.path.endswith("catalog.json") else None  # noqa: E731
    with FaultyServer(tmp_path, rule) as server, pytest.raises(ShoestringError, match="redirected"):
        extract(server.address)


def test_credentials_in_an_address_stay_out_of_messages(tmp_path: Path) -> None:
    """Nothing is sent to a host that a redirect names but the request itself."""
    simple_site(tmp_path, 1)
    with FaultyServer(tmp_path) as other:
        rule = lambda request: redirect(other.address + request.path)  # noqa: E731
        with FaultyServer(tmp_path, rule) as server:
            extract(server.address)
    assert other.count("catalog.json") == 1


EVIL_VRTS = {
    "absolute path": lambda secret: plain_vrt(str(secret)),
    "absolute path, said to be none": lambda secret: plain_vrt(str(secret), **{'relativeToVRT="1"': 'relativeToVRT="0"'}),  # noqa: E501
    "way out": lambda secret: plain_vrt("../../outside/secret.tif"),
    "derived band": lambda secret: plain_vrt("a.tif", **{'band="1">': 'band="1" subClass="VRTDerivedRasterBand"><PixelFunctionType>sum</PixelFunctionType>'}),  # noqa: E501
    "pixel function": lambda secret: plain_vrt("a.tif", **{"<SimpleSource>": "<PixelFunctionLanguage>Python</PixelFunctionLanguage><SimpleSource>"}),  # noqa: E501
    "python": lambda secret: plain_vrt("a.tif", **{"<SimpleSource>": "<PixelFunctionCode>import os</PixelFunctionCode><SimpleSource>"}),  # noqa: E501
    "raw band": lambda secret: plain_vrt("a.tif", **{'band="1">': 'band="1" subClass="VRTRawRasterBand">'}),
    "raw source": lambda secret: plain_vrt("a.tif", **{"<SimpleSource>": f"<SourceFilename>{secret}</SourceFilename><SimpleSource>"}),  # noqa: E501
    "open options": lambda secret: plain_vrt("a.tif", **{"<SourceBand>": "<OpenOptions><OOI key='A'>b</OOI></OpenOptions><SourceBand>"}),  # noqa: E501
    "warped": lambda secret: plain_vrt("a.tif", **{"<VRTDataset ": '<VRTDataset subClass="VRTWarpedDataset" '}),
    "mask band": lambda secret: plain_vrt("a.tif", **{"</VRTDataset>": f"<MaskBand><VRTRasterBand dataType='Byte'><SimpleSource><SourceFilename>{secret}</SourceFilename></SimpleSource></VRTRasterBand></MaskBand></VRTDataset>"}),  # noqa: E501
    "group": lambda secret: plain_vrt("a.tif", **{"</VRTDataset>": "<Group name='/'/></VRTDataset>"}),
    "doctype": lambda secret: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + plain_vrt("&x;".replace("&", "a")),  # noqa: E501
    "entity bomb": lambda secret: b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + plain_vrt("a.tif"),  # noqa: E501
    "utf-16 doctype": lambda secret: ("<?xml version='1.0' encoding='utf-16'?><!DOCTYPE a [<!ENTITY x 'y'>]>" + plain_vrt("a.tif").decode()).encode("utf-16"),  # noqa: E501
    "not xml": lambda secret: b"hello",
    "nothing": lambda secret: b"",
    "deep": lambda secret: b"<VRTDataset>" * 100_000,
    "too many bytes": lambda secret: plain_vrt("a.tif") + b" " * (16 * 2**20),
    "a TIFF": lambda secret: secret.read_bytes(),
    "huge": lambda secret: plain_vrt("a.tif", **{'rasterXSize="50"': 'rasterXSize="2000000000"'}),
    "no size": lambda secret: plain_vrt("a.tif", **{'rasterXSize="50"': 'rasterXSize="-1"'}),
    "not a number": lambda secret: plain_vrt("a.tif", **{'xOff="0"': 'xOff="nan"'}),
    "infinite": lambda secret: plain_vrt("a.tif", **{'xOff="0"': 'xOff="1e400"'}),
    "resampling": lambda secret: plain_vrt("a.tif", **{'<DstRect xOff="0" yOff="0" xSize="50"': '<DstRect xOff="0" yOff="0" xSize="25"'}),  # noqa: E501
    "other band": lambda secret: plain_vrt("a.tif", **{"<SourceBand>1": "<SourceBand>99"}),
    "band zero": lambda secret: plain_vrt("a.tif", **{"<SourceBand>1": "<SourceBand>-1"}),
    "mask of a file": lambda secret: plain_vrt("a.tif", **{"<SourceBand>1": "<SourceBand>mask,1"}),
    "beyond the file": lambda secret: plain_vrt("a.tif", **{'<SrcRect xOff="0"': '<SrcRect xOff="1"'}),
    "before the file": lambda secret: plain_vrt("a.tif", **{'<SrcRect xOff="0"': '<SrcRect xOff="-1"'}),
    "nested": lambda secret: plain_vrt("nested.vrt"),
    "nested, as .tif": lambda secret: plain_vrt("nested.tif"),
}  # fmt: skip


@pytest.mark.parametrize("served", [False, True], ids=["folder", "web"])
@pytest.mark.parametrize("kind", EVIL_VRTS)
def test_a_vrt_that_is_more_than_a_mosaic_is_refused(
    tmp_path: Path, secret: Path, kind: str, served: bool
) -> None:
    """Only VRTs of plain sources inside the site are read; each other is refused and named."""
    home = tmp_path / "site"
    write_tiff(home / "fields" / "a.tif", numbers(UTM.shape), UTM)
    for name in ("nested.vrt", "nested.tif"):
        (home / "fields" / name).write_bytes(plain_vrt("a.tif"))
    site = SiteFolder(home, {"B04": {"data_type": "uint16"}})
    site.link(DATE, "B04", "./layer.vrt")
    (home / "fields" / "layer.vrt").write_bytes(EVIL_VRTS[kind](secret))
    site.write()
    with FaultyServer(home) as server, pytest.raises(ShoestringError) as caught:
        extract(server.address if served else home)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def test_the_plain_vrt_of_these_tests_is_read(tmp_path: Path) -> None:
    """The VRT that the evil ones are made from is itself read, so each is refused for its evil."""
    write_tiff(tmp_path / "fields" / "a.tif", numbers(UTM.shape), UTM)
    site = SiteFolder(tmp_path, {"B04": {"data_type": "uint16"}})
    site.link(DATE, "B04", "./layer.vrt")
    (tmp_path / "fields" / "layer.vrt").write_bytes(plain_vrt("a.tif"))
    np.testing.assert_array_equal(extract(site.write().folder)["B04"][DATE], numbers(UTM.shape))


@pytest.mark.parametrize("served", [False, True], ids=["folder", "web"])
def test_a_vrt_in_disguise_is_not_read(tmp_path: Path, secret: Path, served: bool) -> None:
    """A file called .tif that is a VRT is no GeoTIFF, whatever it names."""
    home = tmp_path / "site"
    (home / "fields").mkdir(parents=True)
    (home / "fields" / "a.tif").write_bytes(plain_vrt(str(secret)))
    with rasterio.open(home / "fields" / "a.tif") as file:
        assert file.driver == "VRT"
    site = SiteFolder(home, {"B04": {"data_type": "uint16"}})
    site.link(DATE, "B04", "./a.tif")
    site.write()
    with (
        FaultyServer(home) as server,
        pytest.raises(ShoestringError, match="can't be read as a GeoTIFF"),
    ):
        extract(server.address if served else home)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="No symbolic links on this machine.")
@pytest.mark.parametrize("of", ["asset", "folder", "source"])
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, secret: Path, of: str) -> None:
    """A symbolic link in a local site that leaves its folder is refused."""
    home = tmp_path / "site"
    (home / "fields").mkdir(parents=True)
    site = SiteFolder(home, {"B04": {"data_type": "uint16"}})
    (home / "fields" / "a.tif").symlink_to(secret)
    (home / "fields" / "f").symlink_to(secret.parent)
    (home / "fields" / "b.vrt").write_bytes(plain_vrt("a.tif"))
    site.link(
        DATE, "B04", {"asset": "./a.tif", "folder": "./f/secret.tif", "source": "./b.vrt"}[of]
    )
    site.write()
    with pytest.raises(CatalogueError, match="lies outside of the site's folder"):
        extract(home)


@contextmanager
def bounded_memory(limit: int) -> Iterator[None]:
    """Fail where Python allocates more than so many bytes at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


def test_a_huge_grid_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    """A catalogue that promises a huge grid is refused with its size, before any allocation."""
    grid = Grid("EPSG:4326", (1e-7, 0.0, -107.0, 0.0, -1e-8, 10.0), (2**31 - 1, 2**31 - 1))
    site = SiteFolder(tmp_path, {"B04": {"data_type": "uint16"}}, grid=grid)
    site.link(DATE, "B04", "./a.tif")
    site.write()
    for masked in (True, False):
        with (
            FaultyServer(tmp_path) as server,
            shoestring.open(server.address) as catalogue,
            bounded_memory(2**22),
            pytest.raises(
                SelectionError, match="more than 16777216 on a side: ask for a smaller ROI"
            ),
        ):
            catalogue["fields"].extract("B04", (-107.0, 1.0, 107.0, 9.0), masked=masked)
        assert server.count(".tif") == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shoestring:grid", {"crs": "EPSG:32630", "transform": [1, 0, 0, 0, -1, 0], "shape": [2**40, 1]}),
        ("shoestring:grid", {"crs": "EPSG:32630", "transform": [1, 0, 0, 0, -1, 0], "shape": [0, 1]}),
        ("shoestring:grid", {"crs": "EPSG:32630", "transform": [0, 0, 0, 0, 0, 0], "shape": [1, 1]}),
        ("shoestring:grid", {"crs": "EPSG:32630", "transform": [1e999, 0, 0, 0, -1, 0], "shape": [1, 1]}),
        ("shoestring:grid", {"crs": "EPSG:32630", "transform": [1, 0], "shape": [1, 1]}),
        ("shoestring:grid", {"crs": "EPSG:999999", "transform": [1, 0, 0, 0, -1, 0], "shape": [4, 4]}),
        ("shoestring:grid", {"crs": "/etc/passwd", "transform": [1, 0, 0, 0, -1, 0], "shape": [4, 4]}),
        ("shoestring:grid", {"crs": "", "transform": [1, 0, 0, 0, -1, 0], "shape": [4, 4]}),
        ("shoestring:grid", "EPSG:32630"),
        ("shoestring:bands", [{"name": "../B04", "data_type": "uint16"}]),
        ("shoestring:bands", [{"name": "", "data_type": "uint16"}]),
        ("shoestring:bands", [{"name": "B04", "data_type": "object"}]),
        ("shoestring:bands", [{"name": "B04", "data_type": "uint16", "factor": 0}]),
        ("shoestring:bands", [{"name": "B04", "data_type": "uint16", "factor": 10**9}]),
        ("shoestring:bands", [{"name": "B04", "data_type": "uint16", "nodata": "none"}]),
        ("shoestring:bands", {"B04": {}}),
        ("shoestring:mask", {"band": "SCL", "clear": [4]}),
        ("shoestring:mask", {"band": "B04"}),
        ("shoestring:parts", [{"href": "a", "dates": ["soon"], "size": 1, "checksum": "1220" + "0" * 64}]),
        ("shoestring:parts", [{"href": "a", "dates": ["2018-01-01", "2018-01-01T00:00:00Z"], "size": 1, "checksum": "1220" + "0" * 64}]),  # noqa: E501
        ("shoestring:parts", [{"href": "a", "dates": [], "size": -1, "checksum": "1220" + "0" * 64}]),
        ("shoestring:parts", [{"href": "a", "dates": [], "size": 1, "checksum": "md5"}]),
        ("id", "../fields"),
        ("id", ".fields"),
        ("id", 7),
        ("shoestring:version", "2.0"),
        ("shoestring:version", "one"),
        ("shoestring:version", ""),
        ("shoestring:version", None),
    ],
)  # fmt: skip
def test_a_collection_of_wrong_values_is_refused(tmp_path: Path, field: str, value: Any) -> None:  # noqa: ANN401
    """A collection whose fields are not what the contract says is refused when it is opened."""
    site = simple_site(tmp_path, 1)
    site.collection[field] = value
    site.write()
    with pytest.raises(CatalogueError, match=r"collection\.json") as caught:
        shoestring.open(tmp_path, options=QUICK)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "crs", ["http://127.0.0.1:{port}/a", "/vsicurl/http://127.0.0.1:{port}/a", "{prj}"]
)
def test_a_crs_is_never_fetched_or_opened(tmp_path: Path, crs: str) -> None:
    """A CRS that is the address of a file is refused: GDAL would fetch or open it."""
    site = simple_site(tmp_path, 1)
    prj = tmp_path / "secret.prj"
    with rasterio.open(tmp_path / "fields" / f"{DATE}_B04.tif") as file:
        prj.write_text(file.crs.to_wkt(), encoding="utf-8")
    with tripwire() as (port, seen):
        text = crs.replace("{port}", str(port)).replace("{prj}", str(prj))
        roi = {
            **json.loads('{"type": "Polygon", "coordinates": []}'),
            "crs": {"properties": {"name": text}},
        }
        with shoestring.open(tmp_path) as catalogue:
            with pytest.raises(ShoestringError, match="CRS"):
                catalogue["fields"].explain(
                    None, {**roi, "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
                )
            with pytest.raises(ShoestringError, match="CRS"):
                catalogue["fields"].explain(None, shoestring.Roi(shapely.box(0, 0, 1, 1), text))
        site.collection["shoestring:grid"]["crs"] = text
        site.write()
        with pytest.raises(CatalogueError, match="is no CRS: write it like EPSG:32630"):
            shoestring.open(tmp_path)
    assert seen == []


def test_a_newer_version_says_how_to_update(tmp_path: Path) -> None:
    """A site of a newer major version names both versions and the command; a newer minor is read."""
    site = simple_site(tmp_path, 1)
    site.catalog["shoestring:version"] = "2.0"
    site.write()
    with pytest.raises(
        CatalogueError, match=r"schema 2\.0, this client reads 1\.\d+: update it with `pip"
    ):
        shoestring.open(tmp_path)
    site.catalog["shoestring:version"] = "1.99"
    assert len(extract(site.write().folder)["B04"]) == 1


def test_unknown_fields_pass_unread(tmp_path: Path) -> None:
    """What a later minor version or another tool adds does no harm."""
    site = simple_site(tmp_path, 1)
    site.collection |= {"more": [1, {"x": None}], "shoestring:later": "?"}
    site.catalog |= {"extra": {"deep": [[[]]]}}
    assert len(extract(site.write().folder)["B04"]) == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<html>hello</html>", "is not JSON .*: check that the address names a catalogue"),
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"\x1f\x8b\x08", "is not JSON"),
        (b"{" + b'"a":{' * 1000, "is nested deeper than 32 levels"),
        (b"[" * 1_000_000, "is nested deeper than 32 levels"),
        (b'{"type": "Feature"}', "is a Feature and no catalogue: give the address of"),
        (b'{"type": 7}', "is a 7 and no catalogue"),
        (b'{"type": "Catalog"}', "is not a catalogue that Shoestring can read: .*`id`"),
        (b'{"type": "Catalog", "id": "x", "links": []}', "not made by Shoestring: open it with pystac-client"),
        (b'{"type": "Collection"}', "is not a catalogue that Shoestring can read"),
        (b'"hello"', "is not a catalogue that Shoestring can read"),
        (b"null", "is not a catalogue that Shoestring can read"),
        (b'{"a": "\\ud800"}', "catalog.json"),
    ],
)  # fmt: skip
def test_a_document_that_is_no_catalogue_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    """What is no catalogue is named, with what is wrong."""
    (tmp_path / "catalog.json").write_bytes(data)
    with pytest.raises(CatalogueError, match=says) as caught:
        shoestring.open(tmp_path)
    assert str(tmp_path / "catalog.json") in str(caught.value)


def test_a_part_that_was_changed_is_refused(tmp_path: Path) -> None:
    """A part whose checksum differs from the collection's is not used."""
    site = simple_site(tmp_path, 1)
    part = tmp_path / "fields" / "items.json"
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(
        CatalogueError, match=r"items\.json is not the file that its collection names"
    ):
        extract(site.folder)


@pytest.mark.parametrize(
    "part",
    [
        b"[]",
        b"not json",
        b'{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "a"}]}',
        b'{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "a", "assets": {}, '
        b'"properties": {"shoestring:date": "soon"}}]}',
        b'{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "a", "assets": '
        b'{"B04": {"href": 7}}, "properties": {"shoestring:date": "2018-01-01"}}]}',
    ],
)
def test_a_part_of_wrong_values_is_refused(tmp_path: Path, part: bytes) -> None:
    """A part that is no ItemCollection is named, though its checksum is right."""
    site = simple_site(tmp_path, 1)
    site.write_part(part)
    with pytest.raises(CatalogueError, match=r"items\.json"):
        extract(tmp_path)


def test_a_part_that_lacks_a_promised_date_is_said(tmp_path: Path) -> None:
    """A part without a date that the collection lists ends in an error and not in silence."""
    site = simple_site(tmp_path, 2)
    del site.items["2018-01-02"]
    site.write()
    document = json.loads((tmp_path / "fields" / "collection.json").read_text())
    document["shoestring:parts"][0]["dates"].append("2018-01-02")
    (tmp_path / "fields" / "collection.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"items\.json .*2018-01-02"):
        extract(tmp_path)


def _gzipped_spaces(mebibytes: int) -> bytes:
    """So many spaces in gzip's format, but for its end, which nobody should come to."""
    packer = zlib.compressobj(wbits=31)
    first, other = (
        packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)
    )
    return first + other * (mebibytes - 1)


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_an_endless_document_is_left_before_it_fills_memory(
    tmp_path: Path, encoding: str | None
) -> None:
    """A document that grows over its limit, also by decompression, is left early."""
    body = _gzipped_spaces(512) if encoding else b" " * (80 * 2**20)
    headers = {"Content-Encoding": "gzip"} if encoding else {}
    with (
        FaultyServer(tmp_path, lambda request: Status(200, headers, body)) as server,
        bounded_memory(250 * 2**20),
        pytest.raises(CatalogueError, match=r"catalog\.json is larger than the \d+ bytes"),
    ):
        shoestring.open(server.address, options=QUICK)


@pytest.mark.parametrize(
    ("encoding", "body", "sentence"),
    [
        ("br", b"x", "comes packed by 'br', which was not asked for"),
        ("gzip", b"{}", "arrives damaged"),
        ("gzip", gzip.compress(b"{" * 9999)[:-9], "was cut before all of its bytes had arrived"),
    ],
    ids=["another packing", "not packed", "cut"],
)
def test_a_document_that_is_packed_wrongly_is_one_sentence(
    tmp_path: Path, encoding: str, body: bytes, sentence: str
) -> None:
    """Not by what was asked for, not at all, or cut: none is taken for a document."""
    headers = {"Content-Encoding": encoding}
    with (
        FaultyServer(tmp_path, lambda request: Status(200, headers, body)) as server,
        pytest.raises(TransferError, match=sentence),
    ):
        shoestring.open(server.address, options=QUICK)


def test_what_comes_behind_a_packed_document_is_left(tmp_path: Path) -> None:
    """However much a server sends after the end, it is not kept."""
    body = gzip.compress(b"[]") + b" " * (80 * 2**20)
    headers = {"Content-Encoding": "gzip"}
    with (
        FaultyServer(tmp_path, lambda request: Status(200, headers, body)) as server,
        bounded_memory(20 * 2**20),
        pytest.raises(CatalogueError, match=r"catalog\.json"),
    ):
        shoestring.open(server.address, options=QUICK)


def test_a_huge_file_in_a_folder_is_left(tmp_path: Path) -> None:
    """A local document that is too large is not read whole."""
    with (tmp_path / "catalog.json").open("wb") as file:
        file.truncate(2**33)
    with bounded_memory(150 * 2**20), pytest.raises(CatalogueError, match="is larger than"):
        shoestring.open(tmp_path)


def test_a_tiff_of_huge_blocks_is_refused_before_they_are_allocated(tmp_path: Path) -> None:
    """A TIFF whose one block would fill memory is refused by its header."""
    grid = Grid(UTM.crs, UTM.transform, (40000, 40000))
    site = SiteFolder(tmp_path, {"B04": {"data_type": "uint16"}}, grid=grid)
    (tmp_path / "fields").mkdir()
    options = {"blockxsize": 32768, "blockysize": 32768, "tiled": True, "SPARSE_OK": True}
    with rasterio.open(tmp_path / "fields" / "a.tif", "w", driver="GTiff", width=40000, height=40000, count=1,
                       dtype="uint16", crs=grid.crs, transform=rasterio.Affine(*grid.transform), **options):  # fmt: skip  # noqa: E501
        pass
    site.link(DATE, "B04", "./a.tif")
    site.write()
    with (
        shoestring.open(tmp_path) as catalogue,
        bounded_memory(2**22),
        pytest.raises(
            CatalogueError, match="has blocks of 32768 x 32768 pixels: they must be smaller"
        ),
    ):
        catalogue["fields"].extract("B04", (-2.09, 7.232, -2.087, 7.2345))


def test_hostile_names_stay_in_the_folder(tmp_path: Path) -> None:
    """Names of bands that would leave the folder, or be devices or hidden, are made harmless."""
    pixels = numbers(UTM.shape)
    write_tiff(tmp_path / "a.tif", pixels, UTM)
    names = ["../../up", "/etc/passwd", "C:\\x", "a\nb", "nul", "\u202etif", "x" * 60, "\x00"]
    (tmp_path / "database.json").write_text(
        json.dumps({DATE: ["a.tif"] * len(names)}), encoding="utf-8"
    )
    with shoestring.open(tmp_path / "database.json", bands=names) as catalogue:
        collection = catalogue["database"]
        stack = collection.extract(None, collection.extent, masked=False)
    before = set(tmp_path.iterdir())
    paths = stack.save(tmp_path / "out" / "deep")
    assert {path.parent for path in paths} == {tmp_path / "out" / "deep"}
    assert sorted((tmp_path / "out" / "deep").iterdir()) == sorted(paths)
    assert set(tmp_path.iterdir()) - before == {tmp_path / "out"}
    for path in paths:
        assert path.name.isascii()
        assert path.name.startswith("database_")


@pytest.mark.parametrize("name", ["CON", "nul.x", "COM1.y", "lpt9", "aux.B04"])
def test_a_collection_named_like_a_device_is_saved_beside_it(tmp_path: Path, name: str) -> None:
    """A file's name never is what Windows takes for a device, whatever follows the dot."""
    site = SiteFolder(tmp_path, {"B04": {"data_type": "uint16"}}, name=name)
    site.add(DATE, "B04", numbers(UTM.shape))
    with shoestring.open(site.write().folder) as catalogue:
        collection = catalogue[name]
        (path,) = collection.extract(None, collection.extent, masked=False).save(tmp_path / "out")
    stem = path.name.partition(".")[0].upper()
    assert stem not in {"CON", "NUL", "COM1", "LPT9", "AUX"}
    assert not path.name.startswith(".")


def test_titles_are_escaped_and_printable(tmp_path: Path) -> None:
    """A catalogue's texts can't put markup into a notebook or control signs on a terminal."""
    evil = "<script>alert(1)</script>\x1b[2J\n<b>&\"'"
    site = SiteFolder(tmp_path, {"B04": {"data_type": "uint16", "unit": evil, "title": evil}})
    site.catalog |= {"title": evil, "description": evil}
    site.collection |= {"title": evil, "description": evil, "license": evil}
    site.add(DATE, "B04", numbers(UTM.shape))
    with shoestring.open(site.write().folder) as catalogue:
        collection = catalogue["fields"]
        plan = collection.explain(None, collection.extent)
        stack = collection.extract(None, collection.extent)
        for shown in (catalogue, collection, plan, stack):
            assert "<script" not in shown._repr_html_()
            assert "<b>" not in shown._repr_html_()
            assert all(line.isprintable() for line in repr(shown).split("\n"))
        assert len(repr(catalogue).split("\n")) == 3

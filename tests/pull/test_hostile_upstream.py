"""Catalogues that would do harm: refused with a sentence, and nothing but the copy is touched."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rasterio
from rasterio.transform import from_origin

from shoestring_builder.build import build
from shoestring_builder.index.index_file import open_index
from shoestring_pull.arrivals import check_pixels
from shoestring_pull.names import problem_of, require_distinct
from shoestring_schema.errors import CatalogueError, OutputError, ShoestringError, TransferError
from shoestring_schema.site import IndexDocument
from shoestring_schema.tile_index import pack_head
from support.faulty_server import Endless, Fault, FaultyServer, OtherLength, Request, Spoilt
from support.mosaics import CONFIGURATION, republish, tree, write_configuration, write_raster
from support.nginx import Nginx
from support.pulled import build_fields, faults, pull_into
from support.retold import retell


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two collections and one date."""
    return build_fields(tmp_path_factory.mktemp("fields"), (1,))


@pytest.fixture
def told(site: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the site, to be changed; beside it nothing may appear but the pulled copy."""
    folder = Path(shutil.copytree(site, tmp_path / "told"))
    yield folder
    others = [
        path.name for path in tmp_path.iterdir() if path.name not in ("told", "copy", "outside")
    ]
    assert others == []


def first_href(href: str) -> Callable[[dict[str, Any]], None]:
    """A change of the first layer's href."""

    def change(item: dict[str, Any]) -> None:
        next(iter(item["assets"].values()))["href"] = href

    return change


HREFS = [
    "../../../evil.tif",
    "../../../../../../../../tmp/evil.tif",
    "..%2f..%2f..%2fevil.tif",
    "/etc/passwd",
    "//elsewhere.example/evil.tif",
    "file:///etc/passwd",
    "ftp://elsewhere.example/evil.tif",
    "https://elsewhere.example/evil.tif",
    "/vsicurl/http://elsewhere.example/evil.tif",
    "C:/evil.tif",
    "C:evil.tif",
    "..\\..\\..\\evil.tif",
    "%5c%5chost%5cshare%5cevil.tif",
    "evil%00.tif",
    "evil%0a.tif",
    "evil\n.tif",
    "evil%1b[2J.tif",
    "evil%e2%80%ae.tif",
    "aux.tif",
    "CON",
    "evil.tif.",
    "evil.tif%20",
    "evil:stream.tif",
    ".hidden.tif",
    "../../.staging/lock",
    "../../.pull/origin.json",
    "../collection.json",
    "../../catalog.json",
    "../../status.html",
    "../feed.xml",
    "a" * 300 + ".tif",
    "a/" * 3000 + "b.tif",
    "",
    ".",
    "..",
]


@pytest.mark.parametrize("href", HREFS, ids=range(len(HREFS)))
def test_names_that_lead_elsewhere_are_refused(told: Path, tmp_path: Path, href: str) -> None:
    """A layer whose name is not that of a file where a site keeps them is not followed."""
    retell(told, "height", first_href(href))
    for selected in ({}, {"collections": "height"}):
        with pytest.raises(CatalogueError):
            pull_into(tmp_path / "copy", told, **selected)
    left = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "copy").parts[0] for path in left} <= {".pull", ".staging"}


@pytest.mark.parametrize(
    "name", ["a/b.tif", "s2/2018/2018-01-01T130000Z_B04-0123456789abcdef.tif", "ä/ö.tif", "a b.tif"]
)
def test_names_of_files_are_taken(name: str) -> None:
    """Names that a site has are names that a copy may have."""
    assert problem_of(name) == ""


@pytest.mark.parametrize(
    "names", [("a/B.tif", "a/b.tif"), ("A/x.tif", "a/y.tif"), ("\u00e4.tif", "a\u0308.tif")]
)
def test_names_that_are_one_on_some_disks_are_refused(names: tuple[str, str]) -> None:
    """Two names that differ by case, or by how a letter is written, are one file on some disks."""
    with pytest.raises(CatalogueError, match="one file on some disks"):
        require_distinct(names, "the catalogue")


def test_collections_that_differ_by_case_are_refused(told: Path, tmp_path: Path) -> None:
    """Two collections whose folders are one on some disks are refused."""
    path = told / "catalog.json"
    document = json.loads(path.read_text("utf-8"))
    twin = document["shoestring:collections"][0] | {"id": "S2"}
    shutil.copytree(told / "s2", told / "S2")
    document["shoestring:collections"].append(twin)
    path.write_text(json.dumps(document), "utf-8")
    republish(told)
    with pytest.raises(CatalogueError, match="differ by nothing but case"):
        pull_into(tmp_path / "copy", told)


def test_sizes_that_lie_are_refused(
    told: Path, tmp_path: Path, nginx: Callable[..., Nginx]
) -> None:
    """A file that has another size than is stated is not taken."""

    def change(item: dict[str, Any]) -> None:
        next(iter(item["assets"].values()))["file:size"] += 1

    retell(told, "height", change)
    for address in (told, f"{nginx(told).http}/"):
        with pytest.raises(CatalogueError, match="bytes"):
            pull_into(tmp_path / "copy", address, collections="height")
        assert not list((tmp_path / "copy").glob("height/*/*.tif"))
        shutil.rmtree(tmp_path / "copy")


def test_enormous_sizes_are_refused_at_once(told: Path, tmp_path: Path) -> None:
    """A file that is said to be larger than the disk is not begun."""

    def change(item: dict[str, Any]) -> None:
        next(iter(item["assets"].values()))["file:size"] = 2**60

    retell(told, "height", change)
    with pytest.raises(OutputError, match="are needed"):
        pull_into(tmp_path / "copy", told)


def test_checksums_that_lie_are_refused(told: Path, tmp_path: Path) -> None:
    """A file that has another content than is stated does not get its name."""

    def change(item: dict[str, Any]) -> None:
        asset = next(iter(item["assets"].values()))
        stated = asset["file:checksum"]
        asset["file:checksum"] = stated[:-1] + ("1" if stated.endswith("0") else "0")

    retell(told, "height", change)
    with pytest.raises(TransferError):
        pull_into(tmp_path / "copy", told, collections="height")
    assert not list((tmp_path / "copy").glob("height/*/*.tif"))


def test_layers_without_checksum_are_refused(told: Path, tmp_path: Path) -> None:
    """What can't be told from anything else is not pulled."""

    def change(item: dict[str, Any]) -> None:
        del next(iter(item["assets"].values()))["file:checksum"]

    retell(told, "height", change)
    with pytest.raises(CatalogueError, match="states no checksum"):
        pull_into(tmp_path / "copy", told)


@pytest.mark.parametrize("ending", ["catalog.json", "/collection-", "/items-", "/catalog-2018"])
@pytest.mark.parametrize("fault", [Endless(), Spoilt(), OtherLength(5)], ids=str)
def test_documents_that_are_not_those_are_refused(
    site: Path, tmp_path: Path, ending: str, fault: Fault
) -> None:
    """A document without an end, damaged, or with more behind its end is not taken."""

    def rule(request: Request) -> Fault | None:
        return fault if ending in request.path else None

    with FaultyServer(site, rule) as server, pytest.raises(ShoestringError):
        pull_into(tmp_path / "copy", f"{server.address}/")
    assert not (tmp_path / "copy" / "catalog.json").exists()


def test_index_that_leads_elsewhere_is_refused(told: Path, tmp_path: Path) -> None:
    """A tile index that names files that no item states is not kept, nor taken over."""
    path = told / "height" / "collection.json"
    document = json.loads(path.read_text("utf-8"))
    stated = document["shoestring:parts"][0]["index"]
    own = told / "height" / stated["href"]
    opened = open_index(own, msgspec.convert(stated, IndexDocument), "the index")
    head = msgspec.to_builtins(opened.head)
    head["files"][0]["dem"][0]["href"] = "https://elsewhere.example/evil.tif"
    packed = pack_head(msgspec.convert(head, type(opened.head)))
    data = packed + own.read_bytes()[stated["head_size"] :]
    digest = hashlib.sha256(data).hexdigest()
    stated |= {"href": f"./2018/index-2018-01-{digest[:16]}.bin", "size": len(data),
               "checksum": f"1220{digest}", "head_size": len(packed)}  # fmt: skip
    (told / "height" / stated["href"]).write_bytes(data)
    path.write_text(json.dumps(document), "utf-8")
    republish(told)
    with pytest.raises(CatalogueError, match="no relative link"):
        pull_into(tmp_path / "copy", told)
    place = tmp_path / "copy" / "height" / stated["href"]
    assert not place.exists()
    shutil.copy(told / "height" / stated["href"], place)  # as a pull leaves it that is killed then
    with pytest.raises(CatalogueError, match="no relative link"):
        pull_into(tmp_path / "copy", told)
    shutil.rmtree(tmp_path / "copy")
    pull_into(tmp_path / "copy", told, collections="height")
    assert faults(tmp_path / "copy") == ()
    assert b"elsewhere" not in next((tmp_path / "copy").glob("height/*/*.json")).read_bytes()


def test_vrt_that_reads_elsewhere_is_refused(tmp_path: Path) -> None:
    """A VRT that reads a file that its item does not state is not kept."""
    project = tmp_path / "project"
    for band, dtype in (("B04", "uint16"), ("SCL", "uint8")):
        source = project / "site" / "sources" / f"S2_2018-01-01_{band}.tif"
        write_raster(source, 5, dtype=dtype, tiled=True, nodata=0)
    text = CONFIGURATION.replace("mosaics/", "site/sources/")
    build(write_configuration(project, text.replace('id = "s2"', 'id = "s2"\nlayout = "vrt"')))

    def change(item: dict[str, Any]) -> None:
        asset = item["assets"]["B04"]
        folder = project / "site" / "s2" / "2018"
        data = (folder / asset["href"]).read_bytes().replace(b"_B04.tif", b"_B99.tif")
        digest = hashlib.sha256(data).hexdigest()
        asset["href"] = f"2018-01-01_B04-{digest[:16]}.vrt"
        asset["file:checksum"] = f"1220{digest}"
        (folder / asset["href"]).write_bytes(data)

    retell(project / "site", "s2", change)
    for selected in ({}, {"collections": "s2"}):
        with pytest.raises(CatalogueError, match="does not state"):
            pull_into(tmp_path / "copy", project / "site", **selected)
        assert not (tmp_path / "copy" / "catalog.json").exists()


@pytest.mark.parametrize(
    "name", ["s2", "s2/2018", "height/2018", ".pull", ".pull/parts", ".pull/documents", ".staging"]
)
def test_links_out_of_the_copy_are_not_followed(site: Path, tmp_path: Path, name: str) -> None:
    """A link in the copy's folder that leads out of it is not written through."""
    pull_into(tmp_path / "copy", site, collections="height")
    outside = tmp_path / "outside"
    outside.mkdir()
    place = tmp_path / "copy" / name
    if place.exists():
        shutil.copytree(place, outside, dirs_exist_ok=True)
        shutil.rmtree(place)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(outside)
    before = tree(outside)
    with pytest.raises(CatalogueError, match="is a link that leads to"):
        pull_into(tmp_path / "copy", site, collections=["s2", "height"])
    assert tree(outside) == before


def test_link_instead_of_a_file_is_replaced(site: Path, tmp_path: Path) -> None:
    """A link that has the name of a layer is replaced by the layer, and what it led to stays."""
    pull_into(tmp_path / "copy", site, collections="height")
    (path,) = (tmp_path / "copy").glob("height/*/*.tif")
    outside = tmp_path / "outside.tif"
    shutil.copy(path, outside)
    data = outside.read_bytes()
    path.unlink()
    path.symlink_to(outside)
    pull_into(tmp_path / "copy", None)
    assert not path.is_symlink()
    assert outside.read_bytes() == path.read_bytes() == data


def test_grid_that_is_none_is_refused(told: Path, tmp_path: Path) -> None:
    """A CRS that GDAL would open as a file, or a grid of no size, is refused."""
    for change in ({"crs": "/etc/passwd"}, {"crs": "http://elsewhere.example/crs"},
                   {"transform": [0, 0, 0, 0, 0, 0]}):  # fmt: skip

        def about(document: dict[str, Any], change: dict[str, Any] = change) -> None:
            document["shoestring:grid"] |= change

        retell(told, "height", lambda item: None, about=about)
        with pytest.raises(CatalogueError, match="can't be read"):
            pull_into(tmp_path / "copy", told, collections="height")


def test_page_that_is_no_site_is_refused(tmp_path: Path, nginx: Callable[..., Nginx]) -> None:
    """What is no site, or one without snapshots, is told, and no folder is made."""
    (tmp_path / "web").mkdir()
    for text in ("<html>", '{"type": "Catalog", "id": "x"}', "[]", "{}" * 10):
        (tmp_path / "web" / "catalog.json").write_text(text)
        with pytest.raises(CatalogueError):
            pull_into(tmp_path / "copy", f"{nginx(tmp_path / 'web').http}/")
    assert not (tmp_path / "copy").exists()


def test_few_bytes_that_claim_many_pixels_are_refused(tmp_path: Path) -> None:
    """A file whose blocks would unpack for hours is not kept."""
    path = tmp_path / "bomb.tif"
    profile = {"driver": "GTiff", "height": 100_000, "width": 100_000, "count": 1, "dtype": "uint8",
               "tiled": True, "blockxsize": 512, "blockysize": 512, "sparse_ok": True,
               "crs": "EPSG:32630", "transform": from_origin(0, 0, 10, 10)}  # fmt: skip
    with rasterio.open(path, "w", **profile):
        pass
    with pytest.raises(CatalogueError, match="claims 10000000000 pixels"):
        check_pixels(path)
    assert not path.exists()

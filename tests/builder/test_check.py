"""`shoestring check`: a site that was built is whole, and whatever is broken is named."""

import hashlib
import json
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_builder.build import build
from shoestring_builder.check.site import Report, check
from shoestring_schema.errors import CatalogueError, MissingExtraError
from support.command import run_here
from support.mosaics import republish, tree
from support.remembered import contents_looked_at_once

Json = dict[str, Any]

DATES = ("2017-12-30", "2018-01-02", "2018-01-05")
SIZE = 600

CONFIGURATION = """
[catalogue]
id = "small"
settle = "0 seconds"
output = "site"

[[collections]]
id = "s2"
source = "mosaics/{date}_{band}.tif"
[collections.bands.B04]
nodata = 0
[collections.bands.SCL]
resampling = "nearest"
nodata = 0
[collections.mask]
band = "SCL"
clear = [4, 5]

[[collections]]
id = "tiled"
source = "site/sources/{date}_{band}_{tile}.tif"
layout = "vrt"
grid = { crs = "EPSG:32630", resolution = 10, bounds = [500000, 700000, 512800, 706400] }
[collections.bands.B08]
nodata = 0
"""


def place_at(left: float, top: float, pixel: float = 10) -> Affine:
    """The transform of square pixels from an upper left corner."""
    return Affine(pixel, 0, left, 0, -pixel, top)


def write_tiff(path: Path, pixels: "np.ndarray[Any, Any]", **changes: object) -> None:
    """Write a tiled GeoTIFF of one band."""
    profile = {
        "driver": "GTiff", "count": 1, "dtype": pixels.dtype, "crs": "EPSG:32630", "nodata": 0,
        "height": pixels.shape[0], "width": pixels.shape[1], "tiled": True,
        "blockxsize": 256, "blockysize": 256, "transform": place_at(500000, 706400),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **(profile | changes)) as dataset:
        dataset.write(pixels, 1)


def make_sources(folder: Path) -> None:
    """Write mosaics: two bands of different size, and two tiles side by side."""
    random = np.random.default_rng(1)
    for date in DATES:
        bands = random.integers(1, 3000, (SIZE, SIZE), np.uint16)
        write_tiff(folder / f"mosaics/{date}_B04.tif", bands)
        classes = random.integers(1, 9, (SIZE // 2, SIZE // 2), np.uint8)
        coarse = place_at(500000, 706400, 20)
        write_tiff(folder / f"mosaics/{date}_SCL.tif", classes, transform=coarse)
    for number in range(2):
        pixels = random.integers(1, 3000, (640, 640), np.uint16)
        place = place_at(500000 + number * 6400, 706400)
        write_tiff(folder / f"site/sources/2018-01-02_B08_{number}.tif", pixels, transform=place)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that the builder wrote."""
    folder = tmp_path_factory.mktemp("built")
    make_sources(folder)
    (folder / "shoestring.toml").write_text(CONFIGURATION)
    report = build(folder / "shoestring.toml")
    assert not report.failed
    return folder / "site"


@pytest.fixture(autouse=True, scope="module")
def looked_at_once() -> Iterator[None]:
    """Most documents and files are the same in all tests."""
    with contents_looked_at_once():
        yield


@pytest.fixture
def site(built: Path, tmp_path: Path) -> Path:
    """A copy of that site, to be broken."""
    return Path(shutil.copytree(built, tmp_path / "site"))


def multihash(data: bytes) -> str:
    """The checksum of bytes, as catalogues state it."""
    return "1220" + hashlib.sha256(data).hexdigest()


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change a pointer, and make a snapshot of what it says then."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    republish(path.parent if path.name == "catalog.json" else path.parent.parent)


def write_hashed(folder: Path, stem: str, suffix: str, data: bytes) -> Path:
    """Write a file under the name that its content asks for."""
    path = folder / f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}{suffix}"
    path.write_bytes(data)
    return path


class Year:
    """The documents of 2018, which can be changed and published again as the builder would."""

    def __init__(self, site: Path, collection: str = "s2") -> None:
        self.pointer = site / collection / "collection.json"
        self.folder = site / collection / "2018"
        [self.part] = self.folder.glob("items-*.json")
        [self.catalogue] = self.folder.glob("catalog-*.json")
        self.features: list[Any] = json.loads(self.part.read_text())["features"]
        self.items = [dict(feature) for feature in json.loads(self.part.read_text())["features"]]

    def publish(self) -> None:
        """Write all that names the features, so that only what was changed is wrong."""
        names = []
        for item in self.items:
            stem = item["properties"]["shoestring:date"]
            for old in self.folder.glob(f"{stem}-*.json"):
                old.unlink()
            data = json.dumps(item).encode()
            names.append(write_hashed(self.folder, stem, ".json", data).name)
        catalogue = json.loads(self.catalogue.read_text())
        links = [link for link in catalogue["links"] if link["rel"] != "item"]
        catalogue["links"] = links + [{"rel": "item", "href": f"./{name}"} for name in names]
        self._write(catalogue)

    def _write(self, catalogue: Json) -> None:
        self.part.unlink()
        self.catalogue.unlink()
        data = json.dumps({"type": "FeatureCollection", "features": self.features}).encode()
        part = write_hashed(self.folder, "items", ".json", data)
        year = write_hashed(self.folder, "catalog", ".json", json.dumps(catalogue).encode())

        def point(document: Json) -> None:
            dates = [feature["properties"]["shoestring:date"] for feature in self.features]
            document["shoestring:parts"][-1] = {
                "href": f"./2018/{part.name}", "dates": dates,
                "size": len(data), "checksum": multihash(data),
            }  # fmt: skip
            for link in document["links"]:
                if "2018" in link["href"]:
                    link["href"] = f"./2018/{year.name}"

        edit(self.pointer, point)

    def change_asset(self, key: str, change: Callable[[Any], object]) -> None:
        """Change the first item's asset, in the item and in the part."""
        for document in (self.features[0], self.items[0]):
            document["assets"] = json.loads(json.dumps(document["assets"]))
            change(document["assets"][key])
        self.publish()

    def asset_path(self, key: str) -> Path:
        """The file of the first item's asset."""
        return self.folder / self.features[0]["assets"][key]["href"]


def replace_layer(site: Path, key: str, path: Path, *, header_size: int | None = None) -> None:
    """Publish another file as a layer, all of whose sums are right."""
    year = Year(site)
    (site / "s2" / "database.json").unlink()
    year.asset_path(key).unlink()
    data = path.read_bytes()
    new = write_hashed(year.folder, f"2018-01-02_{key}", path.suffix, data)
    fields = {"href": new.name, "file:size": len(data), "file:checksum": multihash(data)}
    year.change_asset(key, lambda asset: asset.update(fields))


def faults(site: Path) -> list[str]:
    """What the check says."""
    return list(check(site).faults)


def test_whole_site(built: Path) -> None:
    """A site that was built has no fault, nothing is left over, and all its files were read."""
    report = check(built)
    assert report.faults == ()
    assert report.notes == ()
    files = tree(built)
    size = sum((built / name).stat().st_size for name in files)
    assert report == Report((), (), collections=2, items=4, files=len(files), size=size)


def test_verb(built: Path) -> None:
    """The verb tells what it checked and ends with 0."""
    result = run_here("check", built)
    assert result.code == 0
    assert "2 collections, 4 items" in result.out
    assert result.err == ""


def test_verb_with_faults(site: Path) -> None:
    """The verb prints each fault as a line and ends with 1."""
    for path in (site / "s2" / "2018").glob("*_B04-*.tif"):
        path.unlink()
    result = run_here("check", site)
    assert result.code == 1
    assert len(result.out.splitlines()) == 2
    assert "2 faults" in result.err


def test_no_site(tmp_path: Path) -> None:
    """A folder without a catalogue is no site."""
    with pytest.raises(CatalogueError, match=r"is not a site: it has no catalog\.json"):
        check(tmp_path)


def test_missing_extra(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the sentence says which one to install."""
    monkeypatch.setitem(sys.modules, "rio_cogeo.cogeo", None)
    with pytest.raises(MissingExtraError, match=r"shoestring\[builder\]"):
        check(built)


def test_leftovers(site: Path) -> None:
    """Files that nothing names are noted, and are no fault; hidden ones are the builder's."""
    (site / "s2" / "2018" / "old-0123456789abcdef.tif").write_bytes(b"x" * 10)
    (site / ".staging-1").mkdir()
    (site / ".staging-1" / "x.tif").write_bytes(b"x")
    report = check(site)
    assert report.faults == ()
    [note] = report.notes
    assert note.startswith("Nothing names 1 file of 0.0 MB (s2/2018/old-0123456789abcdef.tif)")


def truncate(path: Path) -> None:
    """Cut a file short."""
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("pattern", "stem"),
    [
        ("s2/2018/2018-01-02_B04-*.tif", "2018-01-02_B04"),
        ("s2/2018/2018-01-02-*.png", "2018-01-02"),
        ("s2/2018/items-*.json", "items"),
        ("tiled/2018/2018-01-02_B08-*.vrt", "2018-01-02_B08"),
        ("sources/*_0.tif", "2018-01-02_B08_0"),
    ],
)
@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (Path.unlink, "is no file of the site"),
        (truncate, "bytes, the catalogue says"),
        (flip, "is not the file that was published: its checksum differs"),
    ],
)
def test_damaged_files(
    site: Path, pattern: str, stem: str, spoil: Callable[[Path], None], sentence: str
) -> None:
    """A file that is missing, cut short or changed by one bit is named."""
    [path] = site.glob(pattern)
    spoil(path)
    assert any(sentence in fault and stem in fault for fault in faults(site))


@pytest.mark.parametrize("pattern", ["s2/2018/2018-01-02-*.json", "s2/2018/catalog-*.json"])
def test_damaged_documents(site: Path, pattern: str) -> None:
    """An item or a part's catalogue that says something else than its name is named."""
    [path] = site.glob(pattern)
    path.write_text(path.read_text().replace("2018", "2019", 1))
    name = path.relative_to(site).as_posix()
    assert f"{name} does not hold the content that its name has the hash of." in faults(site)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 99, b"null", b"{}"])
@pytest.mark.parametrize(
    "pattern",
    [
        "catalog.json",
        "s2/collection.json",
        "s2/database.json",
        "s2/2018/items-*.json",
        "s2/2018/catalog-*.json",
        "s2/2018/2018-01-02-*.json",
    ],
)
def test_broken_documents(site: Path, pattern: str, content: bytes) -> None:
    """A document that is none is named, and the check goes on."""
    [path] = site.glob(pattern)
    path.write_bytes(content)
    name = path.relative_to(site).as_posix()
    assert any(name in fault for fault in faults(site))


def test_newer_version(site: Path) -> None:
    """A collection of a newer contract is named."""
    edit(site / "s2/collection.json", lambda d: d.update({"shoestring:version": "2.0"}))
    assert any("s2/collection.json follows catalogue schema 2.0" in fault for fault in faults(site))


def test_no_version(site: Path) -> None:
    """A catalogue without a version is named."""
    edit(site / "catalog.json", lambda d: d.pop("shoestring:version"))
    assert any("catalog.json states no schema version" in fault for fault in faults(site))


@pytest.mark.parametrize(
    ("href", "sentence"),
    [
        ("https://example.org/collection.json", "is not a relative link"),
        ("/etc/hostname", "is not a relative link"),
        ("file:///etc/hostname", "is not a relative link"),
        ("http://[", "is not a relative link"),
        ("../../outside.json", "is outside of the site"),
        ("./%2e%2e/%2e%2e/outside.json", "is outside of the site"),
        ("./missing.json", "is no file of the site"),
        ("./x\x00.json", "is no file of the site"),
        (".", "is no file of the site"),
        ("", "is no file of the site"),
        ("x" * 5000, "is no file of the site"),
    ],
)
@pytest.mark.parametrize("name", ["catalog.json", "s2/collection.json"])
def test_bad_links(site: Path, name: str, href: str, sentence: str) -> None:
    """A link that is absolute, leaves the folder or leads to nothing is named."""
    edit(site / name, lambda d: d["links"].append({"rel": "child", "href": href}))
    assert any(fault.startswith(f"{name} names ") and sentence in fault for fault in faults(site))


def test_bad_item_link(site: Path) -> None:
    """A bad link of an item is named as well."""
    year = Year(site)
    for document in (year.features[0], year.items[0]):
        document["links"] = [*document["links"], {"rel": "parent", "href": "../missing.json"}]
    year.publish()
    [fault] = faults(site)
    assert fault.endswith("names '../missing.json', which is no file of the site.")


def test_self_link(site: Path) -> None:
    """The public address of a document may be absolute."""
    link = {"rel": "self", "href": "https://example.org/catalog.json"}
    edit(site / "catalog.json", lambda d: d["links"].append(link))
    assert faults(site) == []


def test_link_out_of_the_site(site: Path, tmp_path: Path) -> None:
    """A symbolic link that leads out of the site is no file of it."""
    [path] = (site / "s2" / "2018").glob("2018-01-02_B04-*.tif")
    path.rename(tmp_path / "elsewhere.tif")
    path.symlink_to(tmp_path / "elsewhere.tif")
    assert any(path.name in f and "is no file of the site" in f for f in faults(site))


def test_part_with_other_dates(site: Path) -> None:
    """A part whose dates are not those of its items is named."""

    def change(document: Json) -> None:
        document["shoestring:parts"][1]["dates"][0] = "2018-01-03"

    edit(site / "s2/collection.json", change)
    [fault] = faults(site)
    assert "holds other dates than s2/collection.json says of it" in fault


def test_order(site: Path) -> None:
    """Items that are not in order of time are named."""
    year = Year(site)
    year.features.reverse()
    year.publish()
    assert faults(site) == [
        "s2/collection.json does not list its moments in order, each once, all days or all "
        "instants."
    ]


def test_item_differs_from_part(site: Path) -> None:
    """An item that says something else than its part is named."""
    year = Year(site)
    year.items[0]["properties"] = year.items[0]["properties"] | {"title": "another"}
    year.publish()
    [fault] = faults(site)
    assert "does not say what s2/2018/items-" in fault


def test_item_only_in_part(site: Path) -> None:
    """An item that no part's catalogue leads to is named, and so is one that is in no part."""
    year = Year(site)
    [last] = year.items[1:]
    year.items.pop()
    year.publish()
    assert faults(site) == [
        "s2/collection.json leads to 2 items by its parts' catalogues, and to 3 by its parts."
    ]
    (site / "s2" / "database.json").unlink()
    year = Year(site)
    year.features.pop()
    year.items = [*year.features, last]
    year.publish()
    assert any("is an item that is in none of the collection's parts" in f for f in faults(site))


def test_invalid_stac(site: Path) -> None:
    """A document that is not valid STAC is named."""
    edit(site / "s2/collection.json", lambda d: d.pop("license"))
    assert any(f.startswith("s2/collection.json is not valid STAC: ") for f in faults(site))
    year = Year(site)
    for document in (year.features[0], year.items[0]):
        document["properties"] = {**document["properties"], "datetime": "yesterday"}
    year.publish()
    assert any("is not valid STAC" in f and "2018-01-02" in f for f in faults(site))


def test_asset_without_sums(site: Path) -> None:
    """A layer without size or checksum is named."""
    Year(site).change_asset("B04", lambda asset: asset.pop("file:checksum"))
    [fault] = faults(site)
    assert fault.endswith("has no size or no checksum in the catalogue.")


def test_unknown_band(site: Path) -> None:
    """An asset of a band that the collection does not have is named."""
    edit(site / "s2/collection.json", lambda d: d["shoestring:bands"][0].update(name="B05"))
    assert any("has an asset 'B04' of a band that the collection lacks" in f for f in faults(site))


@pytest.mark.parametrize("change", [-4, 1, None])
def test_header_size(site: Path, change: int | None) -> None:
    """A header size that is not where the first block lies is named."""

    def spoil(asset: Json) -> None:
        size = asset.pop("shoestring:header_size")
        if change is not None:
            asset["shoestring:header_size"] = size + change

    Year(site).change_asset("B04", spoil)
    [fault] = faults(site)
    assert "header_size" in fault


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"crs": "EPSG:32631"}, "is in EPSG:32631, the collection in EPSG:32630"),
        ({"crs": None}, "is in no CRS"),
        ({"transform": place_at(500000.1, 706400)}, "its transform differs"),
        ({"transform": place_at(500000, 706400, 20)}, "its transform differs"),
        ({"nodata": 7}, "has nodata 7.0, its band 0.0"),
        ({"nodata": None}, "has nodata None, its band 0.0"),
        ({"dtype": "int16"}, "holds int16, its band is uint16"),
        ({"width": 500}, "has 600 x 500 pixels, its band 600 x 600"),
        ({"count": 2}, "has 2 bands, not one"),
        ({}, "is not a valid COG"),
    ],
)
def test_other_pixels(site: Path, tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    """A layer that does not lie on the grid, or is not of its band's kind, or no COG, is named."""
    pixels = np.ones((SIZE, changes.get("width", SIZE)), changes.get("dtype", "uint16"))
    write_tiff(tmp_path / "new.tif", pixels, **changes)
    replace_layer(site, "B04", tmp_path / "new.tif")
    assert any(sentence in fault for fault in faults(site))


def test_scale(site: Path, tmp_path: Path) -> None:
    """A layer by which other readers would get other values is named."""
    write_tiff(tmp_path / "new.tif", np.ones((SIZE, SIZE), np.uint16))
    with rasterio.open(tmp_path / "new.tif", "r+") as dataset:
        dataset.scales = (0.5,)
    replace_layer(site, "B04", tmp_path / "new.tif")
    assert any("has another scale or offset than its band" in fault for fault in faults(site))


def test_countless_blocks(site: Path, tmp_path: Path) -> None:
    """A TIFF of a few bytes that claims thousands of blocks is named, not searched."""
    edge, block = 4096, 16
    tags = [(256, edge), (257, edge), (258, 16), (259, 1), (262, 1), (277, 1),
            (322, block), (323, block), (324, 0), (325, 0)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    header = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    (tmp_path / "new.tif").write_bytes(header + entries + bytes(4))
    replace_layer(site, "B04", tmp_path / "new.tif")
    assert any("claims more blocks of pixels" in fault for fault in faults(site))


def test_disguised_layer(site: Path, tmp_path: Path) -> None:
    """A file by the name of a TIFF that is a VRT is not opened as one."""
    secret = tmp_path / "secret.tif"
    write_tiff(secret, np.ones((SIZE, SIZE), np.uint16))
    rasterio.shutil.copy(secret, tmp_path / "disguised.vrt", driver="VRT")
    (tmp_path / "disguised.vrt").rename(tmp_path / "disguised.tif")
    replace_layer(site, "B04", tmp_path / "disguised.tif")
    assert any("is not a TIFF that GDAL can read" in fault for fault in faults(site))


def test_thumbnail_that_is_none(site: Path) -> None:
    """A thumbnail that is not a picture is named."""
    year = Year(site)
    new = write_hashed(year.folder, "2018-01-02", ".png", b"<svg/>")
    fields = {"href": new.name, "file:size": 6, "file:checksum": multihash(b"<svg/>")}
    year.change_asset("thumbnail", lambda asset: asset.update(fields))
    assert any(fault.endswith("is not a PNG picture.") for fault in faults(site))


def spoil_vrt(site: Path, old: str, new: str) -> None:
    """Publish a VRT in which a passage is another."""
    year = Year(site, "tiled")
    (site / "tiled" / "database.json").unlink()
    text = year.asset_path("B08").read_text()
    assert old in text
    data = text.replace(old, new, 1).encode()
    path = write_hashed(year.folder, "2018-01-02_B08", ".vrt", data)
    fields = {"href": path.name, "file:size": len(data), "file:checksum": multihash(data)}
    year.change_asset("B08", lambda asset: asset.update(fields))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("../../sources/2018-01-02_B08_0.tif", "/etc/hostname", "is outside of the site"),
        ("../../sources/2018-01-02_B08_0.tif", "../../../x.tif", "is outside of the site"),
        ("../../sources/2018-01-02_B08_0.tif", "../../catalog.json", "does not state"),
        ("<VRTRasterBand ", '<VRTRasterBand subClass="VRTDerivedRasterBand" ', "not a plain VRT"),
        ("UInt16", "Int16", "has another data type or nodata than its band"),
        ('rasterXSize="1280"', 'rasterXSize="1290"', "does not lie on the collection's grid"),
    ],
)
def test_bad_vrt(site: Path, old: str, new: str, sentence: str) -> None:
    """A VRT that is not plain, leaves the site, or is not of its band's kind is named."""
    spoil_vrt(site, old, new)
    assert any(sentence in fault and ".vrt" in fault for fault in faults(site))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.pop("2018-01-02"), "disagree on whether there is '2018-01-02'"),
        (lambda d: d.update({"2019-01-01": []}), "disagree on whether there is '2019-01-01'"),
        (lambda d: d["2018-01-02"].reverse(), "lists other files for 2018-01-02"),
        (lambda d: d["2018-01-02"].pop(), "lists other files for 2018-01-02"),
        (lambda d: d["2018-01-02"].__setitem__(0, None), "lists other files for 2018-01-02"),
    ],
)
def test_database(site: Path, change: Callable[[Any], object], sentence: str) -> None:
    """A database.json that does not agree with the items is named."""
    edit(site / "s2/database.json", change)
    [fault] = faults(site)
    assert fault.startswith("s2/database.json ")
    assert sentence in fault


def test_absolute_database(site: Path) -> None:
    """A database.json of public addresses agrees with the items too."""

    def absolute(document: Json) -> None:
        for urls in document.values():
            urls[:] = [f"https://example.org/x/s2/{url}" for url in urls]

    edit(site / "s2/database.json", absolute)
    assert faults(site) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_hostile_documents(
    built: Path, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever stands in a document's field, the check says sentences and does not fail."""
    site = tmp_path_factory.mktemp("hostile") / "site"
    shutil.copytree(built, site)
    name = data.draw(st.sampled_from(["catalog.json", "s2/collection.json", "s2/database.json"]))
    document = json.loads((site / name).read_text())
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(JSON)
    (site / name).write_text(json.dumps(document))
    assert all(isinstance(fault, str) for fault in check(site).faults)
    shutil.rmtree(site)


@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_hostile_items(
    built: Path, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same of an item, in its own file and in its part, whose sums are right."""
    site = tmp_path_factory.mktemp("hostile") / "site"
    shutil.copytree(built, site)
    year = Year(site)
    item = year.items[0]
    places = [item, item["assets"], item["assets"]["B04"], item["properties"]]
    place = data.draw(st.sampled_from(places))
    keys = set(place) - {"shoestring:date", "properties"}  # by which the helper names files
    place[data.draw(st.sampled_from(sorted(keys)))] = data.draw(JSON)
    year.features[0] = item
    year.publish()
    assert all(isinstance(fault, str) for fault in check(site).faults)
    shutil.rmtree(site)

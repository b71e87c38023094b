"""Doors of copies: those of a whole site are its own, a selection has its own."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from shoestring_builder.build import build
from shoestring_builder.doors.names import pointer_of
from shoestring_builder.publish.rebase import rebase
from shoestring_schema.errors import CatalogueError
from support.mosaics import tree, write_configuration
from support.nginx import Nginx
from support.pulled import CONFIGURATION, faults, layer, pull_into, write_date
from support.retold import retell

BASE = "https://example.org/fields"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two collections and two dates, with all doors."""
    project = tmp_path_factory.mktemp("doors")
    for day in (1, 2):
        write_date(project, day)
    text = CONFIGURATION.replace("settle", f'base_url = "{BASE}"\nsettle')
    assert not build(write_configuration(project, text), progress=False).failed
    return project / "site"


def content(site: Path) -> dict[str, str]:
    """All files of a site that its readers see, but its list of snapshots."""
    own = tree(site)
    return {name: own[name] for name in own if name[0] != "." and name != "snapshots.json"}


def test_whole_copy_has_the_doors(nginx: Callable[..., Nginx], site: Path, tmp_path: Path) -> None:
    """Those of dates, parts, collections and the site, and their pointers, to the last bit."""
    pull_into(tmp_path / "copy", f"{nginx(site).http}/")
    assert content(tmp_path / "copy") == content(site)
    assert any("-stacit-" in name for name in content(site))
    assert any(pointer_of(name) for name in content(site))
    assert faults(tmp_path / "copy") == ()


def test_whole_copy_can_move(nginx: Callable[..., Nginx], site: Path, tmp_path: Path) -> None:
    """A copy tells its own address once it is rebased, and is whole."""
    pull_into(tmp_path / "copy", f"{nginx(site).http}/")
    rebase(tmp_path / "copy", "https://example.com/mine")
    assert faults(tmp_path / "copy") == ()
    database = (tmp_path / "copy/s2/database.json").read_text("utf-8")
    assert "https://example.com/mine/s2/2018/" in database


def test_selection_has_doors_of_its_own(
    nginx: Callable[..., Nginx], site: Path, tmp_path: Path
) -> None:
    """They show what was selected, and hold no address."""
    copy = tmp_path / "copy"
    pull_into(copy, f"{nginx(site).http}/", dates="2018-01-02", collections=["s2"])
    assert faults(copy) == ()
    with rasterio.open(copy / "s2/B04.vrt") as found:
        assert found.descriptions == ("2018-01-02",)
        pixels = found.read(1)
    with rasterio.open(layer(site, "s2", "2018-01-02_B04")) as source:
        np.testing.assert_array_equal(pixels, source.read(1))
    assert not any("-stacit-" in name or name.endswith(".parquet") for name in tree(copy))
    assert not any(BASE.encode() in (copy / name).read_bytes() for name in content(copy))


def vrt_link(data: bytes, site: Path) -> Callable[[dict[str, Any]], None]:
    """A change: an item links to a VRT with this content."""
    digest = hashlib.sha256(data).hexdigest()
    name = f"evil-{digest[:16]}.vrt"
    (site / "s2/2018" / name).write_bytes(data)
    link = {"rel": "alternate", "href": f"./{name}", "type": "application/x-gdal-vrt"}
    link |= {"file:size": len(data), "file:checksum": f"1220{digest}"}

    def change(item: dict[str, Any]) -> None:
        item["links"] = [*item["links"], link]

    return change


BAND = '<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1"{}>{}'
END = "</VRTRasterBand></VRTDataset>"


@pytest.mark.parametrize(
    "inside",
    [
        '<SimpleSource><SourceFilename relativeToVRT="1">../../../secret.tif</SourceFilename></SimpleSource>',
        "<SimpleSource><SourceFilename>/etc/passwd</SourceFilename></SimpleSource>",
        "<SimpleSource><SourceFilename>/vsicurl/http://elsewhere.example/a.tif</SourceFilename></SimpleSource>",
        "<PixelFunctionLanguage>Python</PixelFunctionLanguage>",
        "<PixelFunctionCode>import os</PixelFunctionCode>",
    ],
    ids=["out of the site", "absolute", "another host", "a language", "code"],
)
def test_doors_that_lead_elsewhere(
    nginx: Callable[..., Nginx], site: Path, tmp_path: Path, inside: str
) -> None:
    """A VRT that reads what the catalogue does not state, or runs code, is not kept, nor shown."""
    told = Path(shutil.copytree(site, tmp_path / "told"))
    retell(told, "s2", vrt_link((BAND.format("", inside) + END).encode(), told))
    with pytest.raises(CatalogueError, match="evil-"):
        pull_into(tmp_path / "copy", f"{nginx(told).http}/")
    assert not (tmp_path / "copy/catalog.json").exists()
    assert list((tmp_path / "copy").rglob("evil*")) == []


@pytest.mark.parametrize(
    "change",
    [
        {"href": "../../../evil.vrt"},
        {"href": "./plain.vrt"},
        {"file:size": None},
        {"file:checksum": None},
    ],
    ids=["out of the site", "no hash", "no size", "no checksum"],
)
def test_doors_that_are_not_stated(
    nginx: Callable[..., Nginx], site: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    """A link to a door must tell its size and checksum, and a name that stands for these."""
    told = Path(shutil.copytree(site, tmp_path / "told"))

    def changed(item: dict[str, Any]) -> None:
        for link in item["links"]:
            if link["rel"] == "alternate":
                link |= change
                for key in [key for key, value in change.items() if value is None]:
                    del link[key]

    retell(told, "s2", changed)
    with pytest.raises(CatalogueError):
        pull_into(tmp_path / "copy", f"{nginx(told).http}/")
    assert not (tmp_path / "copy/catalog.json").exists()

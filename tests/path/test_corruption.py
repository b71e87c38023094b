"""A byte that changed anywhere in a site is found."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from support.instants import INSTANTS
from support.mosaics import CONFIGURATION, write_configuration, write_raster
from support.remembered import contents_looked_at_once

CORRUPTIONS = 5 * INSTANTS
TILED = """
[[collections]]
id = "tiled"
source = "site/sources/{date}_{band}_{tile}.tif"
layout = "vrt"
grid = { crs = "EPSG:32630", resolution = 10, bounds = [500000, 3999000, 502000, 4000000] }
[collections.bands.B08]
nodata = 0
"""
KINDS = (
    "catalog.json", "snapshots.json", "*/collection.json", "*/database.json", "catalog-*.json",
    "*/collection-*.json", "*/*/items-*.json", "*/*/catalog-*.json", "*/*/index-*.bin",
    "*/*/items-*.parquet", "*/*/2018-*.json", "*/*/*.tif", "*/*/*.png", "*/*/*.vrt", "sources/*.tif",
    "*/*.vrt", "*/*.gti.gpkg", "*/*/*.gti.gpkg", "*/*/SHA256SUMS-*", "*/*/urls-*.txt",
    "*/*.qlr", "*.qgs",
)  # fmt: skip
"""Patterns of all that a site is made of: each is damaged as often as any other."""
DOCUMENTS = (".json", ".vrt")

pytestmark = pytest.mark.torture


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of COGs and of VRTs that keeps two snapshots: a layer was reprocessed in between."""
    folder, dice = tmp_path_factory.mktemp("built"), np.random.default_rng(1)
    for date in ("2018-01-02", "2018-01-05"):
        bands = dice.integers(1, 5000, (300, 400))
        write_raster(folder / f"mosaics/S2_{date}_B04.tif", bands)
        write_raster(folder / f"mosaics/S2_{date}_SCL.tif", bands % 11, dtype="uint8")
    for tile in range(2):
        origin = (500_000 + 1000 * tile, 4_000_000)
        pixels = dice.integers(1, 5000, (100, 100))
        write_raster(
            folder / f"site/sources/2018-01-02_B08_{tile}.tif", pixels, origin=origin, tiled=True
        )
    more = 'base_url = "https://example.org"\nstatus = false'  # reports are no one's data
    text = CONFIGURATION.replace("settle", f"{more}\nsettle")
    config = write_configuration(folder, text + TILED)
    build(config)
    write_raster(folder / "mosaics/S2_2018-01-02_B04.tif", dice.integers(1, 5000, (300, 400)))
    assert not build(config).failed
    return folder / "site"


@pytest.fixture(autouse=True, scope="module")
def looked_at_once() -> Iterator[None]:
    """Most documents and files are the same after each damage."""
    with contents_looked_at_once():
        yield


def test_all_files_of_a_site_are_of_a_kind(site: Path) -> None:
    """No file of a site is left out of what is damaged below, and each kind is there."""
    kinds = [set(site.glob(kind)) for kind in KINDS]
    assert all(kinds)
    files = {path for path in site.rglob("*") if path.is_file() and path.name != "lock"}
    assert set().union(*kinds) == files
    report = check(site)
    assert (report.faults, report.notes, report.files) == ((), (), len(files))


@pytest.mark.timeout(3600)
def test_every_byte_that_changed_is_found(site: Path) -> None:
    """Wherever a single byte has changed, `check --deep` tells it, and in documents `check` does.

    Also in files that only an older snapshot names, and in the white space of pointers.
    """
    dice, missed = random.Random(5), []
    for number in range(CORRUPTIONS):
        path = dice.choice(sorted(site.glob(KINDS[number % len(KINDS)])))
        data = path.read_bytes()
        at, change = dice.randrange(len(data)), dice.randrange(1, 256)
        path.write_bytes(data[:at] + bytes([data[at] ^ change]) + data[at + 1 :])
        deep = path.suffix not in DOCUMENTS
        if not check(site, deep=deep).faults or not (deep or check(site).faults):
            missed.append((path.relative_to(site).as_posix(), at, data[at], change))
        path.write_bytes(data)
    assert missed == []
    assert check(site).faults == ()


def test_a_quick_check_reads_documents_only(site: Path) -> None:
    """Without --deep no layer, picture or index is read, but one that is missing or cut is told."""
    report = check(site, deep=False)
    documents = [path for path in site.rglob("*") if path.suffix in DOCUMENTS]
    kinds = ("*.bin", "*.tif", "*.png", "*.parquet", "*.gpkg", "*.txt", "*.qlr", "*.qgs",
             "SHA256SUMS-*")  # fmt: skip
    others = [path for kind in kinds for path in site.rglob(kind)]
    assert report.faults == ()
    assert (report.files, report.unread) == (len(documents), len(others))
    assert report.size == sum(path.stat().st_size for path in documents)
    for path in others:
        data = path.read_bytes()
        path.write_bytes(data[:-1])
        assert any(path.name in fault for fault in check(site, deep=False).faults)
        path.unlink()
        assert any(path.name in fault for fault in check(site, deep=False).faults)
        path.write_bytes(data)

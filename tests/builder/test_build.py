"""The whole build: what a first, a second and an interrupted run leave behind."""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_schema.errors import ConfigError, PublishError
from support.command import shoestring, start
from support.mosaics import (
    CONFIGURATION,
    age,
    hidden,
    timeless,
    times,
    tree,
    write_configuration,
    write_raster,
    write_season,
)

DOORS = ("B04", "SCL", "s2", "SHA256SUMS")
"""How the names of files for other tools begin: of bands, the collection and a part."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three dates of sources and the site built of them; not to be changed."""
    folder = write_season(tmp_path_factory.mktemp("built"))
    build(write_configuration(folder))
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of `built` to work on, modification times included."""
    return Path(shutil.copytree(built, tmp_path / "project"))


def collection(site: Path, name: str = "s2") -> dict[str, object]:
    """A collection's document."""
    document: dict[str, object] = json.loads((site / name / "collection.json").read_text("utf-8"))
    return document


def dates(site: Path) -> list[str]:
    """The dates that a reader finds."""
    return list(json.loads((site / "s2" / "database.json").read_text("utf-8")))


def test_the_site_is_whole(built: Path) -> None:
    """A fresh site has three dates, each with both layers and a thumbnail, and no fault."""
    assert dates(built / "site") == ["2018-01-01", "2018-01-02", "2018-01-03"]
    assert check(built / "site").faults == ()
    files = tree(built / "site")
    assert sum(name.endswith(".tif") for name in files) == 6
    assert sum(name.endswith(".png") for name in files) == 3
    assert hidden(built / "site") == []


def test_pystac_finds_every_item(built: Path) -> None:
    """A STAC library that walks links finds all items, with assets that are there."""
    catalogue = pystac.Catalog.from_file(str(built / "site" / "catalog.json"))
    found = list(catalogue.get_items(recursive=True))
    assert [item.id for item in found] == ["s2_2018-01-01", "s2_2018-01-02", "s2_2018-01-03"]
    for item in found:
        assert item.get_collection() is not None
        for asset in item.get_assets().values():
            assert Path(asset.get_absolute_href() or "").is_file()


def test_pixels_are_those_of_the_sources(built: Path) -> None:
    """Layers on the sources' own grid hold the sources' pixels."""
    for href in json.loads((built / "site/s2/database.json").read_text("utf-8"))["2018-01-02"]:
        band = Path(href).name.split("_")[1].split("-")[0]
        with (
            rasterio.open(built / "site" / "s2" / href) as layer,
            rasterio.open(built / "mosaics" / f"S2_2018-01-02_{band}.tif") as source,
        ):
            assert (layer.read() == source.read()).all()


def test_a_second_run_writes_nothing_and_says_so(project: Path) -> None:
    """With nothing new, no file or folder of the site is touched."""
    before = times(project / "site")
    ran = shoestring("build", project / "site.toml")
    assert (ran.code, ran.out, ran.err) == (0, "s2: nothing new, 6 layers kept\n", "")
    assert times(project / "site") == before


def test_the_site_does_not_depend_on_order_or_workers(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers, and a file system that lists in another order, make the same bytes."""
    folder = Path(shutil.copytree(built, tmp_path / "again", ignore=shutil.ignore_patterns("site")))
    monkeypatch.setattr(os, "scandir", _shuffled_scandir)
    build(folder / "site.toml", workers=2, progress=False)
    assert timeless(folder / "site") == timeless(built / "site")


def _shuffled_scandir(folder: Path, scandir: object = os.scandir) -> "_Listing":
    with scandir(folder) as entries:  # type: ignore[operator]
        return _Listing(list(entries))


class _Listing:
    """What `os.scandir` gives, in another order."""

    def __init__(self, entries: list["os.DirEntry[str]"]) -> None:
        self._entries = entries
        random.Random(5).shuffle(self._entries)

    def __enter__(self) -> Iterator["os.DirEntry[str]"]:
        return iter(self._entries)

    def __exit__(self, *exception: object) -> None:
        return None


def test_dates_added_one_by_one_make_the_same_site(built: Path, tmp_path: Path) -> None:
    """A site that grew date by date has the same documents as one built at once."""
    folder = tmp_path / "grown"
    (folder / "mosaics").mkdir(parents=True)
    config = write_configuration(folder)
    for day in ("03", "01", "02"):
        for path in (built / "mosaics").glob(f"*-{day}_*"):
            shutil.copy2(path, folder / "mosaics")
        build(config)
    at_once, grown = timeless(built / "site"), timeless(folder / "site")
    assert {name: grown[name] for name in at_once} == at_once
    left = {Path(name).name.split("-")[0] for name in set(grown) - set(at_once)}
    assert left == {"items", "catalog", "index", "collection", *DOORS}  # of the earlier snapshots


def test_an_added_date_leaves_the_old_files_alone(project: Path) -> None:
    """Only the new date's files, its year's documents and the pointers are written."""
    before = times(project / "site")
    for band in ("B04", "SCL"):
        old = project / "mosaics" / f"S2_2018-01-01_{band}.tif"
        shutil.copy(old, project / "mosaics" / f"S2_2018-02-01_{band}.tif")
    report = build(project / "site.toml")
    after = times(project / "site")
    changed = {n for n in before if before[n] != after[n] and (project / "site" / n).is_file()}
    pointers = {"catalog.json", "snapshots.json", "s2/collection.json", "s2/database.json"}
    assert changed == pointers | {"s2/B04.vrt", "s2/SCL.vrt", "s2/s2.gti.gpkg"}
    new = {Path(name).name.split("-")[0] for name in set(after) - set(before)}
    assert new == {"2018", "items", "catalog", "index", "collection", *DOORS}
    assert (report.collections[0].rendered, report.collections[0].kept) == (2, 6)
    assert check(project / "site").faults == ()


def test_a_reprocessed_file_is_rendered_again(project: Path) -> None:
    """A source with other content gives a new layer under a new name; the old one stays."""
    old = json.loads((project / "site/s2/database.json").read_text("utf-8"))["2018-01-02"]
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 4321)
    report = build(project / "site.toml")
    new = json.loads((project / "site/s2/database.json").read_text("utf-8"))["2018-01-02"]
    assert (report.collections[0].rendered, report.collections[0].kept) == (1, 5)
    assert new[0] != old[0]
    assert new[1] == old[1]
    assert (project / "site" / "s2" / old[0]).is_file()
    with rasterio.open(project / "site" / "s2" / new[0]) as layer:
        assert (layer.read() == 4321).all()
    assert check(project / "site").faults == ()


def test_a_vanished_source_keeps_its_layer(project: Path) -> None:
    """A date whose sources are gone stays in the site, and the summary says so."""
    for path in (project / "mosaics").glob("*-02_*"):
        path.unlink()
    report = build(project / "site.toml")
    assert report.collections[0].missing == ("2018-01-02 B04", "2018-01-02 SCL")
    assert "2 of them without their sources" in str(report.collections[0])
    assert dates(project / "site") == ["2018-01-01", "2018-01-02", "2018-01-03"]


def test_a_band_taken_out_of_the_configuration_is_dropped(project: Path) -> None:
    """Items no longer hold a band that is no longer configured; its files stay for a while."""
    without = CONFIGURATION.partition("[collections.bands.SCL]")[0]
    build(write_configuration(project, without))
    document = collection(project / "site")
    assert [band["name"] for band in document["shoestring:bands"]] == ["B04"]  # type: ignore[attr-defined]
    assert "shoestring:mask" not in document
    assert check(project / "site").faults == ()


def test_a_new_title_does_not_render_again(project: Path) -> None:
    """What only documents say is changed without touching a layer."""
    text = CONFIGURATION.replace('id = "s2"', 'id = "s2"\ntitle = "Sentinel-2"')
    report = build(write_configuration(project, text))
    assert (report.collections[0].rendered, report.changed) == (0, True)
    assert collection(project / "site")["title"] == "Sentinel-2"


def test_a_damaged_site_is_mended(project: Path) -> None:
    """A layer that was deleted and a thumbnail cut short are made again."""
    before = tree(project / "site")
    next((project / "site" / "s2" / "2018").glob("2018-01-01_B04*")).unlink()
    next((project / "site" / "s2" / "2018").glob("2018-01-02-*.png")).write_bytes(b"")
    ran = shoestring("build", project / "site.toml")
    assert (ran.code, ran.out) == (0, "s2: 1 layer rendered, 5 kept\n")
    assert ran.err.count("Made again where possible: ") == 2
    assert tree(project / "site") == before


def test_old_snapshots_are_swept_and_nothing_else(project: Path) -> None:
    """After the grace period, files that no snapshot names go; those of others stay."""
    year = project / "site" / "s2" / "2018"
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 4321)
    build(project / "site.toml")
    stale = set(os.listdir(year))
    foreign = [
        year / "notes.txt",
        year / "mine-0123.tif",
        project / "site" / "my-0123456789abcdef.tif",
    ]
    for path in foreign:
        path.write_text("mine")
    build(project / "site.toml")
    assert stale <= set(os.listdir(year))  # in the grace period nothing goes
    age(project / "site", 21)
    foreign.append(year / "2018-01-09_B04-0123456789abcdef.tif")
    foreign[-1].write_text("mine")  # as another run would just have placed it
    build(project / "site.toml")
    left = set(os.listdir(year))
    documents = {"items", "catalog", "index", "B04", "s2", "SHA256SUMS"}
    assert {name.split("-")[0] for name in stale - left} == {"2018", *documents}
    assert len(stale - left) == 4 + len(documents)  # of the date: layer, thumbnail, item, VRT
    assert all(path.is_file() for path in foreign)
    assert [fault for fault in check(project / "site").faults if "mine" not in fault] == []


def test_a_killed_build_leaves_the_site_whole(project: Path) -> None:
    """After kill -9 while it renders: the site is as it was, and the next run completes it."""
    before = tree(project / "site")
    for day in range(1, 29):
        source = project / "mosaics" / "S2_2018-01-01_B04.tif"
        shutil.copy(source, project / "mosaics" / f"S2_2018-03-{day:02d}_B04.tif")
    with start("build", project / "site.toml", "--workers", "2") as process:
        while process.poll() is None and not _rendered(project / "site"):
            time.sleep(0.002)
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        process.communicate(timeout=30)
    assert process.returncode not in (0, 1)
    after = tree(project / "site")
    assert {name: after[name] for name in before} == before
    pointers = {"catalog.json", "s2/collection.json", "s2/database.json"}
    assert not {name for name in set(after) - set(before) if name in pointers}
    age(project / "site", 30)
    ran = shoestring("build", project / "site.toml")
    assert ran.code == 0
    assert len(dates(project / "site")) == 31
    assert check(project / "site").faults == ()
    assert hidden(project / "site") == []


def _rendered(site: Path) -> list[Path]:
    return list(site.glob(".staging/*/*"))


def test_workers_end_with_the_builder(project: Path) -> None:
    """Worker processes do not outlive a builder that was killed."""
    pids = project / "pids"
    for day in range(1, 29):
        source = project / "mosaics" / "S2_2018-01-01_B04.tif"
        shutil.copy(source, project / "mosaics" / f"S2_2018-03-{day:02d}_B04.tif")
    if not Path("/proc/self/task").exists():
        pytest.skip("This test asks /proc which processes there are.")
    with start("build", project / "site.toml", "--workers", "2") as process:
        while process.poll() is None and not _rendered(project / "site"):
            time.sleep(0.002)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
        process.communicate(timeout=30)
    assert children, pids
    until = time.monotonic() + 20
    while any(_alive(pid) for pid in children) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(_alive(pid) for pid in children)


def _alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_second_collection_is_added_and_an_old_one_stays_listed(project: Path) -> None:
    """Collections that the configuration no longer has stay in the catalogue, after the others."""
    text = CONFIGURATION.replace('id = "s2"', 'id = "other"')
    build(write_configuration(project, text))
    links = json.loads((project / "site" / "catalog.json").read_text("utf-8"))["links"]
    assert [own["title"] for own in links if own["rel"] == "child"] == ["other", "s2"]
    assert check(project / "site").faults == ()


def test_a_changed_grid_is_refused_before_anything_is_written(project: Path) -> None:
    """A grid that differs from the published one is the configuration's mistake."""
    before = times(project / "site")
    text = CONFIGURATION.replace(
        'source = "', 'grid = {crs = "EPSG:32630", resolution = 20}\nsource = "'
    )
    with pytest.raises(ConfigError, match="grid differs from what is published"):
        build(write_configuration(project, text))
    assert times(project / "site") == before


def test_days_do_not_become_instants(project: Path) -> None:
    """A collection of days stays one."""
    (project / "mosaics" / "S2_20180105T10_B04.tif").write_bytes(b"")
    (project / "mosaics" / "S2_20180105T10_SCL.tif").write_bytes(b"")
    text = CONFIGURATION.replace("{date}", "{date:%Y%m%dT%H}")
    with pytest.raises(ConfigError, match="its dates were like 2018-01-01"):
        build(write_configuration(project, text))


def test_an_output_that_is_a_file(project: Path) -> None:
    """Where the site should be is a file: said before anything is looked at."""
    shutil.rmtree(project / "site")
    (project / "site").write_text("mine")
    with pytest.raises(PublishError, match="is a file: set output to a folder"):
        build(project / "site.toml")


def test_the_database_can_be_switched_off(project: Path) -> None:
    """With database = false there is no `database.json`; taking it away is done once."""
    text = CONFIGURATION.replace('id = "test"', 'id = "test"\ndatabase = false')
    config = write_configuration(project, text)
    assert build(config).changed
    assert not (project / "site" / "s2" / "database.json").exists()
    assert not build(config).changed


def test_many_bands_in_one_file(tmp_path: Path) -> None:
    """One file with two bands makes two layers, by number and by name."""
    pixels = np.stack([np.full((40, 50), 3), np.full((40, 50), 9)])
    write_raster(tmp_path / "2018-01-02.tif", pixels, names=("red", "nir"))
    text = (
        CONFIGURATION.partition("[[collections]]")[0]
        + '[[collections]]\nid = "s2"\nsource = "{date}.tif"\n'
        + "bands.B08 = {source_band = 'nir'}\nbands.B04 = {source_band = 1}\n"
    )
    build(write_configuration(tmp_path, text))
    hrefs = json.loads((tmp_path / "site/s2/database.json").read_text("utf-8"))["2018-01-02"]
    values = []
    for href in hrefs:
        with rasterio.open(tmp_path / "site" / "s2" / href) as layer:
            values.append((layer.read().min(), layer.descriptions[0]))
    assert values == [(9, "B08"), (3, "B04")]


def test_a_mosaic_of_two_tiles_and_a_coarser_band(tmp_path: Path) -> None:
    """Tiles of one date become one layer; the band with larger pixels keeps them."""
    for tile, x in (("a", 500_000.0), ("b", 500_500.0)):
        write_raster(tmp_path / f"2018-01-02_{tile}_B04.tif", 5, origin=(x, 4_000_000), nodata=0)
        write_raster(tmp_path / f"2018-01-02_{tile}_B11.tif", 6, origin=(x, 4_000_000),
                     shape=(20, 25), resolution=20, nodata=0)  # fmt: skip
    text = (
        CONFIGURATION.partition("[[collections]]")[0]
        + '[[collections]]\nid = "s2"\nsource = "{date}_{tile}_{band}.tif"\n'
        + "bands.B11 = {}\nbands.B04 = {}\n"
    )
    build(write_configuration(tmp_path, text))
    document = collection(tmp_path / "site")
    assert document["shoestring:grid"]["shape"] == [40, 100]  # type: ignore[index]
    factors = {b["name"]: b.get("factor", 1) for b in document["shoestring:bands"]}  # type: ignore[attr-defined]
    assert factors == {"B11": 2, "B04": 1}
    assert check(tmp_path / "site").faults == ()
    assert date.fromisoformat(dates(tmp_path / "site")[0]) == date(2018, 1, 2)


VRT = """\
[catalogue]
id = "vrt"
settle = "0 seconds"

[[collections]]
id = "s2"
source = "site/s2/{date:%Y}/raw {date}_{tile}-0123456789abcdef.tif"
layout = "vrt"
[collections.bands.B04]
nodata = 0
"""


def test_vrts_over_files_in_the_site(tmp_path: Path) -> None:
    """VRTs read the files where they lie; the sweep leaves those alone, whatever their names."""
    for tile, x in (("a", 500_000.0), ("b", 502_560.0)):
        path = tmp_path / f"site/s2/2018/raw 2018-01-02_{tile}-0123456789abcdef.tif"
        _write_tiled(path, x)
    config = write_configuration(tmp_path, VRT)
    assert build(config).failed == ()
    (href,) = json.loads((tmp_path / "site/s2/database.json").read_text("utf-8"))["2018-01-02"]
    assert href.endswith(".vrt")
    with rasterio.open(tmp_path / "site" / "s2" / href) as layer:
        assert (layer.shape, layer.read(1).min()) == ((256, 512), 5)
    age(tmp_path / "site", 40)
    before = tree(tmp_path / "site")
    build(config)
    assert tree(tmp_path / "site").keys() >= before.keys() - {"s2/collection.json"}
    assert len(list((tmp_path / "site/s2/2018").glob("raw *.tif"))) == 2


def _write_tiled(path: Path, x: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=256, width=256, dtype="uint16", nodata=0,
        crs="EPSG:32630", transform=rasterio.Affine(10, 0, x, 0, -10, 4_000_000),
        tiled=True, blockxsize=128, blockysize=128,
    ) as target:  # fmt: skip
        target.write(np.full((1, 256, 256), 5, "uint16"))

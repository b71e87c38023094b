"""Doors in a site: written with the documents, shown with them, gone with them."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import shoestring
from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.check.stac import validate
from shoestring_builder.doors.names import pointer_of
from shoestring_builder.mirror.run import copy_site
from shoestring_builder.publish.rollback import list_snapshots, rollback
from shoestring_builder.publish.site_folder import SiteFolder
from shoestring_schema.configuration import DEFAULT_DOORS, DoorName, parse_configuration
from shoestring_schema.errors import CatalogueError, ConfigError
from support.mosaics import (
    CONFIGURATION,
    age,
    republish,
    timeless,
    times,
    tree,
    write_configuration,
    write_raster,
    write_season,
)

Json = dict[str, Any]

BASE = "https://example.org/ghana"
DOORS = (".vrt", ".gpkg", ".qlr", ".qgs", ".txt", ".parquet")


def configured(base: str | None = BASE, doors: str | None = None) -> str:
    """The usual configuration, with an address and a choice of doors."""
    lines = [f'base_url = "{base}"'] if base else []
    lines += [f"doors = {doors}"] if doors else []
    return CONFIGURATION.replace("settle", "\n".join(["status = false", *lines, "settle"]))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with all doors, of two parts; not to be changed."""
    folder = write_season(tmp_path_factory.mktemp("doors"))
    add_date(folder, "2017-06-01")
    build(write_configuration(folder, configured()))
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of `built` to work on, modification times included."""
    return Path(shutil.copytree(built, tmp_path / "project"))


def add_date(folder: Path, date: str) -> None:
    """Write the sources of a date."""
    for band, dtype in (("B04", "uint16"), ("SCL", "uint8")):
        write_raster(folder / f"mosaics/S2_{date}_{band}.tif", 4, dtype=dtype)


def is_door(name: str) -> bool:
    """Whether a file is for other tools."""
    base = name.rpartition("/")[2]
    return name.endswith(DOORS) or base.startswith("SHA256SUMS") or "-stacit-" in base


def doors(site: Path) -> set[str]:
    """All doors of a site, and the pointers to them."""
    return {name for name in tree(site) if is_door(name)}


def kind_of(name: str) -> str:
    """What a door is, without its hash."""
    stem, _, rest = name.rpartition("-")
    return f"{stem}{rest[16:]}" if len(rest) >= 16 else name


def pointers(site: Path) -> set[str]:
    """The names of doors that stay."""
    return {own for own in map(pointer_of, tree(site)) if own is not None}


def faults(site: Path) -> tuple[str, ...]:
    """What a deep check finds."""
    return check(site).faults


def document(path: Path) -> Json:
    """A JSON document."""
    found: Json = json.loads(path.read_text("utf-8"))
    return found


def test_a_site_with_doors_is_whole(built: Path) -> None:
    """Check finds no fault in it, and nothing that no document names."""
    assert faults(built / "site") == ()
    assert check(built / "site").notes == ()
    assert check(built / "site", deep=False).faults == ()


def test_each_part_links_to_its_doors(built: Path) -> None:
    """Its STAC catalogue is valid, and tells type, title, size and checksum of each."""
    for path in (built / "site/s2").glob("*/catalog-*.json"):
        catalogue = document(path)
        assert validate(catalogue) == []
        links = [link for link in catalogue["links"] if link["rel"] == "alternate"]
        assert links
        for link in links:
            data = (path.parent / link["href"]).read_bytes()
            assert link["file:size"] == len(data)
            assert link["file:checksum"] == "1220" + hashlib.sha256(data).hexdigest()
            assert link["type"]
            assert link["title"]


def test_checksums_are_those_of_the_layers(built: Path) -> None:
    """`SHA256SUMS` of a part names each layer, with its SHA-256."""
    (path,) = (built / "site/s2/2018").glob("SHA256SUMS-2018-01-*")
    sums = dict(reversed(line.split("  ")) for line in path.read_text("utf-8").splitlines())
    layers = {own.name for own in path.parent.glob("*.tif")}
    assert layers <= sums.keys()
    for name, stated in sums.items():
        assert hashlib.sha256((path.parent / name).read_bytes()).hexdigest() == stated


def test_a_second_run_writes_nothing(project: Path) -> None:
    """Where nothing is new, no file is written."""
    before = times(project / "site")
    assert not build(project / "site.toml").changed
    assert times(project / "site") == before


def test_pointers_are_copies(built: Path) -> None:
    """A door's name that stays shows the bytes of the newest, which the documents name."""
    site = built / "site"
    for name, digest in tree(site).items():
        pointer = pointer_of(name)
        if pointer is not None:
            assert tree(site)[pointer] == digest


def test_a_new_date_writes_its_own_doors(project: Path) -> None:
    """Doors of other parts and dates stay; those of the newest dates are written anew."""
    site, before = project / "site", doors(project / "site")
    untouched = {name: time for name, time in times(site).items() if name in before}
    add_date(project, "2018-01-09")
    build(project / "site.toml")
    new = doors(site) - before
    assert new
    for name in new:
        days = re.findall(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", kind_of(name))
        assert days in ([], ["2018-01-09"]), name
        assert "2018-01" in name if name.count("/") == 2 else pointer_of(name) is not None, name
    changed = {name for name, time in untouched.items() if times(site)[name] != time}
    assert changed <= pointers(site)
    assert faults(site) == ()


def test_any_number_of_workers_gives_the_same_site(built: Path, tmp_path: Path) -> None:
    """Two workers write the doors that one does."""
    shutil.copytree(built / "mosaics", tmp_path / "mosaics")
    build(write_configuration(tmp_path, configured()), workers=2)
    assert timeless(tmp_path / "site") == timeless(built / "site")


def test_old_snapshots_keep_their_doors(project: Path) -> None:
    """They stay as long as their snapshot is kept, then go."""
    site, before = project / "site", doors(project / "site")
    add_date(project, "2018-01-09")
    build(project / "site.toml")
    assert before <= doors(site)
    after = doors(site) - before
    age(site, 40)
    build(project / "site.toml")
    gone = before - doors(site)
    assert gone
    assert not gone & pointers(site)
    assert after <= doors(site)
    assert check(site).notes == ()
    assert faults(site) == ()


def test_a_rollback_shows_the_doors_of_then(project: Path) -> None:
    """Pointers are what they were, byte for byte."""
    site, before = project / "site", timeless(project / "site")
    first = list_snapshots(site)[1]
    assert first is not None
    add_date(project, "2018-01-09")
    build(project / "site.toml")
    rollback(site, first.id)
    after = timeless(site)
    assert {name: after[name] for name in pointers(site)} == {
        name: before[name] for name in pointers(site)
    }
    assert faults(site) == ()


@pytest.mark.parametrize("choice", ["[]", '["checksums"]', '["vrt"]'])
def test_doors_can_be_chosen(project: Path, choice: str) -> None:
    """Others are written no more, nor shown; nothing is rendered for it."""
    report = build(write_configuration(project, configured(doors=choice)))
    assert [own.rendered for own in report.collections] == [0]
    wanted = set(json.loads(choice))
    site = project / "site"
    age(site, 40)
    build(project / "site.toml")
    left = {name for name in doors(site)}
    assert any("SHA256SUMS" in name for name in left) == ("checksums" in wanted)
    assert any(name.endswith(".vrt") for name in left) == ("vrt" in wanted)
    assert not any(name.endswith(".parquet") for name in left)
    assert check(site).notes == ()
    assert faults(site) == ()


def test_where_nothing_depends_on_it_the_address_changes_no_part(tmp_path: Path) -> None:
    """With such doors alone, another `base_url` leaves all parts as they are."""
    write_season(tmp_path)
    build(write_configuration(tmp_path, configured(doors='["vrt"]')))
    before = {name for name in tree(tmp_path / "site") if name.count("/") == 2}
    build(write_configuration(tmp_path, configured("https://example.com", doors='["vrt"]')))
    assert {name for name in tree(tmp_path / "site") if name.count("/") == 2} == before


class _StopError(Exception):
    """What stands for the end of a process."""


@pytest.mark.parametrize("count", range(8))
def test_killed_between_pointers(
    project: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever pointer was the last, the next run shows all of the new snapshot."""
    add_date(project, "2018-01-09")
    twin = Path(shutil.copytree(project, project.with_name("twin")))
    build(twin / "site.toml")
    swap, done = SiteFolder.swap, list[str]()

    def stopping(self: SiteFolder, target: str, data: bytes) -> bool:
        if len(done) == count:
            raise _StopError
        done.append(target)
        return swap(self, target, data)

    with monkeypatch.context() as patch:
        patch.setattr(SiteFolder, "swap", stopping)
        try:
            build(project / "site.toml")
        except _StopError:
            assert len(done) == count
    with shoestring.open(project / "site") as catalogue:
        assert len(catalogue["s2"].dates) in (4, 5)
    build(project / "site.toml")
    assert faults(project / "site") == ()
    ours, others = timeless(project / "site"), timeless(twin / "site")
    assert {name: ours[name] for name in others} == others


def cut(path: Path) -> None:
    """Make a file shorter."""
    path.write_bytes(path.read_bytes()[:-1])


def other(path: Path) -> None:
    """Change a byte of a file."""
    data = path.read_bytes()
    path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])


@pytest.mark.parametrize("damage", [Path.unlink, cut, other], ids=["missing", "cut", "changed"])
def test_check_tells_of_each_damaged_door(project: Path, damage: Callable[[Path], None]) -> None:
    """A deep check tells of any door or pointer that is not as it was; without it, of most."""
    site = project / "site"
    for name in sorted(doors(site)):
        data = (site / name).read_bytes()
        damage(site / name)
        found = faults(site)
        assert found, name
        assert any(name.rpartition("/")[2] in fault for fault in found), (name, found)
        if damage is not other:
            assert check(site, deep=False).faults, name
        (site / name).write_bytes(data)
    assert faults(site) == ()


def test_check_tells_of_a_door_that_says_something_else(project: Path) -> None:
    """One whose checksum is right, but which its items do not give, is found by a deep check."""
    site, pointer = project / "site", project / "site/s2/B04.vrt"
    data = pointer.read_bytes().replace(b"2018-01-01", b"2018-01-31")
    digest = hashlib.sha256(data).hexdigest()
    (site / f"s2/B04-{digest[:16]}.vrt").write_bytes(data)
    pointer.write_bytes(data)
    collection = document(site / "s2/collection.json")
    collection["assets"]["B04.vrt"] |= {
        "href": f"./B04-{digest[:16]}.vrt",
        "file:size": len(data),
        "file:checksum": f"1220{digest}",
    }
    (site / "s2/collection.json").write_text(json.dumps(collection), "utf-8")
    republish(site)
    assert check(site, deep=False).faults == ()
    (fault,) = faults(site)
    assert f"B04-{digest[:16]}.vrt" in fault
    build(project / "site.toml")
    assert faults(site) == ()


@pytest.mark.parametrize("damage", [Path.unlink, cut], ids=["missing", "cut"])
def test_a_damaged_door_is_made_again(project: Path, damage: Callable[[Path], None]) -> None:
    """The next run writes what is missing, the same to the last bit."""
    site, before = project / "site", timeless(project / "site")
    for name in sorted(doors(site)):
        damage(site / name)
    build(project / "site.toml")
    assert timeless(site) == before


def test_a_copy_holds_the_doors(project: Path, tmp_path: Path) -> None:
    """`shoestring publish` brings doors and pointers; what is switched off goes from the copy, too."""
    site, copy = project / "site", tmp_path / "copy"
    copy_site(site, str(copy), keep=timedelta(0))
    assert doors(copy) == doors(site)
    assert faults(copy) == ()
    (copy / "s2/mine.vrt").write_text("a file of somebody else")
    build(write_configuration(project, configured(doors="[]")))
    copy_site(site, str(copy), keep=timedelta(0))
    age(copy, 1)
    copy_site(site, str(copy), keep=timedelta(0))
    assert doors(copy) == {"s2/mine.vrt"}


def test_a_copy_waits_for_doors_that_are_whole(project: Path, tmp_path: Path) -> None:
    """A door that is damaged does not become a pointer."""
    site = project / "site"
    hashed = [name for name in tree(site) if pointer_of(name)]
    if not hashed:
        pytest.skip("no door has a pointer")
    other(site / hashed[0])
    with pytest.raises(CatalogueError, match="not as it was published"):
        copy_site(site, str(tmp_path / "copy"), keep=timedelta(0))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('doors = ["stacit"]', '"stacit" can hold no relative links; state base_url'),
        ('doors = ["vrt", "qgis", "parquet"]', '"qgis" and "parquet" can hold no relative links'),
        (f'base_url = "{BASE}"\ndoors = ["gti"]', '"gti" leads to VRTs of the dates; add "vrt"'),
        ('doors = ["windows"]', "Invalid enum value 'windows'"),
    ],
)
def test_doors_that_cannot_be_written(lines: str, says: str) -> None:
    """One that is asked for by name and can't be is a mistake, and the sentence tells the remedy."""
    with pytest.raises(ConfigError, match=says):
        parse_configuration(CONFIGURATION.replace("settle", f"{lines}\nsettle"), "c.toml")


@pytest.mark.parametrize(
    ("base", "wanted", "written"),
    [
        (None, None, ("vrt", "gti", "checksums")),
        (BASE, None, DEFAULT_DOORS),
        (BASE, ("checksums", "vrt", "vrt"), ("vrt", "checksums")),
        (BASE, (), ()),
    ],
)
def test_doors_by_default(
    base: str | None, wanted: tuple[DoorName, ...] | None, written: tuple[DoorName, ...]
) -> None:
    """All but kerchunk; those that hold absolute addresses only where there is one."""
    text = configured(base, None if wanted is None else json.dumps(wanted))
    assert parse_configuration(text, "c.toml").catalogue.written_doors == written


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("s2/B04-0123456789abcdef.vrt", "s2/B04.vrt"),
        ("s2/s2-l2a-0123456789abcdef.gti.gpkg", "s2/s2-l2a.gti.gpkg"),
        ("ghana-0123456789abcdef.qgs", "ghana.qgs"),
        ("s2/ghana-0123456789abcdef.qgs", None),
        ("s2-0123456789abcdef.vrt", None),
        ("s2/2018/2018-01-02-0123456789abcdef.vrt", None),
        ("s2/collection-0123456789abcdef.json", None),
        ("s2/B04.vrt", None),
    ],
)
def test_names_that_stay(name: str, pointer: str | None) -> None:
    """Doors of a collection and of a site have one, and no other file has."""
    assert pointer_of(name) == pointer

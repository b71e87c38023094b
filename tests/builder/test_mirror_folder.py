"""A site's copy in another folder."""

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import shoestring
from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.clock import now
from shoestring_builder.media import is_hashed
from shoestring_builder.mirror import run
from shoestring_builder.mirror.report import CopyReport
from shoestring_builder.mirror.run import copy_site
from shoestring_builder.mirror.source import files_of, read_source
from shoestring_builder.publish.rollback import list_snapshots, rollback
from shoestring_builder.publish.site_folder import open_site
from shoestring_schema.errors import BusyError, CatalogueError, PublishError
from support.command import run_here
from support.evolving import Evolving, evolve
from support.mosaics import (
    age,
    outdate,
    timeless,
    times,
    tree,
    write_configuration,
    write_raster,
)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Evolving:
    """A site in the evening and in the morning."""
    return evolve(tmp_path_factory.mktemp("sites"))


VRT = """\
[catalogue]
id = "vrt"
settle = "0 seconds"

[[collections]]
id = "s2"
source = "site/raw tiles/{date}_{band}.tif"
layout = "vrt"
[collections.bands.B04]
nodata = 0
"""


def copy(site: Path, target: Path, *, hours: float = 20, dry_run: bool = False) -> CopyReport:
    """Copy a site."""
    return copy_site(
        site, str(target), keep=timedelta(hours=hours), dry_run=dry_run, progress=False
    )


def dates(target: Path) -> int:
    """How many dates our client finds."""
    with shoestring.open(target) as catalogue:
        return len(catalogue["s2"].dates)


def test_a_copy_is_the_site(sites: Evolving, tmp_path: Path) -> None:
    """A copy has the site's files, pointers included, byte for byte, and nothing is wrong with it."""
    report = copy(sites.evening, tmp_path / "copy")
    assert timeless(tmp_path / "copy") == timeless(sites.evening)
    assert check(tmp_path / "copy").faults == ()
    hashed = [path for path in sites.evening.rglob("*-*") if is_hashed(path.name)]
    assert report.sent.files == len(hashed)
    assert report.sent.size == sum(path.stat().st_size for path in hashed)


def test_a_copy_of_nothing_new(sites: Evolving, tmp_path: Path) -> None:
    """A second copy writes nothing, and says so."""
    copy(sites.evening, tmp_path / "copy")
    before = times(tmp_path / "copy")
    before.pop(".staging", None)
    report = copy(sites.evening, tmp_path / "copy")
    after = times(tmp_path / "copy")
    after.pop(".staging", None)
    assert (before, str(report)[:11]) == (after, "nothing new")


def test_a_copy_of_what_is_new(sites: Evolving, tmp_path: Path) -> None:
    """Only new files travel; the copy keeps what it has shown, and lists it."""
    copy(sites.evening, tmp_path / "copy")
    old, before = tree(tmp_path / "copy"), list_snapshots(tmp_path / "copy")[1]
    report = copy(sites.morning, tmp_path / "copy")
    new = {name for name in tree(tmp_path / "copy") if name not in old}
    assert (report.sent.files, dates(tmp_path / "copy")) == (len(new), 3)
    assert before is not None
    with shoestring.open(tmp_path / "copy", snapshot=before.id) as held:
        assert len(held["s2"].dates) == 2
    assert check(tmp_path / "copy").faults == ()


def test_the_catalogue_comes_last(
    sites: Evolving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First hashed names, then the pointers of collections, the list, and `catalog.json` last."""
    steps: list[str] = []
    replace = os.replace

    def spy(source: Path, target: Path) -> None:
        steps.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", spy)
    copy(sites.evening, tmp_path / "copy")
    hashed = [name for name in steps if is_hashed(name)]
    pointers = [name for name in steps if name not in hashed]
    assert steps == hashed + pointers
    assert pointers[:2] == ["collection.json", "database.json"]
    assert pointers[-2:] == ["snapshots.json", "catalog.json"]
    assert hashed[-1].startswith("catalog-")
    assert hashed[-2].startswith("collection-")


def test_a_dry_run(sites: Evolving, tmp_path: Path) -> None:
    """A dry run tells what a real one does, and writes nothing at all."""
    planned = copy(sites.evening, tmp_path / "copy", dry_run=True)
    assert not (tmp_path / "copy").exists()
    done = copy(sites.evening, tmp_path / "copy")
    assert (planned.sent, planned.pointers) == (done.sent, done.pointers)
    assert str(planned).startswith("would send ")


def test_an_old_snapshot_goes(sites: Evolving, tmp_path: Path) -> None:
    """What only snapshots name that have ended long ago goes; what is not ours stays."""
    target, site = tmp_path / "copy", Path(shutil.copytree(sites.morning, tmp_path / "site"))
    copy(sites.evening, target)
    copy(site, target)
    mine = (target / "mine.txt", target / "s2" / "2018" / "mine-0123456789abcdef",
            target / "else" / "2018" / "a-0123456789abcdef.tif")  # fmt: skip
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    age(site, 21)
    age(target, 21)
    report = copy(site, target)
    copy(site, tmp_path / "fresh")
    others = {path.relative_to(target).as_posix() for path in mine}
    assert set(tree(target)) == set(tree(tmp_path / "fresh")) | others
    assert (report.removed.files, report.sent.files) == (len(sites.obsolete), 0)
    assert check(tmp_path / "fresh").faults == ()


def test_what_only_the_copy_has(sites: Evolving, tmp_path: Path) -> None:
    """A snapshot that the site has forgotten is kept for as long as the copy must keep it."""
    site = Path(shutil.copytree(sites.evening, tmp_path / "site"))
    copy(site, tmp_path / "copy")
    age(tmp_path / "copy", 30)
    shutil.rmtree(site)
    shutil.copytree(sites.morning, site)
    old = list_snapshots(sites.evening)[1]
    assert old is not None
    forgotten = set(tree(sites.evening)) - set(named(sites.morning))
    for name in forgotten - {"snapshots.json"}:
        (site / name).unlink()
    report = copy(site, tmp_path / "copy")
    assert report.removed.files == 0
    with shoestring.open(tmp_path / "copy", snapshot=old.id) as held:
        assert len(held["s2"].dates) == 2
    assert check(tmp_path / "copy").faults == ()


def named(site: Path) -> set[str]:
    """Pointers, and the names of the current snapshot."""
    from shoestring_builder.publish.names import SnapshotNames

    mark = list_snapshots(site)[1]
    assert mark is not None
    pointers = {name for name in tree(site) if "-" not in Path(name).name}
    return pointers | SnapshotNames(site).of(mark.id)


def test_a_rollback_is_copied(sites: Evolving, tmp_path: Path) -> None:
    """What the site shows again the copy shows again, and nothing travels."""
    copy(sites.morning, tmp_path / "copy")
    site = Path(shutil.copytree(sites.morning, tmp_path / "site"))
    before = list_snapshots(site)[0][0]
    rollback(site, before.id)
    report = copy(site, tmp_path / "copy")
    assert (report.sent.files, report.snapshot) == (0, before.id)
    assert dates(tmp_path / "copy") == 2


def test_a_collection_that_goes(sites: Evolving, tmp_path: Path) -> None:
    """Pointers go from a copy with the collection that they are of."""
    copy(sites.morning, tmp_path / "copy")
    for name in ("collection.json", "database.json", "feed.xml"):
        (tmp_path / "copy" / "gone").mkdir(exist_ok=True)
        (tmp_path / "copy" / "gone" / name).write_text("old")
    copied = run.collections_of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "collections_of", lambda *own: copied(*own) | {"gone"})
        copy(sites.morning, tmp_path / "copy")
    assert list((tmp_path / "copy" / "gone").iterdir()) == []


def test_what_changes_beside_the_pointers(sites: Evolving, tmp_path: Path) -> None:
    """Reports and feeds travel as they are, and again when they have changed."""
    site = Path(shutil.copytree(sites.evening, tmp_path / "site"))
    (site / "status.json").write_text("{}")
    (site / "s2" / "feed.xml").write_text("<feed/>")
    copy(site, tmp_path / "copy")
    (site / "status.json").write_text("[]")
    report = copy(site, tmp_path / "copy")
    assert (tmp_path / "copy" / "status.json").read_text() == "[]"
    assert (tmp_path / "copy" / "s2" / "feed.xml").read_text() == "<feed/>"
    assert (report.sent.files, report.pointers) == (0, 1)


def test_sources_of_vrts(tmp_path: Path) -> None:
    """The files that VRTs read travel with them, and again where they have changed."""
    site, source = tmp_path / "site", tmp_path / "site" / "raw tiles" / "2018-01-02_B04.tif"
    write_raster(source, np.full((256, 256), 5), tiled=True, blockxsize=128, blockysize=128)
    build(write_configuration(tmp_path, VRT))
    copy(site, tmp_path / "copy")
    assert check(tmp_path / "copy").faults == ()
    data = bytearray(source.read_bytes())
    data[-1] ^= 1
    source.write_bytes(data)
    later = (tmp_path / "copy" / source.relative_to(site)).stat().st_mtime + 10
    os.utime(source, (later, later))
    assert copy(site, tmp_path / "copy").sent.files == 1
    assert (tmp_path / "copy" / source.relative_to(site)).read_bytes() == data


def test_a_file_that_vanishes(
    sites: Evolving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a clean-up takes a file away meanwhile, that is said, and the copy shows what it did."""
    site = Path(shutil.copytree(sites.morning, tmp_path / "site"))
    copy(sites.evening, tmp_path / "copy")
    before = (tmp_path / "copy" / "catalog.json").read_bytes()
    look = run._look

    def meanwhile(*own: object) -> object:
        work = look(*own)  # type: ignore[arg-type]
        work.lacking[0].path.unlink()
        return work

    monkeypatch.setattr(run, "_look", meanwhile)
    with pytest.raises(CatalogueError, match="removed or changed while it was copied"):
        copy(site, tmp_path / "copy")
    assert (tmp_path / "copy" / "catalog.json").read_bytes() == before


def test_a_file_that_is_cut_short(
    sites: Evolving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What did not arrive whole is noticed before any pointer leads to it."""
    site = Path(shutil.copytree(sites.morning, tmp_path / "site"))
    look = run._look

    def meanwhile(*own: object) -> object:
        work = look(*own)  # type: ignore[arg-type]
        work.lacking[0].path.write_bytes(b"short")
        return work

    monkeypatch.setattr(run, "_look", meanwhile)
    with pytest.raises(CatalogueError, match="removed or changed while it was copied"):
        copy(site, tmp_path / "copy")
    assert not (tmp_path / "copy" / "catalog.json").exists()


def test_two_copies_at_once(
    sites: Evolving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another copy has shown its snapshot meanwhile, nothing is shown, and that is said."""
    copy(sites.evening, tmp_path / "copy")
    send = run._send

    def meanwhile(*own: object) -> None:
        send(*own)  # type: ignore[arg-type]
        (tmp_path / "copy" / "catalog.json").write_text("{}")

    monkeypatch.setattr(run, "_send", meanwhile)
    with pytest.raises(BusyError, match="another copy"):
        copy(sites.morning, tmp_path / "copy")
    assert (tmp_path / "copy" / "catalog.json").read_text() == "{}"


def test_a_folder_in_which_somebody_works(sites: Evolving, tmp_path: Path) -> None:
    """A copy keeps out of a folder whose builder, or another copy, is at work."""
    copy(sites.evening, tmp_path / "copy")
    with open_site(tmp_path / "copy"):
        ran = run_here("publish", sites.evening, tmp_path / "copy")
    assert (ran.code, "worked on by another" in ran.err) == (75, True)


def test_a_damaged_copy_is_mended(sites: Evolving, tmp_path: Path) -> None:
    """Files that are lost or cut in the copy, pointers included, are there again after a run."""
    copy(sites.evening, tmp_path / "copy")
    whole = tree(tmp_path / "copy")
    layers = sorted((tmp_path / "copy" / "s2" / "2018").glob("*.tif"))
    layers[0].unlink()
    layers[1].write_bytes(b"cut")
    (tmp_path / "copy" / "s2" / "database.json").write_text("{}")
    (tmp_path / "copy" / "catalog.json").write_text("{")
    report = copy(sites.evening, tmp_path / "copy")
    assert (report.sent.files, report.pointers) == (2, 2)
    assert tree(tmp_path / "copy") == whole


def test_a_lost_list_is_made_again(sites: Evolving, tmp_path: Path) -> None:
    """Without its list a copy keeps all snapshots that it has, from now on."""
    copy(sites.evening, tmp_path / "copy")
    copy(sites.morning, tmp_path / "copy")
    (tmp_path / "copy" / "snapshots.json").unlink()
    age(tmp_path / "copy", 30)
    report = copy(sites.morning, tmp_path / "copy")
    assert (report.removed.files, len(list_snapshots(tmp_path / "copy")[0])) == (0, 2)


def test_documents_that_hide_what_they_name(sites: Evolving, tmp_path: Path) -> None:
    """Where a snapshot that only the copy has is damaged, nothing is removed, and that is said."""
    site = tmp_path / "site"
    copy(sites.evening, tmp_path / "copy")
    shutil.copytree(sites.morning, site)
    old = list_snapshots(sites.evening)[1]
    assert old is not None
    (site / f"catalog-{old.id}.json").unlink()
    (tmp_path / "copy" / f"catalog-{old.id}.json").write_text("{}")
    ran = run_here("publish", site, tmp_path / "copy")
    assert (ran.code, "Nothing was cleaned up" in ran.err) == (0, True)


@pytest.mark.parametrize("place", [".", "inner", ".."])
def test_one_in_the_other(sites: Evolving, place: str) -> None:
    """A copy in the site, around it, or the site itself, is refused."""
    with pytest.raises(PublishError, match="one lies in the other"):
        copy(sites.evening, sites.evening / place)


def test_another_catalogue(sites: Evolving, tmp_path: Path) -> None:
    """A target that holds another catalogue is left as it is."""
    copy(sites.evening, tmp_path / "copy")
    path = tmp_path / "copy" / "catalog.json"
    path.write_text(path.read_text().replace('"id": "test"', '"id": "other"'))
    before = tree(tmp_path / "copy")
    with pytest.raises(PublishError, match='another catalogue, "other", and not "test"'):
        copy(sites.morning, tmp_path / "copy")
    assert tree(tmp_path / "copy") == before


def test_what_is_no_site(sites: Evolving, tmp_path: Path) -> None:
    """A folder that is no site is refused, and so is one without snapshots."""
    with pytest.raises(CatalogueError, match="is not a site"):
        copy(tmp_path, tmp_path / "copy")
    old = Path(shutil.copytree(sites.evening, tmp_path / "old"))
    outdate(old)
    with pytest.raises(CatalogueError, match="no snapshots"):
        copy(old, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_site_that_lacks_a_file(sites: Evolving, tmp_path: Path) -> None:
    """A site that is not whole is not copied, and the file is named."""
    site = Path(shutil.copytree(sites.evening, tmp_path / "site"))
    lost = sorted((site / "s2" / "2018").glob("*.tif"))[0]
    lost.unlink()
    with pytest.raises(CatalogueError, match=lost.name):
        copy(site, tmp_path / "copy")


def test_a_snapshot_that_names_what_is_elsewhere(sites: Evolving, tmp_path: Path) -> None:
    """A file outside of the site does not travel, however it is called, nor a hidden one."""
    (tmp_path / "secret-0123456789abcdef.tif").write_text("secret")
    for name in (
        "../secret-0123456789abcdef.tif",
        ".staging/a-0123456789abcdef.tif",
        "/etc/passwd",
    ):
        names = SimpleNamespace(of=lambda _, own=name: frozenset({own}))
        with pytest.raises(CatalogueError, match="no file of the site"):
            files_of(read_source(sites.evening, now()), names, "")  # type: ignore[arg-type]


def test_the_command(sites: Evolving, tmp_path: Path) -> None:
    """`shoestring publish` tells what it did, and a wrong duration is wrong usage."""
    ran = run_here("publish", sites.evening, tmp_path / "copy")
    snapshot = json.loads((sites.evening / "catalog.json").read_text())["shoestring:snapshot"]["id"]
    assert ran.code == 0
    assert ran.out.startswith(f"{tmp_path / 'copy'}: sent ")
    assert ran.out.endswith(f"; it shows snapshot {snapshot}.\n")
    assert run_here("publish", sites.evening, tmp_path / "copy", "--keep", "long").code == 2

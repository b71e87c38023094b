"""Copies of whole sites: the same to the last bit."""

import hashlib
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shoestring
from shoestring_builder.media import is_hashed
from shoestring_builder.publish.current import read_current
from shoestring_builder.serve.background import BackgroundServer
from shoestring_pull.options import PullOptions
from shoestring_pull.origin import read_origin
from shoestring_schema.errors import BusyError, OutputError
from support.evolving import Evolving, evolve
from support.faulty_server import Fault, FaultyServer, Request
from support.mosaics import age, republish, tree
from support.nginx import Nginx
from support.pulled import build_fields, faults, pull_into
from support.retold import retell

OWN = {"snapshots.json"}
"""What a copy has that is its own: since when it shows what."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two collections and two dates."""
    return build_fields(tmp_path_factory.mktemp("fields"), (1, 2))


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Evolving:
    """A site in the evening, and in the morning after one date came and one was reprocessed."""
    return evolve(tmp_path_factory.mktemp("stages"))


def content(site: Path) -> dict[str, str]:
    """All files of a site that its readers see, but its list of snapshots."""
    return {
        name: digest
        for name, digest in tree(site).items()
        if not name.startswith(".") and name not in OWN
    }


def snapshot(site: Path) -> str:
    """Which snapshot a site shows."""
    mark = read_current(site).mark
    assert mark is not None
    return mark.id


def test_copy_is_the_site(nginx: Callable[..., Nginx], site: Path, tmp_path: Path) -> None:
    """A copy of a whole site holds the same files and shows the same snapshot."""
    report = pull_into(tmp_path / "copy", f"{nginx(site).http}/")
    assert content(tmp_path / "copy") == content(site)
    assert report.snapshot == snapshot(site) == snapshot(tmp_path / "copy")
    assert faults(tmp_path / "copy") == ()


def test_copy_remembers_its_origin(nginx: Callable[..., Nginx], site: Path, tmp_path: Path) -> None:
    """A copy tells where it came from and at which snapshot, to nobody but its owner."""
    server = nginx(site)
    pull_into(tmp_path / "copy", f"{server.http}/")
    origin = read_origin(tmp_path / "copy")
    assert origin is not None
    assert origin.address == f"{server.http}/catalog.json"
    assert origin.snapshot == read_current(site).mark
    assert (tmp_path / "copy" / ".pull" / "origin.json").stat().st_mode & 0o077 == 0


def test_memory_of_a_copy_is_not_served(
    nginx: Callable[..., Nginx], site: Path, tmp_path: Path
) -> None:
    """Neither our server nor nginx by our example shows where a copy came from."""
    pull_into(tmp_path / "copy", site)
    with BackgroundServer(tmp_path / "copy") as server:
        for address in (server.url.rstrip("/"), nginx(tmp_path / "copy").http):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"{address}/.pull/origin.json")
            caught.value.close()
            assert caught.value.code in (403, 404)


def test_nothing_new_costs_two_requests(
    nginx: Callable[..., Nginx], site: Path, tmp_path: Path
) -> None:
    """A copy that is up to date asks for the catalogue and its snapshot, and changes nothing."""
    server = nginx(site)
    pull_into(tmp_path / "copy", f"{server.http}/")
    before, asked = tree(tmp_path / "copy"), len(server.requests())
    report = pull_into(tmp_path / "copy", None)
    assert [one.path for one in server.requests()[asked:]] == [
        "/catalog.json",
        f"/catalog-{snapshot(site)}.json",
    ]
    assert str(report).startswith("nothing new")
    assert tree(tmp_path / "copy") == before


def test_update_costs_its_difference(
    nginx: Callable[..., Nginx], stages: Evolving, tmp_path: Path
) -> None:
    """A new snapshot costs the files that it has and the one before had not."""
    live = Path(shutil.copytree(stages.evening, tmp_path / "live"))
    server = nginx(live)
    pull_into(tmp_path / "copy", f"{server.http}/")
    asked = len(server.requests())
    shutil.copytree(stages.morning, live, dirs_exist_ok=True)
    report = pull_into(tmp_path / "copy", None)
    new = set(content(stages.morning)) - set(content(stages.evening))
    fetched = [one.path.lstrip("/") for one in server.requests()[asked:]]
    pointers = {"catalog.json"}
    assert len(fetched) == len(set(fetched))
    assert set(fetched) <= new | pointers
    whole = {name for name in new if is_hashed(name) and not name.endswith(".json")}
    assert whole <= set(fetched)
    assert report.fetched.files == len(whole)
    assert snapshot(tmp_path / "copy") == snapshot(stages.morning)
    assert faults(tmp_path / "copy") == ()


def test_items_come_with_their_part(
    nginx: Callable[..., Nginx], site: Path, tmp_path: Path
) -> None:
    """The files of items are made from their part's, bit for bit, and do not travel."""
    server = nginx(site)
    pull_into(tmp_path / "copy", f"{server.http}/")
    items = [path.relative_to(site).as_posix() for path in site.glob("*/2018/2018-*.json")]
    assert items
    asked = {one.path.lstrip("/") for one in server.requests()}
    assert asked.isdisjoint(items)


def test_items_that_are_written_otherwise_travel(
    nginx: Callable[..., Nginx], site: Path, tmp_path: Path
) -> None:
    """Files of items whose bytes do not stand in their part are fetched."""
    told = Path(shutil.copytree(site, tmp_path / "told"))
    path = told / "height" / "collection.json"
    links = json.loads(path.read_text("utf-8"))["links"]

    def about(document: dict[str, Any]) -> None:
        document["links"] = links

    retell(told, "height", lambda item: None, about=about)  # with spaces between its words
    server = nginx(told)
    pull_into(tmp_path / "copy", f"{server.http}/")
    (item,) = told.glob("height/2018/2018-*.json")
    assert f"/height/2018/{item.name}" in {one.path for one in server.requests()}
    assert (tmp_path / "copy" / "height" / "2018" / item.name).read_bytes() == item.read_bytes()
    assert faults(tmp_path / "copy") == ()


def test_files_of_collections_come_along(site: Path, tmp_path: Path) -> None:
    """A file that a collection itself names is part of a whole copy."""
    told = Path(shutil.copytree(site, tmp_path / "told"))
    path, data = told / "height" / "collection.json", b"a table"
    digest = hashlib.sha256(data).hexdigest()
    table = told / "height" / "2018" / f"items-2018-01-{digest[:16]}.parquet"
    table.write_bytes(data)
    document = json.loads(path.read_text("utf-8"))
    document["assets"] = {"items": {
        "href": f"./2018/{table.name}", "file:size": len(data), "file:checksum": f"1220{digest}",
    }}  # fmt: skip
    path.write_text(json.dumps(document), "utf-8")
    republish(told)
    pull_into(tmp_path / "copy", told)
    assert (tmp_path / "copy" / "height" / "2018" / table.name).read_bytes() == data


def test_old_snapshots_stay(stages: Evolving, tmp_path: Path) -> None:
    """Without --delete a copy can still show what it showed before, and that is whole."""
    live = Path(shutil.copytree(stages.evening, tmp_path / "live"))
    pull_into(tmp_path / "copy", live)
    age(tmp_path / "copy", 48)
    shutil.copytree(stages.morning, live, dirs_exist_ok=True)
    pull_into(tmp_path / "copy", live, terms=PullOptions(keep="0 seconds"))
    assert faults(tmp_path / "copy") == ()
    with shoestring.open(tmp_path / "copy", snapshot=snapshot(stages.evening)) as catalogue:
        assert len(catalogue["s2"].dates) == 2


def test_delete_drops_what_upstream_dropped(stages: Evolving, tmp_path: Path) -> None:
    """With --delete the files that only a snapshot before needed go, after `keep`."""
    live = Path(shutil.copytree(stages.evening, tmp_path / "live"))
    pull_into(tmp_path / "copy", live)
    age(tmp_path / "copy", 48)
    shutil.copytree(stages.morning, live, dirs_exist_ok=True)
    pull_into(tmp_path / "copy", live, delete=True)
    kept = stages.obsolete
    assert kept
    assert all((tmp_path / "copy" / name).is_file() for name in kept)
    age(tmp_path / "copy", 48)
    report = pull_into(tmp_path / "copy", live, delete=True)
    assert report.removed.files == len(kept)
    assert not any((tmp_path / "copy" / name).exists() for name in kept)
    left = {name: own for name, own in content(stages.morning).items() if name not in kept}
    assert content(tmp_path / "copy") == left


def test_copy_is_pulled_from(nginx: Callable[..., Nginx], site: Path, tmp_path: Path) -> None:
    """A copy is served, pulled from, and opened by the same code."""
    pull_into(tmp_path / "one", f"{nginx(site).http}/")
    pull_into(tmp_path / "two", f"{nginx(tmp_path / 'one').http}/")
    assert content(tmp_path / "two") == content(site)
    roi = (-2.98, 36.12, -2.97, 36.13)
    stacks = []
    for place in (site, tmp_path / "two"):
        with shoestring.open(place) as catalogue:
            stacks.append(catalogue["s2"].extract("B04", roi))
    for date in stacks[0].dates:
        np.testing.assert_array_equal(stacks[0]["B04"][date], stacks[1]["B04"][date])


def test_snapshot_is_held(stages: Evolving, tmp_path: Path) -> None:
    """While a pull runs the publisher shows a new snapshot: the copy is of the old one, whole."""
    live = Path(shutil.copytree(stages.evening, tmp_path / "live"))
    with FaultyServer(live, _swap(live, stages, remove=False)) as server:
        pull_into(tmp_path / "copy", f"{server.address}/")
    assert snapshot(live) == snapshot(stages.morning)
    assert content(tmp_path / "copy") == content(stages.evening)
    assert faults(tmp_path / "copy") == ()


def test_snapshot_that_vanishes_is_given_up(stages: Evolving, tmp_path: Path) -> None:
    """If the old snapshot's files are removed meanwhile, the copy is of the new one, whole."""
    live = Path(shutil.copytree(stages.evening, tmp_path / "live"))
    with FaultyServer(live, _swap(live, stages, remove=True)) as server:
        report = pull_into(tmp_path / "copy", f"{server.address}/")
    assert report.snapshot == snapshot(stages.morning)
    assert snapshot(tmp_path / "copy") == snapshot(stages.morning)
    assert faults(tmp_path / "copy") == ()


def _swap(live: Path, stages: Evolving, *, remove: bool) -> Callable[[Request], Fault | None]:
    """Show the morning's site as soon as the first items are asked for."""
    swapped: list[Request] = []

    def rule(request: Request) -> Fault | None:
        if "/items-" in request.path and not swapped:
            swapped.append(request)
            shutil.copytree(stages.morning, live, dirs_exist_ok=True)
            for name in stages.obsolete:
                if remove:
                    (live / name).unlink()
        return None

    return rule


def test_other_sites_folder_is_refused(site: Path, stages: Evolving, tmp_path: Path) -> None:
    """A folder that holds anything but a copy of this site is left as it is."""
    pull_into(tmp_path / "copy", site)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = tree(tmp_path)
    for folder, words in (
        ("copy", "is a copy of"),
        ("mine", "holds other files"),
        ("file", "is a file"),
    ):
        with pytest.raises(OutputError, match=words):
            pull_into(tmp_path / folder, stages.morning)
    with pytest.raises(OutputError, match="was not pulled"):
        pull_into(Path(shutil.copytree(site, tmp_path / "built")), stages.morning)
    with pytest.raises(OutputError, match="one lies in the other"):
        pull_into(site / "copy", site)
    with pytest.raises(OutputError, match="is no copy"):
        pull_into(tmp_path / "none", None)
    assert {
        name: own for name, own in tree(tmp_path).items() if not name.startswith("built")
    } == before


def test_moved_site_is_told(site: Path, stages: Evolving, tmp_path: Path) -> None:
    """A site at another address is pulled on if the user says so, and if it is the same one."""
    pull_into(tmp_path / "copy", site)
    moved = Path(shutil.copytree(site, tmp_path / "moved"))
    with pytest.raises(OutputError, match="--moved"):
        pull_into(tmp_path / "copy", moved)
    report = pull_into(tmp_path / "copy", moved, terms=PullOptions(moved=True))
    assert report.fetched.files == 0
    with pytest.raises(OutputError, match='of the catalogue "fields"'):
        pull_into(tmp_path / "copy", stages.morning, terms=PullOptions(moved=True))


def test_two_pulls_do_not_meet(site: Path, tmp_path: Path) -> None:
    """While one pull is at work on a folder, another one leaves it alone."""
    from shoestring_builder.publish.site_folder import open_site

    pull_into(tmp_path / "copy", site)
    with open_site(tmp_path / "copy"), pytest.raises(BusyError):
        pull_into(tmp_path / "copy", site)


def test_room_is_looked_for_first(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit is not begun: the message tells the need and the room."""
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match=r"are needed, 1\.0 kB are free"):
        pull_into(tmp_path / "copy", site)
    assert not list((tmp_path / "copy").glob("*/*/*.tif"))


def test_time_of_the_snapshot_is_the_sites(site: Path, tmp_path: Path) -> None:
    """The copy's list of snapshots has the time at which the site was published."""
    pull_into(tmp_path / "copy", site)
    (listed,) = json.loads((tmp_path / "copy" / "snapshots.json").read_text("utf-8"))["snapshots"]
    mark = read_current(site).mark
    assert mark is not None
    assert (listed["id"], listed["time"]) == (mark.id, mark.time)

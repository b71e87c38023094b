"""Holding on to a snapshot of a site while others are published."""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shoestring
from shoestring_schema.errors import CatalogueError, SelectionError
from support.command import run_here
from support.faulty_server import Fault, FaultyServer, Request
from support.site import UTM, SiteFolder, box_in, checksum, numbers

BOX = box_in(UTM, (0, 9), (0, 9))


def publish(site: SiteFolder, time: str, *, more: tuple[str, ...] = ()) -> str:
    """Let a site written by hand show a snapshot of what it holds now; its identifier.

    Args:
        site: The site; `write` was called.
        time: When it is published.
        more: Further collections, with the same content.
    """
    home = site.folder / site.name
    document = json.loads((home / "collection.json").read_text("utf-8"))
    part = f"items-{len(list(home.glob('items-*')))}.json"
    (home / "items.json").rename(home / part)
    document["shoestring:parts"][0]["href"] = f"./{part}"
    entries, links = [], []
    for name in (site.name, *more):
        data = json.dumps({**document, "id": name}).encode()
        file = f"collection-{hashlib.sha256(data).hexdigest()[:16]}.json"
        (home / file).write_bytes(data)
        href = f"./{site.name}/{file}"
        entries.append({"id": name, "href": href, "size": len(data), "checksum": checksum(data)})
        links.append({"rel": "child", "href": href})
    snapshot = {**site.catalog, "shoestring:collections": entries, "links": links}
    data = json.dumps(snapshot).encode()
    mark = {"id": hashlib.sha256(data).hexdigest()[:16], "time": time}
    (site.folder / f"catalog-{mark['id']}.json").write_bytes(data)
    _point(site.folder, snapshot, mark)
    return mark["id"]


def _point(folder: Path, snapshot: dict[str, Any], mark: dict[str, str]) -> None:
    history = folder / "snapshots.json"
    listed = json.loads(history.read_text())["snapshots"] if history.exists() else []
    text = json.dumps({"shoestring:version": "1.0", "snapshots": [*listed, mark]})
    history.write_text(text)
    (folder / "catalog.json").write_text(json.dumps({**snapshot, "shoestring:snapshot": mark}))


@pytest.fixture
def site(tmp_path: Path) -> SiteFolder:
    """A site of one date."""
    made = SiteFolder(tmp_path / "site", {"B04": {"data_type": "uint16", "nodata": 0}})
    made.add("2018-01-01", "B04", numbers(UTM.shape, seed=1))
    return made.write()


def test_a_snapshot_can_be_held_while_others_are_published(site: SiteFolder) -> None:
    """A client tells its snapshot, and finds the same dates and pixels by it later on."""
    publish(site, "2018-01-01T02:00:00Z")
    with FaultyServer(site.folder) as server:
        with shoestring.open(server.address) as catalogue:
            held = catalogue.snapshot
            before = catalogue["fields"].extract("B04", BOX, masked=False)
        site.add("2018-01-02", "B04", numbers(UTM.shape, seed=2))
        site.write()
        newest = publish(site, "2018-01-02T02:00:00Z")
        with shoestring.open(server.address) as catalogue:
            assert (catalogue.snapshot, len(catalogue["fields"].dates)) == (newest, 2)
        with shoestring.open(server.address, snapshot=held) as catalogue:
            assert (catalogue.snapshot, catalogue["fields"].dates) == (held, before.dates)
            again = catalogue["fields"].extract("B04", BOX, masked=False)
    assert held != newest
    for date in before.dates:
        np.testing.assert_array_equal(before["B04"][date], again["B04"][date])


async def _held(address: str, snapshot: str) -> str | None:
    async with shoestring.connect(address, snapshot=snapshot) as catalogue:
        return catalogue.snapshot


@pytest.mark.parametrize("web", [True, False])
def test_opening_takes_two_round_trips(site: SiteFolder, web: bool) -> None:
    """First the catalogue, then all collections at once; a snapshot likewise, and folders too."""
    snapshot = publish(site, "2018-01-01T02:00:00Z", more=("second",))
    together = threading.Barrier(2, timeout=20)

    def both(request: Request) -> Fault | None:
        if "/collection-" in request.path:
            together.wait()  # breaks where one collection waits for the other
        return None

    with FaultyServer(site.folder, both) as server:
        address: str | Path = server.address if web else site.folder
        for wanted in (None, snapshot):
            with shoestring.open(address, snapshot=wanted) as catalogue:
                assert list(catalogue) == ["fields", "second"]
        if web:
            names = [request.path.rpartition("/")[2] for request in server.requests]
            starts = ["catalog.json", f"catalog-{snapshot}.json"]
            assert [name for name in names if name.startswith("catalog")] == starts
            assert len(names) == 2 * 3


def test_connect_takes_a_snapshot(site: SiteFolder) -> None:
    """The asynchronous name holds on to a snapshot as well."""
    import asyncio

    snapshot = publish(site, "2018-01-01T02:00:00Z")
    assert asyncio.run(_held(str(site.folder), snapshot)) == snapshot


@pytest.mark.parametrize("unknown", ["0123456789abcdef", "yesterday", "../x", ""])
def test_an_unknown_snapshot_is_told_with_those_that_there_are(
    site: SiteFolder, unknown: str
) -> None:
    """One sentence names the snapshots that the site keeps, the newest first."""
    kept = [publish(site.write(), f"2018-01-0{day}T02:00:00Z") for day in range(1, 2)]
    for day in range(2, 9):
        site.catalog["title"] = f"Day {day}"
        kept.append(publish(site.write(), f"2018-01-0{day}T02:00:00Z"))
    with pytest.raises(SelectionError) as told:
        shoestring.open(site.folder, snapshot=unknown)
    assert f"keeps no snapshot {unknown!r}; there are {kept[-1]} (2018-01-08T02:00:00Z), " in str(
        told.value
    )
    assert str(told.value).endswith(" and 3 older ones.")


def test_an_older_site_has_no_snapshots(site: SiteFolder) -> None:
    """A site of an earlier builder opens, is of no known snapshot, and says so when asked."""
    with shoestring.open(site.folder) as catalogue:
        assert catalogue.snapshot is None
        assert len(catalogue["fields"].dates) == 1
    with pytest.raises(SelectionError, match="nor a list of any: open it without one"):
        shoestring.open(site.folder, snapshot="0123456789abcdef")


def test_a_snapshot_is_of_a_site(site: SiteFolder) -> None:
    """A collection's own address has no snapshots: the sentence says which address has."""
    snapshot = publish(site, "2018-01-01T02:00:00Z")
    with pytest.raises(SelectionError, match=r"give the address of the site's catalog\.json"):
        shoestring.open(site.folder / "fields" / "collection.json", snapshot=snapshot)


@pytest.mark.parametrize("pattern", ["catalog-*.json", "fields/collection-*.json"])
def test_a_document_of_another_content_is_refused(site: SiteFolder, pattern: str) -> None:
    """A snapshot whose documents are not those that were published does not open."""
    snapshot = publish(site, "2018-01-01T02:00:00Z")
    (path,) = site.folder.glob(pattern)
    path.write_text(path.read_text() + " ")
    with pytest.raises(CatalogueError, match="its checksum differs"):
        shoestring.open(site.folder, snapshot=snapshot)


def test_a_snapshot_that_is_listed_and_lost(site: SiteFolder) -> None:
    """Where the list names a snapshot that is not there, as amid a clean-up, that is told."""
    snapshot = publish(site, "2018-01-01T02:00:00Z")
    (site.folder / f"catalog-{snapshot}.json").unlink()
    with pytest.raises(SelectionError, match="although it lists it: it is just being removed"):
        shoestring.open(site.folder, snapshot=snapshot)


def test_the_command_line_takes_a_snapshot(site: SiteFolder, tmp_path: Path) -> None:
    """`info` and `extract` read the snapshot that is asked for."""
    snapshot = publish(site, "2018-01-01T02:00:00Z")
    site.add("2018-01-02", "B04", numbers(UTM.shape, seed=2))
    publish(site.write(), "2018-01-02T02:00:00Z")
    ran = run_here("info", site.folder, "--snapshot", snapshot)
    assert (ran.code, f"Snapshot {snapshot}\n" in ran.out) == (0, True)
    (tmp_path / "box.geojson").write_text(json.dumps(BOX))
    ran = run_here("extract", site.folder, "fields", "--roi", tmp_path / "box.geojson",
                   "--snapshot", snapshot, "--out", tmp_path / "out")  # fmt: skip
    assert (ran.code, len(ran.out.splitlines())) == (0, 1)

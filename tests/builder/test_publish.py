"""Files into the site: never a pointer before what it points to, never half a file."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shoestring_builder.describe.collection import CollectionDocuments
from shoestring_builder.describe.file import File
from shoestring_builder.publish.current import read_current
from shoestring_builder.publish.site_folder import SiteFolder, open_site
from shoestring_builder.publish.snapshot import publish, write_collection
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.errors import PublishError
from support.mosaics import age, hidden, times, tree

NOW = datetime(2018, 2, 3, 4, 5, 6, tzinfo=UTC)


def documents(*names: str, mark: str = "1") -> CollectionDocuments:
    """Documents of a collection, with these files."""
    data = json.dumps({"shoestring:version": "1.0", "mark": mark}).encode()
    own = File("collection-" + mark * 16 + ".json", data)
    files = tuple(File(name, b"{}\n") for name in names)
    return CollectionDocuments(files, own, b"database " + mark.encode())


def put(site: SiteFolder, *names: str, mark: str = "1", when: datetime = NOW) -> bool:
    """Publish a site of one collection with these files; tell whether anything changed."""
    written = write_collection(site, "s2", documents(*names, mark=mark), None)
    current = read_current(site.path)
    titles = {"s2": "Sentinel-2", "none": "None"}
    return publish(site, CatalogueTable(id="c"), titles, {"s2": written}, current, when)[1]


def read(path: Path) -> Any:  # noqa: ANN401
    """A JSON document."""
    return json.loads(path.read_text("utf-8"))


def test_pointers_come_last(tmp_path: Path) -> None:
    """Where a document can't be written, the pointers stay as they were."""
    with open_site(tmp_path / "site") as site:
        put(site, "2018/a.json")
        before = tree(site.path)
        (site.path / "s2" / "2019").write_text("mine: a file where a folder should be")
        with pytest.raises(PublishError, match="2019"):
            put(site, "2018/b.json", "2019/c.json", mark="2")
        after = tree(site.path)
    assert {name: after[name] for name in before} == before


def test_the_catalogue_is_the_last_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is written beside and renamed, first what never changes, last `catalog.json`.

    All names that are not pointers are on the disk before the first pointer, and all others
    before `catalog.json`.
    """
    steps: list[str] = []
    replace, fsync = os.replace, os.fsync

    def spy(source: Path, target: Path) -> None:
        assert Path(source).parent.parent.name == ".staging"
        steps.append(Path(target).name)
        replace(source, target)

    def flush(file: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{file}"):
            steps.append("flush")
        fsync(file)

    monkeypatch.setattr(os, "replace", spy)
    monkeypatch.setattr(os, "fsync", flush)
    with open_site(tmp_path / "site") as site:
        put(site, "2018/a.json")
    (snapshot,) = (tmp_path / "site").glob("catalog-*.json")
    told = [step for at, step in enumerate(steps) if step != "flush" or steps[at - 1] != "flush"]
    flushes = ["flush"] if Path("/proc/self/fd").is_dir() else []
    assert told == [
        *("a.json", "collection-1111111111111111.json", snapshot.name, *flushes),
        *("collection.json", "database.json", "snapshots.json", *flushes),
        *("catalog.json", *flushes),
    ]


def test_every_pointer_is_marked(tmp_path: Path) -> None:
    """All pointers name one snapshot and its time; the plain form is named by its checksum."""
    with open_site(tmp_path / "site") as site:
        put(site)
    (snapshot,) = site.path.glob("catalog-*.json")
    mark = {"id": snapshot.stem[len("catalog-") :], "time": "2018-02-03T04:05:06Z"}
    catalogue = read(site.path / "catalog.json")
    assert catalogue["shoestring:snapshot"] == mark
    assert read(site.path / "s2" / "collection.json")["shoestring:snapshot"] == mark
    assert read(site.path / "snapshots.json")["snapshots"] == [mark]
    assert "shoestring:snapshot" not in read(snapshot)
    (entry,) = catalogue["shoestring:collections"]
    assert entry["database"] == File("", b"database 1").checksum


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    """What is there already is not touched, whenever, and the caller is told so."""
    with open_site(tmp_path / "site") as site:
        assert put(site, "2018/a.json")
    before = times(site.path)
    with open_site(tmp_path / "site") as site:
        assert not put(site, "2018/a.json", when=NOW.replace(year=2019))
        assert not site.staging.exists()
    assert times(site.path) == before


def test_what_was_published_before_is_the_same_snapshot(tmp_path: Path) -> None:
    """Content that comes back has the identifier, the time and the pointers that it had."""
    with open_site(tmp_path / "site") as site:
        put(site, mark="1")
    first = tree(site.path)
    with open_site(tmp_path / "site") as site:
        put(site, mark="2", when=NOW.replace(hour=5))
        put(site, mark="1", when=NOW.replace(hour=6))
    after = tree(site.path)
    assert {name: after[name] for name in first if name != "snapshots.json"} == {
        name: first[name] for name in first if name != "snapshots.json"
    }
    listed = read(site.path / "snapshots.json")["snapshots"]
    assert [own.get("until") for own in listed] == [None, "2018-02-03T06:05:06Z"]


def test_a_layer_that_is_there_already_is_not_replaced(tmp_path: Path) -> None:
    """A staged file whose name and size are there already is dropped."""
    with open_site(tmp_path / "site") as site:
        site.prepare()
        for _ in range(2):
            staged = site.staging / "x"
            staged.write_bytes(b"layer")
            site.place(staged, "s2/2018/a.tif")
            inode = (site.path / "s2/2018/a.tif").stat().st_ino
            assert not staged.exists()
        assert (site.path / "s2/2018/a.tif").stat().st_ino == inode


def test_only_collections_that_are_there_are_listed(tmp_path: Path) -> None:
    """A collection that was never built is not in the catalogue."""
    with open_site(tmp_path / "site") as site:
        nothing = publish(site, CatalogueTable(id="c"), {"none": "None"}, {},
                          read_current(site.path), NOW)  # fmt: skip
        assert nothing == (None, False)
        assert put(site)
    text = (tmp_path / "site" / "catalog.json").read_text("utf-8")
    assert "./s2/collection.json" in text
    assert "none" not in text


def test_staging_folders_of_earlier_builders_go_after_a_day(tmp_path: Path) -> None:
    """An old staging folder is removed, a young one (another run's) stays."""
    site = tmp_path / "site"
    for name in (".staging-1-old", ".staging-2-young", "staging-old"):
        (site / name).mkdir(parents=True)
        (site / name / "x").write_text("x")
    age(site / ".staging-1-old", 25)
    age(site / "staging-old", 25)
    with open_site(site):
        assert sorted(os.listdir(site)) == [".staging", ".staging-2-young", "staging-old"]


def test_a_failure_to_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where the disk is full, what was staged does not keep it so."""
    with pytest.raises(PublishError), open_site(tmp_path / "site") as site:  # noqa: PT012
        site.prepare()
        (site.staging / "x").write_text("x")
        raise PublishError("no room")
    assert hidden(tmp_path / "site") == []

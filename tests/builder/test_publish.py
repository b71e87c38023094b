"""Files into the site: never a pointer before what it points to, never half a file."""

import os
from pathlib import Path

import pytest

from shoestring_builder.describe.documents import CollectionDocuments, File
from shoestring_builder.publish.site_folder import SiteFolder, open_site
from shoestring_builder.publish.snapshot import publish_catalogue, publish_collection
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.errors import PublishError
from support.mosaics import age, tree


def documents(*names: str, mark: bytes = b"1") -> CollectionDocuments:
    """Documents of a collection, with these files."""
    files = tuple(File(name, b"{}\n") for name in names)
    return CollectionDocuments(files, b"collection " + mark, b"database " + mark)


def test_pointers_come_last(tmp_path: Path) -> None:
    """Where a document can't be written, the pointers stay as they were."""
    with open_site(tmp_path / "site") as site:
        publish_collection(site, "s2", documents("2018/a.json"))
        before = tree(site.path)
        (site.path / "s2" / "2019").write_text("mine: a file where a folder should be")
        with pytest.raises(PublishError, match="2019"):
            publish_collection(site, "s2", documents("2018/b.json", "2019/c.json", mark=b"2"))
        after = tree(site.path)
    assert {name: after[name] for name in before} == before


def test_a_pointer_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is written beside and renamed: no name ever shows half a file."""
    seen: list[tuple[str, bytes]] = []
    replace = os.replace

    def spy(source: Path, target: Path) -> None:
        seen.append((Path(target).name, Path(source).read_bytes()))
        replace(source, target)

    monkeypatch.setattr(os, "replace", spy)
    with open_site(tmp_path / "site") as site:
        publish_collection(site, "s2", documents("2018/a.json"))
    assert seen == [
        ("a.json", b"{}\n"),
        ("collection.json", b"collection 1"),
        ("database.json", b"database 1"),
    ]


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    """What is there already is not touched, and the caller is told that nothing changed."""
    with open_site(tmp_path / "site") as site:
        assert publish_collection(site, "s2", documents("2018/a.json"))
    with open_site(tmp_path / "site") as site:
        assert not publish_collection(site, "s2", documents("2018/a.json"))
        assert not site.staging.exists()


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
        titles = {"s2": "Sentinel-2", "none": "None"}
        assert not publish_catalogue(site, CatalogueTable(id="c"), titles)
        publish_collection(site, "s2", documents())
        assert publish_catalogue(site, CatalogueTable(id="c"), titles)
    text = (tmp_path / "site" / "catalog.json").read_text("utf-8")
    assert "./s2/collection.json" in text
    assert "./none/" not in text


def test_staging_folders_of_killed_runs_go_after_a_day(tmp_path: Path) -> None:
    """An old staging folder is removed, a young one (another run's) stays."""
    site = tmp_path / "site"
    for name in (".staging-1-old", ".staging-2-young", "staging-old"):
        (site / name).mkdir(parents=True)
        (site / name / "x").write_text("x")
    age(site / ".staging-1-old", 25)
    age(site / "staging-old", 25)
    with open_site(site):
        assert sorted(os.listdir(site)) == [".staging-2-young", "staging-old"]


def test_the_staging_folder_goes_whatever_happens(tmp_path: Path) -> None:
    """An error within a run leaves no staging folder behind."""
    site: SiteFolder
    with pytest.raises(ValueError, match="oh"), open_site(tmp_path / "site") as site:  # noqa: PT012
        site.prepare()
        (site.staging / "x").write_text("x")
        raise ValueError("oh")
    assert os.listdir(tmp_path / "site") == []

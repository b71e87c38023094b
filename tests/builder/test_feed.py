"""The feeds of what is new, as feed readers see them."""

import shutil
from pathlib import Path
from typing import Any

import feedparser
import pytest

from shoestring_builder.build import build
from shoestring_builder.watch.feed import MOST_ENTRIES, Feed, atom, headline
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.site import ChangeDocument, Counts, SnapshotDocument
from support.mosaics import CONFIGURATION, write_configuration, write_raster, write_season


def parsed(data: bytes) -> Any:  # noqa: ANN401 (a dictionary of anything)
    """What a feed reader makes of it; it must be well-formed."""
    found = feedparser.parse(data)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    return found


def read(project: Path) -> Any:  # noqa: ANN401
    """The feed of the site's collection."""
    return parsed((project / "site/s2/feed.xml").read_bytes())


def snapshot(number: int, collection: str = "s2", added: int = 1) -> SnapshotDocument:
    """A snapshot that adds dates."""
    change = ChangeDocument(
        collection=collection, dates=Counts(added=added), layers=Counts(added=2 * added),
        first="2018-01-01", last="2018-01-09",
    )  # fmt: skip
    time = f"2018-01-01T{number // 60:02}:{number % 60:02}:00Z"
    return SnapshotDocument(id=f"{number:016x}", time=time, changes=(change,))


def feed(base_url: str | None = None, **more: str) -> Feed:
    """A feed of the collection ``s2``."""
    catalogue = CatalogueTable(id="test", title="Test site", base_url=base_url)
    return Feed(catalogue, "s2", more.get("title", "S2"), more.get("author", "Us"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with three dates of sources and the site built of them."""
    build(write_configuration(write_season(tmp_path)))
    return tmp_path


def test_users_learn_of_new_dates(project: Path) -> None:
    """Each run that changes a collection adds an entry that says which dates, the newest first."""
    write_raster(project / "mosaics/S2_2018-02-01_B04.tif", 5)
    write_raster(project / "mosaics/S2_2018-02-11_B04.tif", 5)
    build(project / "site.toml")
    write_raster(project / "mosaics/S2_2018-01-02_B04.tif", 6)
    build(project / "site.toml")
    found = read(project)
    assert [entry.title for entry in found.entries] == [
        "2018-01-02: 1 date replaced",
        "2018-02-01 to 2018-02-11: 2 dates added",
        "2018-01-01 to 2018-01-03: 3 dates added",
    ]
    assert found.entries[0].summary == "s2: 1 layer replaced."
    assert found.feed.title == "s2"
    assert found.feed.author == "Test site"
    assert found.feed.updated == found.entries[0].updated
    assert len({entry.id for entry in found.entries}) == 3


def test_no_news_leave_the_feed_alone(project: Path) -> None:
    """A run that finds nothing new, or gives the collection another title, says nothing to readers."""
    path = project / "site/s2/feed.xml"
    before = path.stat().st_mtime_ns
    build(project / "site.toml")
    assert path.stat().st_mtime_ns == before
    text = CONFIGURATION.replace('title = "Test site"', 'title = "Test"')
    build(write_configuration(project, text))
    assert len(read(project).entries) == 1


def test_entries_outlive_what_they_tell_of(project: Path) -> None:
    """Entries stay, with their identifiers, when a site has moved and its older snapshots are gone."""
    before = [entry.id for entry in read(project).entries]
    moved = Path(shutil.move(project / "site", project / "elsewhere"))
    (moved / "snapshots.json").unlink()
    text = CONFIGURATION.replace('id = "test"', 'id = "test"\noutput = "elsewhere"')
    write_raster(project / "mosaics/S2_2018-02-01_B04.tif", 5)
    build(write_configuration(project, text))
    found = parsed((moved / "s2/feed.xml").read_bytes())
    assert [entry.id for entry in found.entries][1:] == before


def test_each_collection_has_news_of_its_own(project: Path) -> None:
    """A collection's feed does not tell of another's dates."""
    write_raster(project / "dem/2018-01-01_DEM.tif", 3)
    more = (
        '[[collections]]\nid = "dem"\ntitle = "Heights"\nattribution = "Surveyors"\n'
        'source = "dem/{date}_{band}.tif"\nbands.DEM = {}\n'
    )
    build(write_configuration(project, CONFIGURATION + more))
    assert len(read(project).entries) == 1
    dem = parsed((project / "site/dem/feed.xml").read_bytes())
    assert [entry.title for entry in dem.entries] == ["2018-01-01: 1 date added"]
    assert (dem.feed.title, dem.feed.author) == ("Heights", "Surveyors")


def test_a_feed_is_bounded() -> None:
    """It holds the newest entries only."""
    data = atom(feed(), [snapshot(number) for number in range(MOST_ENTRIES + 7)])
    assert data is not None
    found = parsed(data)
    assert len(found.entries) == MOST_ENTRIES
    assert found.entries[0].updated == snapshot(MOST_ENTRIES + 6).time
    assert found.entries[-1].updated == snapshot(7).time


def test_without_news_there_is_no_feed() -> None:
    """News of other collections are none."""
    assert atom(feed(), []) is None
    assert atom(feed(), [snapshot(1, "other")]) is None


def test_links_are_whole_where_the_address_is_known() -> None:
    """With `base_url` links are absolute and the feed names itself; else they are relative."""
    with_base = atom(feed("https://example.org/ghana/"), [snapshot(1)])
    assert with_base is not None
    found = parsed(with_base)
    assert {link.rel: link.href for link in found.feed.links} == {
        "alternate": "https://example.org/ghana/status.html",
        "related": "https://example.org/ghana/s2/collection.json",
        "self": "https://example.org/ghana/s2/feed.xml",
    }
    assert found.entries[0].link == "https://example.org/ghana/status.html#s2"
    plain = atom(feed(), [snapshot(1)])
    assert plain is not None
    assert parsed(plain).entries[0].link == "../status.html#s2"
    assert "self" not in {link.rel for link in parsed(plain).feed.links}
    assert parsed(plain).entries[0].id == found.entries[0].id


def test_any_title_is_text() -> None:
    """Markup, quotes and control characters of a title are harmless."""
    data = atom(feed(title='<b>&"\x00\x1b', author="a\nb<"), [snapshot(1)])
    assert data is not None
    assert b"<b>" not in data
    assert parsed(data).feed.author == "a b<"


def test_identifiers_are_absolute() -> None:
    """Atom asks for IRIs: each is a URN, and different for feeds, collections and snapshots."""
    data = atom(feed(), [snapshot(1), snapshot(2)])
    assert data is not None
    found = parsed(data)
    ids = [found.feed.id, *(entry.id for entry in found.entries)]
    assert all(own.startswith("urn:uuid:") for own in ids)
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dates": Counts(added=1, dropped=2), "first": "a", "last": "b"},
         "a to b: 1 date added, 2 dates dropped"),
        ({"dates": Counts(replaced=2), "first": "a", "last": "a"}, "a: 2 dates replaced"),
        ({"dates": Counts(added=3)}, "3 dates added"),
    ],
)  # fmt: skip
def test_headlines(change: dict[str, Any], text: str) -> None:
    """A headline tells the dates, where they are known, and what became of them."""
    assert headline(ChangeDocument(collection="s2", **change)) == text

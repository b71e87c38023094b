"""What a run leaves behind for its owner: `status.json` and `status.html`."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import jsonschema
import msgspec
import pytest

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.publish import snapshot as snapshot_module
from shoestring_builder.publish.site_folder import open_site
from shoestring_builder.watch import coverage
from shoestring_builder.watch.coverage import part_status
from shoestring_builder.watch.coverage_chart import MOST_STROKES, chart, days_of
from shoestring_builder.watch.growth_chart import growth_chart
from shoestring_builder.watch.outcome import LONGEST, told
from shoestring_builder.watch.page import page
from shoestring_builder.watch.status import (
    FEW_SENTENCES,
    MOST_NEWS,
    MOST_POINTS,
    MOST_RUNS,
    thinned,
    with_runs,
    with_shown,
)
from shoestring_schema.errors import BusyError, PublishError
from shoestring_schema.site import (
    AssetDocument,
    ChangeDocument,
    Counts,
    ItemDocument,
    ItemProperties,
    SnapshotDocument,
)
from shoestring_schema.status import (
    CollectionRun,
    CollectionStatus,
    DayStatus,
    GrowthPoint,
    PartStatus,
    RunDocument,
    Sentences,
    StatusDocument,
)
from support import killed_build
from support.command import run_here
from support.mosaics import (
    CONFIGURATION,
    WATCH,
    tree,
    write_configuration,
    write_raster,
    write_season,
)

EMPTY = StatusDocument(version="1.0", catalogue="test", title="Test")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three dates of sources and the site built of them; not to be changed."""
    folder = write_season(tmp_path_factory.mktemp("built"))
    build(write_configuration(folder))
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of `built` to work on."""
    return Path(shutil.copytree(built, tmp_path / "project"))


def status(project: Path) -> StatusDocument:
    """What `status.json` says."""
    return msgspec.json.decode((project / "site/status.json").read_bytes(), type=StatusDocument)


def outcomes(project: Path) -> list[str]:
    """How the runs ended, in order of time."""
    return [run.outcome for run in status(project).runs]


# --- runs ----------------------------------------------------------------------------------


def test_a_first_run(built: Path) -> None:
    """The status of a new site tells of its run, its dates, bands and clear shares, and its size."""
    found = status(built)
    (run,) = found.runs
    assert (run.outcome, run.exit, run.snapshot) == ("done", 0, found.snapshot)
    (own,) = run.collections
    assert (own.id, own.rendered, own.kept) == ("s2", 6, 0)
    assert own.change == ChangeDocument(
        collection="s2", dates=Counts(added=3), layers=Counts(added=6),
        first="2018-01-01", last="2018-01-03",
    )  # fmt: skip
    (collection,) = found.collections
    (part,) = collection.parts
    assert (collection.bands, part.bands, part.items, part.layers) == (
        ("B04", "SCL"), ("B04", "SCL"), 3, 6,
    )  # fmt: skip
    items = json.loads(next((built / "site/s2/2018").glob("items-*.json")).read_bytes())
    clear = [item["properties"]["shoestring:clear_percent"] for item in items["features"]]
    expected = zip(("2018-01-01", "2018-01-02", "2018-01-03"), clear, strict=True)
    assert part.days == tuple(DayStatus(date=d, bands=3, clear=round(c)) for d, c in expected)
    size = sum(path.stat().st_size for path in (built / "site/s2/2018").glob("*.tif"))
    assert (part.size, run.size, found.growth[0].size) == (size, size, size)


def test_a_run_that_finds_nothing_new_is_a_run(project: Path) -> None:
    """It is listed, and changes nothing else of the status."""
    before = status(project)
    build(project / "site.toml")
    after = status(project)
    assert outcomes(project) == ["done", "unchanged"]
    assert msgspec.structs.replace(after, runs=()) == msgspec.structs.replace(before, runs=())


def test_what_is_set_aside_is_told_without_the_way_to_it(project: Path) -> None:
    """A bad file is named as from the configuration's folder on, in JSON and on the page."""
    (project / "mosaics/S2_2018-01-02_B04.tif").write_bytes(b"no raster")
    assert run_here("build", project / "site.toml").code == 1
    run = status(project).runs[-1]
    assert (run.outcome, run.exit) == ("partly", 1)
    (failed,) = [own.failed for own in run.collections]
    assert failed.count == 1
    assert failed.first[0].startswith("mosaics/S2_2018-01-02_B04.tif ")
    html = (project / "site/status.html").read_text("utf-8")
    assert "built in part" in html
    assert "mosaics/S2_2018-01-02_B04.tif" in html
    assert str(project) not in html + (project / "site/status.json").read_text("utf-8")


def test_a_run_that_fails_is_told(project: Path) -> None:
    """A configuration that can't be used any more is in the status with its reason and exit code."""
    before = tree(project / "site")
    text = CONFIGURATION.replace("bands.B04]", "bands.B05]")
    assert run_here("build", write_configuration(project, text)).code == 78
    run = status(project).runs[-1]
    assert (run.outcome, run.exit) == ("failed", 78)
    assert 'no file has band "B05"' in str(run.error)
    assert tree(project / "site") == before


def test_a_failed_run_leaves_nothing_but_the_status(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no room for the documents, all is taken back, and then the status written."""
    before = tree(project / "site")
    write_season(project, dates=5)

    def none(*_: object) -> None:
        raise PublishError("The disk is full.")

    monkeypatch.setattr(snapshot_module, "require_room", none)
    with pytest.raises(PublishError):
        build(project / "site.toml")
    assert tree(project / "site") == before
    assert status(project).runs[-1].error == "The disk is full."
    assert status(project).runs[-1].exit == 73


def test_a_mistake_of_the_builder_itself_is_told(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody thought of is in the status too, and passes on."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("shoestring_builder.build.take_inventory", broken)
    with pytest.raises(ZeroDivisionError):
        build(project / "site.toml")
    assert status(project).runs[-1].error == "The builder itself failed: ZeroDivisionError: oh"


def test_a_new_site_that_can_not_be_built_is_not_made(tmp_path: Path) -> None:
    """The status does not make a folder that the run did not come to make."""
    text = CONFIGURATION.replace("bands.B04]", "bands.B05]")
    assert run_here("build", write_configuration(write_season(tmp_path), text)).code == 78
    assert not (tmp_path / "site").exists()


def test_a_run_that_finds_another_at_work_writes_nothing(project: Path) -> None:
    """Who could not take the lock is not in the status."""
    before = (project / "site/status.json").read_bytes()
    with open_site(project / "site"), pytest.raises(BusyError):
        build(project / "site.toml")
    assert (project / "site/status.json").read_bytes() == before


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="This system has no SIGKILL.")
def test_a_run_that_was_killed_is_told_by_the_next(project: Path) -> None:
    """After kill -9, the next run lists the one that came to no end, and itself."""
    write_season(project, dates=5)
    _killed(project, event=12)
    assert outcomes(project) == ["done"]
    build(project / "site.toml")
    assert outcomes(project) == ["done", "killed", "done"]
    killed, last = status(project).runs[1:]
    assert killed.begun <= last.begun
    build(project / "site.toml")
    assert outcomes(project)[2:] == ["done", "unchanged"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="This system has no SIGKILL.")
def test_a_first_run_that_was_killed_is_told_by_the_next(tmp_path: Path) -> None:
    """So is the very first run, that found no site to leave a note in."""
    write_configuration(write_season(tmp_path))
    _killed(tmp_path, event=12)
    build(tmp_path / "site.toml")
    assert outcomes(tmp_path) == ["killed", "done"]


def _killed(project: Path, event: int) -> None:
    program = [sys.executable, killed_build.__file__, project / "site.toml", "1", str(event), "1"]
    done = subprocess.run(program, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("name", ["status.json", "status.html"])
def test_a_status_that_can_not_be_written_harms_nobody(project: Path, name: str) -> None:
    """The run publishes all the same, ends with 0, and says what is wrong."""
    (project / "site" / name).unlink()
    (project / "site" / name).mkdir()
    write_season(project, dates=4)
    ran = run_here("build", project / "site.toml")
    assert (ran.code, ran.out) == (0, "s2: 8 layers rendered, 0 kept\n")
    assert ran.err.startswith("status.json is not up to date: ")
    assert name in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("damage", [b"", b"{", b'{"runs": 7}', None])
def test_a_status_that_is_damaged_or_lost_begins_anew(project: Path, damage: bytes | None) -> None:
    """It tells of all dates again, from the site itself."""
    before = status(project)
    path = project / "site/status.json"
    path.unlink() if damage is None else path.write_bytes(damage)
    build(project / "site.toml")
    after = status(project)
    assert (after.collections, after.news) == (before.collections, before.news)
    assert outcomes(project) == ["unchanged"]


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    """With `status = false` a site has nothing but what its snapshots name."""
    text = CONFIGURATION.replace('id = "test"', 'id = "test"\nstatus = false')
    build(write_configuration(write_season(tmp_path), text))
    assert not [path for path in (tmp_path / "site").rglob("*") if path.name in WATCH]


def test_the_check_knows_these_files(built: Path) -> None:
    """`shoestring check` finds neither a fault nor a file that nothing names."""
    found = check(built / "site")
    assert (found.faults, found.notes) == ((), ())


def test_it_is_what_its_schema_says(project: Path) -> None:
    """`status.json` of good and bad runs validates against the JSON Schema of the contract."""
    (project / "mosaics/S2_2018-01-02_B04.tif").write_bytes(b"no raster")
    build(project / "site.toml")
    schema = json.loads((resources.files("shoestring_schema") / "schemas/status.json").read_text())
    jsonschema.validate(json.loads((project / "site/status.json").read_bytes()), schema)


def test_only_new_parts_are_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two years, a run that adds a date to the second reads that one's items only."""
    write_raster(project / "mosaics/S2_2019-05-01_B04.tif", 5)
    build(project / "site.toml")
    read: list[str] = []
    monkeypatch.setattr(coverage, "_read_part", _noted(coverage._read_part, read))
    write_raster(project / "mosaics/S2_2019-05-02_B04.tif", 6)
    build(project / "site.toml")
    assert [href[:7] for href in read] == ["./2019/"]
    parts = status(project).collections[0].parts
    assert [len(part.days) for part in parts] == [3, 2]


def _noted(function: Callable[..., object], read: list[str]) -> Callable[..., object]:
    def run(folder: Path, part: object, *others: object) -> object:
        read.append(part.href)  # type: ignore[attr-defined]
        return function(folder, part, *others)

    return run


def test_a_killed_update_is_in_the_news(project: Path) -> None:
    """What a run published that was killed before it wrote its status is news in the next one."""
    path = project / "site/status.json"
    before = path.read_bytes()
    write_season(project, dates=4)
    build(project / "site.toml")
    news = status(project).news
    path.write_bytes(before)
    build(project / "site.toml")
    assert status(project).news == news
    assert len(news) == 2


# --- days ----------------------------------------------------------------------------------


def item(moment: str, bands: str, clear: float | None, **more: str) -> ItemDocument:
    """An item with layers of one byte; more assets with the roles that are given."""
    assets = {band: AssetDocument(href=band, roles=("data",), size=1) for band in bands}
    assets |= {name: AssetDocument(href=name, roles=(role,)) for name, role in more.items()}
    own = ItemProperties(date=moment, clear_percent=clear)
    return ItemDocument(type="Feature", id=moment, properties=own, assets=assets)


def test_hours_are_told_by_day() -> None:
    """Items of a day count together: all of their bands, and the mean of their clear shares."""
    items = [
        item("2018-01-01T23:00:00Z", "a", 99.6),
        item("2018-01-02T00:00:00Z", "a", 10),
        item("2018-01-02T13:00:00Z", "c", 31, thumbnail="thumbnail"),
        item("2018-01-02T14:00:00Z", "c", None),
    ]
    assert part_status("x", items, "cba") == PartStatus(
        checksum="x", bands=("c", "a"), items=4, layers=4, size=4,
        days=(
            DayStatus(date="2018-01-01", bands=2, clear=100),
            DayStatus(date="2018-01-02", bands=3, clear=20),
        ),
    )  # fmt: skip


def test_a_band_that_is_no_longer_listed_is_told_last() -> None:
    """Bands that an old part holds and the collection does not list are told all the same."""
    found = part_status("x", [item("2018-01-01", "zya", None)], "yb")
    assert found.bands == ("y", "a", "z")
    assert found.days == (DayStatus(date="2018-01-01", bands=7, clear=None),)


# --- bounds --------------------------------------------------------------------------------


def run_at(number: int, sentences: int = 0) -> RunDocument:
    """A run of some minute."""
    failed = Sentences(count=sentences, first=("x",) * sentences)
    collections = (CollectionRun(id="s2", failed=failed, left=failed),)
    begun = f"2018-01-01T{number // 60:02}:{number % 60:02}:00Z"
    return RunDocument(begun=begun, outcome="done", collections=collections)


def test_runs_are_bounded() -> None:
    """The last runs are kept; all but the very last in few words."""
    found = EMPTY
    for number in range(MOST_RUNS + 20):
        found = with_runs(found, [run_at(number, sentences=50)])
    assert [run.begun for run in found.runs] == [run_at(n).begun for n in range(20, MOST_RUNS + 20)]
    told_ = [run.collections[0].failed for run in found.runs]
    assert {(own.count, len(own.first)) for own in told_[:-1]} == {(50, FEW_SENTENCES)}
    assert len(told_[-1].first) == 50
    assert len(found.runs[0].collections[0].left.first) == FEW_SENTENCES


def shown(size: int) -> tuple[CollectionStatus, ...]:
    """A collection of so many bytes."""
    part = PartStatus(checksum="1220" + 64 * "0", layers=1, size=size)
    return (CollectionStatus(id="s2", title="S2", parts=(part,)),)


def test_growth_is_bounded_and_keeps_its_ends() -> None:
    """Of ten years of growth night by night, few points are kept: the first, and the last ones."""
    found, begun = EMPTY, datetime(2018, 1, 1, tzinfo=UTC)
    for night in range(3650):
        found = with_shown(found, f"{night:016x}", shown(night), (), begun + timedelta(night))
    assert MOST_POINTS // 2 < len(found.growth) <= MOST_POINTS
    assert found.growth[0].size == 0
    assert [own.size for own in found.growth[-100:]] == list(range(3550, 3650))
    assert list(found.growth) == sorted(found.growth, key=lambda own: own.time)


def test_what_does_not_grow_adds_no_point() -> None:
    """A snapshot of the same size, as of a new title, is no growth."""
    now = datetime(2018, 1, 1, tzinfo=UTC)
    once = with_shown(EMPTY, "a", shown(5), (), now)
    assert with_shown(once, "b", shown(5), (), now + timedelta(1)).growth == once.growth


def test_few_points_are_all_kept() -> None:
    """Nothing is left out before there are too many."""
    points = tuple(GrowthPoint(time=str(n), size=n, layers=n) for n in range(MOST_POINTS))
    assert thinned(points) == points


def test_news_outlives_the_snapshots_and_is_bounded() -> None:
    """Snapshots that are no longer kept stay in the news, up to a number."""
    change = (ChangeDocument(collection="s2", dates=Counts(added=1)),)
    found, now = EMPTY, datetime(2018, 1, 1, tzinfo=UTC)
    for night in range(MOST_NEWS + 5):
        time = f"2018-{night // 28 + 1:02}-{night % 28 + 1:02}T00:00:00Z"
        kept = SnapshotDocument(id=f"{night:016x}", time=time, until=time, changes=change)
        silent = SnapshotDocument(id=f"f{night:015x}", time=time)
        found = with_shown(found, kept.id, (), (kept, silent), now)
    ids = [f"{night:016x}" for night in range(5, MOST_NEWS + 5)]
    assert [own.id for own in found.news] == ids
    assert {own.until for own in found.news} == {None}


def test_a_sentence_is_bounded_and_can_be_written() -> None:
    """A long sentence is cut, and a file name of any bytes gives text that UTF-8 can hold."""
    assert len(told("x" * 10_000, Path("/srv"))) == LONGEST
    name = os.fsdecode(b"/srv/a/\xff.tif")
    assert told(f"{name} can't be read.", Path("/srv/a")) == "?.tif can't be read."
    assert told("/x can't be read.", Path("/")) == "/x can't be read."


# --- the page ------------------------------------------------------------------------------

BANDS = ("B02", "B03", "B04", "B08", "B11", "SCL")


def long_collection(name: str, days: int, missing: int) -> CollectionStatus:
    """A collection of daily dates, every `missing`-th of which lacks all bands but one."""
    last = date(2026, 12, 31).toordinal()
    dates = [date.fromordinal(last - back) for back in reversed(range(days))]
    own = tuple(
        DayStatus(date=str(day), bands=63 if place % missing else 1, clear=place * 37 % 101)
        for place, day in enumerate(dates)
    )
    part = PartStatus(checksum="1220" + 64 * "0", bands=BANDS, days=own, items=days)
    return CollectionStatus(id=name, title=name, bands=BANDS, parts=(part,))


def with_collections(*collections: CollectionStatus) -> StatusDocument:
    """A status with a hundred runs full of sentences, and these."""
    long = Sentences(count=100, first=("mosaics/" + "x" * (LONGEST - 8),) * 100)
    runs = [
        RunDocument(
            begun="2018-01-01T00:00:00Z",
            outcome="partly",
            collections=(CollectionRun(id="s2", failed=long, left=long),),
        )
    ]
    own = msgspec.structs.replace(EMPTY, collections=collections)
    return with_runs(own, runs * MOST_RUNS)


@pytest.mark.parametrize("missing", [10**9, 2])
@pytest.mark.parametrize("count", [1, 12])
def test_the_page_is_bounded(missing: int, count: int) -> None:
    """With ten thousand dates of six bands in each of a dozen collections it is below 1 MB."""
    collections = [long_collection(f"c{number}", 10_000, missing) for number in range(count)]
    data = page(with_collections(*collections))
    assert len(data) < 1_000_000
    assert data.count(b"</section>") == count


def test_ten_thousand_dates_are_all_drawn() -> None:
    """They fit: no year is left out, and each day is one stroke for all bands."""
    own = long_collection("s2", 10_000, 10**9)
    drawn = chart(own, days_of(own), MOST_STROKES, "k")
    assert drawn.count("0v8") == 10_000
    assert drawn.count("<details") == 28
    assert "<p>" not in drawn


def test_what_has_no_place_is_told_in_numbers() -> None:
    """Where strokes are short, the newest years are drawn, the others told."""
    own = long_collection("s2", 1000, 10**9)
    drawn = chart(own, days_of(own), 800, "k")
    assert re.findall(r"<summary>(\d+): ", drawn) == ["2026", "2025"]
    assert re.findall(r"<p>(\d+): (\d+) days", drawn) == [("2024", "270")]


def test_a_date_that_lacks_a_band_is_not_drawn_there() -> None:
    """A day with all bands stands in each row, one with some of them in their rows only."""
    days = (
        DayStatus(date="2018-01-01", bands=3, clear=85),
        DayStatus(date="2018-01-31", bands=1, clear=19),
        DayStatus(date="2018-12-31", bands=2, clear=None),
    )
    part = PartStatus(checksum="x", bands=("B04", "SCL"), days=days)
    own = CollectionStatus(id="s2", title="S2", bands=("B04", "SCL"), parts=(part,))
    drawn = chart(own, days_of(own), 100, "k")
    shared, rows = drawn.split("</defs>")
    assert '<path class="c4" d="M0 0v8"/>' in shared
    first, second = rows.split('href="#k0"/>')[1:]
    assert first.startswith('<path class="c0" d="M30 0v8"/>')
    assert second.startswith('<path class="c5" d="M364 0v8"/>')
    assert "2018: 3 days, 52 % clear on average" in drawn


class _Tags(HTMLParser):
    """Opens and closes: what is left open or refers elsewhere."""

    VOID = ("meta", "link", "br", "path", "use")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.addresses.append(str(value))
            if name == "id":
                self.ids.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_self_contained(project: Path) -> None:
    """Its tags are closed, its identifiers are single, and it loads nothing from anywhere."""
    build(project / "site.toml")
    text = (project / "site/status.html").read_text("utf-8")
    tags = _Tags()
    tags.feed(text)
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    outside = [own for own in tags.addresses if not own.startswith("#")]
    assert set(outside) == {"s2/feed.xml", "status.json"}
    assert all((project / "site" / own).is_file() for own in outside)
    inside = {own[1:] for own in tags.addresses if own.startswith("#")}
    assert inside <= set(tags.ids)
    assert "script" not in text
    assert "url(" not in text
    assert "2018-01-01 to 2018-01-03: 3 days, 6 layers of 2 bands" in text


def test_the_page_tells_what_a_run_has_added() -> None:
    """Beside each run's size stands by how much it differs from that of the run before."""
    sizes = (1000, 1000, 251_000, 0, 1000)
    runs = tuple(
        RunDocument(
            begun=f"2018-01-0{n}T00:00:00Z", outcome="done" if size else "killed", size=size
        )
        for n, size in enumerate(sizes, 1)
    )
    text = page(msgspec.structs.replace(EMPTY, runs=runs)).decode()
    cells = re.findall(r"<td>([^<]*)</td></tr>", text)
    assert cells == ["1.0 kB (\u2212250.0 kB)", "", "251.0 kB (+250.0 kB)", "1.0 kB", "1.0 kB"]


def test_names_are_text_and_no_markup() -> None:
    """Whatever stands in a title, a band's name or a reason is shown as it is."""
    evil = '<script>"&'
    part = PartStatus(
        checksum="x", bands=("a",), days=(DayStatus(date="2018-01-01", bands=0, clear=None),)
    )
    own = CollectionStatus(id="s2", title=evil, bands=("a",), parts=(part,))
    run = RunDocument(begun="2018-01-01T00:00:00Z", outcome="failed", error=evil)
    found = msgspec.structs.replace(EMPTY, title=evil, collections=(own,), runs=(run,))
    text = page(found).decode()
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") >= 4


def test_a_site_without_anything_has_a_page() -> None:
    """No runs, no collections, no growth: a page that says so."""
    assert "There was no run yet." in page(EMPTY).decode()


def test_growth_is_drawn_from_its_first_to_its_last_point() -> None:
    """The steps begin at the left edge and end at the right one, the largest at the top."""
    times = ("2018-01-01T00:00:00Z", "2018-01-02T00:00:00Z", "2018-01-05T00:00:00Z")
    points = [
        GrowthPoint(time=t, size=s, layers=1) for t, s in zip(times, (0, 50, 100), strict=True)
    ]
    assert 'd="M0 118H150V60H600V2H600"' in growth_chart(points)
    assert growth_chart(points[:1]) == ""

"""Snapshots come, are listed, are shown again, and go."""

import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoestring
from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.publish.clean_up import select
from shoestring_builder.publish.history import kept, next_mark, with_current
from shoestring_builder.publish.names import SnapshotNames
from shoestring_builder.publish.rollback import list_snapshots, rollback
from shoestring_builder.publish.site_folder import open_site
from shoestring_schema.errors import CatalogueError, SelectionError, ShoestringError
from shoestring_schema.site import SnapshotDocument
from support.command import run_here
from support.mosaics import (
    CONFIGURATION,
    age,
    disk_usage,
    outdate,
    republish,
    times,
    tree,
    write_configuration,
    write_raster,
    write_season,
)

NIGHTS = 3


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site to which a date was added in each of three nights; not to be changed."""
    folder = tmp_path_factory.mktemp("grown")
    for night in range(1, NIGHTS + 1):
        for band in ("B04", "SCL"):
            path = folder / "mosaics" / f"S2_2018-01-0{night}_{band}.tif"
            write_raster(path, night, dtype="uint8" if band == "SCL" else "uint16")
        build(write_configuration(folder))
        age(folder / "site", 24)
    return folder


@pytest.fixture
def project(grown: Path, tmp_path: Path) -> Path:
    """A copy of it to work on."""
    return Path(shutil.copytree(grown, tmp_path / "project"))


def snapshots(site: Path) -> list[str]:
    """The snapshots that a site keeps, the oldest first."""
    return [own.id for own in list_snapshots(site)[0]]


def dates(site: Path, snapshot: str | None = None) -> int:
    """How many dates a reader finds."""
    with shoestring.open(site, snapshot=snapshot) as catalogue:
        return len(catalogue["s2"].dates)


def keep(project: Path, text: str) -> Path:
    """The configuration, with another time to keep snapshots."""
    return write_configuration(
        project, CONFIGURATION.replace('id = "test"', f'id = "test"\nkeep = "{text}"')
    )


def test_history_lists_snapshots(grown: Path) -> None:
    """The newest comes first, a star marks the current one, and what it changed is told."""
    ran = run_here("history", grown / "site")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert [line[0] for line in lines] == ["*", " ", " "][: len(lines)]
    assert all(line.endswith("s2: 1 date added (2 layers)") for line in lines)
    assert [line[2:18] for line in lines] == snapshots(grown / "site")[::-1]


def test_history_of_what_is_no_site(tmp_path: Path) -> None:
    """A folder that is no site is named."""
    ran = run_here("history", tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert f"{tmp_path} is not a site" in ran.err


def test_yesterdays_readers_are_kept_by_default(grown: Path, project: Path) -> None:
    """A snapshot goes 20 hours after it was replaced, and not before."""
    site = project / "site"
    before = snapshots(site)
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 99)
    build(project / "site.toml")
    old = before[-1]
    age(site, 19.9)
    build(project / "site.toml")
    assert snapshots(site)[0] == old
    assert dates(site, old) == NIGHTS
    age(site, 0.2)
    report = build(project / "site.toml")
    assert old not in snapshots(site)
    assert report.freed.snapshots == 1
    with pytest.raises(SelectionError, match=f"keeps no snapshot '{old}'; there are "):
        dates(site, old)


def test_snapshots_are_kept_as_long_as_is_said(project: Path) -> None:
    """With keep = "30 days" each night's snapshot can be read for a month; then it goes."""
    site = project / "site"
    config = keep(project, "30 days")
    for night in range(4, 8):
        write_raster(project / "mosaics" / f"S2_2018-01-0{night}_B04.tif", night)
        build(config)
        age(site, 24)
    held = snapshots(site)
    assert [dates(site, own) for own in held][-5:] == [3, 4, 5, 6, 7]
    assert (check(site).faults, check(site).notes) == ((), ())
    size = disk_usage(site)
    age(site, 24 * 28)
    freed = build(config).freed
    left = snapshots(site)
    assert 0 < freed.snapshots == len(held) - len(left)
    assert left == held[freed.snapshots :]
    assert [dates(site, own) for own in left] == [5, 6, 7][-len(left) :]
    now = disk_usage(site)
    assert 0 < freed.size <= size - now < freed.size + 2000  # and the list is shorter
    assert (check(site).faults, check(site).notes) == ((), ())


def test_what_was_freed_is_said(project: Path) -> None:
    """The command tells how much a clean-up has freed."""
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 99)
    build(project / "site.toml")
    age(project / "site", 21)
    ran = run_here("build", project / "site.toml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == "s2: nothing new, 6 layers kept"
    assert " files of 1 old snapshot" in ran.out.splitlines()[1]
    assert ran.out.splitlines()[1].startswith("freed ")


def test_nothing_goes_while_a_kept_snapshot_is_damaged(project: Path) -> None:
    """What a damaged document names is not known: nothing is removed, and that is said."""
    site = project / "site"
    config = keep(project, "30 hours")
    for value in (98, 99):
        write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", value)
        build(config)
        age(site, 20)
    held = snapshots(site)
    age(site, 1)
    (site / f"catalog-{held[-2]}.json").write_text("{")
    before = set(tree(site))
    ran = run_here("build", config)
    assert "Nothing was cleaned up: " in ran.err
    assert f"catalog-{held[-2]}.json is not as it was published" in ran.err
    assert set(tree(site)) == before


def test_the_current_snapshot_is_never_removed(project: Path) -> None:
    """A site that nobody changed for ten years is whole, whatever keep says."""
    age(project / "site", 24 * 3650)
    build(keep(project, "0 seconds"))
    assert len(snapshots(project / "site")) == 1
    assert check(project / "site").faults == ()
    assert dates(project / "site") == NIGHTS


def test_rollback_shows_what_was_shown_before(project: Path) -> None:
    """After a rollback every pointer is what it was then, byte for byte, and the site is whole."""
    site = project / "site"
    pointers = ("catalog.json", "s2/collection.json", "s2/database.json")
    config = keep(project, "30 days")
    build(config)
    held, before = snapshots(site)[-1], tree(site)
    write_raster(project / "mosaics" / "S2_2018-01-09_B04.tif", 99)
    build(config)
    assert dates(site) == NIGHTS + 1
    ran = run_here("rollback", site, held)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{site} shows snapshot {held} of 20")
    after = tree(site)
    assert [after[name] for name in pointers] == [before[name] for name in pointers]
    assert dates(site) == NIGHTS
    assert (check(site).faults, check(site).notes) == ((), ())
    assert run_here("history", site).out.count("*") == 1
    assert f"* {held}" in run_here("history", site).out


def test_the_build_after_a_rollback_renders_nothing_twice(project: Path) -> None:
    """It publishes what the sources say, which is the same snapshot again, of the same files."""
    site = project / "site"
    config = keep(project, "30 days")
    held = snapshots(site)[-1]
    write_raster(project / "mosaics" / "S2_2018-01-09_B04.tif", 99)
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 98)
    newest = build(config).snapshot
    rollback(site, held)
    ran = run_here("build", config)
    assert ran.out == "s2: 0 layers rendered, 2 used again, 5 kept\n"
    assert snapshots(site)[-1] == newest
    with shoestring.open(site) as catalogue:
        assert catalogue.snapshot == newest
    assert (check(site).faults, check(site).notes) == ((), ())


def test_sources_that_are_put_back_are_not_rendered_again(project: Path) -> None:
    """A reprocessing that is undone costs no rendering, as long as its snapshot is kept."""
    source = project / "mosaics" / "S2_2018-01-02_B04.tif"
    shutil.copy2(source, project / "kept.tif")
    write_raster(source, 98)
    assert build(project / "site.toml").collections[0].rendered == 1
    shutil.copy2(project / "kept.tif", source)
    report = build(project / "site.toml").collections[0]
    assert (report.rendered, report.reused, report.changed) == (0, 1, True)
    assert check(project / "site").faults == ()


def test_a_collection_that_a_snapshot_lacks_is_not_shown(project: Path) -> None:
    """After a rollback no pointer is left of a collection that came later; it comes back."""
    site = project / "site"
    held = snapshots(site)[-1]
    write_raster(project / "dem" / "2018-01-01_DEM.tif", 3)
    more = '[[collections]]\nid = "dem"\nsource = "dem/{date}_{band}.tif"\nbands.DEM = {}\n'
    config = write_configuration(project, CONFIGURATION + more)
    build(config)
    rollback(site, held)
    assert not (site / "dem" / "collection.json").exists()
    assert not (site / "dem" / "database.json").exists()
    assert (check(site).faults, check(site).notes) == ((), ())
    build(config)
    assert (site / "dem" / "collection.json").is_file()
    assert (check(site).faults, check(site).notes) == ((), ())


def test_a_snapshot_that_is_not_whole_is_not_shown(project: Path) -> None:
    """A rollback to a snapshot that lacks a file changes nothing and names the file."""
    site = project / "site"
    held = snapshots(site)[-1]
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 98)
    old = set((site / "s2" / "2018").glob("2018-01-02_B04-*"))
    build(project / "site.toml")
    for path in old:
        path.unlink()
    before = times(site)
    with pytest.raises(CatalogueError, match=r"no longer whole.*2018-01-02_B04-.* is missing"):
        rollback(site, held)
    assert times(site) == before


def test_rollback_waits_for_no_builder(project: Path) -> None:
    """While a builder works, a rollback says so and leaves with exit code 75."""
    held = snapshots(project / "site")[-1]
    with open_site(project / "site"):
        ran = run_here("rollback", project / "site", held)
    assert (ran.code, ran.out) == (75, "")
    assert "another builder" in ran.err


def test_rollback_to_an_unknown_snapshot(project: Path) -> None:
    """A snapshot that is not kept is named, with the way to those that are."""
    ran = run_here("rollback", project / "site", "0123456789abcdef")
    assert (ran.code, ran.out) == (1, "")
    assert "keeps no snapshot '0123456789abcdef': `shoestring history" in ran.err


@pytest.mark.parametrize("damaged", ["catalog.json", "snapshots.json", "s2/collection.json"])
def test_rollback_mends_damaged_pointers(project: Path, damaged: str) -> None:
    """Whatever pointer was damaged is as it was after a rollback to the current snapshot."""
    site = project / "site"
    before = tree(site)
    current = snapshots(site)[-1]
    (site / damaged).write_bytes(b"\0" * 10)
    rollback(site, current)
    after = tree(site)
    same = before.keys() - {"snapshots.json"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert snapshots(site)[-1] == current
    assert check(site).faults == ()


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize("pattern", ["catalog-*.json", "s2/collection-*.json"])
def test_a_build_mends_the_documents_that_others_are_found_by(
    project: Path, pattern: str, configured: bool
) -> None:
    """A document of the current snapshot that was damaged, even by a bit, is as it was before."""
    site = project / "site"
    age(site, 24)
    config = project / "site.toml"
    if not configured:
        write_configuration(project, CONFIGURATION.replace('id = "s2"', 'id = "other"'))
        build(config)
        age(site, 24)
    build(config)
    before = tree(site)
    for path in site.glob(pattern):
        path.write_bytes(path.read_bytes().replace(b"s2", b"s3"))
    assert tree(site) != before
    assert build(config).failed == ()
    assert tree(site) == before
    assert check(site).faults == ()


def test_a_collection_whose_documents_are_lost_does_not_take_others_along(project: Path) -> None:
    """A collection that is no longer configured, and whose documents can't be read, is left out."""
    site = project / "site"
    config = write_configuration(project, CONFIGURATION.replace('id = "s2"', 'id = "other"'))
    build(config)
    for path in site.glob("s2/collection*.json"):
        path.write_bytes(b"{")
    build(config)
    with shoestring.open(site) as catalogue:
        assert list(catalogue) == ["other"]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_byte_that_changed_in_a_pointer_is_no_crash(
    grown: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever byte of a pointer is another, a build mends it or says in a sentence what is wrong."""
    project = Path(shutil.copytree(grown, tmp_path_factory.mktemp("byte") / "project"))
    names = ("catalog.json", "snapshots.json", "s2/collection.json", "s2/database.json")
    path = project / "site" / data.draw(st.sampled_from(names))
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.sampled_from(b'0129aZ"{}[],: \xff\x00'))
    path.write_bytes(content)
    try:
        build(project / "site.toml")
    except ShoestringError as error:
        assert path.name in str(error) or "is missing" in str(error)  # noqa: PT017
    else:
        assert check(project / "site").faults == ()
    shutil.rmtree(project)


@pytest.mark.parametrize("time", ["2018-13-01T00:00:00Z", "2018-02-30T00:00:00Z"])
def test_a_time_that_there_is_not(project: Path, time: str) -> None:
    """Times that no calendar has are damage like any other."""
    site = project / "site"
    held = snapshots(site)
    text = (site / "snapshots.json").read_text("utf-8")
    (site / "snapshots.json").write_text(re.sub(r'"time": "[^"]+"', f'"time": "{time}"', text))
    build(project / "site.toml")
    assert set(snapshots(site)) == set(held)
    assert check(site).faults == ()
    text = (site / "catalog.json").read_text("utf-8")
    (site / "catalog.json").write_text(re.sub(r'"time": "[^"]+"', f'"time": "{time}"', text))
    ran = run_here("build", project / "site.toml")
    assert ran.code == 1
    assert "catalog.json has a snapshot of no time that there is" in ran.err


def test_a_damaged_catalogue_names_the_remedy(project: Path) -> None:
    """A build that can't read `catalog.json` says what writes it again."""
    (project / "site" / "catalog.json").write_text("{")
    ran = run_here("build", project / "site.toml")
    assert ran.code == 1
    assert "`shoestring rollback` writes it again" in ran.err


def test_a_list_that_was_lost_is_made_again(project: Path) -> None:
    """Without `snapshots.json` the snapshots are found by their documents, and none is lost."""
    site = project / "site"
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 98)
    build(project / "site.toml")
    held = snapshots(site)
    (site / "snapshots.json").unlink()
    build(project / "site.toml")
    assert set(snapshots(site)) == set(held)
    age(site, 19)
    build(project / "site.toml")
    assert [dates(site, own) for own in held] == [NIGHTS] * len(held)
    assert check(site).faults == ()


def test_a_site_of_an_earlier_builder_goes_on(project: Path) -> None:
    """A site without snapshots gets one by the next run, and nothing is rendered for it."""
    site = project / "site"
    outdate(site)
    assert dates(site) == NIGHTS
    assert check(site).faults == ()
    report = build(project / "site.toml")
    assert (report.collections[0].rendered, report.collections[0].kept) == (0, 6)
    assert len(snapshots(site)) == 1
    assert check(site).faults == ()


def test_a_collection_of_an_earlier_builder_is_taken_along(project: Path) -> None:
    """A collection that is no longer configured stays in the snapshots of an older site."""
    site = project / "site"
    outdate(site)
    text = CONFIGURATION.replace('id = "s2"', 'id = "other"')
    build(write_configuration(project, text))
    with shoestring.open(site) as catalogue:
        assert list(catalogue) == ["other", "s2"]
        assert len(catalogue["s2"].dates) == NIGHTS
    assert check(site).faults == ()


START = datetime(2018, 1, 1, tzinfo=UTC)


@given(steps=st.lists(st.tuples(st.integers(0, 5), st.integers(-48, 480)), min_size=1, max_size=12),
       keep_hours=st.integers(0, 200))  # fmt: skip
def test_a_snapshot_is_kept_for_its_time(steps: list[tuple[int, int]], keep_hours: int) -> None:
    """Whatever is published when, and however the clock jumps back, who was current lately stays.

    The reader's own watch counts here: hours that really passed since a snapshot was replaced,
    as long as the builder's clock did not run ahead of it.
    """
    listed: tuple[SnapshotDocument, ...] = ()
    clock, shown = START, None
    ended: dict[str, datetime] = {}
    for number, hours in steps:
        clock += timedelta(hours=hours)
        name = f"{number:016x}"
        mark = next_mark(listed, name, clock)
        if shown is not None and shown != name:
            ended[shown] = clock
        listed = with_current(listed, mark, (), clock)
        shown = name
        ended.pop(name, None)
        assert [own.until is None for own in listed if own.id == name] == [True]
        assert sum(own.until is None for own in listed) == 1
        assert [own.time for own in listed] == sorted(own.time for own in listed)
        left = kept(listed, mark, timedelta(hours=keep_hours), clock)
        names = {own.id for own in left}
        assert name in names
        for own, end in ended.items():
            assert own in names or clock - end >= timedelta(hours=keep_hours)
        ended = {own: end for own, end in ended.items() if own in names}
        listed = left


FILES = st.sampled_from(
    ["s2/2018/a-0123456789abcdef.tif", "s2/2018/b-0123456789abcdef.json", "s2/2018/mine.tif",
     "s2/2018/x-0123.tif", "s2/collection-0123456789abcdef.json", "s2/collection.json",
     "s2/database.json", "catalog-0123456789abcdef.json", "catalog-0123456789abcdee.json",
     "catalog.json", "snapshots.json", "s2/2018x/a-0123456789abcdef.tif",
     "s2/collection-0123456789abcdef.json.bak", "catalog-0123.json", "my-0123456789abcdef.tif",
     "s2/2018/deep/a-0123456789abcdef.tif", "s2/my\n/2018/a-0123456789abcdef.tif"]
)  # fmt: skip


@given(
    ages=st.dictionaries(FILES, st.floats(0, 100)), named=st.sets(FILES), before=st.floats(0, 99)
)
def test_a_clean_up_takes_nothing_that_is_named_young_or_not_ours(
    ages: dict[str, float], named: set[str], before: float
) -> None:
    """Only names that carry a hash go, and of these none that a kept snapshot names."""
    doomed = select(ages, named, before)
    assert not set(doomed) & named
    assert all(ages[name] < before for name in doomed)
    assert all(name.rpartition("-")[2].partition(".")[0].startswith("0123456789abcde")
               for name in doomed)  # fmt: skip
    assert all(name.count("/") <= 2 for name in doomed)
    assert len(set(doomed)) == len(doomed)


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_whatever_happens_kept_snapshots_are_whole(
    grown: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """After any nights of news, reprocessing, rollbacks and pauses all that is listed is there."""
    project = Path(shutil.copytree(grown, tmp_path_factory.mktemp("any") / "project"))
    site = project / "site"
    config = keep(project, data.draw(st.sampled_from(["0 seconds", "20 hours", "3 days"])))
    for step in range(data.draw(st.integers(2, 5))):
        match data.draw(st.sampled_from(["new", "again", "back", "nothing"])):
            case "new":
                write_raster(project / "mosaics" / f"S2_2018-02-0{step + 1}_B04.tif", step + 1)
            case "again":
                write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 100 + step)
            case "back":
                rollback(site, data.draw(st.sampled_from(snapshots(site))))
        if data.draw(st.booleans()):
            build(config)
        age(site, data.draw(st.sampled_from([1, 19, 25, 90])))
        names = SnapshotNames(site)
        for own in snapshots(site):
            missing = [name for name in names.of(own) if not (site / name).is_file()]
            assert missing == []
            with shoestring.open(site, snapshot=own) as catalogue:
                assert catalogue.snapshot == own
    shutil.rmtree(project)


def test_the_list_tells_what_is_current_only_by_the_pointer(project: Path) -> None:
    """A list that is ahead of `catalog.json`, as after a kill, is put right by the next run."""
    site, config = project / "site", project / "site.toml"
    before = (site / "catalog.json").read_bytes()
    source = project / "mosaics" / "S2_2018-01-02_B04.tif"
    shutil.copy2(source, project / "kept.tif")
    write_raster(source, 99)
    ahead = build(config).snapshot
    (site / "catalog.json").write_bytes(before)
    shutil.copy2(project / "kept.tif", source)
    build(config)
    mark = list_snapshots(site)[1]
    assert (site / "catalog.json").read_bytes() == before
    ended = {own.id: own.until is not None for own in list_snapshots(site)[0]}
    assert mark is not None
    assert (ended[mark.id], ended[str(ahead)]) == (False, True)
    assert check(site).faults == ()


def test_a_snapshot_that_the_list_names_wrongly_is_not_lost(project: Path) -> None:
    """A bit that changed in an identifier costs no snapshot: its document is there."""
    site = project / "site"
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 99)
    build(project / "site.toml")
    held = snapshots(site)
    path = site / "snapshots.json"
    path.write_text(path.read_text("utf-8").replace(held[-2], "f" * 16), "utf-8")
    age(site, 19)
    build(project / "site.toml")
    assert set(snapshots(site)) >= set(held[-2:])
    assert dates(site, held[-2]) == NIGHTS
    assert check(site).faults == ()


def test_a_republished_site_is_whole(project: Path) -> None:
    """The tests' own way to make a snapshot makes one that the check finds whole."""
    republish(project / "site")
    assert check(project / "site").faults == ()


def test_an_identifier_is_of_the_content_alone(tmp_path: Path) -> None:
    """The same season built at two places, at two times, is one snapshot."""
    names = []
    for folder in ("one", "two"):
        write_season(tmp_path / folder, dates=1)
        for path in (tmp_path / folder / "mosaics").iterdir():
            os.utime(path, (1, 1))
        names.append(build(write_configuration(tmp_path / folder)).snapshot)
    assert names[0] == names[1]

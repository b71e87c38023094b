"""Parts of a collection: a run writes those that are new, and no others."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from support.mosaics import (
    CONFIGURATION,
    timeless,
    times,
    tree,
    write_configuration,
    write_raster,
)

DATES = ("2016-12-30", "2017-03-01", "2017-03-02", "2018-01-05", "2018-02-01")
PERIODS = ["2016", "2017", "2018-01", "2018-02"]
BARE = CONFIGURATION.replace("settle", "doors = []\nsettle")
"""Without files for other tools, which have tests of their own."""


def write_date(folder: Path, day: str) -> None:
    """The sources of a date."""
    (folder / "mosaics").mkdir(exist_ok=True)
    write_raster(folder / "mosaics" / f"S2_{day}_B04.tif", int(day[-2:]))
    write_raster(folder / "mosaics" / f"S2_{day}_SCL.tif", 4, dtype="uint8")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources of three years and their site; not to be changed."""
    folder = tmp_path_factory.mktemp("parts")
    for day in DATES:
        write_date(folder, day)
    build(write_configuration(folder, BARE))
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of `built` to work on, modification times included."""
    return Path(shutil.copytree(built, tmp_path / "project"))


def parts(site: Path) -> dict[str, dict[str, object]]:
    """What the collection says of its parts, by their periods."""
    document = json.loads((site / "s2/collection.json").read_text("utf-8"))
    return {part["period"]: part for part in document["shoestring:parts"]}


def written(project: Path) -> list[str]:
    """Build; which documents of parts are new, without their hashes."""
    before = times(project / "site")
    build(project / "site.toml")
    new = sorted(Path(name).name for name in set(times(project / "site")) - set(before))
    documents = [name.rpartition("-")[0] for name in new if name[0].isalpha()]
    return [name for name in documents if name not in ("catalog", "collection")]


def test_past_years_are_whole_and_the_last_in_months(built: Path) -> None:
    """Each part says its period; each has its items, its index and its STAC catalogue."""
    assert list(parts(built / "site")) == PERIODS
    names = {path.name.rpartition("-")[0] for path in (built / "site/s2").glob("*/[a-z]*")}
    assert names == {f"{kind}-{own}" for kind in ("items", "index", "catalog") for own in PERIODS}
    assert check(built / "site").faults == ()


@pytest.mark.parametrize(
    ("day", "periods"),
    [
        ("2018-02-07", ["2018-02"]),
        ("2018-03-01", ["2018-03"]),
        ("2017-05-05", ["2017"]),
        ("2019-01-01", ["2018", "2019-01"]),
    ],
)
def test_a_new_date_writes_its_part(project: Path, day: str, periods: list[str]) -> None:
    """No other part is written; but the first date of a year puts the old one together."""
    write_date(project, day)
    expected = sorted(f"{kind}-{own}" for own in periods for kind in ("items", "index", "catalog"))
    assert written(project) == expected
    assert check(project / "site").faults == ()


def test_a_dropped_year_leaves_what_it_would_always_have_been(project: Path) -> None:
    """Where the last year goes, the one before is in months again: as if nothing had been."""
    config = write_configuration(
        project, BARE.replace('id = "s2"', 'id = "s2"\non_missing = "drop"')
    )
    build(config)
    for path in (project / "mosaics").glob("S2_2018-*"):
        path.unlink()
    build(config)
    assert list(parts(project / "site")) == ["2016", "2017-03"]
    dropped = parts(project / "site")
    shutil.rmtree(project / "site")
    build(config)
    assert parts(project / "site") == dropped


def test_other_settings_describe_every_part_anew(built: Path, project: Path) -> None:
    """A title is in every item; and with the old settings the old documents come back."""
    titled = BARE.replace('id = "s2"', 'id = "s2"\ntitle = "Two"')
    build(write_configuration(project, titled))
    for part in parts(project / "site").values():
        text = (project / "site/s2" / str(part["href"])).read_text("utf-8")
        assert text.count('"title":"Two 20') == len(json.loads(text)["features"])
    build(write_configuration(project, BARE))
    assert parts(project / "site") == parts(built / "site")
    at_once, now = timeless(built / "site"), timeless(project / "site")
    assert {name: now[name] for name in at_once} == at_once


CHANGES: list[Callable[[str], str]] = [
    lambda text: text.replace("[collections.bands.B04]", '[collections.bands.B04]\ntitle = "Red"'),
    lambda text: text.replace("[collections.bands.B04]", '[collections.bands.B04]\nunit = "1"'),
    lambda text: text.replace('common_name = "red"', 'common_name = "nir"'),
    lambda text: text.replace("clear = [4", "clear = [5, 4"),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_every_setting_that_parts_depend_on_counts(
    project: Path, change: Callable[[str], str]
) -> None:
    """No part is taken for what it was where a word of it would be another today."""
    text = change(BARE)
    assert text != BARE
    build(write_configuration(project, text))
    grown = parts(project / "site")
    shutil.rmtree(project / "site")
    build(project / "site.toml")
    assert parts(project / "site") == grown


@pytest.mark.parametrize("name", ["2017-03-01-*.json", "catalog-2017-*.json", "items-2017-*.json"])
def test_a_lost_document_of_an_old_part_is_written_again(project: Path, name: str) -> None:
    """Nothing is rendered for it, but where the items themselves are lost."""
    before = tree(project / "site")
    (lost,) = (project / "site/s2/2017").glob(name)
    lost.unlink()
    report = build(project / "site.toml")
    assert any(lost.name in sentence for sentence in report.damaged)
    assert tree(project / "site") == before
    assert report.collections[0].rendered == (4 if name.startswith("items") else 0)


def test_nothing_new_opens_no_source(project: Path) -> None:
    """Sources that could not be opened are not missed where names, sizes and times are as before."""
    for path in (project / "mosaics").iterdir():
        status = path.stat()
        path.write_bytes(bytes(status.st_size))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    before = times(project / "site")
    report = build(project / "site.toml")
    assert (report.changed, report.failed, report.damaged) == (False, (), ())
    assert times(project / "site") == before


def test_many_days_are_listed_in_a_word(tmp_path: Path) -> None:
    """A month of days is an interval in the collection, and its dates in `database.json`."""
    for day in range(1, 31):
        write_date(tmp_path, date(2018, 4, day).isoformat())
    build(write_configuration(tmp_path))
    assert [part["dates"] for part in parts(tmp_path / "site").values()] == [["R29/2018-04-01/P1D"]]
    listed = json.loads((tmp_path / "site/s2/database.json").read_text("utf-8"))
    assert list(listed) == [date(2018, 4, day).isoformat() for day in range(1, 31)]
    assert check(tmp_path / "site").faults == ()

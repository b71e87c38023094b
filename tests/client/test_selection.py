"""Which bands and dates are meant."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoestring
from shoestring.selection import select_bands, select_dates
from shoestring_schema.errors import SelectionError, UnknownNameError
from shoestring_schema.moment import format_moment
from support.site import UTM, SiteFolder, numbers, simple_site

KNOWN = tuple(date(2018, month, 1) for month in range(1, 13))
HOURS = tuple(datetime(2018, 1, 1, tzinfo=UTC) + timedelta(hours=6 * n) for n in range(8))
QUICK = settings(max_examples=100, deadline=None)
DAYS = st.dates(date(2017, 12, 1), date(2019, 1, 31))


@QUICK
@given(st.sets(DAYS, min_size=1), DAYS, DAYS)
def test_a_pair_is_a_closed_interval(known: set[date], first: date, last: date) -> None:
    """A pair of dates selects just the known dates from the first to the last, both included."""
    ordered = sorted(known)
    wanted = [day for day in ordered if first <= day <= last]
    for pair in ((first, last), (first.isoformat(), last.isoformat())):
        if wanted:
            assert list(select_dates(pair, ordered)) == wanted
        else:
            with pytest.raises(SelectionError):
                select_dates(pair, ordered)


@QUICK
@given(st.lists(st.sampled_from(KNOWN), min_size=1))
def test_a_list_is_just_those(wanted: list[date]) -> None:
    """A list selects just its dates, in order of time, each once."""
    assert list(select_dates(wanted, KNOWN)) == sorted(set(wanted))
    assert select_dates([day.isoformat() for day in wanted], KNOWN) == select_dates(wanted, KNOWN)


@pytest.mark.parametrize(
    "wanted",
    [
        "2018-03-01",
        date(2018, 3, 1),
        datetime(2018, 3, 1, 12, tzinfo=UTC),
        ["2018-03-01"],
        [np.datetime64("2018-03-01")],
        [pd.Timestamp("2018-03-01")],
        pd.DatetimeIndex(["2018-03-01"]),
        (day for day in ["2018-03-01"]),
        ("2018-02-28", "2018-03-31"),
    ],
    ids=lambda wanted: str(wanted).partition(" at 0x")[0],
)
def test_a_date_may_be_written_in_many_ways(wanted: Any) -> None:  # noqa: ANN401
    """Texts, dates, times and those of NumPy and pandas are understood."""
    assert select_dates(wanted, KNOWN) == (date(2018, 3, 1),)


def test_none_leaves_an_end_open() -> None:
    """None is all dates, and leaves an interval's end open within a pair."""
    assert select_dates(None, KNOWN) == KNOWN
    assert select_dates(("2018-11-01", None), KNOWN) == KNOWN[10:]
    assert select_dates((None, date(2018, 2, 1)), KNOWN) == KNOWN[:2]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("2018-03-02", "There is no date 2018-03-02: the nearest is 2018-03-01, the collection has 12"),
        (["2018-01-01", "2019-01-01"], "There is no date 2019-01-01: the nearest is 2018-12-01"),
        ("soon", "'soon' is not a date: write it like 2018-01-02"),
        (20180302, "There is no date 2018-03-02"),
        (3.5, "'3.5' is not a date"),
        (("2018-05-01", "2018-03-01"), "ends before it begins: 2018-05-01 to 2018-03-01"),
        (("2019-05-01", "2019-06-01"), "no dates between 2019-05-01 and 2019-06-01: the collection"),
        ([], "No date was asked for: leave `dates` out"),
    ],
)  # fmt: skip
def test_a_date_that_is_not_there_is_named(wanted: Any, says: str) -> None:  # noqa: ANN401
    """A date that can't be had is named, with what there is instead."""
    with pytest.raises(SelectionError, match=says):
        select_dates(wanted, KNOWN)


def test_a_day_of_a_timed_collection_means_all_its_instants() -> None:
    """In a collection of instants a day means all of its instants, an instant just itself."""
    assert select_dates("2018-01-01", HOURS) == HOURS[:4]
    assert select_dates(["2018-01-02"], HOURS) == HOURS[4:]
    assert select_dates("2018-01-01T06:00:00Z", HOURS) == HOURS[1:2]
    assert select_dates(datetime(2018, 1, 1, 6), HOURS) == HOURS[1:2]
    assert select_dates(("2018-01-01T18:00:00Z", "2018-01-02"), HOURS) == HOURS[3:]
    with pytest.raises(UnknownNameError, match="no date 2018-01-01T07:00:00Z"):
        select_dates("2018-01-01T07:00:00Z", HOURS)


def test_bands_come_in_the_order_asked_for() -> None:
    """Bands come in the order asked for, each once; None is all; a number is a name."""
    known = {"B02": 1, "B04": 2, "1": 3}
    assert select_bands(["B04", "B02", "B04"], known) == ("B04", "B02")
    assert select_bands("B04", known) == ("B04",)
    assert select_bands(None, known) == ("B02", "B04", "1")
    assert select_bands([1], known) == ("1",)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("b04", "There is no band 'b04': did you mean 'B04'"),
        (["NDVI"], "There is no band 'NDVI': there are B04"),
        ([], "No band was asked for: name some of B04"),
    ],
)
def test_a_band_that_is_not_there_is_named(wanted: Any, says: str) -> None:  # noqa: ANN401
    """A band that is not there is named, with those that are."""
    with pytest.raises(SelectionError, match=says):
        select_bands(wanted, {"B04": 1})


def test_an_unknown_collection_is_a_key_error_with_a_sentence(tmp_path: Path) -> None:
    """An unknown collection is a KeyError whose text is one sentence with a near name."""
    with shoestring.open(simple_site(tmp_path).folder) as catalogue:
        with pytest.raises(KeyError) as caught:
            catalogue["field"]
        assert str(caught.value) == "There is no collection 'field': did you mean 'fields'?"
        assert "field" not in catalogue
        assert catalogue.get("field") is None


def test_a_timed_collection_is_read_by_its_instants(tmp_path: Path) -> None:
    """A collection of instants gives aware datetimes, and its layers by them."""
    site = SiteFolder(tmp_path, {"T": {"data_type": "uint8"}})
    for number, moment in enumerate(HOURS):
        site.add(format_moment(moment), "T", numbers(UTM.shape, "uint8", seed=number))
    with shoestring.open(site.write().folder) as catalogue:
        collection = catalogue["fields"]
        assert collection.dates == HOURS
        stack = collection.extract("T", collection.extent, dates="2018-01-02", masked=False)
    assert stack.dates == HOURS[4:]
    wanted = stack["T"]["2018-01-02T06:00:00Z"]
    assert wanted is stack["T"][HOURS[5]]
    np.testing.assert_array_equal(wanted, numbers(UTM.shape, "uint8", seed=5))
    assert (
        next(path.name for path in stack.save(tmp_path / "out"))
        == "fields_T_2018-01-02T000000Z.tif"
    )


def test_a_collection_without_dates_says_so(tmp_path: Path) -> None:
    """A collection that holds nothing yet can be opened and shown, but not extracted."""
    site = SiteFolder(tmp_path, {"B04": {"data_type": "uint8"}}).write()
    with shoestring.open(site.folder) as catalogue:
        assert "none yet" in repr(catalogue)
        with pytest.raises(SelectionError, match="holds no dates yet"):
            catalogue["fields"].extract("B04", catalogue["fields"].extent)


def test_a_layer_that_is_missing_is_named(tmp_path: Path) -> None:
    """A date without one of the bands lacks just that layer, and asking for it names the others."""
    site = SiteFolder(tmp_path, {"A": {"data_type": "uint8"}, "B": {"data_type": "uint8"}})
    site.add("2018-01-01", "A", numbers(UTM.shape, "uint8"))
    site.add("2018-01-02", "A", numbers(UTM.shape, "uint8"))
    site.add("2018-01-02", "B", numbers(UTM.shape, "uint8"))
    with shoestring.open(site.write().folder) as catalogue:
        collection = catalogue["fields"]
        stack = collection.extract(None, collection.extent)
        assert [len(stack[band]) for band in ("A", "B")] == [2, 1]
        with pytest.raises(
            UnknownNameError, match="no layer of 2018-01-01: the dates begin with 2018-01-02"
        ):
            stack["B"]["2018-01-01"]
        with pytest.raises(
            SelectionError, match="None of the dates that were asked for has one of the bands"
        ):
            collection.extract("B", collection.extent, dates="2018-01-01")

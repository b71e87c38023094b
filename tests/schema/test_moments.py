"""Many moments in few words."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring_schema.errors import SelectionError
from shoestring_schema.moment import Moment
from shoestring_schema.moments import MAX_MOMENTS, pack_moments, unpack_moments

STEPS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9)), min_size=1, max_size=12)


def spaced(first: Moment, unit: timedelta, steps: list[tuple[int, int]]) -> list[Moment]:
    """Moments at distances of so many units, each distance several times."""
    moments = [first]
    for distance, times in steps:
        for _ in range(times):
            moments.append(moments[-1] + distance * unit)
    return moments


@given(st.dates(max_value=date(2400, 1, 1)), STEPS)
def test_days_are_read_back(first: date, steps: list[tuple[int, int]]) -> None:
    """Days at any distances are read back as they were."""
    days = spaced(first, timedelta(days=1), steps)
    again = unpack_moments(pack_moments(days))
    assert list(again) == days
    assert {type(day) for day in again} == {date}


@given(
    st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(2400, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([timedelta(microseconds=7), timedelta(seconds=1), timedelta(hours=3)]),
    STEPS,
)  # fmt: skip
def test_instants_are_read_back(
    first: datetime, unit: timedelta, steps: list[tuple[int, int]]
) -> None:
    """Instants at any distances are read back as they were, to the microsecond."""
    instants = spaced(first, unit, steps)
    assert list(unpack_moments(pack_moments(instants))) == instants


def test_even_distances_take_a_word() -> None:
    """The days of a year, or the hours of a month, are one word; few moments stay as they are."""
    days = spaced(date(2019, 1, 1), timedelta(days=1), [(1, 364)])
    hours = spaced(datetime(2019, 1, 1, tzinfo=UTC), timedelta(hours=1), [(1, 743)])
    assert pack_moments(days) == ("R364/2019-01-01/P1D",)
    assert pack_moments(hours) == ("R743/2019-01-01T00:00:00Z/PT3600S",)
    assert pack_moments(days[:2]) == ("2019-01-01", "2019-01-02")
    assert pack_moments([]) == ()


def test_plain_dates_are_read_as_they_always_were() -> None:
    """A list of dates, each in a word, means just these."""
    assert unpack_moments(["2018-01-02", "2018-02-03"]) == (date(2018, 1, 2), date(2018, 2, 3))


@pytest.mark.parametrize(
    "word",
    [
        "R3/2018-01-02/PT60S",
        "R3/2018-01-02T00:00:00Z/P1D",
        "R3/2018-01-02/P0D",
        "R3/2018-01-02T00:00:00Z/PT0S",
        "R3/tomorrow/P1D",
        "R3/2018-01-02/P1M",
        "R999999/2018-01-02/P9999D",
        "R9999999/2018-01-02T00:00:00Z/PT999999999S",
        f"R{MAX_MOMENTS}/2018-01-02/P1D",
        "R-1/2018-01-02/P1D",
    ],
)
def test_what_is_no_row_of_dates_is_refused(word: str) -> None:
    """A step of another kind, of nothing, beyond the calendar or too often is one clear error."""
    with pytest.raises(SelectionError, match=r"R|date"):
        unpack_moments([word])


def test_many_words_stand_for_no_more_than_one_may() -> None:
    """The limit is that of the whole list."""
    half = f"R{MAX_MOMENTS // 2}/2018-01-02T00:00:00Z/PT1S"
    with pytest.raises(SelectionError, match="too many"):
        unpack_moments([half, half])

"""Into which parts a collection's items are divided."""

import itertools
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shoestring_builder.partition import (
    MOST_OF_A_MONTH,
    MOST_OF_A_YEAR,
    MOST_OF_THE_LAST,
    divide,
)
from shoestring_schema.moment import Moment, format_moment

DAYS = st.lists(st.dates(date(2010, 1, 1), date(2013, 12, 31)), min_size=1, unique=True)


def days(first: date, count: int) -> list[date]:
    """So many days, one after the other."""
    return [first + timedelta(days=number) for number in range(count)]


def hours(first: datetime, count: int) -> list[datetime]:
    """So many hours, one after the other."""
    return [first + timedelta(hours=number) for number in range(count)]


@given(DAYS.map(sorted))
def test_each_moment_is_in_one_part_of_its_period(moments: list[date]) -> None:
    """Parts after each other are the moments; each begins with the name of its period."""
    parts = divide(moments)
    assert list(itertools.chain(*parts.values())) == moments
    for period, own in parts.items():
        assert all(format_moment(moment).startswith(period) for moment in own)


@given(DAYS.map(sorted))
def test_a_new_last_date_changes_no_part_but_its_own_month_within_a_year(
    moments: list[date],
) -> None:
    """Who adds the newest date of the year writes one part; a new year also joins the old one."""
    before, after = divide(moments[:-1]), divide(moments)
    changed = {period for period, own in after.items() if before.get(period) != own}
    if len(moments) > 1 and moments[-1].year == moments[-2].year:
        assert changed == {f"{moments[-1]:%Y-%m}"}
    else:
        years = {f"{moments[-1]:%Y-%m}", *(f"{own.year}" for own in moments[-2:-1])}
        assert changed == years


def test_ten_thousand_days_are_a_few_dozen_parts() -> None:
    """27 years of days: a part a year, and one a month of the last."""
    parts = divide(days(date(1999, 1, 1), 10_000))
    assert len(parts) == 27 + 5
    assert max(map(len, parts.values())) <= 366


def test_hours_are_divided_into_months_and_the_last_into_days() -> None:
    """17 years of hours: a part a month, and one a day of the last."""
    moments = hours(datetime(2003, 1, 1, tzinfo=UTC), 150_000)
    parts = divide(moments)
    last = format_moment(moments[-1])[:7]
    assert {len(period) for period in parts if not period.startswith(last)} == {7}
    assert {len(period) for period in parts if period.startswith(last)} == {10}
    assert len(parts) < 17 * 12 + 31 + 12


def test_no_part_holds_more_than_a_document_can() -> None:
    """Every limit is kept on both of its sides."""
    newer: list[Moment] = [datetime(2030, 6, 1, tzinfo=UTC)]
    start = datetime(2020, 1, 1, tzinfo=UTC)

    def every(minutes: int, count: int) -> list[Moment]:
        return [start + timedelta(minutes=minutes * number) for number in range(count)]

    assert "2020" in divide(every(60, MOST_OF_A_YEAR) + newer)
    assert "2020" not in divide(every(60, MOST_OF_A_YEAR + 1) + newer)
    assert "2020-01" in divide(every(30, MOST_OF_A_MONTH) + newer)
    assert "2020-01" not in divide(every(30, MOST_OF_A_MONTH + 1) + newer)
    assert "2020-01" in divide(every(30, MOST_OF_THE_LAST))
    assert "2020-01" not in divide(every(30, MOST_OF_THE_LAST + 1))


def test_nothing_makes_no_part() -> None:
    """No moments, no parts."""
    assert divide([]) == {}

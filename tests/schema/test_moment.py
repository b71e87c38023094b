"""Days and instants."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring_schema.errors import SelectionError
from shoestring_schema.moment import file_stem, format_moment, interval, parse_moment

INSTANTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
                        min_value=datetime(1000, 1, 3), max_value=datetime(9000, 1, 1))  # fmt: skip


@given(st.dates() | INSTANTS)
def test_what_is_written_is_read_back(moment: date) -> None:
    """Every day and every instant is read back as it was."""
    again = parse_moment(format_moment(moment))
    assert again == moment
    assert type(again) is type(moment)


@given(INSTANTS)
def test_instants_are_written_in_utc(moment: datetime) -> None:
    """An instant is written in UTC, ends with Z and sorts as text as it does in time."""
    text = format_moment(moment)
    assert text.endswith("Z")
    assert "+" not in text


@given(st.dates() | INSTANTS)
def test_a_file_name_has_no_colon(moment: date) -> None:
    """A moment in a file name is one on every file system."""
    assert set(file_stem(moment)) <= set("0123456789-TZ.")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2018-01-02", date(2018, 1, 2)),
        ("2018-01-02T13:00:00Z", datetime(2018, 1, 2, 13, tzinfo=UTC)),
        ("2018-01-02T13:00:00", datetime(2018, 1, 2, 13, tzinfo=UTC)),
        ("2018-01-02T13:00:00+02:00", datetime(2018, 1, 2, 11, tzinfo=UTC)),
        ("2018-01-02 13:00", datetime(2018, 1, 2, 13, tzinfo=UTC)),
    ],
)
def test_iso_texts_are_read(text: str, moment: date) -> None:
    """ISO 8601 is read; an instant without an offset is taken as UTC."""
    assert parse_moment(text) == moment


@pytest.mark.parametrize("text", ["", "soon", "2018-13-01", "2018-02-30", "02/01/2018", "2018-01-02T25:00:00Z", "x" * 10_000])  # fmt: skip  # noqa: E501
def test_what_is_no_date_is_refused(text: str) -> None:
    """What is no date is shown, cut short, with how to write one."""
    with pytest.raises(SelectionError, match="is not a date: write it like 2018-01-02") as caught:
        parse_moment(text)
    assert len(str(caught.value)) < 150


def test_a_day_lasts_until_just_before_the_next() -> None:
    """A day's last second lies before the next day's first; an instant begins and ends at once."""
    start, end = interval(date(2018, 12, 31))
    assert (start, end) == (
        datetime(2018, 12, 31, tzinfo=UTC),
        datetime(2018, 12, 31, 23, 59, 59, tzinfo=UTC),
    )
    assert end < interval(date(2019, 1, 1))[0]
    assert interval(start) == (start, start)

"""How fast, and at which hours."""

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring_pull.transfer.pace import Bucket, Hours, Pace, parse_hours, parse_rate
from shoestring_schema.errors import SelectionError

TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@pytest.mark.parametrize(
    ("text", "rate"),
    [("80000", 80_000), ("500k", 512_000), ("2M", 2 * 2**20), ("1.5m", 1_572_864), (" 1G ", 2**30)],
)
def test_a_rate_is_read_as_curl_reads_it(text: str, rate: int) -> None:
    """Bytes a second; k, M and G are powers of 1024."""
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-5k", "5 k", "5kb", "1e6", "0.0001", "٣k"])
def test_what_is_no_rate_is_refused_in_a_sentence(text: str) -> None:
    """The sentence names the text and shows what a rate looks like."""
    with pytest.raises(SelectionError, match=r"is no rate: give bytes a second, such as 500k"):
        parse_rate(text)


@pytest.mark.parametrize("text", ["", "22:00", "22-6", "24:00-06:00", "22:60-06:00", "06:00-06:00"])
def test_what_are_no_hours_is_refused_in_a_sentence(text: str) -> None:
    """The sentence names the text and shows what hours look like."""
    with pytest.raises(SelectionError, match=r"are no hours: give when they begin and end"):
        parse_hours(text)


def test_hours_say_what_they_were_read_from() -> None:
    """22:00-06:00 stays what it is."""
    assert parse_hours("22:00-06:00") == Hours(time(22), time(6))
    assert str(parse_hours("7:30 - 9:05")) == "07:30-09:05"


@pytest.mark.parametrize(
    ("now", "seconds"),
    [("21:59:59", 1), ("22:00:00", 0), ("03:00:00", 0), ("05:59:59", 0), ("06:00:00", 57_600)],
)
def test_a_night_goes_over_midnight(now: str, seconds: int) -> None:
    """From ten to six it is night; a second before ten, there is a second to wait."""
    moment = datetime.fromisoformat(f"2026-11-21T{now}")
    assert parse_hours("22:00-06:00").wait(moment) == seconds


@given(TIMES, TIMES, st.datetimes())
def test_after_the_wait_the_hours_have_begun(start: time, stop: time, now: datetime) -> None:
    """There is nothing to wait for after the wait, which is shorter than a day, and not sooner."""
    if start == stop:
        return
    hours = Hours(start, stop)
    wait = hours.wait(now)
    assert 0 <= wait < 24 * 3600
    if wait:
        assert hours.wait(now + timedelta(seconds=wait)) == 0
        assert hours.wait(now + timedelta(seconds=wait) - timedelta(microseconds=1)) > 0


@given(st.integers(1, 10**9), st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 2))))
def test_no_more_comes_than_the_rate_lets_through(
    rate: int, chunks: list[tuple[int, float]]
) -> None:
    """At any moment no more bytes are paid for than the rate, a burst and the last chunk make."""
    bucket, now, sum_of_sizes = Bucket(rate), 0.0, 0
    for size, idle in chunks:
        now += idle
        sum_of_sizes += size
        now += bucket.wait(size, now)
        assert sum_of_sizes <= rate * (now + 0.25) * (1 + 1e-9) + 1e-6


def test_a_limit_uses_no_more_connections_than_it_needs() -> None:
    """Each sends ahead what we don't hold back: at 300 kB/s there are two, without a limit all."""
    assert Pace(rate=300_000).connections(32) == 2
    assert Pace(rate=1000).connections(32) == 1
    assert Pace(rate=10**9).connections(32) == 32
    assert Pace().connections(32) == 32


def test_a_rate_of_nothing_is_refused() -> None:
    """Zero bytes a second would never end."""
    with pytest.raises(SelectionError, match="at least 1 byte a second, got 0"):
        Pace(rate=0)

"""How far servers may send ahead."""

from hypothesis import given
from hypothesis import strategies as st

from shoestring.ahead import LEAST, MOST, Ahead


def measured(rate: float, trip: float, streams: int) -> Ahead:
    """What is known after ten seconds of a line."""
    line = Ahead()
    for step in range(100):
        line.answered(trip * (3 if step == 0 else 1 + step / 50))
        line.came(int(rate / 10), step / 10)
    line.streams = streams
    return line


def test_all_connections_together_have_twice_of_what_fills_the_line() -> None:
    """At 1 Gbit/s and 150 ms, 32 connections share 37.5 MB."""
    window = measured(125e6, 0.15, 32).window
    assert 0.9 < window * 32 / (2 * 125e6 * 0.15) < 1.1


def test_a_slow_line_is_not_flooded() -> None:
    """At 20 Mbit/s and 150 ms each of 32 gets the least that there is."""
    assert measured(2.5e6, 0.15, 32).window == LEAST


def test_the_last_one_may_fill_the_line_alone() -> None:
    """Where one connection is left, it gets what all had."""
    window = measured(2.5e6, 0.15, 1).window
    assert 0.9 < window / (2 * 2.5e6 * 0.15) < 1.1


def test_it_finds_out_how_fast_a_line_is() -> None:
    """Held back by its own window, it doubles what it gets until the line is full."""
    line, now = Ahead(), 0.0
    line.streams = 32
    for _ in range(200):
        line.answered(0.15)
        line.came(int(min(125e6, 32 * line.window / 0.15) / 10), now)
        now += 0.1
    assert line.rate > 0.95 * 125e6


@given(st.lists(st.tuples(st.integers(0, 10**9), st.floats(0, 5), st.integers(0, 40))))
def test_it_stays_within_its_bounds(steps: list[tuple[int, float, int]]) -> None:
    """Whatever comes, the window is neither too small nor too large."""
    line, now = Ahead(), 0.0
    for size, later, streams in steps:
        now += later
        line.streams = streams
        line.answered(later)
        line.came(size, now)
        assert LEAST <= line.window <= MOST


def test_silence_is_not_taken_for_a_slow_line() -> None:
    """Bytes that came over a pause tell nothing of the rate."""
    line = measured(1e6, 0.1, 1)
    before = line.rate
    line.came(1000, 100)
    line.came(1000, 200)
    assert line.rate == before

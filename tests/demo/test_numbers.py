"""NDVI, rain and their table."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_demo.ndvi import FieldSeries, ndvi, rain_between, table

FIRST = date(2025, 5, 1)
DAYS = [date(2025, 5, 10), date(2025, 5, 20)]


def test_ndvi_is_the_normalised_difference() -> None:
    """Of 0.04 and 0.36 it is 0.8; where a band is NaN, or both are 0, it is NaN."""
    red = np.array([[0.04, np.nan, 0.0]], np.float32)
    nir = np.array([[0.36, 0.3, 0.0]], np.float32)
    result = ndvi(red, nir)
    assert result.dtype == np.float32
    assert result[0, 0] == pytest.approx(0.8)
    assert np.isnan(result[0, 1:]).all()


@given(
    st.lists(st.integers(0, 80), min_size=1, max_size=60), st.sets(st.integers(0, 60), min_size=1)
)
@settings(deadline=None)
def test_each_day_of_rain_is_counted_once(amounts: list[int], chosen: set[int]) -> None:
    """The sums of all dates are the rain until the last date: nothing twice, nothing lost."""
    rain = {FIRST + timedelta(days=n): float(amount) for n, amount in enumerate(amounts)}
    days = [FIRST + timedelta(days=n) for n in sorted(chosen)]
    sums = rain_between(rain, days)
    assert list(sums) == days
    assert sum(sums.values()) == sum(amount for day, amount in rain.items() if day <= days[-1])


def test_rain_counts_from_the_day_after_the_date_before() -> None:
    """A date's rain is that of its own day and of those since the date before."""
    rain = {FIRST: 1.0, DAYS[0]: 2.0, DAYS[0] + timedelta(days=1): 4.0, DAYS[1]: 8.0}
    assert rain_between(rain, DAYS) == {DAYS[0]: 3.0, DAYS[1]: 12.0}


def test_the_table_marks_dates_that_are_left_out() -> None:
    """A cell is the NDVI with two digits, or a dash; columns stand under their names."""
    field = FieldSeries("Long field", "maize", {DAYS[0]: 0.456}, {DAYS[1]: 0.25})
    lines = table([field], {DAYS[0]: 3.4, DAYS[1]: 12.0}).splitlines()
    assert lines[:4] == [
        "date        rain mm   Long field",
        "                           maize",
        "2025-05-10        3         0.46",
        "2025-05-20       12            -",
    ]
    assert lines[-1].startswith("-  left out")

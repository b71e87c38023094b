"""Into which parts the items of a collection are divided; pure.

A part is what one new date writes anew: its items, its tile index, its STAC catalogue. It is also
what a client asks for, so there should be few. Old years are whole and stay as they are; the last
one, where new dates come, is divided into months, and where there are several items a day, its
last month into days. What holds too much for one document is divided in the same way.
"""

import itertools
from collections.abc import Iterator, Sequence

from shoestring_schema.moment import Moment

MOST_OF_A_YEAR = 400
"""Items of a year that is one part: one a day."""

MOST_OF_A_MONTH = 800
"""Items of a month that is one part: one an hour."""

MOST_OF_THE_LAST = 62
"""Items of the last month, if it is one part: two a day."""

Parts = dict[str, tuple[Moment, ...]]
"""Moments by the period that they lie in: ``2017``, ``2018-03`` or ``2018-03-05``."""


def divide(moments: Sequence[Moment]) -> Parts:
    """Divide a collection's moments into parts.

    The result depends on the moments alone: whoever added them in whatever order gets the same.

    Args:
        moments: In order, each once.
    """
    return dict(_years(moments)) if moments else {}


def _years(moments: Sequence[Moment]) -> Iterator[tuple[str, tuple[Moment, ...]]]:
    last = _month(moments[-1])
    for year, own in _groups(moments, 4):
        if len(own) <= MOST_OF_A_YEAR and not last.startswith(year):
            yield year, own
        else:
            yield from _months(own, last)


def _months(moments: Sequence[Moment], last: str) -> Iterator[tuple[str, tuple[Moment, ...]]]:
    for month, own in _groups(moments, 7):
        most = MOST_OF_THE_LAST if month == last else MOST_OF_A_MONTH
        if len(own) <= most:
            yield month, own
        else:
            yield from _groups(own, 10)


def _groups(moments: Sequence[Moment], length: int) -> Iterator[tuple[str, tuple[Moment, ...]]]:
    """Moments by the first characters of their dates: 4 for years, 7 for months, 10 for days."""
    for period, own in itertools.groupby(moments, key=lambda moment: _day(moment)[:length]):
        yield period, tuple(own)


def _month(moment: Moment) -> str:
    return _day(moment)[:7]


def _day(moment: Moment) -> str:
    """The date of a moment, in UTC as all instants are: ``2018-03-05``."""
    return f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}"

"""Many moments in few words: those at even distances as an ISO 8601 repeating interval.

``R364/2018-01-01/P1D`` stands for all days of 2018: the first one, and 364 more at a distance of
a day. ``R743/2018-01-01T00:00:00Z/PT3600S`` stands for all hours of a January. What is not evenly
spaced is listed one by one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from shoestring_schema.errors import SelectionError
from shoestring_schema.moment import Moment, format_moment, parse_moment

MAX_MOMENTS = 4 * 2**20
"""No list of moments stands for more."""

_EVEN = re.compile(r"R([0-9]{1,7})/([^/]{1,40})/P(?:([0-9]{1,6})D|T([0-9]{1,9})S)")
_WORTH_IT = 3
"""Fewer moments are shorter one by one."""


def pack_moments(moments: Sequence[Moment]) -> tuple[str, ...]:
    """Write moments down, as short as they allow.

    Args:
        moments: In order, each once; all days or all instants.
    """
    words: list[str] = []
    start = 0
    while start < len(moments):
        end = _end_of_run(moments, start)
        if end - start < _WORTH_IT:
            end = start + 1
            words.append(format_moment(moments[start]))
        else:
            words.append(_even(moments[start:end]))
        start = end
    return tuple(words)


def unpack_moments(words: Iterable[str]) -> tuple[Moment, ...]:
    """Read what `pack_moments` wrote.

    Raises:
        SelectionError: It is not that, or stands for more than `MAX_MOMENTS`.
    """
    moments: list[Moment] = []
    for word in words:
        match = _EVEN.fullmatch(word)
        if match is None:
            moments.append(parse_moment(word))
            continue
        count = int(match[1]) + 1
        if count + len(moments) > MAX_MOMENTS:
            raise SelectionError(f"{word!r} stands for too many dates: more than {MAX_MOMENTS}.")
        moments += _steps(word, match, count)
    return tuple(moments)


def _end_of_run(moments: Sequence[Moment], start: int) -> int:
    """Behind the last moment that is as far from its neighbour as the first two are."""
    if start + 1 == len(moments):
        return start + 1
    step = _distance(moments[start], moments[start + 1])
    if step.microseconds:
        return start + 1
    end = start + 2
    while end < len(moments) and _distance(moments[end - 1], moments[end]) == step:
        end += 1
    return end


def _distance(first: Moment, then: Moment) -> timedelta:
    if isinstance(first, datetime) and isinstance(then, datetime):
        return then - first
    return timedelta(days=then.toordinal() - first.toordinal())


def _even(run: Sequence[Moment]) -> str:
    step = _distance(run[0], run[1])
    seconds = step.days * 86400 + step.seconds
    length = f"T{seconds}S" if isinstance(run[0], datetime) else f"{step.days}D"
    return f"R{len(run) - 1}/{format_moment(run[0])}/P{length}"


def _steps(word: str, match: re.Match[str], count: int) -> Iterator[Moment]:
    first, days, seconds = parse_moment(match[2]), match[3], match[4]
    is_instant = isinstance(first, datetime)
    try:
        if is_instant and seconds and int(seconds):
            step = timedelta(seconds=int(seconds))
            return iter([first + number * step for number in range(count)])
        if not is_instant and days and int(days):
            start, step_days = first.toordinal(), int(days)
            return iter([date.fromordinal(start + n * step_days) for n in range(count)])
    except (OverflowError, ValueError):
        raise SelectionError(f"{word!r} reaches beyond the year 9999.") from None
    raise SelectionError(
        f"{word!r} is not a row of dates: write it like R72/2018-01-03/P5D or R23/2018-01-03T00:00:00Z/PT3600S."
    )

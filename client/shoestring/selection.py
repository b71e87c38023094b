"""Which bands, dates and resolution a user means. Pure."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from math import isfinite
from numbers import Real
from typing import Any, TypeVar

from shoestring_schema.errors import SelectionError, UnknownNameError
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment, format_moment, parse_moment

Value = TypeVar("Value")

Dates = str | date | tuple[Any, Any] | Iterable[Any] | None
"""A pair is a closed interval (None leaves an end open), a list is just those
dates, a single date is just that one, None is all. Dates are `datetime.date`,
`datetime.datetime`, ISO 8601 text, or anything whose text is that."""


def pick(name: str, known: Mapping[str, Value], what: str) -> Value:
    """Look a name up, or say which names there are.

    Raises:
        UnknownNameError: No such name.
    """
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {_some(known)}."
    raise UnknownNameError(f"There is no {what} {name!r}: {hint}")


def select_bands(
    wanted: str | int | Iterable[str | int] | None, known: Mapping[str, Value]
) -> tuple[str, ...]:
    """Names of the bands that are meant, in the order asked for, each once.

    Args:
        wanted: One name or several; None is all. A whole number stands for the band
            whose name it is (bands of a plain `database.json` are numbered from 1).
        known: The collection's bands.

    Raises:
        SelectionError: No such band, or none at all.
    """
    if wanted is None:
        return tuple(known)
    several = [wanted] if isinstance(wanted, str | int) else list(wanted)
    names = tuple(dict.fromkeys(str(name) for name in several))
    if not names:
        raise SelectionError(f"No band was asked for: name some of {_some(known)}.")
    for name in names:
        pick(name, known, "band")
    return names


def select_dates(wanted: Dates, known: Sequence[Moment]) -> tuple[Moment, ...]:
    """The moments that are meant, in order of time.

    Args:
        wanted: See `Dates`.
        known: The collection's moments, sorted; all days or all instants.

    Raises:
        SelectionError: Not a date, a date that the collection does not have, or none.
    """
    if not known:
        raise SelectionError("The collection holds no dates yet.")
    if wanted is None:
        return tuple(known)
    if isinstance(wanted, tuple) and len(wanted) == 2:
        return _between(wanted[0], wanted[1], known)
    several = [wanted]
    if isinstance(wanted, Iterable) and not isinstance(wanted, str):
        several = list(wanted)
    chosen = {moment for one in several for moment in _just(one, known)}
    if not chosen:
        raise SelectionError("No date was asked for: leave `dates` out for all of them.")
    return tuple(sorted(chosen))


def select_grid(resolution: float | None, grid: Grid) -> Grid:
    """The grid of a result: the collection's, or one of larger pixels from the same corner.

    Args:
        resolution: Side of a pixel in units of the CRS; None is that of the grid.
        grid: The collection's.

    Raises:
        SelectionError: Not a positive number, finer than the grid, or coarser than all of it.
    """
    if resolution is None:
        return grid
    if not (isinstance(resolution, Real) and isfinite(resolution) and resolution > 0):
        raise SelectionError(f"The resolution must be a positive number, got {resolution!r}.")
    side, own = float(resolution), grid.resolution
    rows, columns = grid.shape
    if side < max(own) * (1 - 1e-9):
        raise SelectionError(
            f"A resolution of {side:g} is finer than the collection's {max(own):g}: leave it out, or ask for more."
        )
    if side > min(columns * own[0], rows * own[1]):
        raise SelectionError(
            f"A pixel of {side:g} is larger than the collection's grid of {columns * own[0]:g} x {rows * own[1]:g}: "
            "ask for a smaller resolution."
        )
    return grid.with_resolution(side)


def _between(first: Any, last: Any, known: Sequence[Moment]) -> tuple[Moment, ...]:  # noqa: ANN401
    low = None if first is None else _start(_moment(first))
    high = None if last is None else _end(_moment(last))
    if low is not None and high is not None and low > high:
        raise SelectionError(f"The interval of dates ends before it begins: {first} to {last}.")
    chosen = tuple(
        m
        for m in known
        if (low is None or _start(m) >= low) and (high is None or _start(m) <= high)
    )
    if not chosen:
        raise SelectionError(f"There are no dates between {first} and {last}: {_span(known)}.")
    return chosen


def _just(wanted: Any, known: Sequence[Moment]) -> list[Moment]:  # noqa: ANN401
    """The moments that one date means: itself, or all instants of a day."""
    moment = _moment(wanted)
    of_day = [m for m in known if _start(m) == _start(moment)]
    if not isinstance(moment, datetime) and isinstance(known[0], datetime):
        of_day = [m for m in known if _start(moment) <= _start(m) <= _end(moment)]
    elif isinstance(moment, datetime) and not isinstance(known[0], datetime):
        of_day = [m for m in known if m == moment.date()]
    if of_day:
        return of_day
    nearest = min(known, key=lambda m: abs(_start(m) - _start(moment)))
    raise UnknownNameError(
        f"There is no date {format_moment(moment)}: the nearest is {format_moment(nearest)}, {_span(known)}."
    )


def _moment(value: Any) -> Moment:  # noqa: ANN401
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return value
    return parse_moment(str(value))


def _start(moment: Moment) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min, UTC)


def _end(moment: Moment) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.max, UTC)


def _span(known: Sequence[Moment]) -> str:
    return f"the collection has {len(known)}, from {format_moment(known[0])} to {format_moment(known[-1])}"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - 12} more" if len(listed) > 12 else ""
    return ", ".join(listed[:12]) + more

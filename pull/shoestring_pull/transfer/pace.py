"""How fast to transfer, and at which hours. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from shoestring_schema.errors import SelectionError

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}  # as curl and wget have them

_BURST = 0.25
"""Seconds of silence that may be made up for."""

_A_CONNECTION = 128 * 1024
"""Bytes a second that a connection is opened for, where there is a limit."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of each day, by the local clock; it may go over midnight.

    Attributes:
        start: When it begins.
        stop: When it has ended.
    """

    start: time
    stop: time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.stop:%H:%M}"

    def wait(self, now: datetime) -> float:
        """Seconds until the hours have begun; 0 while they last.

        Args:
            now: What the clock on the wall shows.
        """
        begun, ended = now.time() >= self.start, now.time() >= self.stop
        over_midnight = self.start > self.stop
        if (begun and not ended) or (over_midnight and (begun or not ended)):
            return 0.0
        begin = datetime.combine(now.date(), self.start, now.tzinfo)
        if begin < now:
            begin += timedelta(days=1)
        return (begin - now).total_seconds()


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to transfer, and at which hours.

    Attributes:
        rate: Bytes a second, over all connections; None for as many as the line bears.
        hours: Only in these hours of each day; None for always.
    """

    rate: int | None = None
    hours: Hours | None = None

    def __post_init__(self) -> None:
        if self.rate is not None and self.rate < 1:
            raise SelectionError(f"A rate must be at least 1 byte a second, got {self.rate}.")

    def connections(self, most: int) -> int:
        """How many connections to use: under a limit, as few as can reach it.

        What a server sends ahead into each of them is not held back by us.
        """
        return most if self.rate is None else max(1, min(most, self.rate // _A_CONNECTION))


@dataclass(slots=True)
class Bucket:
    """What has been transferred is paid for with time.

    Attributes:
        rate: Bytes a second.
        paid: Until when all is paid for.
    """

    rate: int
    paid: float = 0.0

    def wait(self, size: int, now: float) -> float:
        """Seconds to wait after so many bytes have come.

        Args:
            size: Bytes.
            now: Seconds, on a clock that runs evenly.
        """
        self.paid = max(self.paid, now - _BURST) + size / self.rate
        return max(0.0, self.paid - now)


def parse_rate(text: str) -> int:
    """Bytes a second, as curl and wget take them: ``500k``, ``2M``, ``1.5m``, ``80000``.

    Raises:
        SelectionError: It is no such rate.
    """
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)([kmg]?)", text.strip().lower(), re.ASCII)
    rate = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    if rate < 1:
        raise SelectionError(
            f"{text[:40]!r} is no rate: give bytes a second, such as 500k or 2M (k is 1024)."
        )
    return rate


def parse_hours(text: str) -> Hours:
    """Hours of the day: ``22:00-06:00``.

    Raises:
        SelectionError: They are no such hours.
    """
    found = re.fullmatch(r"(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)", text.strip(), re.ASCII)
    try:
        first, last = (time(int(hour), int(minute)) for hour, minute in _pairs(found))
    except ValueError:
        first = last = time()
    if first == last:
        raise SelectionError(
            f"{text[:40]!r} are no hours: give when they begin and end, such as 22:00-06:00."
        )
    return Hours(first, last)


def _pairs(found: "re.Match[str] | None") -> list[tuple[str, str]]:
    return [(found[1], found[2]), (found[3], found[4])] if found else []

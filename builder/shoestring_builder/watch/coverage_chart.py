"""The days of a collection, drawn as one strip a band and year; pure.

Days that have all bands are drawn once and shown for each band, so that ten thousand dates of ten
bands are about as many strokes as of one. What would make the page too large is told in numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import accumulate, groupby

from shoestring_schema.status import CollectionStatus, DayStatus

MOST_STROKES = 70_000
"""On a whole page, which they make 600 kB large."""

OPEN_YEARS = 3
"""So many years are shown at once, the others when they are asked for."""

_LEFT, _ROW, _TOP = 62, 9, 10
_UNKNOWN = 5
_MONTHS = "JFMAMJJASOND"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a collection.

    Attributes:
        date: Which.
        bands: Names of the bands that there are.
        clear: Per cent that is clear; None where no mask tells.
    """

    date: date
    bands: frozenset[str]
    clear: int | None


_Strip = tuple[tuple[int, int], ...]
"""What is drawn of some days: day of the year from 0, and shade."""


@dataclass(frozen=True, slots=True)
class _Year:
    """What is drawn of a year.

    Attributes:
        told: The same in words.
        whole: Days that have all bands.
        rest: The other days, by band.
    """

    told: str
    whole: _Strip
    rest: Mapping[str, _Strip]

    @property
    def strokes(self) -> int:
        return len(self.whole) + sum(map(len, self.rest.values()))


def days_of(collection: CollectionStatus) -> list[Day]:
    """The days of a collection, in order."""
    return [
        Day(date.fromisoformat(own.date), _bands(own, part.bands), own.clear)
        for part in collection.parts
        for own in part.days
    ]


def chart(collection: CollectionStatus, days: Sequence[Day], strokes: int, prefix: str) -> str:
    """Draw the days of a collection, the newest year first.

    Args:
        collection: The collection.
        days: Its days, in order.
        strokes: So many may be drawn.
        prefix: What identifiers of this drawing begin with.
    """
    newest = groupby(reversed(days), key=lambda day: day.date.year)
    years = [_year(year, list(own), collection.bands) for year, own in newest]
    costs = accumulate(own.strokes for own in years)
    return "\n".join(
        _drawn(own, f"{prefix}{place}", place < OPEN_YEARS)
        if cost <= strokes
        else f"<p>{own.told}</p>"
        for place, (own, cost) in enumerate(zip(years, costs, strict=True))
    )


def shade(clear: int | None) -> int:
    """Of a day: 0 (below 20 % clear) to 4, and one of its own where that is not known."""
    return _UNKNOWN if clear is None else min(clear // 20, 4)


def _bands(day: DayStatus, names: Sequence[str]) -> frozenset[str]:
    return frozenset(name for place, name in enumerate(names) if day.bands >> place & 1)


def _year(year: int, days: Sequence[Day], bands: Sequence[str]) -> _Year:
    whole = [day for day in days if day.bands.issuperset(bands)]
    parts = [day for day in days if not day.bands.issuperset(bands)]
    return _Year(
        told=f"{year}: {_told(days)}",
        whole=_strip(whole),
        rest={band: _strip([day for day in parts if band in day.bands]) for band in bands},
    )


def _strip(days: Iterable[Day]) -> _Strip:
    return tuple((day.date.timetuple().tm_yday - 1, shade(day.clear)) for day in days)


def _told(days: Sequence[Day]) -> str:
    known = [day.clear for day in days if day.clear is not None]
    count = f"{len(days)} day{'' if len(days) == 1 else 's'}"
    return f"{count}, {sum(known) / len(known):.0f} % clear on average" if known else count


def _drawn(year: _Year, name: str, opened: bool) -> str:
    height = _TOP + _ROW * len(year.rest) + 2
    rows = "".join(
        f'<text x="0" y="{_TOP + _ROW * place + 7}">{escape(_short(band))}</text>'
        f'<g transform="translate({_LEFT + 0.5} {_TOP + _ROW * place})">'
        f'<use href="#{name}"/>{_paths(strip)}</g>'
        for place, (band, strip) in enumerate(year.rest.items())
    )
    return (
        f"<details{' open' if opened else ''}><summary>{year.told}</summary>"
        f'<div class="wide"><svg role="img" aria-label="{year.told}" '
        f'viewBox="0 0 {_LEFT + 368} {height}"><defs><g id="{name}">{_paths(year.whole)}</g></defs>'
        f"{_months(height)}{rows}</svg></div></details>"
    )


def _paths(strip: _Strip) -> str:
    strokes: dict[int, list[str]] = {}
    for day, tone in strip:
        strokes.setdefault(tone, []).append(f"M{day} 0v8")
    return "".join(
        f'<path class="c{tone}" d="{"".join(own)}"/>' for tone, own in sorted(strokes.items())
    )


def _months(height: int) -> str:
    starts = [date(2001, month, 1).timetuple().tm_yday - 1 for month in range(1, 13)]
    lines = "".join(f"M{_LEFT + x} {_TOP - 2}V{height}" for x in starts)
    names = "".join(
        f'<text x="{_LEFT + x + 12}" y="6">{name}</text>'
        for x, name in zip(starts, _MONTHS, strict=True)
    )
    return f'<path class="month" d="{lines}"/>{names}'


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:13]}…"

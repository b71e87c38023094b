"""The path pattern of a collection: text to regular expressions to fields.

A pattern is a path with fields in braces: ``{date}`` or ``{date:%Y%j}``,
``{band}``, ``{tile}`` and ``{*}`` for anything. It is matched folder by folder,
so that only folders that can hold a match are looked into; what an earlier
folder has told (a year, a tile) narrows what is accepted below it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from shoestring_schema.errors import ConfigError
from shoestring_schema.moment import Moment

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DIRECTIVES = {
    "Y": r"[0-9]{4}",
    "y": r"[0-9]{2}",
    "m": r"[0-9]{2}",
    "d": r"[0-9]{2}",
    "j": r"[0-9]{3}",
    "H": r"[0-9]{2}",
    "M": r"[0-9]{2}",
    "S": r"[0-9]{2}",
    "b": "(?i:" + "|".join(_MONTHS) + ")",  # English names whatever the locale
}
_PIECE = re.compile(r"\{([^{}]*)\}|([{}])")


@dataclass(frozen=True, slots=True)
class PathFields:
    """What a path says of its file.

    Attributes:
        moment: When, or None where the pattern has no date.
        band: The band's name (not its `source_name`), or None where the pattern has no band.
        tile: The tile, or an empty string.
    """

    moment: Moment | None
    band: str | None
    tile: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One folder or file name of a pattern.

    Attributes:
        text: As written.
        pieces: Kind and text, in turn: ``("literal", "S2_")``, ``("Y", "")``, ``("tile", "")``.
    """

    text: str
    pieces: tuple[tuple[str, str], ...]

    @property
    def literal(self) -> bool:
        """Whether it holds no field at all, so that no folder must be listed."""
        return all(kind == "literal" for kind, _ in self.pieces)


Matcher = Callable[[str], dict[str, str] | None]
"""From the name of a file or folder to all that is known then, or None where it does not match."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern that has been read.

    Attributes:
        text: As written in the configuration.
        anchor: The folder that the segments start from, relative to the configuration file
            or absolute; an empty string where it is the configuration's own folder.
        segments: Folder names and, last, the file name.
        bands: What stands for a band in a path, and the band's name.
    """

    text: str
    anchor: str
    segments: tuple[Segment, ...]
    bands: Mapping[str, str] = field(default_factory=dict)

    def has(self, kind: str) -> bool:
        """Whether the pattern holds a field: ``band``, ``tile`` or a directive such as ``H``."""
        return any(kind == own for segment in self.segments for own, _ in segment.pieces)

    def matcher(self, depth: int, known: Mapping[str, str]) -> Matcher:
        """What compares the names in a folder with a segment.

        Args:
            depth: Which segment.
            known: What the folders above have told; names must agree.
        """
        expression = re.compile(self._expression(depth, known), re.DOTALL)

        def match(name: str) -> dict[str, str] | None:
            found = expression.fullmatch(name)
            if found is None:
                return None
            return {**known, **{kind: text.lower() if kind == "b" else text
                                for kind, text in found.groupdict().items()}}  # fmt: skip

        return match

    def fields(self, known: Mapping[str, str]) -> PathFields | None:
        """What a whole path has told, or None where its date does not exist."""
        try:
            moment = self._moment(known)
        except ValueError:
            return None
        band = self.bands[known["band"]] if "band" in known else None
        return PathFields(moment, band, known.get("tile", ""))

    def _expression(self, depth: int, known: Mapping[str, str]) -> str:
        """The regular expression of a segment.

        A field that is known stands as its text, and one that comes twice as a back
        reference: only so does the search try other ways to divide a name.
        """
        parts: list[str] = []
        seen: set[str] = set()
        for kind, text in self.segments[depth].pieces:
            if kind == "literal":
                parts.append(re.escape(text))
            elif kind == "*":
                parts.append(".*?")
            elif kind in known:
                parts.append(f"(?i:{known[kind]})" if kind == "b" else re.escape(known[kind]))
            elif kind in seen:
                parts.append(f"(?P={kind})")
            else:
                seen.add(kind)
                parts.append(f"(?P<{kind}>{self._accepts(kind)})")
        return "".join(parts)

    def _accepts(self, kind: str) -> str:
        if kind == "band":
            return "|".join(map(re.escape, sorted(self.bands, key=lambda name: (-len(name), name))))
        return _DIRECTIVES.get(kind, ".+?")

    def _moment(self, known: Mapping[str, str]) -> Moment | None:
        number = {kind: int(text) for kind, text in known.items() if kind in "YymdjHMS"}
        if "Y" not in number and "y" not in number:
            return None
        day = _day(number, known.get("b"))
        if not self.has("H"):
            return day
        clock = (number["H"], number.get("M", 0), number.get("S", 0))
        return datetime(day.year, day.month, day.day, *clock, tzinfo=UTC)


def parse_pattern(text: str, bands: Mapping[str, str], *, needs_date: bool = True) -> PathPattern:
    """Read a path pattern.

    Args:
        text: The pattern. Slashes and backslashes both part folders.
        bands: What stands for a band in a path (its `source_name`), and the band's name.
        needs_date: Whether the path must give the date.

    Raises:
        ConfigError: An unknown field or directive, a brace without its partner, or no date.
    """
    names = re.split(r"[\\/]", text)
    segments = tuple(Segment(name, tuple(_pieces(name, text))) for name in names)
    split = next((i for i, s in enumerate(segments) if not s.literal), len(segments) - 1)
    anchor = "/".join(names[:split]) or ("/" if split else "")
    anchor += "/" if anchor.endswith(":") else ""  # C: alone is not the root of a drive
    rest = tuple(s for s in segments[split:] if s.text not in ("", "."))
    pattern = PathPattern(text, anchor, rest, dict(bands))
    if not rest or not names[-1]:
        raise ConfigError(f'source "{text}" names a folder: add the pattern of the file names.')
    if needs_date:
        _require_date(pattern)
    return pattern


def _pieces(name: str, pattern: str) -> list[tuple[str, str]]:
    """Divide a segment into literal text and fields."""
    pieces: list[tuple[str, str]] = []
    end = 0
    for found in _PIECE.finditer(name):
        if found[2]:
            raise ConfigError(
                f'source "{pattern}": the brace in "{name}" has no partner; '
                "a field stands within one folder or file name, like {date:%Y%m%d}."
            )
        pieces.append(("literal", name[end : found.start()]))
        pieces += _field(found[1], pattern)
        end = found.end()
    pieces.append(("literal", name[end:]))
    return [piece for piece in pieces if piece != ("literal", "")]


def _field(content: str, pattern: str) -> list[tuple[str, str]]:
    name, colon, form = content.partition(":")
    if name == "date":
        return _date_pieces(form if colon else "%Y-%m-%d", pattern)
    if name in ("band", "tile", "*") and not colon:
        return [(name, "")]
    raise ConfigError(
        f'source "{pattern}": unknown field {{{content}}}; '
        "there are {date}, {date:FORMAT}, {band}, {tile} and {*}."
    )


def _date_pieces(form: str, pattern: str) -> list[tuple[str, str]]:
    pieces: list[tuple[str, str]] = []
    for directive, text in re.findall(r"%(.?)|([^%]+)", form):
        if text:
            pieces.append(("literal", text))
        elif directive in _DIRECTIVES:
            pieces.append((directive, ""))
        else:
            raise ConfigError(
                f'source "{pattern}": unknown date directive %{directive}; there are '
                + " ".join(f"%{known}" for known in _DIRECTIVES) + "."
            )  # fmt: skip
    return pieces


def _require_date(pattern: PathPattern) -> None:
    has = pattern.has
    problem = None
    if not (has("Y") or has("y")):
        problem = 'there is no date with a year in it; add {date:…}, or set time = "metadata"'
    elif has("d") and not (has("m") or has("b")):
        problem = "its date has a day of the month and no month; add %m or %b"
    elif (has("M") or has("S")) and not has("H"):
        problem = "its date has minutes or seconds and no hours; add %H"
    if problem:
        raise ConfigError(f'source "{pattern.text}": {problem}.')


def _day(number: Mapping[str, int], month_name: str | None) -> date:
    """The day that a path's numbers mean; what is not said is 1, as in `strptime`.

    Raises:
        ValueError: There is no such day, or two fields contradict each other.
    """
    # POSIX: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068.
    short = number.get("y", 0)
    year = number.get("Y", short + (1900 if short >= 69 else 2000))
    month = _MONTHS.index(month_name) + 1 if month_name else number.get("m", 1)
    day = date(year, month, number.get("d", 1))
    if "j" in number:
        day = date(year, 1, 1) + timedelta(days=number["j"] - 1)
    told = {"y": year % 100, "j": day.timetuple().tm_yday}
    told |= {"m": day.month, "d": day.day} if ("j" in number or month_name) else {}
    if any(kind in number and number[kind] != value for kind, value in told.items()):
        raise ValueError("the path's dates contradict each other")
    if day.year != year:
        raise ValueError("no such day of the year")
    return day

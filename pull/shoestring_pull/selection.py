"""What is to be pulled of a site: collections, dates, bands, a region. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import shapely
import shapely.geometry

from shoestring.roi import Roi
from shoestring.selection import Dates, pick, select_dates
from shoestring_pull.upstream import UpstreamCollection
from shoestring_schema.errors import RoiError, SelectionError, UnknownNameError
from shoestring_schema.grid import Window
from shoestring_schema.moment import Moment, format_moment, parse_moment

_LARGE = 2**20
"""Bytes of a region's GeoJSON."""


class Region(msgspec.Struct, frozen=True):
    """A region as a copy remembers it.

    Attributes:
        geometry: GeoJSON.
        crs: Its CRS.
    """

    geometry: dict[str, Any]
    crs: str

    def roi(self) -> Roi:
        """The region as the client knows it."""
        return Roi(shapely.geometry.shape(self.geometry), self.crs)


class Selection(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wanted of a site; nothing of it is all of it.

    Attributes:
        collections: Their names.
        bands: Their names; a mask's band always comes along, as its pixels are needed with any.
        first: The first date.
        last: The last one.
        dates: Just these dates.
        region: Only collections that it touches.
        crop: Only the blocks that it touches.
    """

    collections: tuple[str, ...] | None = None
    bands: tuple[str, ...] | None = None
    first: str | None = None
    last: str | None = None
    dates: tuple[str, ...] | None = None
    region: Region | None = None
    crop: bool = False

    def __post_init__(self) -> None:
        if self.crop and self.region is None:
            raise SelectionError(
                "To crop, name a region (roi): without one there is nothing to cut."
            )

    @property
    def is_all(self) -> bool:
        """Whether the whole site is wanted."""
        return self == Selection()

    @property
    def of_dates(self) -> Dates:
        """The dates as the client selects them."""
        if self.dates is not None:
            return list(self.dates)
        return None if self.first is None and self.last is None else (self.first, self.last)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is wanted of a collection.

    Attributes:
        collection: The collection.
        bands: Their names, in the collection's order.
        moments: Which moments.
        window: The region's window on its grid; None where no region was named.
    """

    collection: UpstreamCollection
    bands: tuple[str, ...]
    moments: frozenset[Moment]
    window: Window | None


def make_selection(
    collections: str | Iterable[str] | None,
    bands: str | Iterable[str] | None,
    dates: Dates,
    region: Roi | None,
    *,
    crop: bool,
) -> Selection:
    """A selection from what a user says.

    Args:
        collections: Names; None is all.
        bands: Names; None is all.
        dates: A pair is a closed interval, a list is just those, None is all.
        region: The region, if there is one.
        crop: Whether only the blocks under it are wanted.

    Raises:
        SelectionError: It can't be a selection.
    """
    first = last = just = None
    if isinstance(dates, tuple) and len(dates) == 2:
        first, last = (None if one is None else _text(one) for one in dates)
    elif dates is not None:
        several = [dates] if isinstance(dates, str | date) else list(dates)
        just = tuple(dict.fromkeys(map(_text, several)))
    return Selection(
        collections=_names(collections),
        bands=_names(bands),
        first=first,
        last=last,
        dates=just,
        region=None if region is None else _region(region),
        crop=crop,
    )


def choose(
    collections: Sequence[UpstreamCollection], selection: Selection
) -> tuple[list[Choice], list[str]]:
    """What a selection means for the collections of a site.

    A collection that has no date or band of it, or lies outside of its region, is left out.

    Args:
        collections: All of them.
        selection: What is wanted.

    Returns:
        What is wanted of the others, and a sentence for each that is left out.

    Raises:
        SelectionError: There is no such collection, or band, or nothing at all.
        RoiError: The region lies outside of all grids.
    """
    named = {own.id: own for own in collections}
    wanted = [
        pick(name, named, "collection")
        for name in (named if selection.collections is None else selection.collections)
    ]
    _require_bands(wanted, selection)
    found: list[Choice] = []
    refused: list[SelectionError | RoiError] = []
    left_out = []
    for collection in wanted:
        try:
            found.append(_choice(collection, selection))
        except (SelectionError, RoiError) as error:
            refused.append(error)
            left_out.append(f'"{collection.id}" is left out: {error}')
    if not found:
        raise (*refused, SelectionError("The site has no collections yet."))[0]
    return found, left_out


def _choice(collection: UpstreamCollection, selection: Selection) -> Choice:
    bands = tuple(
        band.name
        for band in collection.document.bands
        if selection.bands is None or band.name in selection.bands
    )
    if not bands:
        raise SelectionError("It has none of the bands.")
    mask = collection.document.mask
    order = [band.name for band in collection.document.bands]
    with_mask = {*bands, *([mask.band] if mask else [])}
    return Choice(
        collection,
        tuple(name for name in order if name in with_mask),
        frozenset(_moments(selection, collection.dates)),
        None if selection.region is None else selection.region.roi().on(collection.grid).window,
    )


def _moments(selection: Selection, known: tuple[Moment, ...]) -> tuple[Moment, ...]:
    if selection.dates is None or not known:
        return select_dates(selection.of_dates, known)
    found: set[Moment] = set()
    refused: UnknownNameError | None = None
    for one in selection.dates:
        try:
            found |= set(select_dates([one], known))
        except UnknownNameError as error:  # another collection may have it
            refused = error
    if refused is not None and not found:
        raise refused
    return tuple(sorted(found))


def _require_bands(wanted: Sequence[UpstreamCollection], selection: Selection) -> None:
    """Each band is one of some collection's."""
    known: Mapping[str, object] = {
        band.name: band for collection in wanted for band in collection.document.bands
    }
    for name in selection.bands or ():
        pick(name, known, "band")


def _names(names: str | Iterable[str] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    found = tuple(dict.fromkeys([names] if isinstance(names, str) else names))
    if not found:
        raise SelectionError("Nothing was asked for: leave the names out for all of them.")
    return found


def _text(when: Any) -> str:  # noqa: ANN401
    if isinstance(when, datetime) and when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    if isinstance(when, date):
        return format_moment(when)
    return format_moment(parse_moment(str(when)))


def _region(roi: Roi) -> Region:
    """A region to remember; of one with very many corners its hull, which has the same window."""
    data = msgspec.json.encode(shapely.geometry.mapping(roi.geometry))
    if len(data) > _LARGE:
        hull = shapely.convex_hull(roi.geometry)
        data = msgspec.json.encode(shapely.geometry.mapping(hull))
    return Region(msgspec.json.decode(data), roi.crs)

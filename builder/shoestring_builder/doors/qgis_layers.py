"""What QGIS shows of a collection: groups of layers, one for each date and way to draw it; pure."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median_low
from typing import Any

from shoestring_builder.doors.part import DoorPart
from shoestring_builder.doors.qgis_source import QgisFile, index_source, remote, stored_source
from shoestring_builder.doors.qgis_style import (
    PLANTS,
    Composite,
    Limits,
    Ramp,
    limits_of,
    ramp_of,
    widest,
)
from shoestring_builder.doors.qgis_xml import line
from shoestring_schema.grid import Grid
from shoestring_schema.moment import interval, parse_moment
from shoestring_schema.site import BandDocument

LAYERS = 120
"""Of a collection: 60 dates of two pictures each are ten months of every fifth day."""

_COMPOSITES = {
    "Natural colours": ("red", "green", "blue"),
    "False colours": ("nir", "red", "green"),
}
_INDEX = ("nir", "red")
_ALONE = 4
"""So many bands are drawn, each alone, where there is nothing better."""

Item = Mapping[str, Any]
Span = tuple[datetime, datetime]
"""From an instant until another one."""


@dataclass(frozen=True, slots=True)
class QgisLayer:
    """A picture of a date.

    Attributes:
        key: Its identifier: letters, digits and underscores.
        name: What lists of layers call it.
        source: What GDAL opens.
        span: When it is shown.
        style: Its colours.
    """

    key: str
    name: str
    source: str
    span: Span
    style: Composite | Ramp


@dataclass(frozen=True, slots=True)
class QgisGroup:
    """A way to draw a collection.

    Attributes:
        title: Its name.
        layers: The dates, the newest first; at least one.
    """

    title: str
    layers: tuple[QgisLayer, ...]


@dataclass(frozen=True, slots=True)
class QgisCollection:
    """All that is shown of a collection.

    Attributes:
        title: Its name.
        grid: Where its pixels lie.
        groups: The ways to draw it, the one for a first look first; at least one.
    """

    title: str
    grid: Grid
    groups: tuple[QgisGroup, ...]

    @property
    def spans(self) -> list[Span]:
        """When each date of the first group is shown, the oldest first."""
        return [layer.span for layer in reversed(self.groups[0].layers)]


@dataclass(frozen=True, slots=True)
class _Look:
    """A way to draw a date.

    Attributes:
        title: What it is called.
        bands: What it needs; a date that lacks one is left out.
        style: Its colours.
        index: Whether it is computed of the two bands.
    """

    title: str
    bands: tuple[BandDocument, ...]
    style: Composite | Ramp
    index: bool = False


def shown(part: DoorPart) -> QgisCollection | None:
    """What QGIS shows of a collection; None where nothing of it can be drawn.

    Args:
        part: The collection's newest items. Of these as many are shown as `LAYERS` allows.
    """
    looks = _looks(part)
    if not looks or not part.items:
        return None
    items = part.items[-(LAYERS // len(looks)) :]
    timed = list(zip(items, _spans(items), strict=True))[::-1]
    groups = [
        QgisGroup(look.title, tuple(_layers(part, look, timed)))
        for look in looks
    ]  # fmt: skip
    drawn = tuple(group for group in groups if group.layers)
    title = line(part.title) or part.collection
    return QgisCollection(title, part.grid, drawn) if drawn else None


def _looks(part: DoorPart) -> list[_Look]:
    """The ways to draw a collection, by the common names of its bands; else each band alone.

    Classes, such as those of a mask, are left out: their numbers are no amounts.
    """
    named = {band.common_name or "": band for band in reversed(part.bands)}
    found = [name for name in _COMPOSITES if named.keys() >= set(_COMPOSITES[name])][:1]
    looks = [_composite(part, name, [named[own] for own in _COMPOSITES[name]]) for name in found]
    if named.keys() >= set(_INDEX):
        bands = tuple(named[name] for name in _INDEX)
        looks.append(_Look("NDVI", bands, Ramp(PLANTS, Limits(0.0, 0.9)), index=True))
    mask = part.mask.band if part.mask else None
    alone = [band for band in part.bands if band.name != mask]
    return looks or [_band_alone(part, band) for band in alone[:_ALONE]]


def _composite(part: DoorPart, title: str, bands: Sequence[BandDocument]) -> _Look:
    first, second, third = (limits_of(band, part.items) for band in bands)
    if bands[-1].common_name == "blue":  # one stretch for all three, else grey would get a colour
        first = second = third = widest([first, second, third])
    return _Look(title, tuple(bands), Composite((first, second, third)))


def _band_alone(part: DoorPart, band: BandDocument) -> _Look:
    name = band.title or band.name
    plain = band.unit in (None, "", "1")
    title = line(name if plain else f"{name} ({band.unit})")
    return _Look(title, (band,), ramp_of(band, part.items))


def _layers(part: DoorPart, look: _Look, timed: Sequence[tuple[Item, Span]]) -> list[QgisLayer]:
    """A picture of each date that has all that it needs."""
    layers = []
    for item, span in timed:
        source = _source(part, look, item)
        if source is not None:
            moment = item["properties"]["shoestring:date"]
            key = _key(part.collection, look.title, moment)
            layers.append(QgisLayer(key, f"{moment} {look.title}", source, span, look.style))
    return layers


def _source(part: DoorPart, look: _Look, item: Item) -> str | None:
    assets = item["assets"]
    if any(band.name not in assets for band in look.bands):
        return None
    hrefs = [assets[band.name]["href"].removeprefix("./") for band in look.bands]
    files = [
        QgisFile(band, remote(f"{part.address}{href}"))
        for band, href in zip(look.bands, hrefs, strict=True)
    ]
    if look.index:
        return index_source(part.grid, look.title, (files[0], files[1]))
    return stored_source(part.grid, files)


def _key(*names: str) -> str:
    """An identifier by what it is for; its last digits tell `a-b` from `a_b`."""
    digits = hashlib.sha256("/".join(names).encode()).hexdigest()[:8]
    return "_".join([*(re.sub(r"[^A-Za-z0-9]+", "_", name) for name in names), digits])


def _spans(items: Sequence[Item]) -> list[Span]:
    """When each date is shown: until the next one, the newest for as long as most are."""
    starts = [interval(parse_moment(item["properties"]["shoestring:date"]))[0] for item in items]
    usual = median_low([later - start for start, later in pairwise(starts)] or [timedelta(days=1)])
    rest = datetime.max.replace(tzinfo=UTC) - starts[-1]
    ends = [*starts[1:], starts[-1] + min(usual, rest)]
    return list(zip(starts, ends, strict=True))

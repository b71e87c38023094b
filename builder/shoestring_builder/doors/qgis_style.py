"""How values become colours in QGIS: limits that hold for all dates, ramps of colours; pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from shoestring_schema.site import BandDocument

PLANTS = ("#b08b57", "#e8d9a0", "#b5d77c", "#5fae4c", "#1f7a38", "#0b4a24")
"""From bare soil to dense green."""
PLAIN = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
"""For all else: evenly brighter, also for eyes that tell red from green badly."""

_VEGETATION = {"ndvi", "evi", "savi", "lai", "fapar"}
_SPREAD = 2.0
"""So many standard deviations on both sides of the mean are stretched over the colours."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The values between which colours are stretched, in the unit of the value: scaled.

    Attributes:
        low: Gets the first colour, as all below.
        high: Gets the last colour, as all above.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Composite:
    """The source's three bands as red, green and blue.

    Attributes:
        limits: Of each.
    """

    limits: tuple[Limits, Limits, Limits]


@dataclass(frozen=True, slots=True)
class Ramp:
    """The source's first band as colours.

    Attributes:
        colours: At even distances between the limits.
        limits: Where they begin and end.
    """

    colours: tuple[str, ...]
    limits: Limits

    @property
    def stops(self) -> list[tuple[float, str]]:
        """Values and their colours."""
        low, high = self.limits.low, self.limits.high
        last = len(self.colours) - 1
        digits = _digits(high - low) + 1
        values = [round(low + (high - low) * number / last, digits) for number in range(last + 1)]
        return list(zip(values, self.colours, strict=True))


def ramp_of(band: BandDocument, items: Iterable[Mapping[str, Any]]) -> Ramp:
    """The colours of a band that is drawn alone."""
    colours = PLANTS if band.name.lower() in _VEGETATION else PLAIN
    return Ramp(colours, limits_of(band, items))


def limits_of(band: BandDocument, items: Iterable[Mapping[str, Any]]) -> Limits:
    """One stretch for all dates of a band, so that pictures of two dates can be compared.

    It is the middle one of what each date would take for itself: a date full of cloud is one among
    many. Where no date has a pixel, all that the band's type can hold.

    Args:
        band: Its scale and offset make values of stored numbers.
        items: STAC items; the statistics of their assets are those of stored numbers.
    """
    own = [limits for item in items if (limits := _limits_of_layer(band, item)) is not None]
    if not own:
        return _rounded(*_limits_of_type(band))
    return _rounded(median(each.low for each in own), median(each.high for each in own))


def widest(limits: Sequence[Limits]) -> Limits:
    """From the lowest to the highest of them."""
    return Limits(min(own.low for own in limits), max(own.high for own in limits))


def _limits_of_layer(band: BandDocument, item: Mapping[str, Any]) -> Limits | None:
    asset = item["assets"].get(band.name)
    if asset is None:
        return None
    own = asset.get("raster:bands", [{}])[0].get("statistics", {})
    if not {"minimum", "maximum", "mean", "stddev"} <= own.keys():
        return None
    spread = _SPREAD * own["stddev"]
    low = max(own["minimum"], own["mean"] - spread)
    return _scaled(band, low, min(own["maximum"], own["mean"] + spread))


def _limits_of_type(band: BandDocument) -> tuple[float, float]:
    kind, bits = band.data_type.rstrip("0123456789"), int(band.data_type.lstrip("uintfloa"))
    if kind == "float":
        return 0.0, 1.0
    low, high = (0, 2**bits) if kind == "uint" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    limits = _scaled(band, low, high - 1)
    return limits.low, limits.high


def _scaled(band: BandDocument, *stored: float) -> Limits:
    values = sorted(number * band.scale + band.offset for number in stored)
    return Limits(values[0], values[-1])


def _rounded(low: float, high: float) -> Limits:
    """Numbers that a legend can show; never the same two."""
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        half = abs(low) / 2 or 0.5
        low, high = low - half, high + half
    digits = _digits(high - low)
    step = 10.0**-digits
    return Limits(
        round(math.floor(low / step + 1e-6) * step, digits),
        round(math.ceil(high / step - 1e-6) * step, digits),
    )


def _digits(span: float) -> int:
    """Digits behind the point so that a hundredth to a tenth of a span can be told."""
    return 1 - math.floor(math.log10(span))

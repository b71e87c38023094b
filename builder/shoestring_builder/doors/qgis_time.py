"""How QGIS's time slider steps through a season; pure."""

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median_low

from shoestring_builder.doors.qgis_layers import Span

FRAMES = 4
"""Times as many frames as dates, at most: a season with many more would take long to play."""

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
"""QGIS's names of units of time, and their seconds."""


def step_of(spans: Sequence[Span]) -> tuple[int, str]:
    """Length of a frame, and QGIS's name of its unit.

    A frame begins where a date begins and shows no other one, wherever dates are even enough;
    elsewhere it is as long as most are shown, and shows the newest of its dates.

    Args:
        spans: When each date is shown, the oldest first.
    """
    starts = [start for start, _ in spans]
    if len({(start.day, start.time()) for start in starts}) == 1 and len(starts) > 1:
        return math.gcd(*[_months(start, later) for start, later in pairwise(starts)]), "mon"
    gaps = [round((later - start).total_seconds()) for start, later in pairwise(starts)]
    gaps = [gap for gap in gaps if gap > 0] or [86_400]
    seconds = math.gcd(*gaps)
    if sum(gaps) > FRAMES * len(gaps) * seconds:
        seconds = median_low(gaps)
    return next((seconds // size, unit) for unit, size in _UNITS if seconds % size == 0)


def _months(start: datetime, later: datetime) -> int:
    return 12 * (later.year - start.year) + later.month - start.month

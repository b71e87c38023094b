"""How fast to transfer, and at which hours. Pure."""

from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of each day, by the local clock; it may go over midnight.

    Attributes:
        start: When it begins.
        stop: When it has ended.
    """

    start: time
    stop: time


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to transfer, and at which hours.

    Attributes:
        rate: Bytes a second, over all connections; None for as many as the line bears.
        hours: Only in these hours of each day; None for always.
    """

    rate: int | None = None
    hours: Hours | None = None

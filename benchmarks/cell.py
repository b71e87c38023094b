"""What `speed.py` measures at a time: windows of one size over one line."""

import math
from dataclasses import dataclass, field

from outcome import Outcome, ratio


@dataclass(frozen=True, slots=True)
class Line:
    """What lies between client and server.

    Attributes:
        rtt: Milliseconds of a round trip.
        mbit: Bandwidth in Mbit/s.
    """

    rtt: float
    mbit: float

    def __str__(self) -> str:
        return f"{self.rtt:g} ms, {self.mbit:g} Mbit/s"

    @property
    def key(self) -> str:
        """As it is named on the command line."""
        return f"{self.rtt:g}/{self.mbit:g}"


@dataclass(slots=True)
class Cell:
    """What all cases took for windows of one size over one line.

    Attributes:
        line: The line.
        window: Side of the windows in pixels.
        layers: How many layers each case read.
        measured: When and with what.
        note: What else was going on.
        outcomes: Of all cases.
    """

    line: Line
    window: int
    layers: int
    measured: str = ""
    note: str = ""
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.line}, {self.window:,} px"

    @property
    def runs(self) -> int:
        """How many runs there were."""
        return max((len(outcome.runs) for outcome in self.outcomes), default=0)

    def number(self, case: str, key: str) -> float:
        """A case's median; NaN where there is none."""
        found = (outcome.median for outcome in self.outcomes if outcome.name == case)
        return next(found, {}).get(key, math.nan)

    def ratio(self, case: str, other: str) -> float:
        """How many times as long as another a case takes; NaN where it is not known."""
        found = {outcome.name: outcome for outcome in self.outcomes}
        return ratio(found[case], found.get(other)) if case in found else math.nan

"""What was measured of a case: plain values, which a file can hold."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from cases import Numbers
from report import medians

LIMIT, OURS = "limit", "ours"


@dataclass(slots=True)
class Outcome:
    """What was measured of a case.

    Attributes:
        name: Of the case.
        peer: It is another tool on the same files as ours.
        version: Of that tool.
        index: Seconds that building its index took.
        runs: The numbers of each run.
        trouble: Why it could not be measured.
    """

    name: str
    peer: bool = False
    version: str = ""
    index: float | None = None
    runs: list[Numbers] = field(default_factory=list)
    trouble: str = ""

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}".strip()

    @property
    def median(self) -> Numbers:
        """The median of each number; none where it could not be measured."""
        return medians(self.runs) if self.runs and not self.trouble else {}


def ratio(one: Outcome, other: Outcome | None) -> float:
    """How many times as long as another a case takes.

    The median of the ratios within each run: runs have windows of their own, and another
    window may hold four times the bytes. NaN where one of the two was not measured.
    """
    if not (other and one.median and other.median):
        return math.nan
    pairs = zip(one.runs, other.runs, strict=True)
    return statistics.median(mine["seconds"] / its["seconds"] for mine, its in pairs)


def fastest(outcomes: Iterable[Outcome]) -> Outcome | None:
    """The fastest peer, if there is any."""
    peers = [outcome for outcome in outcomes if outcome.peer and outcome.median]
    return min(peers, key=lambda outcome: outcome.median["seconds"], default=None)

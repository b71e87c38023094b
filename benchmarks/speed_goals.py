"""What was asked of our client's speed and costs, and where it holds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cell import Cell
from contest import USUAL_TODAY
from outcome import LIMIT, OURS, Outcome, fastest

ROUND_TRIPS = 3 + 2
"""Three until the first block, and TCP's and TLS 1.3's."""

LOCAL = "rasteret"
"""The peer that has an index of its own on its disk: it reads no header."""

Number = Callable[[Cell], float]


@dataclass(frozen=True, slots=True)
class Goal:
    """Something that was asked.

    Attributes:
        asked: In words.
        value: What was measured in a cell.
        allowed: The most that it may be there; the least, where `least`. A function, where
            cells differ.
        form: Of these two in a table.
        window: Only windows of these sizes.
        line: Only the line with this key.
        least: More is better.
    """

    asked: str
    value: Number
    allowed: Number | float
    form: str
    window: tuple[int, ...] = ()
    line: str = ""
    least: bool = False

    def row(self, cells: Sequence[Cell]) -> list[str]:
        """A row of the table: what was asked, in how many cells it holds, where not."""
        ratios = [(self._ratio(cell), cell) for cell in cells if self._applies(cell)]
        known = [(ratio, cell) for ratio, cell in ratios if not math.isnan(ratio)]
        missed = [cell for ratio, cell in known if ratio > 1]
        if not known:
            return [self.asked, "not measured", ""]
        tightest = max(known, key=lambda found: found[0])[1]
        told = "; ".join(map(self._told, missed)) or f"tightest: {self._told(tightest)}"
        return [self.asked, f"{len(known) - len(missed)} of {len(known)}", told]

    def _applies(self, cell: Cell) -> bool:
        return cell.window in (self.window or (cell.window,)) and self.line in ("", cell.line.key)

    def _ratio(self, cell: Cell) -> float:
        """Above 1 where it does not hold."""
        ratio = self.value(cell) / self._allowed(cell)
        return 1 / ratio if self.least else ratio

    def _allowed(self, cell: Cell) -> float:
        return self.allowed(cell) if callable(self.allowed) else self.allowed

    def _told(self, cell: Cell) -> str:
        value = self.form.format(self.value(cell))
        if callable(self.allowed):
            value += f", asked {self.form.format(self.allowed(cell))}"
        return f"{value} ({cell.line.key}, {cell.window:,} px)"


def ours(key: str) -> Number:
    """Our own median."""
    return lambda cell: cell.number(OURS, key)


def bound(cell: Cell) -> float:
    """The seconds that ours may take."""
    return 1.15 * cell.number(LIMIT, "seconds") + ROUND_TRIPS * cell.line.rtt / 1000


def fastest_peer(cell: Cell) -> Outcome | None:
    """Of all peers."""
    return fastest(cell.outcomes)


def fastest_reader(cell: Cell) -> Outcome | None:
    """Of the peers that read the headers of files."""
    return fastest(outcome for outcome in cell.outcomes if outcome.name != LOCAL)


def gain(over: Callable[[Cell], Outcome | None]) -> Number:
    """How many times as long as ours another takes."""

    def times(cell: Cell) -> float:
        other = over(cell)
        return cell.ratio(other.name, OURS) if other else math.nan

    return times


def gain_today(cell: Cell) -> float:
    """How many times as long as ours it takes today."""
    return cell.ratio(USUAL_TODAY, OURS)


def spare_memory(cell: Cell) -> float:
    """Megabytes at the peak beyond the result."""
    return cell.number(OURS, "peak_mb") - cell.number(OURS, "result_mb")


def nginx_share(cell: Cell) -> float:
    """The server's CPU for ours, of that for odc-stac."""
    return cell.number(OURS, "nginx_cpu") / cell.number("odc-stac", "nginx_cpu")


def most_requests(cell: Cell) -> float:
    """One a row of blocks and layer, as the limit's; catalogue, collection, the index."""
    rows = cell.number(LIMIT, "requests")
    return rows + 3 + rows / cell.layers


GOALS = (
    Goal(
        f"at most 1.15 x limit + {ROUND_TRIPS} round trips",
        ours("seconds"), bound, "{:.2f} s",
    ),
    Goal(
        "1.5 times faster than the fastest peer, 100 px on the bad line",
        gain(fastest_peer), 1.5, "{:.2f} times", window=(100,), line="150/20", least=True,
    ),
    Goal(
        "the same, of the peers that read headers",
        gain(fastest_reader), 1.5, "{:.2f} times", window=(100,), line="150/20", least=True,
    ),
    Goal(
        "nowhere slower than the fastest peer",
        gain(fastest_peer), 1, "{:.2f} times", least=True,
    ),
    Goal(
        "nowhere slower than the fastest that reads headers",
        gain(fastest_reader), 1, "{:.2f} times", least=True,
    ),
    Goal(
        "5 times faster than odc-stac over 512-px DEFLATE, 100 and 300 px",
        gain_today, 5, "{:.1f} times", window=(100, 300), least=True,
    ),
    Goal("CPU below 0.5 s, 300 px", ours("cpu"), 0.5, "{:.2f} s", window=(300,)),
    Goal("peak memory below the result + 120 MB", spare_memory, 120, "{:.0f} MB"),
    Goal(
        "one request a row of blocks and layer, plus the metadata",
        ours("requests"), most_requests, "{:.0f}",
    ),
    Goal("nginx CPU at most half of odc-stac's", nginx_share, 0.5, "{:.2f}"),
)  # fmt: skip

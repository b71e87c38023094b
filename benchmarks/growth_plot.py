"""The picture of how cost grows: a row for each cost, a column for each thing that grows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

if TYPE_CHECKING:
    from growth import Series
    from matplotlib.axes import Axes

COSTS = {
    "seconds": "seconds",
    "cpu": "CPU, seconds",
    "peak_mb": "peak memory, MB",
    "mb": "sent, MB",
}
COLOURS = ("#0072B2", "#D55E00")
"""People who see few colours tell them apart (Okabe and Ito 2008)."""

_PALE = "#8a8a8a"
_DPI = 110


def draw(series: Sequence["Series"], path: Path, how: str) -> None:
    """Draw all series into a file.

    Args:
        series: What was measured; those of one axis share a column.
        path: The PNG.
        how: A line for the foot.
    """
    columns: dict[str, list[Series]] = {}
    for line in series:
        columns.setdefault(line.axis, []).append(line)
    figure = Figure(figsize=(11, 12), dpi=_DPI, facecolor="white", layout="constrained")
    panels = figure.subplots(len(COSTS), len(columns), sharex="col", sharey="row")
    for row, cost in enumerate(COSTS):
        for axes, lines in zip(panels[row], columns.values(), strict=True):
            for line, colour in zip(lines, COLOURS, strict=False):
                _line(axes, line, cost, colour)
            _frame(axes)
        values = [numbers[cost] for line in series for numbers in line.measured.values()]
        panels[row][0].set(ylabel=COSTS[cost], ylim=(0.7 * min(values), 1.4 * max(values)))
    for top, bottom, (axis, lines) in zip(panels[0], panels[-1], columns.items(), strict=True):
        top.set_title(axis, size=11, weight="bold", loc="left")
        if len(lines) > 1:
            top.legend(frameon=False, fontsize=9.5, loc="upper left")
        bottom.set_xticks(list(lines[0].measured))
    figure.suptitle("How the cost of an extraction grows", size=15, weight="bold", x=0.2)
    said = f"{how}. Dotted: in proportion to what grows (to the area, for windows)."
    figure.supxlabel(said, size=9.5, color=_PALE)
    figure.savefig(path)


def _line(axes: "Axes", line: "Series", cost: str, colour: str) -> None:
    sizes = list(line.measured)
    values = [line.measured[size][cost] for size in sizes]
    guide = [values[-1] * (size / sizes[-1]) ** line.slope for size in sizes]
    axes.plot(sizes, guide, color=colour, linestyle=":", linewidth=1.2, alpha=0.7)
    axes.plot(sizes, values, color=colour, marker="o", linewidth=2, label=line.name)


def _frame(axes: "Axes") -> None:
    axes.set(xscale="log", yscale="log")
    for side in (axes.xaxis, axes.yaxis):
        side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        side.set_minor_formatter(NullFormatter())
    axes.grid(which="major", color="#e2e2e2")
    axes.spines[["top", "right"]].set_visible(False)

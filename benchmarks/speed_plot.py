"""The picture of speed: a panel for each line and window, a bar for each case."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cell import Cell, Line
from contest import USUAL_TODAY
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from outcome import LIMIT, OURS
from speed_goals import bound

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, GREY, ORANGE = "#0072B2", "#A6A6A6", "#E69F00"
"""Ours, peers, today: people who see few colours tell them apart (Okabe and Ito 2008)."""

_COLOURS = {OURS: BLUE, USUAL_TODAY: ORANGE}

_INK, _PALE = "#222222", "#6a6a6a"
_DPI = 110


def draw(cells: Sequence[Cell], lines: Sequence[Line], windows: Sequence[int], path: Path) -> None:
    """Draw all cells into a file.

    Args:
        cells: What was measured.
        lines: A row each.
        windows: A column each.
        path: The PNG.
    """
    found = {(cell.line, cell.window): cell for cell in cells}
    figure = Figure(figsize=(11, 12.5), dpi=_DPI, facecolor="white", layout="constrained")
    panels = figure.subplots(len(lines), len(windows), sharex="row", sharey=True, squeeze=False)
    names = _names(cells)
    for row, line in zip(panels, lines, strict=True):
        own = [found.get((line, window), Cell(line, window, 0)) for window in windows]
        for axes, cell in zip(row, own, strict=True):
            _panel(axes, cell, names)
        times = (cell.ratio(name, LIMIT) for cell in own for name in names)
        row[0].set_xlim(0, 1.25 * max((one for one in times if not math.isnan(one)), default=2))
    figure.suptitle("Seconds, as times the physical limit", size=15, weight="bold")
    said = (
        "Blue: ours. Orange: odc-stac over the same pixels in 512-px blocks of DEFLATE; all others read the same "
        "files as ours.\nLine at 1: curl fetching the same bytes, decoding nothing. Black mark: what was asked of ours."
    )
    figure.supxlabel(said, size=10, color=_PALE)
    figure.savefig(path)


def _names(cells: Sequence[Cell]) -> list[str]:
    """The cases in the order of the roster."""
    return list(
        dict.fromkeys(
            outcome.name for cell in cells for outcome in cell.outcomes if outcome.name != LIMIT
        )
    )


def _panel(axes: "Axes", cell: Cell, names: Sequence[str]) -> None:
    limit = cell.number(LIMIT, "seconds")
    said = f"limit {limit:.3g} s" if cell.outcomes else "not measured"
    axes.set_title(f"{cell.line}\n{cell.window:,} px, {said}", size=10.5, loc="left", color=_INK)
    for place, name in enumerate(names if cell.outcomes else ()):
        asked = bound(cell) / limit if name == OURS else 0.0
        _bar(axes, place, name, cell.ratio(name, LIMIT), asked)
    _frame(axes, names)


def _bar(axes: "Axes", place: int, name: str, times: float, asked: float) -> None:
    """A case's bar, what was asked of it, and its number."""
    if math.isnan(times):
        times, said = 1.0, "failed"
    else:
        said = f"{times:.2f}"
        axes.barh(place, times, height=0.72, color=_COLOURS.get(name, GREY))
    if asked:
        axes.vlines(asked, place - 0.5, place + 0.5, color="black", linewidth=2.5)
    axes.annotate(
        said, (max(times, asked), place), (5, 0), textcoords="offset points", va="center",
        size=9.5, weight="bold" if name == OURS else "normal", color=_INK,
    )  # fmt: skip


def _frame(axes: "Axes", names: Sequence[str]) -> None:
    axes.axvline(1, color=_INK, linewidth=1)
    axes.set_yticks(range(len(names)), names, size=10)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    for label in axes.get_yticklabels():
        if label.get_text() == OURS:
            label.set(weight="bold", color=BLUE)

"""The numbers in docs/speed.md, between pairs of comments; the prose around them stays."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cell import Cell
from contest import USUAL_TODAY
from outcome import LIMIT, OURS, Outcome
from report import number, table
from speed_goals import (
    GOALS,
    LOCAL,
    bound,
    fastest_peer,
    fastest_reader,
    gain,
    gain_today,
    most_requests,
    nginx_share,
    spare_memory,
)
from standings import standings

Lines = list[str]

ODC = "odc-stac"


def write_page(path: Path, cells: Sequence[Cell]) -> None:
    """Put what was measured into the page.

    Raises:
        ValueError: The page lacks a pair of comments.
    """
    text = path.read_text()
    for name, section in SECTIONS.items():
        opening, closing = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, opened, rest = text.partition(opening)
        _, closed, after = rest.partition(closing)
        if not (opened and closed):
            raise ValueError(f'{path.name} needs "{opening}" and "{closing}"')
        lines = section(cells) or ["Not measured yet."]
        text = "\n".join([before + opening, "", *lines, "", closing + after])
    path.write_text(text)


def _goals(cells: Sequence[Cell]) -> Lines:
    how = dict.fromkeys(
        f"- {cell.layers} layers, {cell.measured}; medians of {cell.runs} runs. {cell.note}".strip()
        for cell in cells
    )
    rows = [goal.row(cells) for goal in GOALS]
    return [*table(["asked", "holds in", "not in, or tightest"], rows), "", *how] if cells else []


def _limits(cells: Sequence[Cell]) -> Lines:
    head = ["", "line alone, s", "limit, s", "ours, s", "x limit", "asked: at most, s", "holds"]
    return _table(head, [_limit(cell) for cell in cells])


def _limit(cell: Cell) -> list[str]:
    limit, own, most = cell.number(LIMIT, "seconds"), cell.number(OURS, "seconds"), bound(cell)
    figures = _line_alone(cell), limit, own, cell.ratio(OURS, LIMIT), most
    return [cell.name, *map(number, figures), "yes" if own <= most else "no"]


def _line_alone(cell: Cell) -> float:
    return 8 * cell.number(LIMIT, "mb") / cell.line.mbit


def _peers(cells: Sequence[Cell]) -> Lines:
    head = ["", "ours, s", "fastest peer", "s", "x ours", "fastest that reads headers", "s",
            "x ours", "today, s", "x ours"]  # fmt: skip
    return _table(head, [_peer(cell) for cell in cells])


def _peer(cell: Cell) -> list[str]:
    own, today = cell.number(OURS, "seconds"), cell.number(USUAL_TODAY, "seconds")
    beside = [part for of in (fastest_peer, fastest_reader) for part in _beside(cell, of)]
    return [cell.name, number(own), *beside, number(today), number(gain_today(cell))]


def _beside(cell: Cell, of: Callable[[Cell], Outcome | None]) -> list[str]:
    found = of(cell)
    if found is None:
        return [""] * 3
    return [found.name, number(found.median["seconds"]), number(gain(of)(cell))]


def _index(cells: Sequence[Cell]) -> Lines:
    """What is left to gain over a peer with an index of its own."""
    head = ["", f"{LOCAL}, s", "x limit", "1.5 times faster, s", "x limit", "its index, s"]
    return _table(head, [_room(cell) for cell in cells])


def _room(cell: Cell) -> list[str]:
    own, times = cell.number(LOCAL, "seconds"), cell.ratio(LOCAL, LIMIT)
    index = [outcome.index for outcome in cell.outcomes if outcome.name == LOCAL]
    figures = own, times, own / 1.5, times / 1.5
    return [cell.name, *map(number, figures), *(number(seconds, 1) for seconds in index)]


def _costs(cells: Sequence[Cell]) -> Lines:
    head = ["", "CPU, s", "odc-stac's", "peak, MB", "beyond the result", "odc-stac's peak", "requests",
            "asked: at most", "odc-stac's", "nginx CPU, s", "odc-stac's", "of odc-stac's"]  # fmt: skip
    return _table(head, [_cost(cell) for cell in cells])


def _cost(cell: Cell) -> list[str]:
    def both(key: str, digits: int) -> list[str]:
        return [number(cell.number(case, key), digits) for case in (OURS, ODC)]

    peak, peak_odc = both("peak_mb", 0)
    requests, requests_odc = both("requests", 0)
    return [
        cell.name,
        *both("cpu", 2),
        *(peak, number(spare_memory(cell), 0), peak_odc),
        *(requests, number(most_requests(cell), 0), requests_odc),
        *both("nginx_cpu", 2),
        number(nginx_share(cell)),
    ]


def _fast_line(cells: Sequence[Cell]) -> Lines:
    head = ["", "line alone, s", "limit, s", "ours, s", "of it CPU, s", "nginx CPU, s"]
    return _table(head, [_bound_by_cpu(cell) for cell in cells if cell.line.mbit >= 1000])


def _bound_by_cpu(cell: Cell) -> list[str]:
    own = [cell.number(OURS, key) for key in ("seconds", "cpu", "nginx_cpu")]
    return [cell.name, *map(number, (_line_alone(cell), cell.number(LIMIT, "seconds"), *own))]


def _cells(cells: Sequence[Cell]) -> Lines:
    parts = (("", f"### {cell.name}", "", *standings(cell.outcomes)) for cell in cells)
    return [line for part in parts for line in part][1:]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Lines:
    """A table, or nothing where it would be empty."""
    return table(head, rows) if rows else []


SECTIONS: dict[str, Callable[[Sequence[Cell]], Lines]] = {
    "goals": _goals,
    "limits": _limits,
    "peers": _peers,
    "index": _index,
    "costs": _costs,
    "fast-line": _fast_line,
    "cells": _cells,
}

"""How fast windows of 100 layers are read: three lines, three sizes, all cases of a contest.

Keeps the numbers in results/speed.jsonl, and makes of them the tables in docs/speed.md and
docs/speed.png. Each run of all cases is kept once it is done, and what is there is not
measured again: the command may be stopped by Ctrl-C, or asked for more runs later.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from cell import Cell, Line
from contest import Contest, all_cases, make_sites
from link import SlowSite, program_option
from report import tools
from roster import WORK
from speed_book import Book

LINES = Line(150, 20), Line(50, 100), Line(5, 1000)
WINDOWS = 100, 300, 1000
LAYERS = 100
LAYOUT = "128-zstd"


@click.command()
@program_option
@click.option("--only-line", "lines", multiple=True, help="ms/Mbit/s; may be repeated.",
              type=click.Choice([line.key for line in LINES]))  # fmt: skip
@click.option("--only-window", "windows", multiple=True, help="Side in px; may be repeated.",
              type=click.Choice([str(side) for side in WINDOWS]))  # fmt: skip
@click.option("--runs", default=3, help="Runs of each cell in all; each has a window of its own.")
@click.option("--again", is_flag=True, help="Forget what is known of the chosen cells.")
@click.option("--draw-only", is_flag=True, help="Page and picture anew; nothing is measured.")
@click.option("--note", default="", help="A sentence for the page: what else was going on.")
@click.option("--trial", type=click.Path(file_okay=False, path_type=Path),
              help="A folder for numbers, page and picture, instead of results/ and docs/.")  # fmt: skip
@click.option("--layers", default=LAYERS, help="Others than 100 only with --trial.")
def main(
    link: Path | None, lines: Sequence[str], windows: Sequence[str], runs: int, again: bool,
    draw_only: bool, note: str, trial: Path | None, layers: int,
) -> None:  # fmt: skip
    """Measure what is missing, then write page and picture."""
    if layers != LAYERS and trial is None:
        raise click.UsageError(f"The page is about {LAYERS} layers: {layers} need --trial FOLDER.")
    book = Book.of_trial(trial) if trial else Book.of_project()
    cells = _cells(book.load(), layers)
    for cell in () if draw_only else _chosen(cells, lines, windows):
        if again:
            cell.outcomes.clear()
        if cell.runs < runs:
            cell.note = note
            _measure(cell, link, runs, lambda: book.save(cells))
    book.write(cells, LINES, WINDOWS)


def _cells(known: Sequence[Cell], layers: int) -> list[Cell]:
    """All cells in order: as they are known, or empty."""
    kept = {(cell.line, cell.window): cell for cell in known if cell.layers == layers}
    return [kept.get((line, side), Cell(line, side, layers)) for line in LINES for side in WINDOWS]


def _chosen(cells: Sequence[Cell], lines: Sequence[str], windows: Sequence[str]) -> list[Cell]:
    return [
        cell
        for cell in cells
        if (not lines or cell.line.key in lines) and (not windows or str(cell.window) in windows)
    ]


def _measure(cell: Cell, link: Path | None, runs: int, save: Callable[[], None]) -> None:
    """The runs that a cell lacks; each is saved."""
    cases = all_cases(LAYOUT)
    if [outcome.name for outcome in cell.outcomes] != [case.name for case in cases]:
        cell.outcomes = [case.outcome for case in cases]  # the roster is another: begin anew
    for case, outcome in zip(cases, cell.outcomes, strict=True):
        case.outcome = outcome
    sites = make_sites(cases, cell.layers)
    line = cell.line
    with SlowSite(WORK / "layouts", rtt_ms=line.rtt, mbit=line.mbit, program=link) as slow:
        contest = Contest(cases, sites, slow, cell.window)
        contest.prepare()
        for run in range(cell.runs, runs):
            print(f"{cell.name}, run {run + 1} of {runs}", file=sys.stderr)
            contest.run(run)
            cell.measured = f"{tools()}, {os.cpu_count()} cores"
            save()


if __name__ == "__main__":
    main()

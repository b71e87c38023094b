"""A year of nightly runs with all that goes wrong: time, memory and disk, night by night.

Runs `tests/path/test_year.py` at full length, which proves that it ends well, and draws what it
took into docs/year.png.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from matplotlib.figure import Figure
from report import keep, number, table, tools

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "benchmarks" / ".work" / "year.jsonl"
PICTURE = ROOT / "docs" / "year.png"

COSTS = {"cpu": "seconds of CPU a run", "peak_mb": "peak memory, MB", "site_mb": "the site, MB"}
_BLUE, _PALE, _RED = "#0072B2", "#8a8a8a", "#D55E00"

Night = dict[str, Any]


@click.command()
@click.option("--nights", default=365)
def main(nights: int) -> None:
    """Live through it, draw, print a table, keep it in results/."""
    FIGURES.parent.mkdir(exist_ok=True)
    environment = {"SHOESTRING_NIGHTS": str(nights), "SHOESTRING_YEAR": str(FIGURES)}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/path/test_year.py"],
        check=True, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip
    lived = [json.loads(line) for line in FIGURES.read_text("utf-8").splitlines()]
    _draw(lived)
    _report(lived)


def _draw(nights: list[Night]) -> None:
    figure = Figure(figsize=(9, 8), dpi=110, facecolor="white", layout="constrained")
    panels = figure.subplots(len(COSTS), 1, sharex=True)
    for axes, (key, label) in zip(panels, COSTS.items(), strict=True):
        ran = [night for night in nights if night["code"] is not None]
        for well, colour, name in (
            (True, _BLUE, "ended well"),
            (False, _RED, "something went wrong"),
        ):
            own = [night for night in ran if (night["code"] == 0) == well]
            axes.plot([night["number"] for night in own], [night[key] for night in own], ".",
                      color=colour, label=name, markersize=5)  # fmt: skip
        axes.set(ylabel=label, ylim=(0, None))
        axes.grid(which="major", color="#e2e2e2")
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].plot([night["number"] for night in nights], [night["archive_mb"] for night in nights],
                    color=_PALE, label="the archive")  # fmt: skip
    panels[-1].set_xlabel("night")
    for axes in (panels[0], panels[-1]):
        axes.legend(frameon=False, fontsize=9.5)
    figure.suptitle("A year of nightly runs", size=15, weight="bold", x=0.16)
    figure.savefig(PICTURE)


def _report(nights: list[Night]) -> None:
    counts = {fault or "nothing": sum(own["fault"] == fault for own in nights)
              for fault in sorted({own["fault"] for own in nights})}  # fmt: skip
    quarter = max(1, len(nights) // 4)
    rows = []
    for name, own in (("first", nights[:quarter]), ("last", nights[-quarter:])):
        well = [night for night in own if night["code"] == 0]
        medians = [statistics.median(night[key] for night in well) for key in COSTS]
        rows.append([f"{name} quarter", *(number(median) for median in medians),
                     number(statistics.median(night["archive_mb"] for night in well))])  # fmt: skip
    said = ", ".join(f"{what} {count}" for what, count in counts.items())
    head = ["", *COSTS.values(), "the archive, MB"]
    lines = [tools(), "", f"{len(nights)} nights: {said}.", "", *table(head, rows)]
    keep("A year of nightly runs", lines)


if __name__ == "__main__":
    main()

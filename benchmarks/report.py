"""Tables of what was measured: printed, and kept in results/."""

import math
import statistics
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import rasterio

RESULTS = Path(__file__).parent / "results"


def medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each number over a case's runs."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def tools() -> str:
    """When and with what it was measured."""
    return (
        f"{date.today()}, rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}, "
        f"Python {sys.version.split()[0]}"
    )


def versions(runs: int) -> str:
    """The line that says so in a file of results."""
    return f"{tools()}; medians of {runs} runs"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of Markdown."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def number(value: float | None, digits: int = 2) -> str:
    """A number for a cell, or nothing."""
    return "" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def keep(title: str, lines: Sequence[str]) -> None:
    """Print a section, and write it to a file named after its title."""
    text = "\n".join([f"## {title}", "", *lines]) + "\n"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    name = title.replace(", ", "_").replace(" ", "-").replace("/", "-")
    (RESULTS / f"{name}.md").write_text(text)

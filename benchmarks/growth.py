"""How our client's cost grows: with layers, with the window, with the dates of a catalogue.

Draws docs/growth.png and keeps a table. Each extraction is a cold process, from the
catalogue's URL to the last array, over a slow link.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cases
import click
from archive import layer_files, make_archive
from cases import CaseError, Numbers
from catalogues import make_catalogues
from growth_plot import draw
from jobs import make_job, pixel_sum, place
from link import SlowSite, link_options
from report import keep, medians, number, table, versions
from roster import WORK

LAYERS = (10, 30, 100, 300, 1000)
LAYERS_WINDOW = 100
WINDOWS = (50, 150, 500, 1500, 5000)
WINDOWS_LAYERS = 4
DATES = (50, 150, 500, 1500, 5000)
DATES_WINDOW = 50

OURS = ("url", "ca", "crs", "bounds", "band", "masked")
"""What our client needs of a job; the rest would count as its memory."""

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "growth.png"


@dataclass(frozen=True, slots=True)
class Point:
    """A site, and what is read of it.

    Attributes:
        size: What grows.
        site: Finds or makes the site.
        window: Side of the window in pixels.
        one: Read one date from the middle; else all.
    """

    size: int
    site: Callable[[], Path]
    window: int
    one: bool = False


@dataclass(slots=True)
class Series:
    """A line of the plot.

    Attributes:
        axis: What grows.
        name: Which line of that axis, where there are several.
        points: What is measured, in order.
        slope: Of cost on logarithmic axes, where it follows what grows; 2 for sides of areas.
        measured: The medians, by what grows.
    """

    axis: str
    name: str
    points: tuple[Point, ...]
    slope: int = 1
    measured: dict[int, Numbers] = field(default_factory=dict)


@click.command()
@link_options
@click.option("--runs", default=3, help="Runs of each point; each of another window.")
@click.option("--note", default="", help="A sentence for the results: what else was going on.")
def main(rtt: float, mbit: float, link: Path | None, runs: int, note: str) -> None:
    """Measure, draw, print a table, keep it in results/."""
    series = list(_series())
    with SlowSite(WORK, rtt_ms=rtt, mbit=mbit, program=link) as slow:
        for line in series:
            for point in line.points:
                site = point.site()
                line.measured[point.size] = medians(
                    [_measure(point, site, slow, run) for run in range(runs)]
                )
                told = line.measured[point.size]
                print(f"{line.axis} {line.name} {point.size}: {told}", file=sys.stderr)
    where = f"{rtt:g} ms, {mbit:g} Mbit/s, TLS"
    draw(series, PICTURE, f"{where}; medians of {runs} runs, each a cold process")
    _report(f"Growth, {where}", series, runs, note)


def _series() -> Iterator[Series]:
    layers = tuple(Point(n, lambda n=n: make_archive(WORK, n), LAYERS_WINDOW) for n in LAYERS)
    yield Series(f"layers, {LAYERS_WINDOW} px of each", "", layers)
    few = partial(make_archive, WORK, WINDOWS_LAYERS)
    windows = tuple(Point(side, few, side) for side in WINDOWS)
    yield Series(f"window in px, {WINDOWS_LAYERS} layers", "", windows, slope=2)
    sites = make_catalogues(WORK / "catalogues", DATES)
    for name, one in (("all are read", False), ("one is read", True)):
        dates = tuple(Point(n, lambda n=n: sites[n], DATES_WINDOW, one) for n in DATES)
        yield Series(f"dates in the catalogue, {DATES_WINDOW} px", name, dates)


def _measure(point: Point, site: Path, slow: SlowSite, run: int) -> Numbers:
    """One extraction; the pixels are compared with those on disk."""
    window = place(site, point.window, seed=run)
    files = layer_files(site)
    url = f"{slow.url}/{site.relative_to(WORK).as_posix()}"
    whole = make_job(site, window, url=url, ca=slow.ca) | {"masked": True}
    job = {key: whole[key] for key in OURS}
    if point.one:
        files = [files[len(files) // 2]]
        job["dates"] = [files[0].name.split("_")[0]]
    before = slow.served()
    numbers = cases.ours(job) | slow.since(before)
    if numbers["checksum"] != pixel_sum(files, window):
        raise CaseError(f"other pixels at {point}")
    return numbers


def _report(title: str, series: list[Series], runs: int, note: str) -> None:
    lines = [versions(runs), *([note] if note else [])]
    head = ["", "seconds", "CPU s", "peak MB", "result MB", "requests", "MB sent"]
    for line in series:
        rows = [
            [
                str(size),
                *(number(row[key]) for key in ("seconds", "cpu")),
                *(number(row[key], 0) for key in ("peak_mb", "result_mb", "requests")),
                number(row["mb"], 3),
            ]
            for size, row in line.measured.items()
        ]
        lines += ["", *table([f"{line.axis} {line.name}".strip(), *head[1:]], rows)]
    keep(title, lines)


if __name__ == "__main__":
    main()

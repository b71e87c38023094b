"""The same window of many layers, read by other tools and by us, over a slow link.

All cases run in turn, each in a cold process, on the same files of the same
server. The limit is curl fetching the same ranges of bytes in parallel,
decoding nothing. The last case is what a user would have today: odc-stac over
files in 512-px blocks of DEFLATE.

The peers are given the STAC items, GDAL's options and the header's size; ours
starts from the URL of the catalogue.
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cases
import click
from archive import LAYOUTS, make_layout
from cases import CaseError, Job, Numbers
from jobs import checksum, make_job, place
from link import SlowSite, link_options
from report import keep, medians, number, table, versions
from roster import PEERS, TODAY, WORK, Peer

from shoestring_schema.grid import Window

USUAL = "512-deflate"


@dataclass(slots=True)
class Case:
    """A row of the table.

    Attributes:
        name: What is measured.
        layout: The files that it reads.
        measure: Measures it once.
        peer: The peer that it is, unless it is the limit, ours, or on other files.
        index: Seconds that building the peer's index took.
        runs: What was measured.
        trouble: Why it could not be measured.
    """

    name: str
    layout: str
    measure: Callable[[Job], Numbers]
    peer: Peer | None = None
    index: float | None = None
    runs: list[Numbers] = field(default_factory=list)
    trouble: str = ""

    def run(self, slow: SlowSite, job: Job, expected: int) -> None:
        """Measure once, and compare the pixels."""
        if self.trouble:
            return
        try:
            before = slow.served()
            numbers = self.measure(job) | slow.since(before)
            if numbers.get("checksum", expected) != expected:
                raise CaseError(f"other pixels: {numbers['checksum']:.0f} instead of {expected}")
            self.runs.append(numbers)
        except CaseError as error:
            self.trouble = str(error)
        print(f"{self.name}: {self.trouble or self.runs[-1]}", file=sys.stderr)

    def prepare(self, job: Job) -> None:
        """Build the peer's index."""
        try:
            if self.peer is not None:
                self.name = f"{self.peer.name} {self.peer.version()}"
                self.index = self.peer.prepare(job).get("seconds")
        except CaseError as error:
            self.trouble = str(error)


@click.command()
@link_options
@click.option("--layers", default=100)
@click.option("--window", default=300, help="Side of the window in pixels.")
@click.option("--runs", default=3, help="Runs of each case, taken in turn.")
@click.option("--layout", type=click.Choice(list(LAYOUTS)), default="128-zstd")
@click.option("--only", multiple=True, help="Only cases with this in their names; may be repeated.")
def main(
    rtt: float, mbit: float, link: Path | None,
    layers: int, window: int, runs: int, layout: str, only: Sequence[str],
) -> None:  # fmt: skip
    """Measure, print a table, keep it in results/."""
    chosen = [
        case for case in _cases(layout) if not only or any(part in case.name for part in only)
    ]
    sites = {case.layout: make_layout(WORK, layers, case.layout) for case in chosen}
    with SlowSite(WORK / "layouts", rtt_ms=rtt, mbit=mbit, program=link) as slow:
        _measure(chosen, sites, slow, side=window, runs=runs)
    title = f"{layers} layers, {window} px, {rtt:g} ms, {mbit:g} Mbit/s, TLS, {layout}, peers"
    _report(title + (f", only {' and '.join(only)}" if only else ""), chosen)


def _cases(layout: str) -> list[Case]:
    first = [Case("limit", layout, cases.limit), Case("ours", layout, cases.ours)]
    peers = [Case(peer.name, layout, peer.run, peer) for peer in PEERS]
    today = Case(f"today: {TODAY.name} over {USUAL}", USUAL, TODAY.run)
    return first + peers + ([today] if layout != USUAL else [])


def _measure(
    chosen: Sequence[Case], sites: dict[str, Path], slow: SlowSite, *, side: int, runs: int
) -> None:
    """All cases in turn in each run; the window is the same for all."""
    reference = next(iter(sites.values()))
    prepared = WORK / "prepared"
    shutil.rmtree(prepared, ignore_errors=True)
    for run in range(runs):
        window = place(reference, side, seed=run)
        jobs = {name: _job(site, slow, window, prepared) for name, site in sites.items()}
        for case in chosen:
            if run == 0:
                case.prepare(jobs[case.layout])
            case.run(slow, jobs[case.layout], checksum(sites[case.layout], window))


def _job(site: Path, slow: SlowSite, window: Window, prepared: Path) -> Job:
    prepared.mkdir(exist_ok=True)
    job = make_job(site, window, url=f"{slow.url}/{site.name}", ca=slow.ca)
    return job | {"masked": True, "prepared": str(prepared)}


def _report(title: str, chosen: Sequence[Case]) -> None:
    median = {case.name: medians(case.runs) for case in chosen if case.runs and not case.trouble}
    limit = median.get("limit", {}).get("seconds")
    peers = [median[case.name]["seconds"] for case in chosen if case.peer and case.name in median]
    fastest = min(peers, default=None)
    head = ["", "seconds", "x limit", "x fastest peer", "CPU s", "peak MB", "requests",
            "connections", "MB sent", "nginx CPU s", "index s"]  # fmt: skip
    rows = [
        [case.name, case.trouble, *[""] * (len(head) - 2)]
        if case.name not in median
        else _row(case, median[case.name], limit, fastest)
        for case in chosen
    ]
    runs = max(len(case.runs) for case in chosen)
    said = "All read the same pixels. Building a peer's own index (index s) is not in its seconds."
    keep(title, [versions(runs), "", *table(head, rows), "", said])


def _row(case: Case, row: Numbers, limit: float | None, fastest: float | None) -> list[str]:
    seconds = row["seconds"]
    return [
        case.name,
        number(seconds),
        *(number(base and seconds / base) for base in (limit, fastest)),
        number(row.get("cpu")),
        number(row.get("peak_mb"), 0),
        number(row["requests"], 0),
        number(row["connections"], 0),
        number(row["mb"], 1),
        number(row["nginx_cpu"]),
        number(case.index, 1),
    ]


if __name__ == "__main__":
    main()

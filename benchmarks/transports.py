"""The same ranges of bytes by several HTTP clients over a slow link, decoding nothing.

What the client's choice of aiohttp, HTTP/1.1 and 32 connections rests on.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cases
import click
from archive import make_layout
from cases import HERE, Job, Numbers
from jobs import make_job, place
from link import SlowSite, link_options
from report import keep, medians, number, table, versions
from roster import WORK, Peer

LAYOUT = "128-zstd"


def _aiohttp(connections: int, *more: str) -> Callable[[Job], Numbers]:
    script = HERE / "peers" / "bytes_aiohttp.py"
    return partial(cases.cold, [sys.executable, script, str(connections), *more])


def _obstore(version: str) -> Callable[[Job], Numbers]:
    return Peer("obstore", "bytes_obstore.py", ("obstore", "numpy"), (version,)).run


CASES: dict[str, Callable[[Job], Numbers]] = {
    "limit: curl, 32 connections": cases.limit,
    "aiohttp, 8 connections": _aiohttp(8),
    "aiohttp, 16 connections": _aiohttp(16),
    "aiohttp, 32 connections": _aiohttp(32),
    "the same, read in batches (ours)": _aiohttp(32, "batches"),
    "aiohttp, 64 connections, in batches": _aiohttp(64, "batches"),
    "obstore, HTTP/1.1, 32 at once": _obstore("1"),
    "obstore, HTTP/2, 32 at once": _obstore("2"),
}


@click.command()
@link_options
@click.option("--layers", default=100)
@click.option("--window", default=300, help="Side of the window in pixels.")
@click.option("--runs", default=3, help="Runs of each case, taken in turn.")
def main(rtt: float, mbit: float, link: Path | None, layers: int, window: int, runs: int) -> None:
    """Measure, print a table, keep it in results/."""
    site = make_layout(WORK, layers, LAYOUT)
    measured: dict[str, list[Numbers]] = {name: [] for name in CASES}
    with SlowSite(site, rtt_ms=rtt, mbit=mbit, program=link) as slow:
        for run in range(runs):
            job = make_job(site, place(site, window, seed=run), url=slow.url, ca=slow.ca)
            for name, measure in CASES.items():
                measured[name].append(measure(job))
                print(f"run {run + 1} {name}: {measured[name][-1]}", file=sys.stderr)
    title = f"{layers} layers, {window} px, {rtt:g} ms, {mbit:g} Mbit/s, TLS, transports"
    _report(title, measured)


def _report(title: str, measured: dict[str, list[Numbers]]) -> None:
    median = {name: medians(runs) for name, runs in measured.items()}
    limit = next(iter(median.values()))["seconds"]
    rows = [
        [name, *map(number, (row["seconds"], row["seconds"] / limit, row.get("cpu")))]
        for name, row in median.items()
    ]
    runs = len(next(iter(measured.values())))
    keep(title, [versions(runs), "", *table(["", "seconds", "x limit", "CPU s"], rows)])


if __name__ == "__main__":
    main()

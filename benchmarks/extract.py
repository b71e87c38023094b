"""One region's window of many layers over a slow link: ours, rasterio by hand, and curl.

The limit is curl fetching the same ranges of bytes in parallel, decoding
nothing, with offsets known.
"""

import sys
from pathlib import Path

import cases
import click
from archive import make_archive
from jobs import make_job, place
from link import SlowSite, link_options
from report import keep, medians, number, table, versions

CASES = {"limit": cases.limit, "by_hand": cases.by_hand, "ours": cases.ours}


@click.command()
@link_options
@click.option("--layers", default=100)
@click.option("--window", default=300, help="Side of the window in pixels.")
@click.option("--runs", default=5, help="Runs of each case, taken in turn.")
@click.option("--unmasked", is_flag=True, help="The whole window as stored, as by hand.")
def main(
    rtt: float, mbit: float, link: Path | None, layers: int, window: int, runs: int, unmasked: bool
) -> None:
    """Measure, print a table, keep it in results/."""
    site = make_archive(Path(__file__).parent / ".work", layers)
    measured: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
    with SlowSite(site, rtt_ms=rtt, mbit=mbit, program=link) as slow:
        for run in range(runs):
            job = make_job(site, place(site, window, seed=run), url=slow.url, ca=slow.ca)
            for case, measure in CASES.items():
                measured[case].append(measure(job | {"masked": not unmasked}))
                print(f"run {run + 1} {case}: {measured[case][-1]}", file=sys.stderr)
    title = f"{layers} layers, {window} px, {rtt:g} ms, {mbit:g} Mbit/s, TLS"
    _report(title + (", unmasked" if unmasked else ""), measured)


def _report(title: str, measured: dict[str, list[dict[str, float]]]) -> None:
    median = {case: medians(runs) for case, runs in measured.items()}
    limit, hand = median["limit"]["seconds"], median["by_hand"]["seconds"]
    rows = [
        [
            case,
            *map(number, (row["seconds"], row["seconds"] / limit, row["seconds"] / hand)),
            *(number(row.get(key)) for key in ("cpu", "peak_mb", "result_mb")),
        ]
        for case, row in median.items()
    ]
    head = ["", "seconds", "x limit", "x by hand", "CPU s", "peak MB", "result MB"]
    keep(title, [versions(len(measured["ours"])), "", *table(head, rows)])


if __name__ == "__main__":
    main()

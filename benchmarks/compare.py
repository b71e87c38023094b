"""The same window of many layers, read by other tools and by us, over a slow link.

All cases run in turn, each in a cold process, on the same files of the same
server. The peers are given the STAC items, GDAL's options and the header's size;
ours starts from the URL of the catalogue.
"""

from collections.abc import Sequence
from pathlib import Path

import click
from archive import LAYOUTS
from contest import Contest, all_cases, make_sites
from link import SlowSite, link_options
from report import keep, versions
from roster import WORK
from standings import standings


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
        case for case in all_cases(layout) if not only or any(part in case.name for part in only)
    ]
    sites = make_sites(chosen, layers)
    with SlowSite(WORK / "layouts", rtt_ms=rtt, mbit=mbit, program=link) as slow:
        contest = Contest(chosen, sites, slow, window)
        contest.prepare()
        for run in range(runs):
            contest.run(run)
    title = f"{layers} layers, {window} px, {rtt:g} ms, {mbit:g} Mbit/s, TLS, {layout}, peers"
    said = (
        "All read the same pixels. Ratios are of one run and window, then their median. "
        "Building a peer's own index (index s) is not in its seconds."
    )
    rows = standings([case.outcome for case in chosen])
    keep(
        title + (f", only {' and '.join(only)}" if only else ""),
        [versions(runs), "", *rows, "", said],
    )


if __name__ == "__main__":
    main()

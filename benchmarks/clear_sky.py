"""Red and NIR of a field through a cloudy season, clouds left out, over a slow link.

Ours knows from the catalogue's tile index which blocks are clear. A peer must fetch the
masks first and then the bands of the dates with a clear pixel, or everything and mask
it; ours is measured like that as well. All must find the same dates and pixels.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cases
import click
from cases import HERE, Job, Numbers
from contest import Case
from link import SlowSite, link_options
from outcome import OURS, Outcome, fastest, ratio
from report import keep, number, table, versions
from roster import WORK, Peer
from season import make_field, make_season, season_job, truth

ALL = "ours, fetching everything through GDAL"

_ASYNC = ("async-geotiff", "obstore", "rasterio")

MASKING = (
    Peer("rasterio /vsicurl, masks first", "masked_rasterio.py", ("rasterio",), ("first",)),
    Peer("rasterio /vsis3, masks first", "masked_rasterio.py", ("rasterio",), ("first", "vsis3")),
    Peer("rasterio /vsis3, all at once", "masked_rasterio.py", ("rasterio",), ("all", "vsis3")),
    Peer("odc-stac, masks first", "masked_odc_stac.py", ("odc-stac",), ("first",)),
    Peer("odc-stac, all at once", "masked_odc_stac.py", ("odc-stac",), ("all",)),
    Peer("async-geotiff, mask first", "masked_async_geotiff.py", _ASYNC),
    Peer("the same, gap 8 KiB", "masked_async_geotiff.py", _ASYNC, ("8192",)),
)


@click.command()
@link_options
@click.option("--field", "side", default=300, help="About how many pixels the field is across.")
@click.option("--runs", default=3, help="Runs of each case, taken in turn; each of another field.")
@click.option("--note", default="", help="A sentence for the results: what else was going on.")
def main(rtt: float, mbit: float, link: Path | None, side: int, runs: int, note: str) -> None:
    """Measure, print a table, keep it in results/."""
    site = make_season(WORK / "season")
    chosen = [_ours(OURS, "auto"), _ours(ALL, "vsicurl")]
    chosen += [Case(peer.name, "season", peer.run, peer) for peer in MASKING]
    skies = []
    with SlowSite(site, rtt_ms=rtt, mbit=mbit, program=link) as slow:
        for run in range(runs):
            job = season_job(site, make_field(side, seed=run), url=slow.url, ca=slow.ca)
            expected, shares = truth(site, job)
            skies.append(_sky(list(shares.values())))
            for case in chosen:
                if run == 0:
                    case.prepare(job)
                case.run(slow, job, expected)
    title = f"Clear sky, {side}-px field, {rtt:g} ms, {mbit:g} Mbit/s, TLS"
    said = (
        f"Dates that are clear/clear in part/overcast over the fields: {', '.join(skies)}. {note}"
    )
    _report(title, [case.outcome for case in chosen], mbit, said.strip())


def _ours(name: str, reader: str) -> Case:
    return Case(name, "season", partial(_season, reader=reader))


def _season(job: Job, *, reader: str) -> Numbers:
    return cases.cold([sys.executable, HERE / "runs.py", "season"], {**job, "reader": reader})


def _sky(shares: Sequence[float]) -> str:
    """How many dates are clear, clear in part, and overcast over a field."""
    counts = sum(share == 1 for share in shares), sum(share == 0 for share in shares)
    return f"{counts[0]}/{len(shares) - sum(counts)}/{counts[1]}"


def _report(title: str, outcomes: Sequence[Outcome], mbit: float, said: str) -> None:
    best = fastest(outcomes)
    (fetched,) = (outcome.median.get("mb") for outcome in outcomes if outcome.name == ALL)
    head = ["", "seconds", "x fastest peer", "line s", "CPU s", "peak MB", "requests", "MB sent",
            "% of everything", "nginx CPU s"]  # fmt: skip
    rows = [
        [outcome.title, *_cells(outcome, mbit, best, fetched)]
        if outcome.median
        else [outcome.title, outcome.trouble, *[""] * (len(head) - 2)]
        for outcome in outcomes
    ]
    same = "All found the same dates and pixels, bit for bit. *line s*: what the bytes sent take at the link's rate."
    runs = max(len(outcome.runs) for outcome in outcomes)
    keep(title, [versions(runs), "", *table(head, rows), "", same, said])


def _cells(outcome: Outcome, mbit: float, best: Outcome | None, fetched: float | None) -> list[str]:
    row = outcome.median
    return [
        number(row["seconds"]),
        number(ratio(outcome, best)),
        number(8 * row["mb"] / mbit),
        number(row["cpu"]),
        number(row["peak_mb"], 0),
        number(row["requests"], 0),
        number(row["mb"], 1),
        number(fetched and 100 * row["mb"] / fetched, 0),
        number(row["nginx_cpu"]),
    ]


if __name__ == "__main__":
    main()

"""What a cache costs the first time and saves from the second on, over a slow link.

The same window of many layers: without a cache, into an empty one, from a filled one, and from that
without the line. Each in a cold process, from opening the catalogue until it is closed and all is
on the disk.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cases
import click
from archive import make_archive
from jobs import checksum, make_job, place
from link import SlowSite, link_options
from report import keep, medians, number, table, versions

PLAIN = "without a cache"


@click.command()
@link_options
@click.option("--layers", default=100)
@click.option("--window", default=300, help="Side of the window in pixels.")
@click.option("--runs", default=5, help="Runs of each case, taken in turn.")
def main(rtt: float, mbit: float, link: Path | None, layers: int, window: int, runs: int) -> None:
    """Measure, print a table, keep it in results/."""
    site = make_archive(Path(__file__).parent / ".work", layers)
    measured: dict[str, list[dict[str, float]]] = {}
    with SlowSite(site, rtt_ms=rtt, mbit=mbit, program=link) as slow:
        for run in range(runs):
            pixels = place(site, window, seed=run)
            job = make_job(site, pixels, url=slow.url, ca=slow.ca) | {"masked": False}
            for case, more in _cases():
                before = slow.served()
                found = cases.cold([sys.executable, cases.HERE / "runs.py", "cached"], job | more)
                assert found["checksum"] == checksum(site, pixels), "other pixels"
                measured.setdefault(case, []).append(found | slow.since(before))
                print(f"run {run + 1}, {case}: {measured[case][-1]}", file=sys.stderr)
    _report(f"Cache, {layers} layers, {window} px, {rtt:g} ms, {mbit:g} Mbit/s, TLS", measured)


def _cases() -> Iterator[tuple[str, dict[str, Any]]]:
    folder = tempfile.mkdtemp(prefix="cache-")
    yield PLAIN, {"cache": False, "offline": False}
    yield "the first time", {"cache": folder, "offline": False}
    yield "the second time", {"cache": folder, "offline": False}
    yield "offline", {"cache": folder, "offline": True}
    shutil.rmtree(folder)


def _report(title: str, measured: dict[str, list[dict[str, float]]]) -> None:
    median = {case: medians(runs) for case, runs in measured.items()}
    ratios = {
        case: medians(
            [
                {key: own[key] / plain[key] for key in ("seconds", "cpu")}
                for own, plain in zip(runs, measured[PLAIN], strict=True)
            ]
        )
        for case, runs in measured.items()
    }
    rows = [
        [case, number(row["seconds"]), number(ratios[case]["seconds"], 3), number(row["cpu"]),
         number(ratios[case]["cpu"]), number(row["requests"], 0), number(row["mb"], 3),
         number(row["peak_mb"], 0)]
        for case, row in median.items()
    ]  # fmt: skip
    head = ["", "seconds", "x without", "CPU s", "x without", "requests", "MB sent", "peak MB"]
    keep(title, [versions(len(measured[PLAIN])), "", *table(head, rows)])


if __name__ == "__main__":
    main()

"""One region's window of many layers over a slow link: ours, rasterio by hand, and curl.

The limit is curl fetching the same ranges of bytes in parallel, decoding
nothing, with offsets known.
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import click
import rasterio
from archive import layer_files, make_archive
from link import NEAR, SlowSite

from shoestring_schema.grid import Grid, Window

HERE = Path(__file__).parent
CASES = ("limit", "by_hand", "ours")
BLOCK = 256


@click.command()
@click.option("--rtt", default=50.0, help="Round-trip time in ms.")
@click.option("--mbit", default=100.0, help="Bandwidth in Mbit/s.")
@click.option("--layers", default=100)
@click.option("--window", default=300, help="Side of the window in pixels.")
@click.option("--runs", default=5, help="Runs of each case, taken in turn.")
@click.option("--unmasked", is_flag=True, help="The whole window as stored, as by hand.")
@click.option(
    "--link",
    type=click.Path(exists=True, path_type=Path),
    help="Another program with wan's arguments.",
)
def main(
    rtt: float, mbit: float, layers: int, window: int, runs: int, unmasked: bool, link: Path | None
) -> None:
    """Measure, print a table, keep it in results/."""
    site = make_archive(HERE / ".work", layers)
    measured: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
    with SlowSite(site, rtt_ms=rtt, mbit=mbit, program=link) as slow:
        for run in range(runs):
            job = _job(site, slow, window, seed=run) | {"masked": not unmasked}
            for case in CASES:
                measured[case].append(_limit(job) if case == "limit" else _cold(case, job))
                print(f"run {run + 1} {case}: {measured[case][-1]}", file=sys.stderr)
    title = f"{layers} layers, {window} px, {rtt:g} ms, {mbit:g} Mbit/s, TLS"
    title += ", unmasked" if unmasked else ""
    _report(title, measured)


def _job(site: Path, slow: SlowSite, side: int, *, seed: int) -> dict[str, Any]:
    """A window at a random place, the same for all cases of a run."""
    files = layer_files(site)
    with rasterio.open(files[0]) as first:
        grid = Grid(first.crs.to_string(), tuple(first.transform)[:6], first.shape)
        rng = random.Random(seed)
        window = Window(*(rng.randrange(0, size - side) for size in grid.shape), side, side)
        ranges, header = _ranges(first, window)
    urls = [f"{slow.url}/{file.relative_to(site).as_posix()}" for file in files]
    return {
        "url": slow.url,
        "ca": str(slow.ca),
        "crs": grid.crs,
        "bounds": grid.crop(window).bounds,
        "window": (window.column, window.row, side, side),
        "files": urls,
        "ranges": ranges,
        "header": header,
    }


def _ranges(file: Any, window: Window) -> tuple[list[tuple[int, int]], int]:  # noqa: ANN401
    """First and last byte of each row of the window's blocks, and the size of the header."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for row, column in window.tiles(BLOCK):
        offset = int(file.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1))
        size = int(file.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=1))
        rows.setdefault(row, []).append((offset, offset + size - 1))
    overview = file.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1, ovr=len(file.overviews(1)) - 1)
    return [(row[0][0], row[-1][1]) for row in rows.values()], int(overview)


def _cold(case: str, job: dict[str, Any]) -> dict[str, float]:
    command = [*NEAR, sys.executable, HERE / "runs.py", case]
    done = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _limit(job: dict[str, Any]) -> dict[str, float]:
    lines = [
        f'url = "{url}"\nrange = "{first}-{last}"\noutput = "/dev/null"\n'
        for url in job["files"]
        for first, last in job["ranges"]
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".curl") as config:
        config.write("".join(lines))
        config.flush()
        parallel = ["--parallel", "--parallel-max", "32", "--parallel-immediate"]
        command = [*NEAR, "curl", "--silent", "--fail", "--http1.1", *parallel]
        command += ["--cacert", job["ca"], "--config", config.name]
        start = time.perf_counter()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return {"seconds": time.perf_counter() - start}


def _report(title: str, measured: dict[str, list[dict[str, float]]]) -> None:
    median = {
        case: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for case, runs in measured.items()
    }
    limit, hand = median["limit"]["seconds"], median["by_hand"]["seconds"]
    lines = [
        f"## {title}",
        "",
        f"{date.today()}, rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}, "
        f"Python {sys.version.split()[0]}; medians of {len(measured['ours'])} runs",
        "",
        "| | seconds | x limit | x by hand | CPU s | peak MB | result MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        row = median[case]
        more = [f"{row[key]:.2f}" if key in row else "" for key in ("cpu", "peak_mb", "result_mb")]
        shares = f"{row['seconds'] / limit:.2f} | {row['seconds'] / hand:.2f}"
        lines.append(f"| {case} | {row['seconds']:.2f} | {shares} | {' | '.join(more)} |")
    text = "\n".join(lines) + "\n"
    print(text)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    name = title.replace(", ", "_").replace(" ", "-").replace("/", "-")
    (results / f"{name}.md").write_text(text)


if __name__ == "__main__":
    main()

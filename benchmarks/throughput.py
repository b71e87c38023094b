"""How fast the builder makes layers: megapixels a second, beside doing the same by hand.

Sentinel-2 mosaics of full size become COGs with overviews: by `shoestring build`, which also counts
statistics and checksums, reads every file back, indexes its blocks, draws a thumbnail and publishes
a catalogue; and by hand, which does none of that. Once where the mosaics are on the grid, once where
they are warped onto it. On one core, and on two; one layer a core at a time.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import rasterio
import scene
from rasterio.transform import from_origin
from report import keep, number, table, tools

WORK = Path(__file__).parent / ".work" / "throughput"
SIDE = 10980
RESOLUTION = 10
CORNER = 600000, 1100040
WARPED = "EPSG:32629"
"""The neighbouring zone: every pixel is interpolated."""

CONFIGURATION = """\
[catalogue]
id = "throughput"
settle = "0 seconds"
[[collections]]
id = "s2"
source = "mosaics/{{date}}_B04.tif"
{grid}
[collections.bands.B04]
nodata = 0
resampling = "bilinear"
"""

_COG = ["-of", "COG", "-co", "COMPRESS=ZSTD", "-co", "LEVEL=6", "-co", "PREDICTOR=YES", "-co", "BLOCKSIZE=128",
        "-co", "OVERVIEW_RESAMPLING=AVERAGE", "-co", "NUM_THREADS=1"]  # fmt: skip
_RIO = ["--cog-profile", "zstd", "--blocksize", "128", "--overview-resampling", "average",
        "--overview-blocksize", "128", "--threads", "1", "--co", "ZSTD_LEVEL=6", "--co", "PREDICTOR=2",
        "--quiet"]  # fmt: skip

Commands = Callable[[Path, Path], list[list[str]]]
"""From a mosaic and the COG to make of it to the commands that make it."""


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), default=scene.DATA,
              help="Folder of the real data.")  # fmt: skip
@click.option("--layers", default=4, help="How many layers are made; an even number.")
@click.option("--runs", default=3, help="Runs of each case, taken in turn.")
@click.option(
    "--warp", is_flag=True, help="Warp the mosaics to a neighbouring zone: five times as long."
)
def main(data: Path, layers: int, runs: int, warp: bool) -> None:
    """Measure, print a table, keep it in results/."""
    mosaics = _mosaics(data, layers)
    rows = []
    for cores in (1, 2):
        found = _measure(mosaics, cores, runs, warp=warp)
        speeds = {case: max(one.speed for one in own) for case, own in found.items()}
        fastest = max(speed for case, speed in speeds.items() if case != "ours")
        rows += [
            [str(cores), case, number(speeds[case]), number(speeds[case] / fastest),
             number(min(one.cpu for one in own) / layers, 1), number(max(one.memory for one in own), 0)]
            for case, own in found.items()
        ]  # fmt: skip
    head = [
        "cores",
        "",
        "megapixels/s",
        "x fastest by hand",
        "CPU seconds a layer",
        "peak MB of a process",
    ]
    said = f"{layers} layers of {SIDE} x {SIDE} px, uint16, as COGs with overviews: ZSTD 6, predictor, 128-px blocks."
    gdal = subprocess.run(["gdalinfo", "--version"], check=True, capture_output=True, text=True)
    by_hand = f"By hand: {gdal.stdout.strip()}; rio cogeo with rasterio's GDAL."
    title = f"Throughput of the builder, {'warped' if warp else 'on the grid'}"
    best = f"The best of {runs} runs each, taken in turn: what else a machine does only takes time away."
    keep(title, [tools(), "", said, by_hand, best, "", *table(head, rows)])


class Taken(NamedTuple):
    """What a run of a case took."""

    speed: float
    """Megapixels a second."""
    cpu: float
    """Seconds of CPU, of all its processes."""
    memory: float
    """Megabytes of its largest process."""


def _measure(
    mosaics: Sequence[Path], cores: int, runs: int, *, warp: bool
) -> dict[str, list[Taken]]:
    """What each case took in each run."""
    found: dict[str, list[Taken]] = {}
    pixels = len(mosaics) * _output_pixels(mosaics[0], warp=warp) / 1e6
    for run in range(runs):
        for case in ("ours", "gdal", "rio cogeo"):
            out = WORK / "out"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            os.sync()
            start = time.perf_counter()
            if case == "ours":
                cpu, memory = _build(mosaics[0].parent, cores, warp=warp)
            else:
                cpu, memory = _by_hand(case, mosaics, out, cores, warp=warp)
            seconds = time.perf_counter() - start
            found.setdefault(case, []).append(Taken(pixels / seconds, cpu, memory))
            print(
                f"run {run + 1}, {cores} cores, {warp=}, {case}: {seconds:.1f} s, "
                f"{cpu:.1f} s of CPU, {memory:.0f} MB",
                file=sys.stderr,
            )
    return found


def _build(folder: Path, cores: int, *, warp: bool) -> tuple[float, float]:
    grid = f'grid = {{ crs = "{WARPED}", resolution = {RESOLUTION} }}' if warp else ""
    text = CONFIGURATION.format(grid=grid).replace("mosaics/", f"{folder.name}/")
    config = WORK / "shoestring.toml"
    config.write_text(text)
    shutil.rmtree(WORK / "site", ignore_errors=True)
    command = [sys.executable, "-m", "shoestring", "build", str(config), "--workers", str(cores)]
    return _pinned(command, cores)


def _by_hand(
    case: str, mosaics: Sequence[Path], out: Path, cores: int, *, warp: bool
) -> tuple[float, float]:
    """A shell for each layer, as many at once as there are cores."""
    scripts = []
    for mosaic in mosaics:
        source, steps = mosaic, []
        if warp:
            source = out / f"{mosaic.stem}.warped.tif"
            steps.append(["gdalwarp", "-q", "-t_srs", WARPED, "-tr", str(RESOLUTION), str(RESOLUTION),
                          "-tap", "-r", "bilinear", "-et", "0", "-wm", "256", str(mosaic), str(source)])  # fmt: skip
        made = out / mosaic.name
        if case == "gdal":
            steps.append(["gdal_translate", "-q", *_COG, str(source), str(made)])
        else:
            rio = str(Path(sys.executable).with_name("rio"))
            steps.append([rio, "cogeo", "create", str(source), str(made), *_RIO])
        steps.append(["rm", "-f", *([] if source == mosaic else [str(source)])])
        scripts.append(" && ".join(" ".join(step) for step in steps))
    listed = "\0".join(scripts)
    command = ["xargs", "-0", "-n", "1", "-P", str(cores), "sh", "-c"]
    return _pinned(command, cores, given=listed)


def _pinned(command: Sequence[str], cores: int, given: str = "") -> tuple[float, float]:
    """Run a command on so many cores; its seconds of CPU, and the megabytes of its largest process."""
    with tempfile.TemporaryFile("w+") as listed:
        listed.write(given)
        listed.seek(0)
        pinned = ["taskset", "-c", f"0-{cores - 1}", *command]
        process = subprocess.Popen(pinned, stdin=listed, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, pinned)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _mosaics(data: Path, layers: int) -> list[Path]:
    """Mosaics of real pixels, none like another; made where they are not there yet.

    In a process of its own: Linux counts the memory of who starts a program as the program's.
    """
    folder = WORK / f"mosaics-{layers}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"2020-01-{day + 1:02d}_B04.tif" for day in range(layers)]
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        other.submit(_make_mosaics, data, paths).result()
    return paths


def _make_mosaics(data: Path, paths: Sequence[Path]) -> None:
    profile = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": 1, "dtype": "uint16",
               "nodata": 0, "crs": "EPSG:32630", "transform": from_origin(*CORNER, RESOLUTION, RESOLUTION),
               "tiled": True, "blockxsize": 512, "blockysize": 512}  # fmt: skip
    for number_, path in enumerate(paths):
        if not path.exists():
            pixels = np.roll(scene.pixels(data, "B04", SIDE), 1000 * number_, axis=1)
            with rasterio.open(path, "w", **profile) as file:
                file.write(pixels, 1)


def _output_pixels(mosaic: Path, *, warp: bool) -> int:
    """Pixels of a layer at full resolution."""
    from rasterio.warp import calculate_default_transform

    with rasterio.open(mosaic) as file:
        if not warp:
            return int(file.width * file.height)
        _, width, height = calculate_default_transform(
            file.crs, WARPED, file.width, file.height, *file.bounds, resolution=RESOLUTION
        )
    return int(width * height)


if __name__ == "__main__":
    main()

"""Which block size and which codec: sizes and times on real Sentinel-2 pixels.

Sizes are exact. The sites of the four block sizes are made by the builder
itself, of one 10980-px mosaic; windows are placed at random. Over the link,
our client reads them, and GDAL through /vsicurl as well as it can be tuned,
for a series and for a map.
"""

import logging
import random
import statistics
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cases
import click
import codings
import numpy as np
import scene
from archive import SIDE, layer_files, make_archive
from cases import Numbers
from jobs import checksum, make_job, place
from link import SlowSite, program_option
from report import keep, medians, number, table, versions

from shoestring_builder.index.tiff import Tiff, read_tiff
from shoestring_builder.render.geotiff import write_cog

WORK = Path(__file__).parent / ".work" / "blocks"
BLOCKS = 64, 128, 256, 512
WINDOWS = 50, 100, 300, 1000, 2000
PLACES = 4000
SAMPLE = 1024
"""Pixels: side of the image that codecs are measured on."""

MAP = Path(__file__).parent / "peers" / "map_view.py"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a site.

    Attributes:
        layers: How many layers are read.
        side: Of the window, in pixels.
        readers: Who is asked.
    """

    layers: int
    side: int
    readers: tuple[str, ...] = ("ours", "GDAL", "GDAL, header unknown")

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.layers} x {self.side} px"


QUESTIONS = [
    Question(100, 50),
    Question(100, 100),
    Question(30, 300),
    Question(10, 1000),
    Question(3, 2000),
    Question(1, 1200, ("GDAL, a map at full resolution", "GDAL, a map of the whole layer")),
]


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), default=scene.DATA,
              help="Folder of the real data.")  # fmt: skip
@program_option
@click.option("--sizes/--no-sizes", default=True, help="Bytes, and times of codecs.")
@click.option("--line", "lines", multiple=True, default=("150/20", "50/100", "5/1000"),
              help="ms/Mbit/s; may be repeated.")  # fmt: skip
@click.option("--runs", default=3)
def main(data: Path, link: Path | None, sizes: bool, lines: Sequence[str], runs: int) -> None:
    """Measure, print tables, keep them in results/."""
    logging.getLogger("rasterio").setLevel(logging.ERROR)  # GDAL's word on 64 pixels
    if sizes:
        _codecs(data, runs)
        _block_sizes(data)
    for line in lines:
        rtt, mbit = map(float, line.split("/"))
        with SlowSite(WORK, rtt_ms=rtt, mbit=mbit, program=link) as slow:
            _times(slow, data, f"{rtt:g} ms, {mbit:g} Mbit/s", runs)


def _sites(data: Path, layers: int) -> dict[int, Path]:
    """Sites whose files have blocks of each size, made by the builder."""
    return {
        block: make_archive(
            WORK / str(block), layers,
            fill=lambda: scene.pixels(data, "B04", SIDE), layout=f"block_size = {block}",
        )
        for block in BLOCKS
    }  # fmt: skip


def _codecs(data: Path, runs: int) -> None:
    images = {band: scene.pixels(data, band, SAMPLE) for band in scene.FILES}
    rows = []
    for coding in codings.CODINGS:
        found = {
            band: codings.measure(own, coding, 128, runs=runs)
            for band, own in images.items()
            if band != "SCL" or not coding.lossy
        }
        print(f"{coding.name}: {found}", file=sys.stderr)
        sizes = [number(found[band]["bytes"], 3) if band in found else "" for band in images]
        times = [
            statistics.mean(found[band][key] for band in ("B04", "B08"))
            for key in ("encode", "decode")
        ]
        rows.append([coding.name, *sizes, *(number(1000 * seconds, 1) for seconds in times)])
    head = ["", *(f"{band}, bytes/px" for band in images), "encode, ms/MP", "decode, ms/MP"]
    said = (
        f"Blocks of 128 px; {SAMPLE} x {SAMPLE} px, no overviews; predictor 2 unless said; "
        "one thread, times of B04 and B08."
    )
    lines = [versions(runs), "", said, "", *table(head, rows), "", *_no_data(data)]
    keep("Codecs, real Sentinel-2", lines)


def _no_data(data: Path) -> list[str]:
    """What lossy codings do to pixels without data, and to those whose numbers are near."""
    own, rng = scene.pixels(data, "B04", SAMPLE), np.random.default_rng(1)
    hidden = np.isin(scene.pixels(data, "SCL", SAMPLE), (8, 9)) | (rng.random(own.shape) < 0.001)
    dark = rng.random(own.shape) < 0.001
    rows = []
    for nodata in (0, 65535):
        near = (
            rng.integers(1, 6, own.shape) if nodata == 0 else nodata - rng.integers(1, 6, own.shape)
        )
        pixels = np.where(hidden, nodata, np.where(dark, near, own)).astype("uint16")
        for coding in (coding for coding in codings.CODINGS if coding.lossy):
            got = codings.stored(pixels, coding, 128, nodata)
            lost, born = hidden & (got != nodata), ~hidden & (got == nodata)
            counts = (str(int(np.count_nonzero(flags))) for flags in (lost, born))
            rows.append([coding.name, str(nodata), *counts])
    head = ["", "nodata", "without data, came back as data", "data, came back as nodata"]
    said = (
        f"{hidden.sum()} of {own.size} pixels without data (clouds, and one in a thousand); one in "
        "a thousand of the others within 5 of nodata."
    )
    return ["### No data under bounded loss", "", said, "", *table(head, rows)]


def _block_sizes(data: Path) -> None:
    rows = []
    for block, site in _sites(data, 1).items():
        rows.append(["B04", str(block), *_size_cells(layer_files(site)[0], WINDOWS)])
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.tif"
        codings.write(scene.pixels(data, "SCL", SIDE // 2), str(plain))
        for block in BLOCKS:
            path = Path(folder) / f"{block}.tif"
            write_cog(plain, path, block_size=block, overview_resampling="mode")
            halves = [side // 2 for side in WINDOWS]
            rows.append(["SCL", str(block), *_size_cells(path, halves)])
    head = ["", "block", "file, MB", "header, kB", *(f"{window} px" for window in WINDOWS)]
    said = (
        f"A layer of {SIDE} x {SIDE} px as the builder writes it (SCL: half as many, and windows "
        "half as wide). Of a window at a random place: kilobytes of its blocks, and rows of "
        f"blocks, that is requests; means of {PLACES} places."
    )
    keep("Block sizes, real Sentinel-2", [versions(1), "", said, "", *table(head, rows)])


def _size_cells(path: Path, sides: Iterable[int]) -> list[str]:
    tiff = read_tiff(path)
    assert tiff is not None
    sizes = number(path.stat().st_size / 1e6, 1), number(tiff.header_size / 1e3, 0)
    return [*sizes, *(_window_cell(tiff, side) for side in sides)]


def _window_cell(tiff: Tiff, side: int) -> str:
    """Kilobytes and rows of blocks of a window at a random place."""
    level, rng = tiff.levels[0], random.Random(side)
    (height, width), (block, _) = level.document.shape, level.document.block
    sums = np.pad(level.sizes[0].astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    total = rows = 0
    for _ in range(PLACES):
        top, left = rng.randrange(height - side), rng.randrange(width - side)
        first, last = top // block, (top + side - 1) // block + 1
        west, east = left // block, (left + side - 1) // block + 1
        total += int(sums[last, east] - sums[first, east] - sums[last, west] + sums[first, west])
        rows += last - first
    return f"{total / PLACES / 1e3:.1f} ({rows / PLACES:.1f})"


def _times(slow: SlowSite, data: Path, line: str, runs: int) -> None:
    rows = []
    for question in QUESTIONS:
        sites = _sites(data, question.layers)
        found = _ask(slow, sites, question, runs)
        for reader in question.readers:
            cells = (_time_cell(medians(found[reader, block])) for block in sites)
            rows.append([question.name, reader, *cells])
    head = ["", "", *(f"{block} px" for block in BLOCKS)]
    said = "Seconds; megabytes that the server sent; the reader's CPU seconds. Windows at random places."
    keep(f"Block sizes, {line}, TLS", [versions(runs), "", said, "", *table(head, rows)])


def _time_cell(own: Numbers) -> str:
    return f"**{own['seconds']:.2f}**; {own['mb']:.1f} MB; {own['cpu']:.2f}"


def _ask(
    slow: SlowSite, sites: Mapping[int, Path], question: Question, runs: int
) -> dict[tuple[str, int], list[Numbers]]:
    """All readers and block sizes in turn in each run."""
    found: dict[tuple[str, int], list[Numbers]] = {}
    for run in range(runs):
        for block, site in sites.items():
            window = place(site, question.side, seed=run)
            url = f"{slow.url}/{site.relative_to(WORK).as_posix()}"
            job = make_job(site, window, url=url, ca=slow.ca) | {"masked": True}
            expected = checksum(site, window)
            for reader in question.readers:
                before = slow.served()
                numbers = _read(reader, job) | slow.since(before)
                if numbers["checksum"] != expected and reader != "GDAL, a map of the whole layer":
                    raise cases.CaseError(f"{reader} read other pixels of {block}-px blocks")
                found.setdefault((reader, block), []).append(numbers)
                print(f"{question.name}, {reader}, {block}: {numbers}", file=sys.stderr)
    return found


def _read(reader: str, job: cases.Job) -> Numbers:
    if reader == "ours":
        return cases.ours(job)
    if reader == "GDAL":
        return cases.by_hand(job)
    if reader == "GDAL, header unknown":
        return cases.by_hand({**job, "header": 0})
    what = "whole" if "whole" in reader else "window"
    return cases.cold([sys.executable, MAP, what], job)


if __name__ == "__main__":
    main()

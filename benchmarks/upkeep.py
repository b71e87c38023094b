"""What an archive costs those who keep it and those who read it, as it grows.

A run of the builder that finds nothing new, one that adds a date, and over a slow link a
client that opens the catalogue and looks up a month: each a cold process, at 1,000, 10,000 and
100,000 layers of tiny rasters. What grows with the archive shows; so does what does not.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import cases
import click
from cases import Numbers
from link import SlowSite, link_options
from report import keep, medians, number, table, versions
from upkeep_archive import BANDS, FIRST_DAY, Archive

WORK = Path(__file__).parent / ".work" / "upkeep"
SIZES = (1_000, 10_000, 100_000)
LOOK_UP = Path(__file__).parent / "look_up.py"


@click.command()
@link_options
@click.option("--layers", "sizes", multiple=True, type=int, default=SIZES,
              help="Sizes of the archive; may be repeated.")  # fmt: skip
@click.option("--runs", default=3, help="Runs of each case.")
@click.option(
    "--make", is_flag=True, help="Make the archives only: it takes long, and need not be quiet."
)
def main(
    rtt: float, mbit: float, link: Path | None, sizes: tuple[int, ...], runs: int, make: bool
) -> None:
    """Measure, print a table, keep it in results/."""
    archives = {size: Archive(WORK / str(size)) for size in sorted(sizes)}
    for size, archive in archives.items():
        archive.grow(size // len(BANDS))
        _build(archive, os.cpu_count() or 1)
    if make:
        return
    rows = []
    for size, archive in archives.items():
        none = medians([_build(archive) for _ in range(runs)])
        one = medians([_added(archive) for _ in range(runs)])
        with SlowSite(WORK, rtt_ms=rtt, mbit=mbit, program=link) as slow:
            read = medians([_read(archive, slow) for _ in range(runs)])
        print(f"{size}: {none} {one} {read}", file=sys.stderr)
        rows.append([f"{size:,}", *_cells(none, one, read)])
    head = [
        "layers", "nothing new, s", "peak MB", "a date more, s",
        "files written", "kB written", "open and look up a month, s", "requests", "kB sent",
    ]  # fmt: skip
    title = f"Upkeep, {rtt:g} ms, {mbit:g} Mbit/s, TLS"
    keep(title, [versions(runs), "", *table(head, rows)])


def _cells(none: Numbers, one: Numbers, read: Numbers) -> list[str]:
    return [
        number(none["seconds"]), number(none["peak_mb"], 0),
        number(one["seconds"]), number(one["files"], 0), number(one["kb"], 0),
        number(read["seconds"]), number(read["requests"], 0), number(1000 * read["mb"], 0),
    ]  # fmt: skip


def _build(archive: Archive, workers: int = 1) -> Numbers:
    """A run of the builder in a process of its own."""
    command = [sys.executable, "-m", "shoestring", "build", str(archive.configuration)]
    start = time.perf_counter()
    process = subprocess.Popen([*command, "--workers", str(workers)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise cases.CaseError(f"the builder ended with {status}")
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_mb": usage.ru_maxrss / 1000}


def _added(archive: Archive) -> Numbers:
    """A run after a date was added."""
    before = archive.files()
    archive.grow(archive.dates() + 1)
    numbers = _build(archive)
    after = archive.files()
    new = [size for name, (when, size) in after.items() if before.get(name) != (when, size)]
    return numbers | {"files": float(len(new)), "kb": sum(new) / 1000}


def _read(archive: Archive, slow: SlowSite) -> Numbers:
    """A client that opens the catalogue and looks up a month in the middle of it."""
    names = json.loads((archive.site / "s2/database.json").read_text("utf-8"))
    month = list(names)[len(names) // 2][:7]
    url = f"{slow.url}/{archive.site.relative_to(WORK).as_posix()}"
    before = slow.served()
    found = cases.cold([sys.executable, LOOK_UP], {"url": url, "ca": str(slow.ca), "month": month})
    if month > f"{FIRST_DAY:%Y-%m}" and found["layers"] < 28 * len(BANDS):
        raise cases.CaseError(f"{month} has {found['layers']} layers only")
    return found | slow.since(before)


if __name__ == "__main__":
    main()

"""Many files of mixed sizes over a slow link: by us, curl, rclone and aria2c.

Each is given the same list, and fetches it into an empty folder in a cold process. Time runs from
the start of the process to its end: what we take to start, to check every byte against its SHA-256
and to wait for the disk is in it; the others neither check nor wait.
"""

import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from cases import HERE, CaseError, Numbers, last_line
from link import NEAR, SlowSite, link_options
from pull_files import Files, make_files
from report import keep, medians, number, table, tools

WORK = HERE / ".work" / "pull"
OURS = "ours"
CURL = "curl --parallel, HTTP/2"
TITLES = ["", "seconds", "x the line", "x curl", "peak MB", "CPU s", "requests", "MB sent"]

Command = Callable[[Files, SlowSite, Path], list[str | Path]]


def ours(files: Files, slow: SlowSite, target: Path) -> list[str | Path]:
    """Our transfer, told the sizes and checksums, as a catalogue tells them."""
    book = files.folder.with_suffix(".json")
    return [sys.executable, HERE / "pull_run.py", book, slow.url, slow.ca, target]


def curl(files: Files, slow: SlowSite, target: Path, most: int) -> list[str | Path]:
    """One connection of HTTP/2 for all, or several of HTTP/1.1."""
    lines = (f'url = "{slow.url}/{name}"\noutput = "{target / name}"\n' for name in files.sizes)
    (WORK / "curl.txt").write_text("".join(lines))
    options = ["--silent", "--fail", "--create-dirs", "--http2", "--cacert", slow.ca]
    return [
        "curl",
        *options,
        "--parallel",
        "--parallel-max",
        str(most),
        "--config",
        WORK / "curl.txt",
    ]


def rclone(files: Files, slow: SlowSite, target: Path, transfers: int) -> list[str | Path]:
    """The http remote; sizes are not asked for first, which is faster."""
    (WORK / "rclone.txt").write_text("".join(f"{name}\n" for name in files.sizes))
    listed = ["--files-from-raw", WORK / "rclone.txt", "--no-traverse", "--ignore-times"]
    many = ["--transfers", str(transfers), "--checkers", str(transfers)]
    remote = ["--http-url", slow.url, "--http-no-head", "--ca-cert", slow.ca]
    return ["rclone", "copy", "--config", "/dev/null", *listed, *many, *remote, ":http:", target]


def aria2c(
    files: Files, slow: SlowSite, target: Path, at_once: int, parts: int
) -> list[str | Path]:
    """Many files at once, large ones in parts or not."""
    lines = (f"{slow.url}/{name}\n  out={name}\n" for name in files.sizes)
    (WORK / "aria2c.txt").write_text("".join(lines))
    split = ["-x", str(parts), "-s", str(parts), "-k", "2M"]
    many = ["-j", str(at_once), *split, "--file-allocation=none"]
    quiet = ["--quiet", "--no-conf", f"--ca-certificate={slow.ca}", f"--dir={target}"]
    return ["aria2c", *quiet, *many, "--input-file", WORK / "aria2c.txt"]


CASES: dict[str, Command] = {
    OURS: ours,
    CURL: partial(curl, most=100),
    "rclone copy, 32 transfers": partial(rclone, transfers=32),
    "aria2c, 16 files in 4 parts": partial(aria2c, at_once=16, parts=4),
    "aria2c, 32 files": partial(aria2c, at_once=32, parts=1),
}


@dataclass(frozen=True, slots=True)
class Race:
    """The same files by all, in turn.

    Attributes:
        files: What is fetched.
        slow: The line.
    """

    files: Files
    slow: SlowSite

    def run(self, command: Command) -> Numbers:
        """Measure one."""
        target = WORK / "target"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        before = self.slow.served()
        numbers = watched([*NEAR, *command(self.files, self.slow, target)])
        if not self.files.are_in(target):
            raise CaseError("not all files are there, or right")
        return numbers | self.slow.since(before)


def watched(command: list[str | Path]) -> Numbers:
    """Run a program, with its peak memory; `ip netns exec` becomes the program itself."""
    peak, began = 0.0, time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            peak = max(peak, _peak_mb(process.pid))
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(ended[1])
        said.seek(0)
        if process.returncode:
            raise CaseError(last_line(said.read()))
    return {"seconds": seconds, "peak_mb": peak, "cpu": ended[2].ru_utime + ended[2].ru_stime}


def _peak_mb(process: int) -> float:
    """What the kernel says; `ru_maxrss` would count ours from before the program began."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1e3
    return 0.0


def versions() -> str:
    """The programs' own words."""
    commands = (["curl", "--version"], ["rclone", "--version"], ["aria2c", "--version"])
    first = (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
        for command in commands
    )
    return "; ".join([tools(), *(" ".join(line.split()[:3]) for line in first)])


@click.command()
@link_options
@click.option("--files", "count", default=2000, help="How many files.")
@click.option("--mb", default=400, help="Megabytes of all.")
@click.option("--runs", default=3, help="Runs of each case, taken in turn.")
@click.option("--only", multiple=True, help="Cases whose names begin so; may be repeated.")
@click.option("--trial", is_flag=True, help="Keep nothing in results/.")
def main(
    rtt: float, mbit: float, link: Path | None, count: int, mb: int, runs: int,
    only: tuple[str, ...], trial: bool,
) -> None:  # fmt: skip
    """Measure, print a table, keep it in results/."""
    files = make_files(WORK, count, mb)
    measured: dict[str, list[Numbers]] = {
        name: [] for name in CASES if not only or name.startswith(only)
    }
    with SlowSite(files.folder, rtt_ms=rtt, mbit=mbit, program=link) as slow:
        race = Race(files, slow)
        for run in range(runs):
            for name, results in measured.items():
                results.append(race.run(CASES[name]))
                print(f"run {run + 1} {name}: {results[-1]}", file=sys.stderr)
    rows = list(_rows(measured, files.size / (mbit * 125_000)))
    title = f"Pull, {count} files, {files.size / 1e6:.0f} MB, {rtt:g} ms, {mbit:g} Mbit/s, TLS"
    lines = [f"{versions()}; medians of {runs} runs", "", *table(TITLES, rows)]
    if trial:
        print("\n".join([title, *lines]))
    else:
        keep(title, lines)


def _rows(measured: dict[str, list[Numbers]], line: float) -> Iterator[list[str]]:
    """A row a case; ratios are the medians of those within a run."""
    for name, runs in measured.items():
        row = medians(runs)
        beside = (
            run["seconds"] / other["seconds"]
            for run, other in zip(runs, measured.get(CURL, []), strict=False)
        )
        by_curl = statistics.median(list(beside) or [math.nan])
        seconds = row["seconds"]
        yield [
            name, number(seconds), number(seconds / line), number(by_curl, 3),
            number(row["peak_mb"], 0), number(row["cpu"], 1), number(row["requests"], 0),
            number(row["mb"], 1),
        ]  # fmt: skip
    yield ["the line: bytes by its bandwidth", number(line), number(1.0), *[""] * 5]


if __name__ == "__main__":
    main()

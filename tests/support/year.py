"""A year of nights on somebody's old server, with all that goes wrong in one."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from support import killed_build
from support.mosaics import CONFIGURATION, age, write_configuration, write_raster

FIRST = date(2019, 1, 1)
BANDS = {"B04": "uint16", "SCL": "uint8"}
KEEP = "60 hours"
_MEASURED = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump([code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000], file)
"""
"""Runs a command from a small process: Linux counts the memory of who starts it as its own."""

QUIET = 4
"""Nights at the end on which nothing happens: all that is old has ended by then."""

_FAULTS = {
    "": 54,
    "killed": 15,
    "full disk": 6,
    "bad file": 6,
    "half a file": 6,
    "archive not mounted": 4,
    "clock set back": 3,
    "no power": 6,
}
"""What may happen in a night, and how often in a hundred."""


@dataclass(frozen=True, slots=True)
class Night:
    """What a night was like.

    Attributes:
        number: Of the night, from 0.
        fault: What happened.
        code: Exit code of the builder; None where it did not run.
        said: What it said, on both of its outputs.
        seconds: How long it ran.
        cpu: Seconds of processor time that it took, which nothing else on the machine makes longer.
        peak_mb: The most memory that it used.
        files: Number of files of the site afterwards.
        site_mb: Their bytes.
        archive_mb: Bytes of the source files.
    """

    number: int
    fault: str
    code: int | None
    said: str
    seconds: float
    cpu: float
    peak_mb: float
    files: int
    site_mb: float
    archive_mb: float


class Year:
    """An archive that grows by a date a night, and the builder that cron starts.

    Args:
        folder: For both; on a file system of its own, where `disk` is told.
        nights: How many.
        disk: Whether that file system may be filled.
        seed: Of the dice.
    """

    def __init__(self, folder: Path, nights: int, *, disk: bool, seed: int) -> None:
        self.project = folder / "project"
        self.site = self.project / "site"
        self._filler, self._disk, self._nights = folder / "filler", disk, nights
        self._dice, self._owed = random.Random(seed), list[Path]()
        self.project.mkdir()
        text = CONFIGURATION.replace(
            'settle = "0 seconds"', f'settle = "0 seconds"\nkeep = "{KEEP}"'
        )
        self.config = write_configuration(self.project, text)

    @property
    def numbers(self) -> range:
        """Of all nights; the last ones are quiet."""
        return range(self._nights + QUIET)

    def pass_a_day(self) -> None:
        """All that is in the site grows older."""
        if self.site.is_dir():
            age(self.site, 24)

    def night(self, number: int) -> Night:
        """What happens in a night; nobody helps."""
        fault = self._fault(number)
        self._pay_debts()
        if number == self._nights * 55 // 100:
            fault = "reprocessed"
            for back in range(1, min(number, 30)):
                self._write(number - back, 1000)
        if number < self._nights:
            self._deliver(number, fault)
        if fault == "no power":
            return self._told(number, fault, _Run(None, "", 0.0, 0.0, 0.0))
        with self._circumstances(fault):
            return self._told(number, fault, self._run(fault))

    def _fault(self, number: int) -> str:
        share = number / self._nights
        if number == 0 or number >= self._nights:
            return ""
        if 0.65 <= share < 0.73:
            return "no power"  # for a month
        (fault,) = self._dice.choices(list(_FAULTS), list(_FAULTS.values()))
        return "" if fault == "full disk" and not self._disk else fault

    def _deliver(self, number: int, fault: str) -> None:
        """The day's mosaics, as far as they come."""
        paths = self._write(number, 0)
        if fault in ("bad file", "half a file"):
            path = self._dice.choice(paths)
            data = path.read_bytes()
            path.write_bytes(b"no mosaic at all" if fault == "bad file" else data[: len(data) // 2])
            self._owed.append(path)

    def _write(self, number: int, more: int) -> list[Path]:
        day = FIRST + timedelta(days=number)
        paths = []
        for band, kind in BANDS.items():
            path = self.project / "mosaics" / f"S2_{day}_{band}.tif"
            value = 1 + number % 11 if band == "SCL" else 1 + number + more
            paths.append(write_raster(path, value, dtype=kind))
        return paths

    def _pay_debts(self) -> None:
        """What was damaged on its way comes again, whole."""
        for path in self._owed:
            day = date.fromisoformat(path.name.split("_")[1])
            self._write((day - FIRST).days, 0)
        self._owed.clear()

    @contextmanager
    def _circumstances(self, fault: str) -> Iterator[None]:
        mosaics = self.project / "mosaics"
        elsewhere = mosaics.with_name("elsewhere")
        if fault == "full disk":
            room = self._dice.choice((2_000, 20_000, 200_000))
            self._filler.write_bytes(bytes(max(0, shutil.disk_usage(self.project).free - room)))
        if fault == "archive not mounted":
            mosaics.rename(elsewhere)
        try:
            yield
        finally:
            self._filler.unlink(missing_ok=True)
            if elsewhere.exists():
                elsewhere.rename(mosaics)

    def _run(self, fault: str) -> "_Run":
        """What cron would start."""
        event = self._dice.randint(1, 40) if fault == "killed" else 10**9
        back = str(400 * 86400) if fault == "clock set back" else "0"
        arguments = [str(self.config), "1", str(event), "0", ""]
        begun = time.monotonic()
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as figures:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _MEASURED, figures.name,
                 sys.executable, killed_build.__file__, *arguments],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
                env={**os.environ, killed_build.CLOCK: back},
            )  # fmt: skip
            code, cpu, peak_mb = json.load(figures)
        return _Run(code, done.stdout, time.monotonic() - begun, cpu, peak_mb)

    def _told(self, number: int, fault: str, run: "_Run") -> Night:
        files = [path for path in self.site.rglob("*") if path.is_file()]
        site = sum(path.stat().st_size for path in files) / 1e6
        mosaics = (self.project / "mosaics").glob("*")
        archive = sum(path.stat().st_size for path in mosaics) / 1e6
        return Night(number, fault, *run, len(files), site, archive)


class _Run(NamedTuple):
    """What became of a run: its exit code, its words, its seconds, its memory."""

    code: int | None
    said: str
    seconds: float
    cpu: float
    peak_mb: float

"""Disks that fail and clocks that jump, for one process: see ``faults.c``."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.command import Ran
from support.tools import require_tool

SOURCE = Path(__file__).with_name("faults.c")


@dataclass(frozen=True, slots=True)
class Faults:
    """A library that lets calls of the system fail.

    Attributes:
        library: It, compiled.
        folder: A folder for what it tells.
    """

    library: Path
    folder: Path

    def run(
        self,
        *arguments: str | Path,
        calls: str = "",
        path: str = "",
        at: int = 0,
        times: int = 1,
        how: str = "error",
        clock: str = "",
    ) -> Ran:
        """Run ``shoestring ARGUMENTS`` on a disk that fails.

        Args:
            arguments: Of the command.
            calls: Names of calls, between commas.
            path: A part of the path that they are about.
            at: The first that fails, from 1; 0 for none.
            times: How many fail.
            how: ``error`` (EIO) or ``truncate``.
            clock: ``calls:seconds`` after which the clock is set back, and by how much.
        """
        told: Mapping[str, str] = {
            "FAULT_CALLS": calls, "FAULT_PATH": path or "/", "FAULT_AT": str(at),
            "FAULT_TIMES": str(times), "FAULT_HOW": how, "FAULT_CLOCK": clock,
            "FAULT_COUNT": str(self.folder / "count"), "LD_PRELOAD": str(self.library),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "shoestring", *map(str, arguments)],
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    @property
    def count(self) -> int:
        """How many calls there were in the last run that a fault could have met."""
        return int((self.folder / "count").read_text())


def make_faults(folder: Path) -> Faults:
    """Compile the library; a test that needs it is skipped, saying so, but on Linux.

    Args:
        folder: An existing folder to put it into.
    """
    if sys.platform != "linux":
        pytest.skip("Only on Linux can calls of the system be made to fail in this way.")
    library = folder / "faults.so"
    compiler = require_tool("cc")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True, timeout=60
    )
    return Faults(library, folder)

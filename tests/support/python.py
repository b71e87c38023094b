"""Python as a process of its own: scripts and commands as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

from support.command import Ran


def python(home: Path, *arguments: str | Path) -> Ran:
    """Run ``python ARGUMENTS`` in a folder, to its end; pictures go to files only."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=home,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)

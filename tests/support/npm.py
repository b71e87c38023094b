"""Packages of npm, as a lock file says, kept from run to run."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from support.tools import require_tool

KEPT = Path(__file__).parents[2] / ".doors"
"""What takes long to get and never changes: ignored by git."""

INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")


def installed(folder: Path) -> Path:
    """A copy of a folder with its packages in ``node_modules``.

    It is made once for what `folder` holds, and in one step: half a copy is never found.

    Args:
        folder: With ``package.json``, ``package-lock.json`` and whatever uses them.

    Returns:
        The copy.
    """
    place = kept(folder)
    if not place.exists():
        npm, work = require_tool("npm"), place.with_suffix(".part")
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(folder, work, ignore=shutil.ignore_patterns("node_modules"))
        run([npm, *INSTALL], work)
        work.rename(place)
    return place


def run(command: list[str], folder: Path) -> None:
    """Run a program; what it says is told where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed in {folder}:\n{done.stdout}{done.stderr}")


def kept(folder: Path, more: str = "") -> Path:
    """Where that is kept which is made of what a folder holds, and of what else is told."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    sums = [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    fingerprint = hashlib.sha256("\n".join([*sums, more]).encode()).hexdigest()[:16]
    return KEPT / f"{folder.name}-{fingerprint}"

"""Small and read-only file systems, which only root can mount."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.tools import require_tool


@contextmanager
def mounted(place: Path, options: str) -> Iterator[Path]:
    """A tmpfs on a new folder, for as long as the context lasts.

    A test that needs it is skipped, saying so, for everybody but root.

    Args:
        place: The folder; made here.
        options: As for ``mount -o``: ``size=2m``, ``ro``.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("Only root can mount the file system that this test needs.")
    mount, umount = require_tool("mount"), require_tool("umount")
    place.mkdir()
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"This machine lets nobody mount: {made.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run([umount, "-l", place], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that nothing can be written into, for as long as the context lasts.

    Args:
        folder: It, with all that is below.
    """
    if os.geteuid() != 0:
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(0o755)
        return
    mount, umount = require_tool("mount"), require_tool("umount")
    made = subprocess.run([mount, "--bind", folder, folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"This machine lets nobody mount: {made.stderr.decode().strip()}")
    try:
        subprocess.run([mount, "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run([umount, "-l", folder], check=True)

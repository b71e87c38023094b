"""Tasks for pools: functions that worker processes can import."""

import os
import time
from pathlib import Path

from shoestring_schema.errors import PublishError, SourceError


def double(number: int) -> int:
    """A task that takes longer the earlier it comes, and fails for 3."""
    time.sleep(0.02 / (1 + number))
    if number == 3:
        raise SourceError("three.tif is bad.")
    return 2 * number


def full(number: int) -> int:
    """A task that finds the disk full."""
    raise PublishError(f"{number}: no room.")


def die(number: int) -> int:
    """A task that kills its process."""
    os._exit(number)


def die_once(mark: Path) -> int:
    """A task that kills its process when it is done for the first time; tell which process."""
    if not mark.exists():
        mark.touch()
        os._exit(1)
    return os.getpid()

"""Source files that are still being copied are left for the next run.

Whether a copy has ended can't be seen from a file's age: one that was made just now by the
program before us is whole, one that a slow line brings is not. So nobody waits for a file to grow
old: new files are looked at again some seconds later, and those that have changed are left. What
was rendered meanwhile is not lost where they have not.
"""

import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from shoestring_builder.layer import SourceBand

_YOUNG = 3600
"""Seconds. Nobody copies a file for so long without a byte; also how far clocks may disagree."""


def wait(sources: Iterable[SourceBand], settle: timedelta, since: float) -> None:
    """Wait until sources could have changed, where some are young.

    Args:
        sources: What was read.
        settle: How long they must stay as they are.
        since: When they were looked at, by `time.monotonic`.
    """
    left = since + settle.total_seconds() - time.monotonic()
    now = time.time()
    if left > 0 and any(abs(now - source.modified / 1e9) < _YOUNG for source in sources):
        time.sleep(left)


def changed(sources: Iterable[SourceBand]) -> dict[Path, str]:
    """Sentences on the sources that are not what they were when they were looked at."""
    told = {}
    for source in sources:
        try:
            status = source.path.stat()
            same = (status.st_size, status.st_mtime_ns) == (source.size, source.modified)
        except OSError:
            same = False
        if not same:
            told[source.path] = (
                f"{source.path} is left for the next run: it changed while it was read, so it is "
                "still being copied."
            )
    return told

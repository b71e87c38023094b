"""A progress bar for what takes over two seconds."""

import sys

from tqdm.auto import tqdm

DELAY = 2.0
"""Seconds before a bar shows."""


def progress_bar(total: int, name: str, unit: str, *, wanted: bool | None) -> "tqdm[object]":
    """A bar on standard error that shows itself after a while.

    Args:
        total: How many there are to come.
        name: What is going on.
        unit: What is counted.
        wanted: Whether to show it; by default on a terminal or in a notebook only.
    """
    show = someone_looks() if wanted is None else wanted
    return tqdm(total=total, desc=name, unit=f" {unit}", delay=DELAY, disable=not show, leave=False)


def someone_looks() -> bool:
    """Whether there is a terminal or a notebook."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())

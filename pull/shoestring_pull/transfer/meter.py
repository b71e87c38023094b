"""How far a transfer is: a bar on a terminal, a line now and then in a log file."""

import sys
import time
from typing import Final, Protocol

from tqdm.auto import tqdm

from shoestring.progress import DELAY, someone_looks

_NAME: Final = "pull"

EVERY = 30.0
"""Seconds between two lines in a log file."""


class Meter(Protocol):
    """Shows how far a transfer is."""

    def add(self, size: int) -> None:
        """So many bytes have come; fewer than none, where some must come again."""
        ...

    def close(self) -> None:
        """That was all."""
        ...


class Silence:
    """Shows nothing."""

    def add(self, size: int) -> None:
        """See `Meter.add`."""

    def close(self) -> None:
        """See `Meter.close`."""


class Bar:
    """A bar on a terminal or in a notebook, with bytes, rate and time left.

    Args:
        total: Bytes of all.
        there: Bytes that are there at the beginning.
    """

    def __init__(self, total: int, there: int) -> None:
        self._bar = tqdm(
            total=total, initial=there, desc=_NAME, unit="B", unit_scale=True, delay=DELAY,
            leave=False, smoothing=0.1,
        )  # fmt: skip

    def add(self, size: int) -> None:
        """See `Meter.add`."""
        self._bar.update(size)

    def close(self) -> None:
        """See `Meter.close`."""
        self._bar.close()


class Lines:
    """A line every half a minute: where there is no terminal, a bar would be one endless line.

    Args:
        total: Bytes of all.
        there: Bytes that are there at the beginning.
        every: Seconds between two lines.
    """

    def __init__(self, total: int, there: int, *, every: float = EVERY) -> None:
        self._total, self._there, self._now, self._every = total, there, there, every
        self._began = self._told = time.monotonic()

    def add(self, size: int) -> None:
        """See `Meter.add`."""
        self._now += size
        if time.monotonic() - self._told >= self._every:
            self._tell()

    def close(self) -> None:
        """See `Meter.close`."""
        if self._told > self._began:  # who has seen a line wants to see the last one
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        print(line(self._total, self._there, self._now, self._told - self._began), file=sys.stderr)


def line(total: int, there: int, now: int, seconds: float) -> str:
    """How far it is: ``pull: 34%, 136M of 400M, 12.1MB/s, 00:21 left``.

    Args:
        total: Bytes of all.
        there: Bytes that were there at the beginning.
        now: Bytes that are there now.
        seconds: Since the beginning.
    """
    return str(
        tqdm.format_meter(
            now, total, seconds, prefix=_NAME, unit="B", unit_scale=True, initial=there,
            bar_format="{desc}: {percentage:.0f}%, {n_fmt} of {total_fmt}, {rate_fmt}, {remaining} left",
        )
    )  # fmt: skip


def meter(total: int, there: int, *, wanted: bool | None) -> Meter:
    """What shows how far it is.

    Args:
        total: Bytes of all.
        there: Bytes that are there already.
        wanted: Whether to show it: without a terminal, as lines. By default only on a terminal or
            in a notebook.
    """
    if wanted is False or not (wanted or someone_looks()):
        return Silence()
    return Bar(total, there) if someone_looks() else Lines(total, there)


def say_beside(sentence: str) -> None:
    """Tell the user something, without spoiling the bar."""
    tqdm.write(sentence, file=sys.stderr)

"""A line a step in the log, with what was done and how long it took."""

import logging
import time

_log = logging.getLogger(__name__)


class Steps:
    """A stopwatch: each step lasts from the end of the one before."""

    def __init__(self) -> None:
        self._begun = self._last = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the first step began."""
        return time.monotonic() - self._begun

    def done(self, step: str, collection: str = "", **counts: int) -> None:
        """Log that a step has ended.

        Args:
            step: Its name: inventory, plan, render, …
            collection: The collection, if it is one's.
            counts: What was found or done.
        """
        now = time.monotonic()
        seconds, self._last = now - self._last, now
        numbers = ", ".join(f"{number} {what.replace('_', ' ')}" for what, number in counts.items())
        place = f"{collection}: {step}" if collection else step
        facts = {"collection": collection} if collection else {}
        more = {"step": step, **facts, "seconds": round(seconds, 3), **counts}
        _log.info("%s: %s (%.1f s)", place, numbers, seconds, extra={"facts": more})

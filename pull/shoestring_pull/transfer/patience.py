"""How long to go on asking for bytes that do not come."""

import random
from dataclasses import dataclass

from shoestring.options import Options
from shoestring.transport import MAX_WAIT
from shoestring_schema.errors import TransferError

_LONGEST = 16
"""Waits grow from `Options.retry_delay` to so many times that."""

_ENDURE = 600
"""So many times `Options.retry_delay` a line may be down: five minutes."""


@dataclass(slots=True)
class Patience:
    """With one request's failures in a row.

    A line that is often down is worth more tries than somebody who waits for a picture has
    patience for: what has come is kept, so that each goes on where the last one ended.

    Attributes:
        options: At least so many tries, and how long to wait between them.
        failures: In a row.
        began: When the first of them was.
    """

    options: Options
    failures: int = 0
    began: float = 0.0

    def progressed(self) -> None:
        """Bytes have come."""
        self.failures = 0

    def wait(self, error: TransferError, now: float) -> float | None:
        """Seconds until the next try; None where there should be none.

        Args:
            error: Why the last one ended.
            now: Seconds, on a clock that runs evenly.
        """
        options, self.failures = self.options, self.failures + 1
        if self.failures == 1:
            self.began = now
        if not error.passing or not options.retries:
            return None
        if self.failures > options.retries and now - self.began >= self.endurance:
            return None
        longer: float = min(2 ** min(self.failures - 1, 10), _LONGEST) * random.uniform(0.5, 1.5)
        return min(error.retry_after or options.retry_delay * longer, MAX_WAIT)

    @property
    def endurance(self) -> float:
        """Seconds for which a line may be down."""
        return _ENDURE * self.options.retry_delay

"""How far servers may send ahead. Pure.

Many connections that each take all that their server sends fill the line's queue: what is small
waits behind it, packets are lost, and a connection that lost several may come to a standstill for
seconds. What must be under way for a line to be full is its bandwidth times its round trip; here
it is twice that, divided among the connections.
"""

from dataclasses import dataclass
from typing import Final

LEAST: Final = 32 * 2**10
MOST: Final = 8 * 2**20
"""Bytes that a connection may have under way."""

_BIN: Final = 0.5
"""Seconds over which a rate is taken."""


@dataclass(slots=True)
class Ahead:
    """What is known of the line.

    Attributes:
        streams: Bodies that are coming in.
        trip: Seconds of the shortest round trip so far.
        rate: Bytes a second at the fastest so far.
    """

    streams: int = 0
    trip: float = 0.0
    rate: float = 0.0
    _begin: float = 0.0
    _size: int = 0

    def answered(self, seconds: float) -> None:
        """An answer began so long after its request was sent."""
        self.trip = min(self.trip or seconds, seconds)

    def came(self, size: int, now: float) -> None:
        """So many bytes have come.

        Args:
            size: Bytes.
            now: Seconds, on a clock that runs evenly.
        """
        if now - self._begin >= _BIN:
            if now - self._begin < 2 * _BIN:  # else nothing came for a while
                self.rate = max(self.rate, self._size / (now - self._begin))
            self._begin, self._size = now, 0
        self._size += size

    @property
    def window(self) -> int:
        """Bytes that each connection should have under way."""
        needed = 2 * self.rate * self.trip / max(1, self.streams)
        return int(min(max(needed, LEAST), MOST))

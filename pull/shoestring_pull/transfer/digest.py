"""Checksums of a file and of its pieces, as its bytes pass by in their order."""

import hashlib
import zlib
from collections import deque
from itertools import accumulate

from shoestring_pull.transfer.order import Order

_SHA256 = "1220"
"""What a multihash of SHA-256 begins with."""


class Digest:
    """What is known of the bytes that have passed.

    Attributes:
        position: How many have passed.
        spoilt: Whether a piece had another checksum than it should have.

    Args:
        order: The file, and what its checksums should be.
    """

    def __init__(self, order: Order) -> None:
        self.position = 0
        self.spoilt = False
        self._sha256 = hashlib.sha256()
        self._crc32 = 0
        stops = accumulate(piece.span.size for piece in order.pieces)
        known = any(piece.crc32 is not None for piece in order.pieces)
        sums = ((stop, piece.crc32) for stop, piece in zip(stops, order.pieces, strict=True))
        self._pieces = deque(sums if known else ())

    def update(self, data: "bytes | memoryview") -> None:
        """The next bytes."""
        self._sha256.update(data)
        view = memoryview(data)
        while self._pieces and len(view):
            stop, expected = self._pieces[0]
            size = min(stop - self.position, len(view))
            self._crc32 = zlib.crc32(view[:size], self._crc32)
            self.position += size
            view = view[size:]
            if self.position == stop:
                self._end_piece(expected)
        self.position += len(view)

    def checksum(self) -> str:
        """Multihash of all that has passed."""
        return _SHA256 + self._sha256.hexdigest()

    def _end_piece(self, expected: int | None) -> None:
        self.spoilt |= expected is not None and expected != self._crc32
        self._pieces.popleft()
        self._crc32 = 0

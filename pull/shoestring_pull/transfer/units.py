"""From a file to the requests that fetch it. Pure.

Large pieces are divided, small neighbours are fetched together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shoestring.location import Location
from shoestring.spans import Span
from shoestring_pull.transfer.order import Order, Piece

UNIT = 2**20
"""Bytes of a request; up to half as many more, so that no sliver is left over."""

GAP = 512
"""Bytes between two pieces that are worth a request: GDAL writes 8 of them between blocks."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Bytes of a file that come in one request.

    Attributes:
        source: Where from; or the bytes themselves.
        file_size: Bytes that the source must have.
        start: Where in the file they go, one after the other.
        spans: Which bytes of the source, in order; what lies between is not wanted.
    """

    source: Location | bytes
    file_size: int
    start: int
    spans: tuple[Span, ...]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return sum(span.size for span in self.spans)

    @property
    def stop(self) -> int:
        """First byte behind, in the file."""
        return self.start + self.size

    def left(self, have: int) -> tuple[Span, ...]:
        """What is still wanted of the source.

        Args:
            have: How many of the unit's bytes are there.
        """
        left = []
        for span in self.spans:
            begin = span.start + min(max(have, 0), span.size)
            if begin < span.stop:
                left.append(Span(begin, span.stop))
            have -= span.size
        return tuple(left)


def wanted(chunk: bytes, at: int, spans: Sequence[Span]) -> bytes:
    """What some bytes of the source hold of the spans.

    Args:
        chunk: The bytes.
        at: Where in the source they lie.
        spans: In order.
    """
    if len(spans) == 1 and spans[0].start <= at and at + len(chunk) <= spans[0].stop:
        return chunk
    view = memoryview(chunk)
    parts = (view[max(span.start - at, 0) : max(span.stop - at, 0)] for span in spans)
    return b"".join(parts)


def units(order: Order) -> tuple[Unit, ...]:
    """The requests of a file, in its order."""
    found: list[Unit] = []
    start = 0
    for group in _together(piece for piece in order.pieces if piece.span.size):
        for unit in _divided(group, start):
            found.append(unit)
            start = unit.stop
    return tuple(found)


def _together(pieces: Iterator[Piece]) -> Iterator[list[Piece]]:
    """Pieces of which each lies close behind the one before it."""
    group: list[Piece] = []
    for piece in pieces:
        if group and not _follows(group, piece):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _follows(group: Sequence[Piece], piece: Piece) -> bool:
    first, last = group[0], group[-1]
    if isinstance(piece.source, bytes) or (last.source, last.file_size) != (
        piece.source,
        piece.file_size,
    ):
        return False
    gap = piece.span.start - last.span.stop
    return 0 <= gap <= GAP and piece.span.stop - first.span.start <= UNIT


def _divided(group: Sequence[Piece], start: int) -> Iterator[Unit]:
    """A unit; or several of almost the same size, of a piece that is larger."""
    first = group[0]
    if len(group) > 1:
        yield Unit(first.source, first.file_size, start, tuple(piece.span for piece in group))
        return
    span, count = first.span, max(1, round(first.span.size / UNIT))
    edges = [span.start + span.size * index // count for index in range(count + 1)]
    for begin, end in pairwise(edges):
        offset = begin - span.start
        yield Unit(first.source, first.file_size, start + offset, (Span(begin, end),))

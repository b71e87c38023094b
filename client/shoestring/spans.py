"""Spans of bytes, and putting neighbours together. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A range of bytes of a file.

    Attributes:
        start: First byte.
        stop: First byte behind.
    """

    start: int
    stop: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.stop - self.start

    def part(self, data: bytes, inner: "Span") -> memoryview:
        """The bytes of a span inside of this one, whose bytes are given."""
        return memoryview(data)[inner.start - self.start : inner.stop - self.start]


def merge(spans: Iterable[Span], *, gap: int, most: int) -> list[Span]:
    """Put spans together that lie so near that one request costs less than two.

    Args:
        spans: In any order; they may overlap.
        gap: Bytes in between that are worth a request.
        most: Bytes of a request that is put together; a longer span stays as it is.

    Returns:
        Spans in order, none of which touch; each given one lies in one of them.
    """
    merged: list[Span] = []
    for span in sorted(spans):
        last = merged[-1] if merged else None
        joined = Span(last.start, max(last.stop, span.stop)) if last else span
        if (
            last
            and span.start - last.stop <= gap
            and (joined.size <= most or span.start < last.stop)
        ):
            merged[-1] = joined
        else:
            merged.append(span)
    return merged

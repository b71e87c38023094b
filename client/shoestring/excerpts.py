"""Excerpts of a file: spans that are asked for together, and that are each worth keeping.

A reader knows how a file is divided (blocks, runs of an index), the transport
how to ask for it: what lies near each other in one request. So windows that overlap
share excerpts, however their requests are divided.
"""

from bisect import bisect_right
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shoestring.location import Location
from shoestring.spans import Span, merge
from shoestring.together import together

Proof = Callable[[Span, memoryview], bool]
"""Whether these are the bytes of a span. It may be called in any thread."""


@dataclass(frozen=True, slots=True, eq=False)
class Excerpts:
    """Spans of one file.

    Attributes:
        location: The file.
        file_size: Bytes that the file must have: another size is another file.
        spans: Which; none overlaps another.
        gap: Bytes between two spans that are fetched along, as they cost less than a request.
        most: Bytes of a request that several spans are put together in.
        proves: What tells the right bytes from all others. Whoever asked looks for itself; a
            cache keeps, and gives, only what it is true for.
    """

    location: Location
    file_size: int
    spans: tuple[Span, ...]
    gap: int
    most: int
    proves: Proof

    def only(self, spans: tuple[Span, ...]) -> "Excerpts":
        """The same, of fewer spans."""
        return replace(self, spans=spans)

    def requests(self) -> list[Span]:
        """The ranges to ask for: each excerpt lies in one of them."""
        return merge(self.spans, gap=self.gap, most=self.most)

    def cut(self, ranges: Sequence[Span], data: Sequence[bytes]) -> dict[Span, memoryview]:
        """The bytes of each excerpt, from those of the ranges that were asked for.

        Args:
            ranges: What `requests` gave.
            data: Their bytes.
        """
        starts = [span.start for span in ranges]
        places = ((own, bisect_right(starts, own.start) - 1) for own in self.spans)
        return {own: ranges[place].part(data[place], own) for own, place in places}


async def fetch_apart(
    excerpts: Excerpts, fetch_range: Callable[..., Coroutine[Any, Any, bytes]]
) -> dict[Span, memoryview]:
    """Get excerpts by ranges, at once.

    Args:
        excerpts: Which.
        fetch_range: `Transport.fetch_range` of what gets them.

    Raises:
        TransferError: They did not arrive.
        CatalogueError: The file is not there, or of another size.
    """
    spans = excerpts.requests()
    parts = await together(
        fetch_range(excerpts.location, span, file_size=excerpts.file_size) for span in spans
    )
    return excerpts.cut(spans, parts)

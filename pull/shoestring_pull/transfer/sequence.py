"""In which order to ask for what. Pure.

A small file takes a round trip in which hardly a byte flows, a large one fills
the line. So the small ones are spread evenly among the bytes of the large ones:
the line is full from the beginning to the end.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

SMALL = 128 * 2**10
"""Bytes. What is no larger counts as a round trip, all else by its bytes."""

_EARLY = 0.95
"""The large ones end so much earlier: what is last should be short."""


def sequence(sizes: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
    """The order in which to fetch.

    Args:
        sizes: For each file the bytes of its requests.

    Returns:
        Each request, once: which file, which of its requests. Those of a file come in order.
    """
    largest_first = sorted(range(len(sizes)), key=lambda file: -sum(sizes[file]))
    large = [
        (file, unit) for file in largest_first if not _is_small(sizes[file])
        for unit in range(len(sizes[file]))
    ]  # fmt: skip
    small = [(file, 0) for file in range(len(sizes)) if _is_small(sizes[file])]
    spread = heapq.merge(
        zip(_places([sizes[file][unit] for file, unit in large], _EARLY), large, strict=True),
        zip(_places([1] * len(small), 1.0), small, strict=True),
    )
    return (what for _, what in spread)


def _is_small(sizes: Sequence[int]) -> bool:
    return len(sizes) == 1 and sizes[0] <= SMALL


def _places(weights: Sequence[int], end: float) -> Iterable[float]:
    """Where each begins, from 0 to the end."""
    total = sum(weights)
    begins = accumulate(weights, initial=0)
    return (end * begin / total for begin, _ in zip(begins, weights, strict=False))

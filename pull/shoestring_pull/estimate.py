"""How fast the line is: measured by what a second of it brings."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

from shoestring.location import Location
from shoestring.spans import Span
from shoestring.together import together
from shoestring.transport import Transport
from shoestring_pull.transfer.order import Order
from shoestring_pull.transfer.units import units

SECONDS = 1.0
"""How long is measured; longer, where nothing has come by then."""

_PATIENCE = 10.0
_LOOK = 0.1
_PARTS = tuple(2**14 * 2 ** min(number, 4) for number in range(32))
"""Bytes of the requests for a file, one after the other."""

_REQUESTS = 10_000
"""Of a transfer, the first ones: more do not come in a second."""


async def measured_rate(
    orders: Sequence[Order], transport: Transport, connections: int
) -> float | None:
    """Bytes a second.

    Args:
        orders: What would be fetched.
        transport: Fetches some of it, which is let go.
        connections: How many requests are in flight at once.

    Returns:
        The rate; None where nothing came.

    Raises:
        TransferError: The line fails.
        CatalogueError: A file is not there.
    """
    parts, loop = _parts(orders), asyncio.get_running_loop()
    came: list[tuple[float, int]] = []

    async def fetch() -> None:
        for location, span, size in parts:
            data = await transport.fetch_range(location, span, file_size=size)
            came.append((loop.time(), len(data)))

    start = loop.time()
    work = loop.create_task(together([fetch() for _ in range(connections)]))
    while not work.done():
        await asyncio.wait([work], timeout=_LOOK)
        spent = loop.time() - start
        if spent > _PATIENCE or (spent > SECONDS and came):
            work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    total = sum(size for _, size in came)
    return total / max(came[-1][0] - start, 1e-3) if total else None


def _parts(orders: Sequence[Order]) -> Iterator[tuple[Location, Span, int]]:
    """Parts of the requests that a transfer would send, the first of each before the second of any."""
    requests = list(islice((unit for order in orders for unit in units(order)), _REQUESTS))
    skip = 0
    for part in _PARTS:
        for unit in requests:
            start, stop = unit.spans[0].start + skip, unit.spans[-1].stop
            span = Span(start, min(start + part, stop))
            if isinstance(unit.source, Location) and span.size > 0:
                yield unit.source, span, unit.file_size
        skip += part

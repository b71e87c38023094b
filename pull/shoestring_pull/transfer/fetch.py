"""One request's bytes, from where they are to the disk, however often the line is cut."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from shoestring.options import Options
from shoestring.spans import Span
from shoestring.transport import Streaming
from shoestring.workers import Workers
from shoestring_pull.transfer.incoming import Incoming
from shoestring_pull.transfer.meter import Meter, Silence
from shoestring_pull.transfer.patience import Patience
from shoestring_pull.transfer.place import told
from shoestring_pull.transfer.throttle import Throttle
from shoestring_pull.transfer.units import Unit, wanted
from shoestring_schema.errors import TransferError

_WRITERS = 4
"""Threads that write what comes."""

_SERIOUS = 3
"""Failures in a row after which the user is told what is waited for."""


class Fetch:
    """Fetches requests; many may be under way.

    Attributes:
        options: How many, and how often to try again.
        meter: Shows how far it is.
        to_come: Bytes that are not there yet.
        fetched: Bytes that came from the sources.

    Args:
        transport: Where bytes come from.
        options: How many at once, and how often to try again.
        throttle: Keeps the pace.
        say: Takes a sentence for the user.
    """

    def __init__(
        self,
        transport: Streaming,
        options: Options,
        throttle: Throttle,
        say: Callable[[str], object],
    ) -> None:
        self.options = options
        self.meter: Meter = Silence()
        self.to_come = self.fetched = 0
        self._transport, self._throttle, self._say = transport, throttle, say
        self._writers = Workers(_WRITERS)
        self._told = False

    async def fetch(self, incoming: Incoming, index: int) -> None:
        """Fetch what is still wanted of a request.

        Raises:
            TransferError: It did not arrive.
            CatalogueError: The source is not there, or of another size.
            OutputError: It can't be written.
        """
        unit, patience = incoming.units[index], Patience(self.options)
        while spans := unit.left(incoming.staged.have(index)):
            await self._throttle.admit()
            try:
                await self._go_on(incoming, index, spans, patience)
            except TransferError as error:
                wait = patience.wait(error, asyncio.get_running_loop().time())
                if wait is None:
                    raise
                self._tell(error, patience)
                await asyncio.sleep(wait)

    def forget(self, size: int) -> None:
        """So many bytes must come again."""
        self.to_come += size
        self.meter.add(-size)

    def close(self) -> None:
        """Let go of threads and the meter."""
        self._writers.close()
        self.meter.close()

    async def _go_on(
        self, incoming: Incoming, index: int, spans: tuple[Span, ...], patience: Patience
    ) -> None:
        at = spans[0].start
        async with aclosing(self._stream(incoming.units[index], spans)) as chunks:
            async for chunk in chunks:
                if data := wanted(chunk, at, spans):
                    await self._write(incoming, index, data)
                    patience.progressed()
                    self._told = False
                at += len(chunk)
                await self._throttle.pay(len(chunk))
                if self._throttle.closed:
                    return

    async def _stream(self, unit: Unit, spans: tuple[Span, ...]) -> AsyncGenerator[bytes, None]:
        around = Span(spans[0].start, spans[-1].stop)
        if isinstance(unit.source, bytes):
            yield unit.source[around.start : around.stop]
            return
        stream = self._transport.stream(unit.source, around, file_size=unit.file_size)
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                self.fetched += len(chunk)
                yield chunk

    async def _write(self, incoming: Incoming, index: int, data: bytes) -> None:
        path = incoming.staged.path

        def write() -> None:
            with told(path, path.parent, self.to_come):
                incoming.staged.write(index, data)

        await self._writers.run(write)
        self.to_come -= len(data)
        self.meter.add(len(data))

    def _tell(self, error: TransferError, patience: Patience) -> None:
        if patience.failures == _SERIOUS and not self._told:
            self._told = True
            self._say(f"{error} This goes on trying for {patience.endurance:g} s.")

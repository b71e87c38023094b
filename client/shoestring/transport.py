"""The one seam to the outside: get these bytes of this address.

Everything below it (sockets, TLS, files) is mapped to our own errors.
`FakeTransport` stands in for it in tests: no patching needed.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from shoestring.excerpts import Excerpts, fetch_apart
from shoestring.location import Location
from shoestring.options import Options
from shoestring.spans import Span
from shoestring_schema.errors import CatalogueError, ShoestringError, TransferError

MAX_WAIT = 60.0
"""Seconds. A server's ``Retry-After`` is obeyed up to this."""

T = TypeVar("T")


class Transport(Protocol):
    """Gets bytes."""

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """The whole document at a location.

        Raises:
            TransferError: It did not arrive, after all retries.
            CatalogueError: It is not there, or larger than `max_bytes`.
        """
        ...

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """A range of the bytes of a file, just as many as were asked for.

        Args:
            location: The file.
            span: Which bytes; all of them in the file.
            file_size: Bytes that the file must have: another size is another file.

        Raises:
            TransferError: They did not arrive, after all retries.
            CatalogueError: The file is not there, or of another size.
        """
        ...

    async def fetch_excerpts(self, excerpts: Excerpts) -> Mapping[Span, memoryview]:
        """Several spans of a file; those that lie near each other in one request.

        Raises:
            TransferError: See `fetch_range`.
            CatalogueError: See `fetch_range`.
        """
        ...

    def prepare(self, location: Location, requests: int) -> None:
        """Begin to open connections for requests that are about to come; return at once.

        Args:
            location: Where they will go.
            requests: How many there will be.
        """
        ...

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """Why a file can't be read in ranges, or None where it can.

        Asked after GDAL has failed, whose own words do not tell one reason from another.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Streaming(Protocol):
    """Gets more bytes than fit into memory."""

    def stream(
        self, location: Location, span: Span, *, file_size: int
    ) -> AsyncGenerator[bytes, None]:
        """A range of the bytes of a file as they come: as many as were asked for, or an error.

        It is not tried again: whoever has got some of them knows how to go on.

        Args:
            location: The file.
            span: Which bytes; some at least, all of them in the file.
            file_size: Bytes that the file must have: another size is another file.

        Raises:
            TransferError: They did not arrive.
            CatalogueError: The file is not there, or of another size.
        """
        ...


class FakeTransport:
    """Documents from a dictionary, for tests.

    Attributes:
        documents: Address to bytes, or to the error to raise.
        fetched: Addresses that were asked for, in order.
    """

    def __init__(self, documents: Mapping[str, bytes | ShoestringError]) -> None:
        self.documents = dict(documents)
        self.fetched: list[str] = []

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """See `Transport.fetch`."""
        found = self._find(location)
        if len(found) > max_bytes:
            raise CatalogueError(f"{location.address} is larger than {max_bytes} bytes.")
        return found

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """See `Transport.fetch_range`."""
        found = self._find(location)
        if len(found) != file_size:
            raise another_file(location.address, len(found), file_size)
        return found[span.start : span.stop]

    async def fetch_excerpts(self, excerpts: Excerpts) -> Mapping[Span, memoryview]:
        """See `Transport.fetch_excerpts`."""
        return await fetch_apart(excerpts, self.fetch_range)

    def prepare(self, location: Location, requests: int) -> None:
        """Nothing to prepare."""

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """See `Transport.diagnose`."""
        found = self.documents.get(location.address)
        return found if isinstance(found, ShoestringError) else None

    async def close(self) -> None:
        """Nothing to let go of."""

    def _find(self, location: Location) -> bytes:
        self.fetched.append(location.address)
        found = self.documents.get(location.address)
        if found is None:
            raise CatalogueError(f"{location.address} does not exist.")
        if isinstance(found, ShoestringError):
            raise found
        return found


async def retry(action: Callable[[], Awaitable[T]], options: Options) -> T:
    """Do it again, later and later, as long as the reason may pass.

    Args:
        action: What to do. A `TransferError` with `passing` set is worth a new try.
        options: How often, and how long to wait: doubled each time, with jitter, or
            what the server asked for (its ``Retry-After``).

    Raises:
        TransferError: The last one.
    """
    for attempt in range(options.retries):
        try:
            return await action()
        except TransferError as error:
            if not error.passing:
                raise
            delay = error.retry_after or options.retry_delay * 2**attempt * random.uniform(0.5, 1.5)
            await asyncio.sleep(min(delay, MAX_WAIT))
    return await action()


def another_file(address: str, found: int | str, expected: int) -> CatalogueError:
    """The error for a file that does not have the size that its catalogue says."""
    return CatalogueError(
        f"{address} has {found} bytes, and {expected} by its catalogue: it is another file, or was replaced. Open the "
        "catalogue again, and tell its publisher if that does not help."
    )

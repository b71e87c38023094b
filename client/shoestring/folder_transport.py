"""Bytes of local files."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

from shoestring.excerpts import Excerpts, fetch_apart
from shoestring.location import Location
from shoestring.spans import Span
from shoestring.transport import another_file
from shoestring_schema.errors import CatalogueError, ShoestringError, TransferError

_CHUNK = 2**20
"""Bytes that are read at once of what does not fit into memory."""


class FolderTransport:
    """Local files."""

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """See `Transport.fetch`."""
        return await asyncio.to_thread(self._read, location, max_bytes)

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """See `Transport.fetch_range`."""
        return await asyncio.to_thread(self._read_range, location, span, file_size)

    async def fetch_excerpts(self, excerpts: Excerpts) -> Mapping[Span, memoryview]:
        """See `Transport.fetch_excerpts`."""
        return await fetch_apart(excerpts, self.fetch_range)

    async def stream(
        self, location: Location, span: Span, *, file_size: int
    ) -> AsyncGenerator[bytes, None]:
        """See `Streaming.stream`."""
        position = span.start
        while position < span.stop:
            part = Span(position, min(position + _CHUNK, span.stop))
            data = await asyncio.to_thread(self._read_range, location, part, file_size)
            if not data:
                raise another_file(location.address, "fewer", file_size)
            position += len(data)
            yield data

    def prepare(self, location: Location, requests: int) -> None:
        """Nothing to prepare."""

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """See `Transport.diagnose`."""
        try:
            await asyncio.to_thread(self._read, location, 0)
        except ShoestringError as error:
            return error
        return None

    async def close(self) -> None:
        """Nothing to let go of."""

    @staticmethod
    def _read(location: Location, max_bytes: int) -> bytes:
        with _opened(location) as file:
            size = os.fstat(file.fileno()).st_size  # a read sets aside all that it may get
            data = file.read(min(max_bytes, size) + 1)
        if max_bytes and len(data) > max_bytes:
            raise CatalogueError(
                f"{location.address} is larger than the {max_bytes} bytes that it may have."
            )
        return data

    @staticmethod
    def _read_range(location: Location, span: Span, file_size: int) -> bytes:
        with _opened(location) as file:
            found = os.fstat(file.fileno()).st_size
            if found != file_size:
                raise another_file(location.address, found, file_size)
            file.seek(span.start)
            return file.read(span.size)


@contextmanager
def _opened(location: Location) -> Iterator[BinaryIO]:
    try:
        with location.path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise CatalogueError(
            f"{location.address} does not exist: the site is not complete."
        ) from None
    except OSError as error:
        raise TransferError(f"{location.address} can't be read: {error.strerror}.") from None

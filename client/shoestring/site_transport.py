"""The transport of a site: local locations from the folder, all others over HTTP."""

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

from shoestring.folder_transport import FolderTransport
from shoestring.http_transport import HttpTransport
from shoestring.location import Location
from shoestring.options import Options
from shoestring.spans import Span
from shoestring.transport import Transport
from shoestring_schema.errors import ShoestringError


class SiteTransport:
    """Local locations from the folder, all others over HTTP.

    Args:
        options: For HTTP.
    """

    def __init__(self, options: Options) -> None:
        self._folder = FolderTransport()
        self._http = HttpTransport(options)

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """See `Transport.fetch`."""
        return await self._of(location).fetch(location, max_bytes=max_bytes)

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """See `Transport.fetch_range`."""
        return await self._of(location).fetch_range(location, span, file_size=file_size)

    def stream(
        self, location: Location, span: Span, *, file_size: int
    ) -> AsyncGenerator[bytes, None]:
        """See `Streaming.stream`."""
        source = self._folder if location.is_local else self._http
        return source.stream(location, span, file_size=file_size)

    def prepare(self, location: Location, requests: int) -> None:
        """See `Transport.prepare`."""
        self._of(location).prepare(location, requests)

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """See `Transport.diagnose`."""
        return await self._of(location).diagnose(location)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _of(self, location: Location) -> Transport:
        return self._folder if location.is_local else self._http

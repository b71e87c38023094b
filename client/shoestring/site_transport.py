"""The transport of a site: local locations from the folder, all others over HTTP."""

from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Self

from shoestring.excerpts import Excerpts
from shoestring.folder_transport import FolderTransport
from shoestring.http_transport import HttpTransport
from shoestring.location import Location
from shoestring.options import Options
from shoestring.spans import Span
from shoestring.transport import Streaming, Transport
from shoestring_schema.errors import ShoestringError


class SiteTransport:
    """Local locations from the folder, all others over HTTP.

    Args:
        options: For HTTP.
        web: What stands in the place of HTTP, such as a cache before it.
    """

    def __init__(self, options: Options, web: Transport | None = None) -> None:
        self._folder = FolderTransport()
        self._http = HttpTransport(options)  # connects when it is asked
        self._web = self._http if web is None else web

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """See `Transport.fetch`."""
        return await self._of(location).fetch(location, max_bytes=max_bytes)

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """See `Transport.fetch_range`."""
        return await self._of(location).fetch_range(location, span, file_size=file_size)

    async def fetch_excerpts(self, excerpts: Excerpts) -> Mapping[Span, memoryview]:
        """See `Transport.fetch_excerpts`."""
        return await self._of(excerpts.location).fetch_excerpts(excerpts)

    def stream(
        self, location: Location, span: Span, *, file_size: int
    ) -> AsyncGenerator[bytes, None]:
        """See `Streaming.stream`; whole files never come from what stands in the place of HTTP."""
        source: Streaming = self._folder if location.is_local else self._http
        return source.stream(location, span, file_size=file_size)

    def prepare(self, location: Location, requests: int) -> None:
        """See `Transport.prepare`."""
        self._of(location).prepare(location, requests)

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """See `Transport.diagnose`."""
        return await self._of(location).diagnose(location)

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()
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
        return self._folder if location.is_local else self._web

"""The one seam to the outside: get these bytes of this address.

Everything below it (sockets, TLS, files) is mapped here to our own errors.
`FakeTransport` stands in for it in tests: no patching needed.
"""

import asyncio
import os
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import BinaryIO, Protocol, Self, TypeVar
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from shoestring import __version__
from shoestring.location import Location, web_address
from shoestring.options import Options
from shoestring.spans import Span
from shoestring_schema.errors import CatalogueError, ShoestringError, TransferError

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP status codes that may be gone on the next try."""

MAX_REDIRECTS = 5
MAX_WAIT = 60.0
"""Seconds. A server's ``Retry-After`` is obeyed up to this."""

_CHUNK = 65536

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

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """Why a file can't be read in ranges, or None where it can.

        Asked after GDAL has failed, whose own words do not tell one reason from another.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class FolderTransport:
    """Local files."""

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """See `Transport.fetch`."""
        return await asyncio.to_thread(self._read, location, max_bytes)

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """See `Transport.fetch_range`."""
        return await asyncio.to_thread(self._read_range, location, span, file_size)

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
                raise _another_file(location.address, found, file_size)
            file.seek(span.start)
            return file.read(span.size)


class HttpTransport:
    """HTTP and HTTPS through aiohttp, with retries.

    Args:
        options: Time limits, retries, trusted authorities.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """See `Transport.fetch`."""
        return await retry(lambda: self._get(location.address, max_bytes), self._options)

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """See `Transport.fetch_range`."""
        return await retry(
            lambda: self._get_range(location.address, span, file_size), self._options
        )

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """See `Transport.diagnose`."""
        try:
            await self._get_range(location.address, Span(0, 1), None)
        except ShoestringError as error:
            return error
        return None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _get(self, url: str, max_bytes: int) -> bytes:
        async with self._response(url, {}) as response:
            return await _body(response, max_bytes)

    async def _get_range(self, url: str, span: Span, file_size: int | None) -> bytes:
        wanted = f"bytes {span.start}-{span.stop - 1}"
        # A range of a file that was compressed on the way would be of other bytes.
        headers = {"Range": wanted.replace(" ", "="), "Accept-Encoding": "identity"}
        async with self._response(url, headers) as response:
            got, _, total = response.headers.get("Content-Range", "").partition("/")
            if response.status != 206:
                raise TransferError(
                    f"{url} comes from a server that does not answer requests for a range of bytes: "
                    "host the site with nginx, Caddy, Apache or `shoestring serve`."
                )
            if file_size is not None and total != "*" and total != str(file_size):
                raise _another_file(url, total, file_size)
            if got != wanted:
                raise TransferError(
                    f"{url} comes from a server that answers {got[:80]!r} when {wanted} is asked for: try again; if "
                    "that does not help, tell its publisher.",
                    passing=True,
                )
            data = await _body(response, span.size)
        if len(data) < span.size:
            raise TransferError(
                f"{url} was cut before all of its bytes had arrived: try again.", passing=True
            )
        return data

    @asynccontextmanager
    async def _response(
        self, url: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with await self._follow(url, headers) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _explain(error, url, self._options) from None

    async def _follow(self, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Follow redirects by hand: each step must stay on http or https."""
        session = self._connected()
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            response = await session.get(
                target, headers=headers, allow_redirects=False, proxy=_proxy(target)
            )
            if response.status not in {301, 302, 303, 307, 308}:
                _raise_for_status(response, url)
                return response
            target = web_address(urljoin(target, response.headers.get("Location", "")))
            response.release()
        raise TransferError(
            f"{url} is redirected more than {MAX_REDIRECTS} times: check the address."
        )

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            wait = self._options.timeout
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._options.connections, ssl=_tls(self._options)
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=wait, sock_read=wait),
                headers={"User-Agent": f"shoestring/{__version__}"},
            )
        return self._session


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
            raise _another_file(location.address, len(found), file_size)
        return found[span.start : span.stop]

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


def _another_file(address: str, found: int | str, expected: int) -> CatalogueError:
    return CatalogueError(
        f"{address} has {found} bytes, and {expected} by its catalogue: it is another file, or was replaced. Open the "
        "catalogue again, and tell its publisher if that does not help."
    )


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The (decompressed) body, refused as soon as it grows over the limit."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise CatalogueError(
                f"{response.url} is larger than the {max_bytes} bytes that it may have."
            )
    return bytes(body)


def _raise_for_status(response: aiohttp.ClientResponse, url: str) -> None:
    status = response.status
    if status in {200, 206}:
        return
    response.close()
    if status == 416:
        raise CatalogueError(
            f"{url} is shorter than its catalogue says (HTTP 416): open the catalogue again, and tell its publisher "
            "if that does not help."
        )
    if status in {404, 410}:
        raise CatalogueError(
            f"{url} does not exist on its server (HTTP {status}): check the address."
        )
    if status in {401, 403}:
        raise TransferError(
            f"{url} is not allowed to be read (HTTP {status}): ask its publisher for access."
        )
    if status in PASSING:
        raise TransferError(
            f"{url} can't be had: its server answers HTTP {status}; try again later.",
            passing=True,
            retry_after=_retry_after(response),
        )
    raise TransferError(f"{url} can't be had: its server answers HTTP {status}; check the address.")


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    with suppress(ValueError):
        return max(0.0, float(response.headers.get("Retry-After", "")))
    return None


def _explain(error: Exception, url: str, options: Options) -> TransferError:
    """One of our errors for one of aiohttp's or the system's."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return TransferError(
            f"{url} shows a TLS certificate that can't be trusted: if it is your own, name its authority's "
            "file: Options(ca_bundle=...)."
        )
    if isinstance(error, TimeoutError):
        reason = f"no answer within {options.timeout:g} s"
    elif isinstance(error, aiohttp.ClientPayloadError):
        reason = "the line was cut before all of it had arrived"
    elif isinstance(error, aiohttp.ClientConnectorDNSError):
        reason = "its host's name can't be found"
    elif isinstance(error, aiohttp.ClientConnectorError):
        reason = f"no connection ({_words(error.os_error)})"
    else:
        reason = str(error) or type(error).__name__
    return TransferError(
        f"{url} can't be had: {reason}; check the address and the line, then try again.",
        passing=True,
    )


def _words(error: OSError) -> str:
    """The system's words; asyncio puts the address in their place."""
    return os.strerror(error.errno) if error.errno else str(error)


def _proxy(url: str) -> str | None:
    """The proxy that the system names for a URL, as curl finds it for GDAL.

    aiohttp could look for it too, but would then also send passwords from ``.netrc``.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)


def _tls(options: Options) -> ssl.SSLContext | bool:
    if options.trusted is None:
        return True
    try:
        return ssl.create_default_context(cafile=options.trusted)
    except (OSError, ssl.SSLError) as error:
        raise TransferError(
            f"{options.trusted} is no file of trusted certificates in PEM form: {error}."
        ) from None

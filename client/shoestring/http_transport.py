"""Bytes over HTTP and HTTPS, through aiohttp.

HTTP/1.1 with many connections: over slow links it is faster than one HTTP/2
connection, which starts as slowly as one of many and must grow to do the work
of all (benchmarks/).
"""

import asyncio
import os
import socket
import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from shoestring import __version__
from shoestring.ahead import Ahead
from shoestring.excerpts import Excerpts, fetch_apart
from shoestring.http_range import asking, check_range, check_stream, cut
from shoestring.location import Location, web_address
from shoestring.options import Options
from shoestring.spans import Span
from shoestring.transport import MAX_WAIT, another_file, retry
from shoestring.validators import Copy, read_validators
from shoestring_schema.errors import CatalogueError, ShoestringError, TransferError

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP status codes that may be gone on the next try."""

MAX_REDIRECTS = 5

_CONDITIONS = {"If-None-Match", "If-Modified-Since"}
"""Headers that may be answered with 304: what is asked for has not changed."""

_PATIENCE = 20
"""Time limits. A request takes no longer, even if a byte arrives now and then."""

_PACKETS = 2
"""So many must fit into what a connection takes in, or it stands still between them."""

_BEFORE_OTHERS = 0.005
"""Seconds. Requests that are sent now get the connections that are open."""


class HttpTransport:
    """HTTP and HTTPS through aiohttp, with retries.

    Args:
        options: Time limits, retries, trusted authorities.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(options.connections)
        self._quiet_until = 0.0
        self._ahead = Ahead()
        self._opening: set[asyncio.Task[None]] = set()
        self._proxies: dict[tuple[str, str], str | None] = {}

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """See `Transport.fetch`."""
        return await retry(lambda: self._get(location.address, max_bytes), self._options)

    async def fetch_changed(
        self, location: Location, copy: Copy | None, *, max_bytes: int
    ) -> Copy | None:
        """See `Origin.fetch_changed`."""
        asked = {} if copy is None else copy.validators.headers
        return await retry(
            lambda: self._get_changed(location.address, asked, max_bytes), self._options
        )

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """See `Transport.fetch_range`."""
        return await retry(
            lambda: self._get_range(location.address, span, file_size), self._options
        )

    async def fetch_excerpts(self, excerpts: Excerpts) -> Mapping[Span, memoryview]:
        """See `Transport.fetch_excerpts`."""
        return await fetch_apart(excerpts, self.fetch_range)

    async def stream(
        self, location: Location, span: Span, *, file_size: int
    ) -> AsyncGenerator[bytes, None]:
        """See `Streaming.stream`."""
        url, whole = location.address, span == Span(0, file_size)
        asked = {"Accept-Encoding": "identity"} if whole else asking(span)
        async with self._response(url, asked) as response:
            skip = check_stream(response, url, span, file_size)
            left = span.size
            async with aclosing(self._held_back(response)) as body:
                async for chunk in body:
                    if skip >= len(chunk):
                        skip -= len(chunk)
                        continue
                    data, skip = chunk[skip:], 0
                    left -= len(data)
                    if left < 0:
                        raise another_file(url, f"more than {file_size}", file_size)
                    yield data
            if left:
                raise cut(url)

    async def _held_back(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        """A body as it comes, of which its server sends ahead no more than the line needs."""
        window, line = 0, self._ahead
        line.streams += 1
        try:
            async for chunk in response.content.iter_any():
                line.came(len(chunk), _now())
                if line.window > 1.5 * window:
                    window = line.window
                    _limit(response, window)
                yield chunk
        finally:
            line.streams -= 1

    def prepare(self, location: Location, requests: int) -> None:
        """See `Transport.prepare`."""
        url = location.address
        if self._proxy(url) is None:
            # Some are left for requests that are sent meanwhile.
            for _ in range(min(requests, self._options.connections - 4)):
                task = asyncio.create_task(self._open(url))
                self._opening.add(task)
                task.add_done_callback(self._opening.discard)

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """See `Transport.diagnose`."""
        try:
            await self._get_range(location.address, Span(0, 1), None)
        except ShoestringError as error:
            return error
        return None

    async def close(self) -> None:
        """Close the connections."""
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _get(self, url: str, max_bytes: int) -> bytes:
        async with self._response(url, {}) as response:
            return await _body(response, max_bytes)

    async def _get_changed(self, url: str, asked: Mapping[str, str], max_bytes: int) -> Copy | None:
        async with self._response(url, asked) as response:
            if response.status == 304:
                return None
            return Copy(await _body(response, max_bytes), read_validators(response.headers))

    async def _get_range(self, url: str, span: Span, file_size: int | None) -> bytes:
        async with self._response(url, asking(span)) as response:
            check_range(response, url, span, file_size)
            data = await _body(response, span.size)
        if len(data) < span.size:
            raise cut(url)
        return data

    @asynccontextmanager
    async def _response(
        self, url: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._slots, await self._follow(url, headers) as response:
                yield response
        except TransferError as error:
            if error.retry_after is not None:
                self._quiet_until = max(
                    self._quiet_until, _now() + min(error.retry_after, MAX_WAIT)
                )
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _explain(error, url, self._options) from None

    async def _follow(self, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Follow redirects by hand: each step must stay on http or https."""
        session = self._connected()
        if (wait := self._quiet_until - _now()) > 0:  # one answer speaks for all requests
            await asyncio.sleep(wait)
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            began = _now()
            response = await session.get(
                target, headers=headers, allow_redirects=False, proxy=self._proxy(target)
            )
            if response.status not in {301, 302, 303, 307, 308}:
                if response.status != 304 or not _CONDITIONS & headers.keys():
                    _raise_for_status(response, url)
                self._ahead.answered(_now() - began)  # a redirect may come from nearer by
                return response
            target = web_address(urljoin(target, response.headers.get("Location", "")))
            response.release()
        raise TransferError(
            f"{url} is redirected more than {MAX_REDIRECTS} times: check the address."
        )

    async def _open(self, url: str) -> None:
        """Open a connection that a later request will find open; if that fails, it will tell."""
        await asyncio.sleep(_BEFORE_OTHERS)
        session, loop = self._connected(), asyncio.get_running_loop()
        request = aiohttp.ClientRequest("GET", URL(url), loop=loop, session=session)
        if session.connector is not None:
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                connection = await session.connector.connect(request, [], session.timeout)
                try:
                    await asyncio.sleep(0)  # one that was open is not handed to the next of these
                finally:
                    connection.release()

    def _proxy(self, url: str) -> str | None:
        """The proxy for a URL; remembered, as it takes longer to find than a request to send."""
        parts = urlsplit(url)
        key = parts.scheme, parts.netloc
        if key not in self._proxies:
            self._proxies[key] = _find_proxy(*key)
        return self._proxies[key]

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            wait = self._options.timeout
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._options.connections, ssl=_tls(self._options)
                ),
                timeout=aiohttp.ClientTimeout(
                    total=_PATIENCE * wait, sock_connect=wait, sock_read=wait
                ),
                headers={"User-Agent": f"shoestring/{__version__}", "Accept-Encoding": "gzip"},
                auto_decompress=False,
            )
        return self._session


def _now() -> float:
    return asyncio.get_running_loop().time()


def _limit(response: aiohttp.ClientResponse, window: int) -> None:
    """Let the system take in so many bytes; of a body that is there already it does not matter."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        with suppress(OSError, AttributeError):  # not every system tells how large packets are
            taken = connection.transport.get_extra_info("socket")
            # Within a machine a single packet may be larger than what a line needs.
            least = _PACKETS * taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, max(window, least))


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The unpacked body, refused as soon as it grows over the limit."""
    url, unpack = response.url, _unpacker(response)
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        try:
            chunks.append(unpack.decompress(chunk, max_bytes - size + 1) if unpack else chunk)
        except zlib.error as error:
            raise TransferError(
                f"{url} arrives damaged ({error}): try again.", passing=True
            ) from None
        size += len(chunks[-1])
        if size > max_bytes:
            raise CatalogueError(f"{url} is larger than the {max_bytes} bytes that it may have.")
        if unpack and unpack.eof:
            break  # what comes behind the end would be kept by zlib, however much it is
    if unpack and not unpack.eof:
        raise cut(str(url))
    return b"".join(chunks)


def _unpacker(response: aiohttp.ClientResponse) -> "zlib._Decompress | None":
    """What unpacks a body. aiohttp would do it, but a thousand times what it reads at once."""
    packed = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packed in {"gzip", "x-gzip"}:
        return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    if packed in {"identity", ""}:
        return None
    raise TransferError(
        f"{response.url} comes packed by {packed[:40]!r}, which was not asked for: its server must send it as it is, "
        "or by gzip."
    )


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


def _find_proxy(scheme: str, host: str) -> str | None:
    """The proxy that the system names for a server, as curl finds it for GDAL.

    aiohttp could look for it too, but would then also send passwords from ``.netrc``.
    """
    return None if proxy_bypass(host) else getproxies().get(scheme)


def _tls(options: Options) -> ssl.SSLContext | bool:
    if options.trusted is None:
        return True
    try:
        return ssl.create_default_context(cafile=options.trusted)
    except (OSError, ssl.SSLError) as error:
        raise TransferError(
            f"{options.trusted} is no file of trusted certificates in PEM form: {error}."
        ) from None

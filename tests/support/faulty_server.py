"""A web server that answers ranges well, until a test tells it to misbehave.

    with FaultyServer(folder, lambda request: Status(503) if request.number == 1 else None) as server:
        ...

The rule sees each request before it is answered and returns a fault or None.
Every request is logged.
"""

import gzip
import itertools
import os
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from support.tls import PrivateCa


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came.

    Attributes:
        number: From 1, in order of arrival.
        method: ``GET`` or ``HEAD``.
        path: With the query.
        range: First and last byte asked for.
    """

    number: int
    method: str
    path: str
    range: tuple[int, int] | None

    @property
    def of_data(self) -> bool:
        """Whether bytes beyond a file's head are asked for."""
        return self.range is not None and self.range[0] > 0


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with a status code."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"<html>no</html>"


def redirect(to: str, code: int = 302) -> Status:
    """Answer with a redirect."""
    return Status(code, {"Location": to})


@dataclass(frozen=True, slots=True)
class Cut:
    """Promise the whole body, send half of it and close the connection."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Say nothing for as long as the server lives; with `half`, after half of the body."""

    half: bool = False


@dataclass(frozen=True, slots=True)
class NoRanges:
    """Send the whole file with status 200 whatever range was asked for."""


@dataclass(frozen=True, slots=True)
class Shifted:
    """Claim the range that was asked for, and send the bytes that lie `by` further on."""

    by: int = 64


@dataclass(frozen=True, slots=True)
class OtherRange:
    """Send the bytes that lie `by` further on, and say so."""

    by: int = 64


@dataclass(frozen=True, slots=True)
class OtherSize:
    """Claim another size of the whole file."""

    by: int = 1


@dataclass(frozen=True, slots=True)
class Spoilt:
    """Send one byte that is another one."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Send the body packed by gzip, and say so under a name."""

    name: str = "gzip"


@dataclass(frozen=True, slots=True)
class OtherLength:
    """Send, and promise, so many bytes more or fewer of the body."""

    by: int = -1


@dataclass(frozen=True, slots=True)
class Endless:
    """Promise no length, and send zeros behind the body for as long as somebody takes them."""


Fault = (
    Status | Cut | Stall | NoRanges | Shifted | OtherRange | OtherSize | Spoilt | Packed
    | OtherLength | Endless
)  # fmt: skip
Rule = Callable[[Request], Fault | None]


class FaultyServer:
    """Context manager: a server over a folder, on a free port of the loopback interface.

    Attributes:
        requests: What was asked for until now.
        connections: How many were opened until now.
        address: ``http://127.0.0.1:PORT/NUMBER``: GDAL remembers files by their URLs for as
            long as a process lives, and the system gives a port to another server again.
    """

    _numbers = itertools.count(1)

    def __init__(
        self, folder: Path, rule: Rule | None = None, *, ca: PrivateCa | None = None
    ) -> None:
        """Prepare a server.

        Args:
            folder: What it serves.
            rule: How it misbehaves.
            ca: For TLS.
        """
        self.folder = folder
        self.rule: Rule = rule or (lambda request: None)
        self.requests: list[Request] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self._tls = _context(ca)
        self.address = ""
        self.prefix = f"/{next(self._numbers)}"

    def __enter__(self) -> Self:
        self._server = _Server(self, self._tls)
        port = self._server.server_address[1]
        self.address = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}{self.prefix}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ending.set()
        with socket.create_connection(self._server.server_address):
            self._thread.join()
        self._server.server_close()

    def _serve(self) -> None:
        """Answer until the end, which a last connection tells: nobody waits for a timer."""
        while not self.ending.is_set():
            self._server.handle_request()

    def count(self, ending: str, method: str | None = None) -> int:
        """How many requests there were for paths that end so."""
        with self.lock:
            return sum(
                request.path.endswith(ending) and method in {None, request.method}
                for request in self.requests
            )


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, owner: FaultyServer, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner
        if tls is not None:
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def get_request(self) -> tuple[socket.socket, object]:
        """Count connections."""
        accepted = super().get_request()
        if self.owner.ending.is_set():
            accepted[0].close()
            raise OSError("the server ends")  # handle_request() takes it for no connection
        self.owner.connections += 1
        return accepted

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, or each answer takes 40 ms longer
    server: _Server

    def log_message(self, format: str, *arguments: object) -> None:
        """The log is `FaultyServer.requests`."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        owner = self.server.owner
        asked = self.path.removeprefix(owner.prefix)
        with owner.lock:
            request = Request(len(owner.requests) + 1, self.command, asked, self._range())
            owner.requests.append(request)
        fault = owner.rule(request)
        named = unquote(asked.partition("?")[0]).lstrip("/")
        path = Path(os.path.normpath(owner.folder / named))
        if isinstance(fault, Status):
            self._send(fault.code, fault.body, fault.headers)
        elif isinstance(fault, Stall) and not fault.half:
            self._stall()
        elif not (path.is_relative_to(owner.folder) and path.is_file()):
            self._send(404, b"<html>nothing here</html>", {})
        else:
            self._send_file(path.read_bytes(), request, fault)

    def _send_file(self, data: bytes, request: Request, fault: Fault | None) -> None:
        if request.range is None or isinstance(fault, NoRanges):
            code, headers, body = 200, {}, data
        else:
            first, last = request.range[0], min(request.range[1], len(data) - 1)
            shift = fault.by if isinstance(fault, Shifted | OtherRange) else 0
            body = data[first + shift : last + 1 + shift].ljust(last + 1 - first, b"\0")
            size = len(data) + (fault.by if isinstance(fault, OtherSize) else 0)
            said = shift if isinstance(fault, OtherRange) else 0
            code, headers = 206, {"Content-Range": f"bytes {first + said}-{last + said}/{size}"}
            if first >= len(data):
                code, headers, body = 416, {"Content-Range": f"bytes */{len(data)}"}, b""
        if isinstance(fault, Spoilt | Packed | OtherLength):
            body, headers = _changed(body, fault), {**headers, **_packing(fault)}
        ranges = {} if isinstance(fault, NoRanges) else {"Accept-Ranges": "bytes"}
        broken = isinstance(fault, Cut | Stall)
        if isinstance(fault, Endless):
            self._send_without_end(code, body, headers)
            return
        self._send(code, body, {**ranges, **headers}, half=broken)
        if isinstance(fault, Stall):
            self._stall()
        elif broken:
            self.close_connection = True

    def _send(self, code: int, body: bytes, headers: Mapping[str, str], half: bool = False) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if half else body)
            self.wfile.flush()

    def _send_without_end(self, code: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            while not self.server.owner.ending.is_set():
                self.wfile.write(body)
                body = bytes(65536)

    def _stall(self) -> None:
        self.server.owner.ending.wait(60)
        self.close_connection = True

    def _range(self) -> tuple[int, int] | None:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        return (int(found[1]), int(found[2] or 2**62)) if found else None


def _changed(body: bytes, fault: Spoilt | Packed | OtherLength) -> bytes:
    if isinstance(fault, Spoilt):
        return body[:-1] + bytes([body[-1] ^ 1])
    if isinstance(fault, Packed):
        return gzip.compress(body)
    return body[: fault.by] if fault.by < 0 else body + bytes(fault.by)


def _packing(fault: Fault) -> dict[str, str]:
    return {"Content-Encoding": fault.name} if isinstance(fault, Packed) else {}


def _context(ca: PrivateCa | None) -> ssl.SSLContext | None:
    if ca is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca.cert, ca.key)
    return context

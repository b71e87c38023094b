"""A line to an HTTP server on which requests are spoilt, until a rule lets them pass.

with SpoiltLine(port, lambda call: Refused() if call.number == 3 else None) as line:
    ... line.endpoint ...
"""

import http.client
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came.

    Attributes:
        number: From 1, in order of arrival.
        method: ``GET``, ``PUT``, ….
        path: With the query.
    """

    number: int
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The server never sees it, and a status code is the answer."""

    code: int = 503


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed without a word; `after` the server has done what was asked."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Half:
    """The server does what was asked, and half of its answer's body arrives."""


Rule = Callable[[Call], Refused | Cut | Half | None]


class SpoiltLine:
    """Context manager: a way to a server of this machine.

    Attributes:
        calls: What was asked for until now.
        connections: How many are open.
        rule: What becomes of a request.
    """

    def __init__(self, port: int, rule: Rule | None = None) -> None:
        """Prepare a line to a port of the loopback interface."""
        self.port = port
        self.rule: Rule = rule or (lambda call: None)
        self.calls: list[Call] = []
        self.connections = 0
        self.lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, line: SpoiltLine) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.line = line

    def process_request(self, *accepted: Any) -> None:  # noqa: ANN401
        """Count what is open."""
        with self.line.lock:
            self.line.connections += 1
        super().process_request(*accepted)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        """Count what is open."""
        super().shutdown_request(request)
        with self.line.lock:
            self.line.connections -= 1

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever is killed while he speaks is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, or each answer takes 40 ms longer

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        line = self.server.line
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # who spoke is dead
            self.close_connection = True
            return
        with line.lock:
            call = Call(len(line.calls) + 1, self.command, self.path)
            line.calls.append(call)
        fault = line.rule(call)
        if isinstance(fault, Refused):
            self._reply(fault.code, [], b"<Error><Code>SlowDown</Code></Error>")
        elif isinstance(fault, Cut) and not fault.after:
            self.close_connection = True
        else:
            self._pass(body, fault)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815

    def _pass(self, body: bytes, fault: Refused | Cut | Half | None) -> None:
        onward = http.client.HTTPConnection("127.0.0.1", self.server.line.port, timeout=60)
        try:
            onward.request(self.command, self.path, body, dict(self.headers.items()))
            answer = onward.getresponse()
            data = answer.read()
        finally:
            onward.close()
        if isinstance(fault, Cut):
            self.close_connection = True
            return
        self._reply(answer.status, answer.getheaders(), data, half=isinstance(fault, Half))

    def _reply(
        self, status: int, headers: list[tuple[str, str]], data: bytes, *, half: bool = False
    ) -> None:
        self.send_response_only(status)
        length = str(len(data))
        for name, value in headers:
            if name.lower() == "content-length":
                length = value  # of HEAD, too
            elif name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if half else data)
        self.close_connection = self.close_connection or half

"""A real nginx over a folder, run by the configuration that we ship.

``examples/servers/nginx.conf`` is read as it is; only the three things that
its comments ask a publisher to edit, and the ports, are put in by the test.
"""

import json
import os
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from support.server import DEADLINE, edit, listens, wait_for
from support.tls import PrivateCa
from support.tools import free_port, require_tool

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "servers" / "nginx.conf"

_MAIN = """\
{user}
daemon off;
worker_processes 1;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log info;
events {{ worker_connections 1024; }}
http {{
  log_format record escape=json '{{"protocol":"$server_protocol","method":"$request_method",'
    '"path":"$request_uri","status":$status,"bytes_sent":$body_bytes_sent,'
    '"range":"$http_range","encoding":"$sent_http_content_encoding","connection":$connection}}';
  access_log {prefix}/access.log record;
  client_body_temp_path {prefix}/t1; proxy_temp_path {prefix}/t2; fastcgi_temp_path {prefix}/t3;
  uwsgi_temp_path {prefix}/t4; scgi_temp_path {prefix}/t5;
  include {prefix}/site.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Request:
    """A line of the access log.

    Attributes:
        protocol: ``HTTP/2.0`` or ``HTTP/1.1``.
        method: ``GET``, ``HEAD``, ``OPTIONS``.
        path: As it was asked for, with the query.
        status: Status of the answer.
        bytes_sent: Bytes of the answer's body.
        range: The Range header; empty where there was none.
        encoding: Content-Encoding of the answer; empty where there was none.
        connection: Number of the connection.
    """

    protocol: str
    method: str
    path: str
    status: int
    bytes_sent: int
    range: str
    encoding: str
    connection: int


class Nginx:
    """Context manager: nginx over a folder on free ports of the loopback interface.

    Attributes:
        http: Its address without TLS (HTTP/1.1), ``http://127.0.0.1:PORT``.
        https: Its address with TLS (HTTP/2), ``https://127.0.0.1:PORT``.
        ca: What a client must trust.
    """

    def __init__(self, folder: Path, ca: PrivateCa, *, extra: str = "", listen: str = "") -> None:
        """Prepare a server.

        Args:
            folder: What it serves.
            ca: Its certificate and key.
            extra: More directives for its ``server`` block, such as ``max_ranges 0;``.
            listen: More parameters of its socket without TLS, such as ``sndbuf=64k``.
        """
        self.ca = ca
        self.http = self.https = ""
        self._folder = folder
        self._extra, self._listen = extra, listen
        self._program = require_tool("nginx")
        self._flushes = 0

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="nginx-", ignore_cleanup_errors=True)
        self._prefix = Path(self._temporary.name)
        for _attempt in range(3):  # another process may take the port before nginx does
            if self._start():
                return self
        errors = (self._prefix / "error.log").read_text()
        self._temporary.cleanup()
        raise RuntimeError(f"nginx did not start: {errors}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(DEADLINE)
        self._temporary.cleanup()

    def requests(self) -> list[Request]:
        """All requests that were answered until now, in the order in which they ended."""
        # A line is written after the answer's last byte, so the client may be faster. The one
        # worker writes in order: once a request of our own is in the log, the others are.
        self._flushes += 1
        mark = f"/.flush-{self._flushes}"
        try:
            urllib.request.urlopen(self.http + mark, timeout=DEADLINE).close()
        except urllib.error.HTTPError as error:
            error.close()
        log = self._prefix / "access.log"
        wait_for(lambda: f'"{mark}"' in log.read_text())
        records = [Request(**json.loads(line)) for line in log.read_text().splitlines()]
        return [record for record in records if not record.path.startswith("/.flush-")]

    def _start(self) -> bool:
        http, https = free_port(), free_port()
        (self._prefix / "site.conf").write_text(self._site(http, https))
        # Workers of a master that runs as root would be "nobody" and could not read the folder.
        user = "user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
        main = self._prefix / "nginx.conf"
        main.write_text(_MAIN.format(prefix=self._prefix, user=user))
        errors = self._prefix / "error.log"
        command = [self._program, "-p", str(self._prefix), "-e", str(errors), "-c", str(main)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.http, self.https = f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}"
        wait_for(lambda: self._process.poll() is not None or (listens(http) and listens(https)))
        return self._process.poll() is None

    def _site(self, http: int, https: int) -> str:
        return edit(
            EXAMPLE.read_text(encoding="utf-8"),
            {
                "listen 80;": f"listen 127.0.0.1:{http} {self._listen};",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{https} ssl http2;",
                "server_name example.org;": "server_name localhost;",
                "root /srv/shoestring/site;": f'root "{self._folder}"; {self._extra}',
                "/etc/ssl/certs/example.org.pem": str(self.ca.cert),
                "/etc/ssl/private/example.org.key": str(self.ca.key),
            },
        )

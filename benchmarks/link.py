"""A slow link between two network namespaces, and nginx at its far end."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
import trustme

WAN = Path(__file__).resolve().parents[2] / "shared" / "wan" / "wan.c"
ADDRESS = "192.0.2.2"
PORT = 8443
NEAR = ["ip", "netns", "exec", "wan-client"]
FAR = ["ip", "netns", "exec", "wan-server"]

_NGINX = """\
user root;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  log_format counted '$connection $bytes_sent';
  access_log {folder}/access.log counted;
  sendfile on; tcp_nopush on; keepalive_requests 100000;
  gzip on; gzip_types application/json; gzip_min_length 1000;
  types {{ application/json json; image/tiff tif; }}
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen {address}:{port} ssl http2;
    http2_max_concurrent_streams 256;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    root {root};
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Served:
    """What the server has done so far.

    Attributes:
        cpu: Seconds of its processor.
        log: Bytes of its log, which has a line for each request.
    """

    cpu: float
    log: int


program_option = click.option(
    "--link",
    type=click.Path(exists=True, path_type=Path),
    help="Another program with wan's arguments, or its source in C.",
)
"""The option of commands that choose the lines themselves."""


def link_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that measure over the link."""
    for option in (
        program_option,
        click.option("--mbit", default=100.0, help="Bandwidth in Mbit/s."),
        click.option("--rtt", default=50.0, help="Round-trip time in ms."),
    ):
        command = option(command)
    return command


class SlowSite:
    """Context manager: a folder served over HTTPS at the far end of a slow link.

    Attributes:
        url: Its address, to be used from within the namespace of `NEAR`.
        ca: PEM file that a client must trust.
    """

    def __init__(
        self, root: Path, *, rtt_ms: float, mbit: float, program: Path | None = None
    ) -> None:
        self._root, self._rtt, self._mbit, self._program = root, rtt_ms, mbit, program
        self.url = f"https://{ADDRESS}:{PORT}"

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="slow-site-")
        folder = Path(self._temporary.name)
        self.ca = _certificates(folder)
        self._log = folder / "access.log"
        wan = _runnable(self._program or WAN, folder)
        self._link = subprocess.Popen(
            [wan, str(self._rtt), str(self._mbit)], stdout=subprocess.PIPE, text=True
        )
        assert self._link.stdout is not None
        print(self._link.stdout.readline().strip())
        text = _NGINX.format(folder=folder, root=self._root, address=ADDRESS, port=PORT)
        (folder / "nginx.conf").write_text(text)
        self._nginx = subprocess.Popen([*FAR, "nginx", "-p", folder, "-c", folder / "nginx.conf"])
        self._wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in (self._nginx, self._link):
            process.terminate()
            process.wait(10)
        self._temporary.cleanup()

    def served(self) -> Served:
        """What the server has done so far."""
        time.sleep(0.3 + 2 * self._rtt / 1000)  # what is under way comes to its end, and is logged
        children = Path(f"/proc/{self._nginx.pid}/task/{self._nginx.pid}/children").read_text()
        nanoseconds = Path(f"/proc/{children.split()[0]}/schedstat").read_text().split()[0]
        return Served(int(nanoseconds) / 1e9, self._log.stat().st_size)

    def since(self, before: Served) -> dict[str, float]:
        """What the server has done since: its CPU, requests, connections, megabytes sent."""
        now = self.served()
        with self._log.open() as log:
            log.seek(before.log)
            lines = [line.split() for line in log.read(now.log - before.log).splitlines()]
        return {
            "nginx_cpu": now.cpu - before.cpu,
            "requests": len(lines),
            "connections": len({connection for connection, _ in lines}),
            "mb": sum(int(sent) for _, sent in lines) / 1e6,
        }

    def _wait(self) -> None:
        for _ in range(100):
            command = [*NEAR, "curl", "-s", "-o", os.devnull, "--cacert", self.ca, self.url]
            if subprocess.run(command, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise TimeoutError("nginx at the far end does not answer")


def _runnable(program: Path, folder: Path) -> Path:
    """The program itself; compiled, where it is its source."""
    if program.suffix != ".c":
        return program
    compiled = folder / "wan"
    subprocess.run(["gcc", "-O2", "-o", compiled, program], check=True)
    return compiled


def _certificates(folder: Path) -> Path:
    authority = trustme.CA()
    server = authority.issue_cert(ADDRESS)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server.private_key_pem.write_to_path(str(folder / "key.pem"))
    for number, certificate in enumerate(server.cert_chain_pems):
        certificate.write_to_path(str(folder / "cert.pem"), append=number > 0)
    return folder / "ca.pem"

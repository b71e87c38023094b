"""A slow link between two network namespaces, and nginx at its far end."""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

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
  access_log off;
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
        wan = self._program or _compile(folder)
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

    def _wait(self) -> None:
        for _ in range(100):
            command = [*NEAR, "curl", "-s", "-o", os.devnull, "--cacert", self.ca, self.url]
            if subprocess.run(command, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise TimeoutError("nginx at the far end does not answer")


def _compile(folder: Path) -> Path:
    program = folder / "wan"
    subprocess.run(["gcc", "-O2", "-o", program, WAN], check=True)
    return program


def _certificates(folder: Path) -> Path:
    authority = trustme.CA()
    server = authority.issue_cert(ADDRESS)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server.private_key_pem.write_to_path(str(folder / "key.pem"))
    for number, certificate in enumerate(server.cert_chain_pems):
        certificate.write_to_path(str(folder / "cert.pem"), append=number > 0)
    return folder / "ca.pem"

"""A real server that speaks S3: moto's, in a process of its own."""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.server import listens, wait_for
from support.tools import free_port
from support.web_path import WebPath

BUCKET = "sites"
"""As in the documentation."""

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "publish.md"

_START = "import sys; from moto.server import main; main(sys.argv[1:])"


@dataclass(frozen=True, slots=True)
class S3:
    """A server with one bucket.

    Attributes:
        port: Where it listens, on the loopback interface.
    """

    port: int

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self.port}"

    def path(self, prefix: str) -> WebPath:
        """What lies under a prefix, as readers see it: over plain HTTP."""
        return WebPath(f"{self.endpoint}/{BUCKET}/{prefix}")

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """What obstore must find in the environment, maybe to go another way."""
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
        }


@contextmanager
def s3_server() -> Iterator[S3]:
    """Start a server, and end it."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", _START, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(2**26)},
    ) as process:
        try:
            wait_for(lambda: process.poll() is not None or listens(port))
            bucket = f"http://127.0.0.1:{port}/{BUCKET}"
            _put(bucket, b"")
            _put(f"{bucket}?policy", _policy())
            yield S3(port)
        finally:
            process.kill()


def _put(url: str, data: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, data, headers, method="PUT")).close()


def _policy() -> bytes:
    """What lets everybody read, as our documentation has it."""
    (policy, *_) = re.findall(r"^```json\n(.*?)^```", DOCUMENTATION.read_text("utf-8"), re.M | re.S)
    return str(policy).encode()


@contextmanager
def credentials(s3: S3, endpoint: str | None = None) -> Iterator[None]:
    """Let this process find the server."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment(endpoint).items():
            patch.setenv(name, value)
        yield

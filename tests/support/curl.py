"""curl as the client of a test: it speaks HTTP/2 and says what it got."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.tools import require_tool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent.

    Attributes:
        version: Of HTTP: ``1.1`` or ``2``.
        status: Such as 206.
        headers: Names in lower case; several of one name are joined by commas.
        body: As it came: not decompressed.
    """

    version: str
    status: int
    headers: dict[str, str]
    body: bytes


def curl(url: str, *arguments: str, ca: Path | None = None, **headers: str) -> Answer:
    """Make one request; redirects are not followed and the path is sent as it stands.

    Args:
        url: Where to.
        arguments: More of curl's options, such as ``-X``, ``OPTIONS``.
        ca: Certificate to trust.
        headers: To send; underscores become dashes: ``If_None_Match='"abc"'``.
    """
    command = [require_tool("curl"), "--http2", "--silent", "--show-error", "--path-as-is"]
    command += ["--noproxy", "*", "--max-time", "30", "--include", "--output", "-"]
    command += ["--write-out", "%{stderr}%{http_version} %{http_code} %{size_header}"]
    command += ["--cacert", str(ca)] if ca else []
    for name, value in headers.items():
        command += ["--header", f"{name.replace('_', '-')}: {value}"]
    done = subprocess.run([*command, *arguments, url], capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"curl {done.returncode}: {done.stderr.decode()}")
    version, status, header_size = done.stderr.decode().split()
    head, body = done.stdout[: int(header_size)], done.stdout[int(header_size) :]
    return Answer(version, int(status), _headers(head.decode("latin-1")), body)


def _headers(head: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in head.splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon:
            known = headers.get(name.lower())
            headers[name.lower()] = f"{known}, {value.strip()}" if known else value.strip()
    return headers

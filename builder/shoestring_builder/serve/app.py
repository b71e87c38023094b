"""A site as a web application: the same behaviour as the servers' examples.

Starlette's own parts are not enough here: its static files include hidden
ones, its compression takes every kind of file and also ranges, and its CORS
answers only who states an origin. What is left to do is little and below.
"""

import gzip
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from shoestring_builder.media import FOR_EVER, is_hashed, media_type
from shoestring_builder.serve.byte_range import parse_range
from shoestring_builder.site_path import find_file

CHUNK = 2**20
"""Bytes that are read at once."""

GZIP_LEAST = 1000
"""Bytes. Less is not worth compressing."""

_SHRINKING = {
    "application/json",
    "application/geo+json",
    "application/x-qgis-project",
    "application/x-qgis-layer-definition",
}
"""Media types of what nobody reads by ranges, and what shrinks to a tenth."""

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-None-Match, If-Range",
    "Access-Control-Expose-Headers": (
        "Content-Range, Content-Length, ETag, Accept-Ranges, Last-Modified"
    ),
    "Access-Control-Max-Age": "86400",
}


@dataclass(frozen=True, slots=True)
class _OpenFile:
    """A file of the site, open: what is said of it and what is sent are one state of it."""

    content: BinaryIO
    name: str
    size: int
    modified: int

    @property
    def media_type(self) -> str:
        return media_type(self.name)

    @property
    def etag(self) -> str:
        return f'"{self.modified:x}-{self.size:x}"'

    def headers(self, *, compressed: bool) -> dict[str, str]:
        """What every answer about the file says."""
        kept = FOR_EVER if is_hashed(self.name) else "no-cache"
        headers = {
            **CORS,
            "ETag": f"W/{self.etag}" if compressed else self.etag,
            "Last-Modified": formatdate(self.modified // 10**9, usegmt=True),
            "Cache-Control": kept,
            "Content-Type": self.media_type,
        }
        if _shrinks(self.media_type):
            headers["Vary"] = "Accept-Encoding"
        return headers | (
            {"Content-Encoding": "gzip"} if compressed else {"Accept-Ranges": "bytes"}
        )


def site_app(site: Path) -> Starlette:
    """An ASGI application that serves a site's files, and nothing else.

    Args:
        site: The site's folder.
    """
    root = site.resolve()

    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=CORS)
        path = request.path_params["path"]
        return await run_in_threadpool(_answer, root, path, request.method, request.headers)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "HEAD", "OPTIONS"])])


def _answer(root: Path, path: str, method: str, asked: Mapping[str, str]) -> Response:
    """The answer to GET or HEAD. Blocks for reading."""
    found = find_file(root, path)
    try:
        content = found.open("rb") if found else None
    except OSError:  # gone or forbidden
        content = None
    if content is None:
        headers = {**CORS, "Cache-Control": "no-cache"}
        return Response("Not found\n", 404, headers, "text/plain")
    status = os.fstat(content.fileno())
    file = _OpenFile(content, path.rpartition("/")[2], status.st_size, status.st_mtime_ns)
    compressed = _wants_gzip(file, asked)
    headers = file.headers(compressed=compressed)
    if _not_modified(file, asked):
        content.close()
        return Response(None, 304, headers)
    if compressed:
        with content:
            body = gzip.compress(content.read(), 5, mtime=0)
        return _whole(body, headers, method)
    return _part(file, headers, method, asked)


def _whole(body: bytes, headers: dict[str, str], method: str) -> Response:
    headers["Content-Length"] = str(len(body))
    return Response(b"" if method == "HEAD" else body, 200, headers)


def _part(
    file: _OpenFile, headers: dict[str, str], method: str, asked: Mapping[str, str]
) -> Response:
    """The file or the range of it that is asked for, not compressed."""
    wanted = None
    if method == "GET" and _same_file(file, asked.get("if-range")):
        wanted = parse_range(asked.get("range", ""), file.size)
    if wanted is not None and not wanted:
        file.content.close()
        return Response(None, 416, headers | {"Content-Range": f"bytes */{file.size}"})
    if wanted is not None:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{file.size}"
    piece = range(file.size) if wanted is None else wanted
    headers["Content-Length"] = str(len(piece))
    status = 200 if wanted is None else 206
    if method == "HEAD" or len(piece) <= CHUNK:
        with file.content as content:
            content.seek(piece.start)
            body = b"" if method == "HEAD" else content.read(len(piece))
        return Response(body, status, headers)
    return StreamingResponse(_chunks(file.content, piece), status, headers)


def _chunks(content: BinaryIO, piece: range) -> Iterator[bytes]:
    with content:
        content.seek(piece.start)
        left = len(piece)
        while left and (chunk := content.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _wants_gzip(file: _OpenFile, asked: Mapping[str, str]) -> bool:
    """Text for programs only, and never where a range is asked for: that means bytes of the file."""
    if not _shrinks(file.media_type) or file.size < GZIP_LEAST or "range" in asked:
        return False
    for choice in asked.get("accept-encoding", "").split(","):
        coding, _, quality = choice.replace(" ", "").lower().partition(";q=")
        if coding == "gzip":
            return quality.strip("0.") != "" or not quality
    return False


def _shrinks(media_type: str) -> bool:
    return media_type in _SHRINKING


def _not_modified(file: _OpenFile, asked: Mapping[str, str]) -> bool:
    """Whether the asker has the file as it is (RFC 9110, section 13)."""
    known = asked.get("if-none-match")
    if known is not None:
        return file.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")) or (
            known.strip() == "*"
        )
    since = _seconds(asked.get("if-modified-since"))
    return since is not None and file.modified // 10**9 <= since


def _same_file(file: _OpenFile, condition: str | None) -> bool:
    """Whether a range may be sent: no condition, or one that holds."""
    if condition is None or condition == file.etag:
        return True
    return _seconds(condition) == file.modified // 10**9


def _seconds(text: str | None) -> float | None:
    """An HTTP date in seconds since 1970; None where it is none."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None

"""Asking for a range of bytes over HTTP, and checking that the answer is that range."""

import aiohttp

from shoestring.spans import Span
from shoestring.transport import another_file
from shoestring_schema.errors import TransferError


def asking(span: Span) -> dict[str, str]:
    """Headers: a range of a file that was compressed on the way would be of other bytes."""
    return {"Range": f"bytes={span.start}-{span.stop - 1}", "Accept-Encoding": "identity"}


def check_range(
    response: aiohttp.ClientResponse, url: str, span: Span, file_size: int | None
) -> None:
    """Refuse an answer that is not the range that was asked for."""
    wanted = f"bytes {span.start}-{span.stop - 1}"
    got, _, total = response.headers.get("Content-Range", "").partition("/")
    if response.status != 206:
        raise TransferError(
            f"{url} comes from a server that does not answer requests for a range of bytes: "
            "host the site with nginx, Caddy, Apache or `shoestring serve`."
        )
    if file_size is not None and total != "*" and total != str(file_size):
        raise another_file(url, total, file_size)
    if got != wanted:
        raise TransferError(
            f"{url} comes from a server that answers {got[:80]!r} when {wanted} is asked for: try again; if "
            "that does not help, tell its publisher.",
            passing=True,
        )


def check_stream(response: aiohttp.ClientResponse, url: str, span: Span, file_size: int) -> int:
    """Refuse an answer that does not hold the span as it is.

    Returns:
        How many bytes come before it: a server without ranges sends the whole file, which
        does for its end, and for all of it.
    """
    packed = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packed not in {"identity", ""}:
        raise TransferError(
            f"{url} comes packed by {packed[:40]!r}, though it was asked for as it is: its server must not pack it."
        )
    length = response.content_length
    if response.status == 200 and span.stop == file_size:
        if length not in {None, file_size}:
            raise another_file(url, str(length), file_size)
        return span.start
    check_range(response, url, span, file_size)
    if length not in {None, span.size}:
        raise TransferError(
            f"{url} comes from a server that sends {length} bytes when {span.size} are asked for: try again; if "
            "that does not help, tell its publisher.",
            passing=True,
        )
    return 0


def cut(url: str) -> TransferError:
    """The error for a body that ended too early."""
    return TransferError(
        f"{url} was cut before all of its bytes had arrived: try again.", passing=True
    )

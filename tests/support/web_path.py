"""A file of the web that reads like a `pathlib.Path`, for what reads sites in folders."""

import posixpath
import urllib.error
import urllib.request
from email.message import Message


class WebPath:
    """A URL.

    Args:
        url: Of a file, or of a folder that nothing is asked of.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def __str__(self) -> str:
        return self._url

    def __truediv__(self, name: str) -> "WebPath":
        scheme, _, rest = self._url.partition("://")
        return WebPath(f"{scheme}://{posixpath.normpath(posixpath.join(rest, name))}")

    @property
    def parent(self) -> "WebPath":
        """The folder around it."""
        return WebPath(self._url.rpartition("/")[0])

    def with_name(self, name: str) -> "WebPath":
        """Its neighbour."""
        return self.parent / name

    def read_bytes(self) -> bytes:
        """The whole of it."""
        with urllib.request.urlopen(self._url, timeout=30) as answer:
            data: bytes = answer.read()
            return data

    def headers(self) -> Message:
        """What the server tells of it."""
        asked = urllib.request.Request(self._url, headers={"Range": "bytes=0-0"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            said: Message = answer.headers
            return said

    def is_file(self) -> bool:
        """Whether it is there."""
        try:
            self.headers()
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return False
        return True

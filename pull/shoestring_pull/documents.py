"""Getting a site's documents, each under its checksum; what has come once is kept."""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from shoestring.location import Location
from shoestring.spans import Span
from shoestring.transport import Transport
from shoestring_builder.media import hash_of
from shoestring_pull.names import href_to
from shoestring_schema.document import MAX_BYTES
from shoestring_schema.errors import CatalogueError

_KEPT = 2**20
"""Bytes. A longer range is not kept."""

_DIGEST = 32

MOST = 4 * 2**30
"""Bytes. No site has more documents: those of 150,000 hours of twelve bands are less than half."""


class Documents:
    """The documents of a site, from the copy where it has them, else from upstream.

    Args:
        catalogue: Where `catalog.json` lies.
        transport: Gets bytes.
        copy: The copy's folder.
        kept: A folder for what has come and is not in the copy; None to keep nothing.
    """

    def __init__(
        self, catalogue: Location, transport: Transport, copy: Path, kept: Path | None
    ) -> None:
        self._catalogue, self.transport = catalogue, transport
        self._copy, self._kept = copy, kept
        self._used: set[str] = set()
        self._came = 0

    def location(self, name: str) -> Location:
        """Where a file of the site lies.

        Raises:
            CatalogueError: It leads out of the site.
        """
        return self._catalogue.resolve(href_to(name))

    async def pointer(self, name: str) -> bytes:
        """A document that changes.

        Raises:
            CatalogueError: It is not there.
            TransferError: It did not arrive.
        """
        return await self.transport.fetch(self.location(name), max_bytes=MAX_BYTES)

    async def read(self, name: str, checksum: str | None = None, size: int | None = None) -> bytes:
        """A document that never changes.

        Args:
            name: Relative to the site.
            checksum: Its multihash; without it, what its name tells of it must hold.
            size: Its bytes, where they are stated.

        Raises:
            CatalogueError: It is not there, or not the one that was published.
            TransferError: It did not arrive.
        """
        key = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]
        for path in (self._copy / name, self._kept and self._kept / key):
            data = None if path is None else _content(path)
            if data is not None and _is(data, name, checksum):
                self._used.add(key)
                return data
        most = MAX_BYTES if size is None else min(size, MAX_BYTES)
        location = self.location(name)
        data = await self.transport.fetch(location, max_bytes=most)
        self._count(len(data))
        if not _is(data, name, checksum):
            raise CatalogueError(
                f"{location.address} is not the file that its catalogue names (its checksum differs): pull again, "
                "and tell its publisher if that does not help."
            )
        self._keep(key, data)
        return data

    async def range(self, location: Location, span: Span, size: int) -> bytes:
        """Some bytes of a file that never changes.

        Args:
            location: The file.
            span: Which bytes.
            size: Bytes of the whole file.

        Raises:
            CatalogueError: It is not there, or of another size.
            TransferError: They did not arrive.
        """
        told = f"{location.address} {size} {span.start} {span.stop}"
        key = hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()[:32]
        kept = (None if self._kept is None else _content(self._kept / key)) or b""
        if len(kept) == _DIGEST + span.size and kept[:_DIGEST] == _digest(kept[_DIGEST:]):
            self._used.add(key)
            return kept[_DIGEST:]
        data = await self.transport.fetch_range(location, span, file_size=size)
        self._count(len(data))
        if span.size <= _KEPT:  # nothing else tells whether it is what came
            self._keep(key, _digest(data) + data)
        return data

    def require_few(self, size: int) -> None:
        """Refuse a site with more documents than there can be, by their stated sizes.

        Raises:
            CatalogueError: It states so many bytes.
        """
        if self._came + size > MOST:
            raise CatalogueError(
                f"{self._catalogue.address} has more than {MOST // 10**9} GB of documents, which no site has: nothing "
                "was written; select some of its collections or dates."
            )

    def forget_others(self) -> None:
        """Remove what was kept and was not asked for."""
        if self._kept is not None and self._kept.is_dir():
            for path in self._kept.iterdir():
                if path.name not in self._used:
                    with suppress(OSError):
                        path.unlink()

    def _count(self, size: int) -> None:
        self.require_few(size)
        self._came += size

    def _keep(self, key: str, data: bytes) -> None:
        """For the next time; it is compared with its checksum then, so it need not last."""
        if self._kept is not None:
            self._used.add(key)
            with suppress(OSError):  # where there is no room, others will say so
                self._kept.mkdir(parents=True, exist_ok=True)
                beside = self._kept / f"{key}.{secrets.token_hex(4)}"
                beside.write_bytes(data)
                os.replace(beside, self._kept / key)


def _content(path: Path) -> bytes | None:
    try:
        if path.is_symlink() or path.stat().st_size > MAX_BYTES:
            return None
        return path.read_bytes()
    except OSError:
        return None


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _is(data: bytes, name: str, checksum: str | None) -> bool:
    """Whether this is the document of a name and a checksum."""
    digest, stated = hashlib.sha256(data).hexdigest(), hash_of(name)
    if checksum is not None and checksum != "1220" + digest:
        return False
    return stated is None or digest.startswith(stated)

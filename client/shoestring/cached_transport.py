"""A transport that keeps what it fetched, and fetches only what it has not kept.

Blocks, and what an index says of them, are proven by their checksums, so what is kept of them
stays right for ever. A document whose name carries the hash of its bytes does as well. All other
documents are asked for anew, with what the server said of them the last time: one that has not
changed does not travel again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from shoestring.cache import Cache
from shoestring.cache_names import name_of_document, name_of_file, proves_itself
from shoestring.excerpts import Excerpts, fetch_apart
from shoestring.location import Location
from shoestring.spans import Span
from shoestring.transport import Transport
from shoestring.validators import Copy, Validators
from shoestring_schema.errors import CatalogueError, ShoestringError, TransferError


class Origin(Transport, Protocol):
    """A transport that can ask whether a document has changed."""

    async def fetch_changed(
        self, location: Location, copy: Copy | None, *, max_bytes: int
    ) -> Copy | None:
        """A document, or None where it is still the one of which there is a copy.

        Raises:
            TransferError: See `Transport.fetch`.
            CatalogueError: See `Transport.fetch`.
        """
        ...


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is written beside a document.

    Attributes:
        digest: SHA-256 of its bytes, in hexadecimal digits.
        validators: What its server said of it.
    """

    digest: str
    validators: Validators = Validators()


class CachedTransport:
    """What is kept from the cache, all else from its origin.

    Args:
        origin: The transport that has everything.
        cache: What is kept.
    """

    def __init__(self, origin: Origin, cache: Cache) -> None:
        self._origin = origin
        self._cache = cache
        self._expected: tuple[Location, int] | None = None

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """See `Transport.fetch`."""
        url, name = location.address, name_of_document(location.address)
        copy = await self._copy(name)
        if copy is not None and proves_itself(url, copy.data):
            return _bounded(copy.data, url, max_bytes)
        if copy is None:
            self._expect_requests()
        found = await self._fetch_changed(location, copy, max_bytes)
        if found is None and copy is not None:
            return _bounded(copy.data, url, max_bytes)
        assert found is not None, "a document without a copy has changed"
        self._expect_requests()
        digest = hashlib.sha256(found.data).hexdigest()
        await self._cache.keep_document(name, found.data, Note(digest, found.validators))
        return found.data

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """See `Transport.fetch_range`. What nothing proves is not kept."""
        return await self._origin.fetch_range(location, span, file_size=file_size)

    async def fetch_excerpts(self, excerpts: Excerpts) -> Mapping[Span, memoryview]:
        """See `Transport.fetch_excerpts`. Only what is not kept is fetched."""
        name = _name(excerpts)
        kept = await self._cache.find(name, excerpts.spans, excerpts.proves)
        missing = tuple(span for span in excerpts.spans if span not in kept)
        if not missing:
            return kept
        self._expect_requests()
        fetched = await fetch_apart(excerpts.only(missing), self._origin.fetch_range)
        await self._cache.keep(name, fetched, excerpts.proves)
        return {**kept, **fetched}

    async def holds(self, wanted: Sequence[Excerpts]) -> list[bool]:
        """Whether each of these could be had without a request."""
        return await self._cache.holds([(_name(own), own.spans) for own in wanted])

    def prepare(self, location: Location, requests: int) -> None:
        """See `Transport.prepare`. Connections are opened when it turns out that some are needed."""
        self._expected = location, requests

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """See `Transport.diagnose`."""
        return await self._origin.diagnose(location)

    async def close(self) -> None:
        """Close connections, and the cache when it has kept everything."""
        await self._origin.close()
        await self._cache.close()

    def _expect_requests(self) -> None:
        if self._expected is not None:
            self._origin.prepare(*self._expected)
            self._expected = None

    async def _fetch_changed(
        self, location: Location, copy: Copy | None, max_bytes: int
    ) -> Copy | None:
        try:
            return await self._origin.fetch_changed(location, copy, max_bytes=max_bytes)
        except TransferError as error:
            if copy is not None and error.passing:
                raise TransferError(
                    f"{error} The cache has it: offline=True reads without asking."
                ) from error
            raise

    async def _copy(self, name: bytes) -> Copy | None:
        entry = await self._cache.find_document(name)
        if entry is None:
            return None
        try:
            note = msgspec.json.decode(entry.note or b"", type=Note)
        except msgspec.MsgspecError:
            return None
        if hashlib.sha256(entry.data).hexdigest() != note.digest:
            return None
        return Copy(entry.data, note.validators)


def _name(excerpts: Excerpts) -> bytes:
    return name_of_file(excerpts.location.address, excerpts.file_size)


def _bounded(data: bytes, url: str, most: int) -> bytes:
    if len(data) > most:
        raise CatalogueError(f"{url} is larger than the {most} bytes that it may have.")
    return data

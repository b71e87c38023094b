"""Reading a site that may be damaged, or a stranger's: never outside of its folder."""

import hashlib
import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from shoestring_builder.site_path import find_file
from shoestring_schema.document import MAX_BYTES, decode
from shoestring_schema.errors import CatalogueError

T = TypeVar("T")

_CHUNK = 2**20
_DOCUMENTS = (".json", ".vrt")
"""Ends of the names of files that are text, few bytes, and tell of others."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What tells a file from every other.

    Attributes:
        size: Bytes.
        checksum: Multihash: ``1220`` and the SHA-256 in hex.
    """

    size: int
    checksum: str


@dataclass(slots=True)
class SiteReader:
    """The files of a site, by their names: relative to its folder, joined by slashes.

    Attributes:
        root: The folder, resolved.
        deep: Whether all files are read, or documents only.
        digests: Of the files that were read whole.
        sizes: Of the files that were looked at and not read.
        named: The files that something in the site names.
    """

    root: Path
    deep: bool = True
    digests: dict[str, Digest] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    def follow(self, document: str, href: str) -> str:
        """The name of the file that an href in a document leads to.

        Args:
            document: Name of the document.
            href: A relative reference, percent-encoded.

        Raises:
            CatalogueError: It is not relative, leads out of the folder, or to no file.
        """
        parts = urlsplit(href) if "[" not in href else None
        if parts is None or parts.scheme or href.startswith(("/", "\\")):
            raise CatalogueError(f"{document} names {_short(href)}, which is not a relative link.")
        return self.file(document, unquote(href))

    def file(self, document: str, path: str) -> str:
        """The name of the file at a path relative to a document; as `follow`, but literally."""
        name = posixpath.normpath(posixpath.join(posixpath.dirname(document), path))
        if name == ".." or name.startswith(("../", "/")):
            raise CatalogueError(f"{document} names {_short(path)}, which is outside of the site.")
        if find_file(self.root, name) is None:
            raise CatalogueError(f"{document} names {_short(path)}, which is no file of the site.")
        self.named.add(name)
        return name

    def path(self, name: str) -> Path:
        """Where a file lies.

        Raises:
            CatalogueError: It is no file of the site.
        """
        found = find_file(self.root, name)
        if found is None:
            raise CatalogueError(f"{name} is not there.")
        return found

    def read(self, name: str, kind: type[T]) -> T:
        """Decode a document.

        Raises:
            CatalogueError: It can't be read, or is not what the contract says.
        """
        return decode(self.data(name), kind, name)

    def data(self, name: str) -> bytes:
        """The bytes of a document.

        Raises:
            CatalogueError: It can't be read, or is far too large.
        """
        path = self.path(name)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)  # one more: the decoder then says what is wrong
        except OSError as error:
            raise CatalogueError(f"{name} can't be read: {error.strerror}.") from None
        self.digests[name] = Digest(len(data), "1220" + hashlib.sha256(data).hexdigest())
        return data

    def digest(self, name: str) -> Digest:
        """Size and checksum of a file.

        Raises:
            CatalogueError: It can't be read.
        """
        known = self.digests.get(name)
        if known is None:
            known = self.digests[name] = self._digest(name)
        return known

    def reads(self, name: str) -> bool:
        """Whether a file is read whole: all others are looked at only, but in a deep check."""
        return self.deep or name.endswith(_DOCUMENTS)

    def size(self, name: str) -> int:
        """Size of a file that is not read.

        Raises:
            CatalogueError: It can't be looked at.
        """
        if name not in self.sizes:
            try:
                self.sizes[name] = self.path(name).stat().st_size
            except OSError as error:
                raise CatalogueError(f"{name} can't be read: {error.strerror}.") from None
        return self.sizes[name]

    def first_time(self, name: str) -> bool:
        """Whether this is asked of a name for the first time: snapshots have much in common."""
        known = name in self._seen
        self._seen.add(name)
        return not known

    def others(self) -> Iterator[str]:
        """The files that nothing names, in order; the builder's own hidden ones left out."""
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for file in sorted(files):
                name = Path(folder, file).relative_to(self.root).as_posix()
                if name not in self.named and not file.startswith("."):
                    yield name

    def _digest(self, name: str) -> Digest:
        sum_ = hashlib.sha256()
        size = 0
        try:
            with self.path(name).open("rb") as file:
                while chunk := file.read(_CHUNK):
                    sum_.update(chunk)
                    size += len(chunk)
        except OSError as error:
            raise CatalogueError(f"{name} can't be read: {error.strerror}.") from None
        return Digest(size, "1220" + sum_.hexdigest())


def _short(text: str) -> str:
    return repr(text if len(text) <= 200 else text[:200] + "…")

"""Which files the snapshots of a site name."""

import hashlib
import posixpath
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar
from urllib.parse import unquote

import msgspec

from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import (
    AssetDocument,
    CatalogDocument,
    CollectionDocument,
    CollectionEntry,
    Link,
    Part,
)

T = TypeVar("T")


class Document(Protocol):
    """A document of a site, wherever that lies: a `pathlib.Path` is one."""

    def read_bytes(self) -> bytes:
        """The whole of it; an `OSError` where it can't be read."""


class Documents(Protocol):
    """Where a site's documents are read from: a `pathlib.Path` is one."""

    def __truediv__(self, name: str, /) -> Document: ...


class _Item(msgspec.Struct, frozen=True):
    assets: dict[str, AssetDocument]
    links: tuple[Link, ...] = ()


class _Part(msgspec.Struct, frozen=True):
    features: tuple[_Item, ...]


class LinkedCollection(CollectionDocument, frozen=True, kw_only=True):
    """A collection's document with the fields of STAC that name files.

    Attributes:
        links: Relation ``child`` names the catalogues of the parts.
        assets: Files of the collection itself: GeoParquet of its parts, doors of its newest dates.
    """

    links: tuple[Link, ...] = ()
    assets: dict[str, AssetDocument] = msgspec.field(default_factory=dict)


class SnapshotNames:
    """Finds what snapshots name. What several have in common is read once.

    Args:
        site: The site's folder.
    """

    def __init__(self, site: Documents) -> None:
        self._site = site
        self._known: dict[str, frozenset[str]] = {}

    def of(self, snapshot: str) -> frozenset[str]:
        """All files that a snapshot names, and its own, relative to the site.

        Args:
            snapshot: Its identifier.

        Raises:
            CatalogueError: A document of it is damaged or missing: what that names in turn
                can't be known.
        """
        name = snapshot_name(snapshot)
        catalogue = read_snapshot(self._site, snapshot)
        own = {name, *_doors("", catalogue.links)}
        return frozenset(own).union(*map(self._of_collection, catalogue.collections or ()))

    def _of_collection(self, entry: CollectionEntry) -> frozenset[str]:
        name = posixpath.normpath(entry.href)
        if name not in self._known:
            data = _whole(self._site / name, entry.checksum)
            document = decode(data, LinkedCollection, str(self._site / name))
            self._known[name] = self._of_document(posixpath.dirname(name), document) | {name}
        return self._known[name]

    def _of_document(self, folder: str, document: LinkedCollection) -> frozenset[str]:
        own = (f"{folder}/{unquote(asset.href)}" for asset in document.assets.values())
        names = set(map(posixpath.normpath, own))
        for part in document.parts:
            if part.index is not None:
                names.add(posixpath.normpath(f"{folder}/{part.index.href}"))
            names |= self._of_part(folder, part)
        for link in document.links:
            if link.rel == "child":
                names |= self._of_year(posixpath.normpath(f"{folder}/{link.href}"))
        return frozenset(names)

    def _of_part(self, folder: str, part: Part) -> frozenset[str]:
        name = posixpath.normpath(f"{folder}/{part.href}")
        if name not in self._known:
            path, year = self._site / name, posixpath.dirname(name)
            items = decode(_whole(path, part.checksum), _Part, str(path)).features
            hrefs = (href for item in items for own in item.assets.values() for href in _hrefs(own))
            files = (posixpath.normpath(f"{year}/{unquote(href)}") for href in hrefs)
            doors = (door for item in items for door in _doors(year, item.links))
            self._known[name] = frozenset({name, *files, *doors})
        return self._known[name]

    def _of_year(self, name: str) -> frozenset[str]:
        if name not in self._known:
            path, year = self._site / name, posixpath.dirname(name)
            links = decode(_whole(path), CatalogDocument, str(path)).links
            items = (f"{year}/{link.href}" for link in links if link.rel == "item")
            doors = _doors(year, links)
            self._known[name] = frozenset({name, *map(posixpath.normpath, items), *doors})
        return self._known[name]


def snapshot_name(snapshot: str) -> str:
    """The document of a snapshot, relative to the site."""
    return f"catalog-{snapshot}.json"


def read_snapshot(site: Documents, snapshot: str) -> CatalogDocument:
    """Read the document of a snapshot.

    Raises:
        CatalogueError: It is damaged or missing.
    """
    return decode(
        snapshot_data(site, snapshot), CatalogDocument, str(site / snapshot_name(snapshot))
    )


def snapshot_data(site: Documents, snapshot: str) -> bytes:
    """The bytes of a snapshot's document.

    Raises:
        CatalogueError: It is damaged or missing.
    """
    path = site / snapshot_name(snapshot)
    data = _whole(path)
    if hashlib.sha256(data).hexdigest()[: len(snapshot)] != snapshot:
        raise _damaged(path)
    return data


def collection_data(site: Documents, entry: CollectionEntry) -> bytes:
    """The bytes of a collection's document, as a snapshot names it.

    Raises:
        CatalogueError: It is damaged or missing.
    """
    return document_data(site, posixpath.normpath(entry.href), entry.checksum)


def document_data(site: Documents, name: str, checksum: str) -> bytes:
    """The bytes of a document, or of a door.

    Args:
        site: Where it lies.
        name: Relative to the site.
        checksum: Its multihash.

    Raises:
        CatalogueError: It is damaged or missing.
    """
    return _whole(site / name, checksum)


def _doors(folder: str, links: Iterable[Link]) -> Iterator[str]:
    """The doors that a document in a folder links to."""
    for link in links:
        if link.rel == "alternate":
            yield posixpath.normpath(posixpath.join(folder, unquote(link.href)))


def _hrefs(asset: AssetDocument) -> Iterator[str]:
    yield asset.href
    yield from (source.href for source in asset.sources)


def _whole(path: Document, checksum: str | None = None) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CatalogueError(f"{path} can't be read ({error.strerror}): build again.") from None
    if checksum is not None and "1220" + hashlib.sha256(data).hexdigest() != checksum:
        raise _damaged(path)
    return data


def _damaged(path: Document) -> CatalogueError:
    return CatalogueError(f"{path} is not as it was published: build again.")

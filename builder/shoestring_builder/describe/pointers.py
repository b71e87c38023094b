"""Pointers to a snapshot, from its documents that never change; pure.

The same snapshot gives the same pointers, byte for byte: going back to one is pointing to it.
"""

import posixpath
from collections.abc import Iterable
from typing import Any

import msgspec

from shoestring_builder.describe.item import Document, link
from shoestring_builder.doors.names import pointer_of
from shoestring_schema.document import decode
from shoestring_schema.site import Link, SnapshotMark

SNAPSHOTS = "snapshots.json"
PARTS = "shoestring:parts"
ASSETS = "assets"
LATEST = "latest-version"
"""RFC 5829: from a snapshot to what shows the current one."""


def base_url_of(links: Iterable[Link]) -> str | None:
    """The public address that a catalogue tells, if it does, without a slash at its end."""
    own = (link.href for link in links if link.rel in (LATEST, "self") and "://" in link.href)
    return next((href.removesuffix("/catalog.json") for href in own), None)


def catalogue_pointer(snapshot: bytes, mark: SnapshotMark) -> bytes:
    """`catalog.json`, from ``catalog-<id>.json``: its links lead to addresses that stay.

    Raises:
        CatalogueError: That is damaged.
    """
    document = decode(snapshot, Document, f"catalog-{mark.id}.json")
    links: list[Document] = []
    for own in document.get("links", ()):
        folder, _, name = own["href"].rpartition("/")
        if own["rel"] == "child" and name.startswith("collection-"):
            links.append({**own, "href": f"{folder}/collection.json"})
        elif own["rel"] == "alternate":
            links.append(_staying(own))
        elif own["rel"] != LATEST:
            links.append(own)
        elif "://" in own["href"]:
            links.append({**own, "rel": "self"})
    links.append(link("version-history", f"./{SNAPSHOTS}", title="Snapshots"))
    return pretty(_marked(document, mark) | {"links": links})


def collection_pointer(document: bytes, mark: SnapshotMark) -> bytes:
    """`collection.json`, from ``collection-<hash>.json``.

    Raises:
        CatalogueError: That is damaged.
    """
    return pretty(_marked(decode(document, Document, "collection.json"), mark))


def unmarked(pointer: bytes) -> bytes:
    """The document that `collection_pointer` made a pointer of.

    Raises:
        CatalogueError: It is no document at all.
    """
    document = decode(pointer, dict[str, Any], "collection.json")
    document.pop("shoestring:snapshot", None)
    return pretty(document)


def pretty(document: object) -> bytes:
    """A document that people may read: indented, but each part and asset in a line of its own."""
    fields = msgspec.to_builtins(document)
    lines = [b"  %b: %b" % (msgspec.json.encode(key), _field(key, fields[key])) for key in fields]
    return b"{\n%b\n}\n" % b",\n".join(lines)


def _field(key: str, value: object) -> bytes:
    if key == PARTS and isinstance(value, list) and value:
        lines = b",\n    ".join(map(msgspec.json.encode, value))
        return b"[\n    %b\n  ]" % lines
    if key == ASSETS and isinstance(value, dict) and value:
        pairs = ((msgspec.json.encode(name), msgspec.json.encode(value[name])) for name in value)
        return b"{\n    %b\n  }" % b",\n    ".join(b"%b: %b" % pair for pair in pairs)
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    return text.replace(b"\n", b"\n  ")  # within strings JSON has none


def _staying(own: Document) -> Document:
    """A link to a door, by its name that stays: what that shows has no size or checksum for ever."""
    name = pointer_of(posixpath.normpath(own["href"]))
    kept = {key: value for key, value in own.items() if not key.startswith("file:")}
    return own if name is None else kept | {"href": f"./{name}"}


def _marked(document: Document, mark: SnapshotMark) -> Document:
    """With the mark behind the version."""
    marked: Document = {}
    for key, value in document.items():
        marked[key] = value
        if key == "shoestring:version":
            marked["shoestring:snapshot"] = mark
    return marked

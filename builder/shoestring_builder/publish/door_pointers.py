"""Doors under names that stay: what they shall be, from a snapshot's documents."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from shoestring_builder.doors.names import pointer_of
from shoestring_builder.publish.names import (
    Documents,
    collection_data,
    document_data,
)
from shoestring_schema.document import decode
from shoestring_schema.site import AssetDocument, CatalogDocument


class _Collection(msgspec.Struct, frozen=True):
    assets: dict[str, AssetDocument] = {}


@dataclass(frozen=True, slots=True)
class ShownDoor:
    """A door of a collection or of a site.

    Attributes:
        name: Its own name, relative to the site.
        size: Its bytes, where they are stated.
        checksum: Its multihash.
    """

    name: str
    size: int | None
    checksum: str


def shown_doors(site: Documents, catalogue: CatalogDocument) -> dict[str, ShownDoor]:
    """The doors of a snapshot, by the names under which they shall be shown.

    Args:
        site: Where its documents lie.
        catalogue: The snapshot's document.

    Raises:
        CatalogueError: A document of it is damaged or missing.
    """
    return dict(_doors(site, catalogue))


def door_pointers(site: Documents, doors: Mapping[str, ShownDoor]) -> dict[str, bytes]:
    """The content of the pointers: the doors themselves.

    Raises:
        CatalogueError: One is damaged or missing.
    """
    return {
        pointer: document_data(site, door.name, door.checksum) for pointer, door in doors.items()
    }


def _doors(site: Documents, catalogue: CatalogDocument) -> Iterator[tuple[str, ShownDoor]]:
    for link in catalogue.links:
        if link.rel == "alternate" and link.checksum is not None:
            own = ShownDoor(posixpath.normpath(link.href), link.size, link.checksum)
            yield from _shown(own)
    for entry in catalogue.collections or ():
        document = decode(collection_data(site, entry), _Collection, entry.href)
        for asset in document.assets.values():
            if asset.checksum is not None:
                name = posixpath.normpath(f"{entry.id}/{asset.href}")
                yield from _shown(ShownDoor(name, asset.size, asset.checksum))


def _shown(door: ShownDoor) -> Iterator[tuple[str, ShownDoor]]:
    pointer = pointer_of(door.name)
    if pointer is not None:
        yield pointer, door

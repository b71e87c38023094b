"""The document of a snapshot of the site: a STAC catalogue of its collections; pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shoestring_builder.describe.doors import door_link, extensions_of
from shoestring_builder.describe.file import File, hashed_file
from shoestring_builder.describe.item import STAC_VERSION, link
from shoestring_builder.describe.pointers import LATEST, pretty
from shoestring_builder.doors.door import DoorFile
from shoestring_schema import SCHEMA_VERSION
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.site import CollectionEntry, Link

_COLLECTION = re.compile(r"collection(-[0-9a-f]{16})?\.json")


@dataclass(frozen=True, slots=True)
class ListedCollection:
    """A collection as a catalogue lists it.

    Attributes:
        entry: What a snapshot says of it.
        title: A name for people.
    """

    entry: CollectionEntry
    title: str


def describe_catalogue(
    catalogue: CatalogueTable,
    collections: Sequence[ListedCollection],
    doors: Sequence[DoorFile] = (),
) -> File:
    """Write ``catalog-<id>.json``: a snapshot of the site, whose name is its identifier.

    Args:
        catalogue: The site's configuration.
        collections: Its collections, in the order of listing.
        doors: The doors of the site.
    """
    title = catalogue.title or catalogue.id
    links = [
        link("root", "./catalog.json", title=title),
        link(LATEST, f"{catalogue.base_url.rstrip('/') if catalogue.base_url else '.'}/catalog.json"),
        *(link("child", own.entry.href, title=own.title) for own in collections),
        *map(door_link, doors),
    ]  # fmt: skip
    document = {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        **extensions_of(doors),
        "shoestring:version": SCHEMA_VERSION,
        "id": catalogue.id,
        "title": title,
        "description": catalogue.description or title,
        "shoestring:collections": [own.entry for own in collections],
        "shoestring:doors": catalogue.intended_doors,
        "links": links,
    }
    return hashed_file("catalog", pretty(document))


def children_of(links: Iterable[Link]) -> dict[str, str]:
    """Collections that a catalogue lists: identifiers (folders) and titles."""
    children = {}
    for child in links:
        folder, _, name = child.href.removeprefix("./").partition("/")
        if child.rel == "child" and _COLLECTION.fullmatch(name) and folder not in ("", ".", ".."):
            children[folder] = child.title or folder
    return children

"""Doors beside the documents that they are made of; pure."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from shoestring_builder.describe.file import File
from shoestring_builder.describe.geoparquet import WRITER_VERSION
from shoestring_builder.describe.item import EXTENSIONS, Document, Frame, link
from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.newest import in_folder
from shoestring_builder.doors.part import DoorPart, DoorSite
from shoestring_builder.doors.registry import DOORS, doors_of
from shoestring_schema.configuration import CatalogueTable, DoorName

_T = TypeVar("_T")

ALTERNATE = "alternate"
"""Relation of the links that lead to doors."""

ROLE = "alternate"
"""Role of the collection's assets that are doors."""


def address_of(collection: str, base_url: str | None) -> str:
    """A collection's public address, with a slash at its end, or nothing."""
    return f"{base_url.rstrip('/')}/{collection}/" if base_url else ""


def door_part(frame: Frame, period: str, items: Sequence[Document], address: str) -> DoorPart:
    """What doors are made of.

    Args:
        frame: The collection.
        period: The part's; nothing for a part of several.
        items: The items' documents, in order of time.
        address: Public address of the folder that their hrefs start from.
    """
    survey = frame.survey
    return DoorPart(
        frame.table.id, frame.title, period, survey.grid, survey.bands, tuple(items), address, survey.mask
    )  # fmt: skip


def item_doors(part: DoorPart, doors: Sequence[DoorName]) -> list[DoorFile]:
    """The doors of a date, from a part of one item."""
    return _made(part, (door.item for door in doors_of(doors)))


def with_item_doors(
    frame: Frame, documents: Sequence[Document], doors: Sequence[DoorName]
) -> tuple[list[Document], list[DoorFile]]:
    """Items that link to their doors, and these."""
    linked: list[Document] = []
    files: list[DoorFile] = []
    for document in documents:
        part = door_part(frame, document["properties"]["shoestring:date"], [document], "")
        own = item_doors(part, doors)
        links = [*document["links"], *map(door_link, own)]
        linked.append(document | {"links": links})
        files += own
    return linked, files


def part_doors(part: DoorPart, doors: Sequence[DoorName]) -> list[DoorFile]:
    """The doors of a part."""
    return _made(part, (door.part for door in doors_of(doors)))


def collection_doors(newest: DoorPart, doors: Sequence[DoorName]) -> list[DoorFile]:
    """The doors of a collection, from its newest dates."""
    return _made(newest, (door.collection for door in doors_of(doors)))


def site_doors(site: DoorSite, doors: Sequence[DoorName]) -> list[DoorFile]:
    """The doors of a site."""
    return _made(site, (door.site for door in doors_of(doors)))


def has_site_doors(doors: Sequence[DoorName]) -> bool:
    """Whether any of these doors is one of a site."""
    return any(door.site is not None for door in doors_of(doors))


def doors_mark(collection: str, catalogue: CatalogueTable) -> str:
    """Fingerprint of what the doors of a part are, but for its items."""
    own = {name: DOORS[name] for name in catalogue.written_doors if name in DOORS}
    parts = {name: door for name, door in own.items() if door.part is not None}
    marks: list[object] = [[name, door.version] for name, door in parts.items()]
    addressed = any(door.addressed for door in parts.values())
    if "parquet" in catalogue.written_doors:
        marks.append(["parquet", WRITER_VERSION])
        addressed = True
    address = address_of(collection, catalogue.base_url) if addressed else ""
    return hashlib.sha256(msgspec.json.encode([marks, address])).hexdigest()[:16]


def moved(documents: Iterable[Document], year: str) -> list[Document]:
    """Items whose hrefs start from the collection's folder."""
    return [dict(in_folder(document, year)) for document in documents]


def door_link(file: DoorFile) -> Document:
    """A link to a door in the same folder."""
    return link(ALTERNATE, f"./{file.name}", kind=file.kind, title=file.title) | _facts(file)


def door_asset(file: DoorFile) -> Document:
    """What a collection says of a door of its own."""
    about = {"href": f"./{file.name}", "title": file.title, "type": file.kind, "roles": [ROLE]}
    return about | _facts(file)


def extensions_of(doors: Sequence[DoorFile]) -> Document:
    """What a catalogue says of the fields of its links."""
    return {"stac_extensions": [EXTENSIONS["file"]]} if doors else {}


def placed(folder: str, files: Iterable[DoorFile]) -> tuple[File, ...]:
    """Doors as files; `folder` is nothing, or ends with a slash."""
    return tuple(File(f"{folder}{file.name}", file.data) for file in files)


def _made(of: _T, makers: Iterable[Callable[[_T], Iterable[DoorFile]] | None]) -> list[DoorFile]:
    return [file for maker in makers if maker is not None for file in maker(of)]


def _facts(file: DoorFile) -> Document:
    return {"file:size": len(file.data), "file:checksum": file.checksum}

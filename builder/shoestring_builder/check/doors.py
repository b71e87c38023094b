"""Are the files for other tools there and whole, and do they say what the items say?"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shoestring_builder.check.layer import file_faults
from shoestring_builder.check.site_reader import SiteReader
from shoestring_builder.describe.doors import (
    ALTERNATE,
    address_of,
    collection_doors,
    doors_mark,
    item_doors,
    part_doors,
)
from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.names import pointer_of
from shoestring_builder.doors.newest import NEWEST, in_folder
from shoestring_builder.doors.part import DoorPart, PartIndex
from shoestring_builder.publish.door_pointers import shown_doors
from shoestring_builder.publish.names import LinkedCollection
from shoestring_schema.configuration import CatalogueTable, DoorName
from shoestring_schema.errors import CatalogueError, ShoestringError
from shoestring_schema.grid import Grid
from shoestring_schema.site import CatalogDocument, Link, Part

Faults = Iterator[str]
Json = dict[str, Any]

_UNLIKE = (AttributeError, IndexError, KeyError, TypeError, ValueError, ShoestringError)
"""What comes of items that are not what they should be."""

_HASH = 16
_BY_LIBRARIES = re.compile(r".*\.gti\.gpkg|kerchunk-.*\.json")
"""Doors that say of a CRS what PROJ does."""


@dataclass(frozen=True, slots=True)
class _Through:
    """A site's files through its reader, which never leaves the folder."""

    reader: SiteReader

    def __truediv__(self, name: str, /) -> Path:
        return self.reader.path(name)


def door_pointer_faults(reader: SiteReader, name: str, catalogue: CatalogDocument) -> Faults:
    """Check that each door is shown under the name that stays.

    Args:
        reader: The site.
        name: The snapshot's document.
        catalogue: The same, decoded.
    """
    try:
        shown = shown_doors(_Through(reader), catalogue)
    except CatalogueError as error:
        yield str(error)
        return
    for pointer, door in shown.items():
        try:
            reader.file(name, pointer)
            if any(file_faults(reader, pointer, door.size, door.checksum)):
                yield f"{pointer} is not what {door.name} is, which it should show."
        except CatalogueError as error:
            yield str(error)


def linked_door_faults(reader: SiteReader, name: str, links: Sequence[Link]) -> Faults:
    """Check that the doors are there and whole that a document links to.

    Args:
        reader: The site.
        name: The document.
        links: Its links.
    """
    for link in links:
        if link.rel == ALTERNATE:
            try:
                target = reader.follow(name, link.href)
                yield from file_faults(reader, target, link.size, link.checksum)
            except CatalogueError as error:
                yield str(error)


@dataclass(frozen=True, slots=True)
class DoorCheck:
    """Doors made anew of a collection's documents: names stand for contents, so they are compared.

    Attributes:
        name: The collection's document.
        document: The same, decoded.
        home: The collection's folder.
        catalogue: What the site says of its doors and of its address.
    """

    home: Path
    name: str
    document: LinkedCollection
    catalogue: CatalogueTable

    def part_faults(self, part: Part, items: Sequence[Json], links: Sequence[Link]) -> Faults:
        """Compare the doors of a part and of its items.

        Args:
            part: The part.
            items: Its items.
            links: The links of its STAC catalogue.
        """
        if not self._is_ours(part):
            return
        year = posixpath.basename(posixpath.dirname(part.href))
        for item in items:
            bare = [link for link in item["links"] if link["rel"] != ALTERNATE]
            date = item["properties"]["shoestring:date"]
            own = item_doors(self._part(date, [{**item, "links": bare}], ""), self._doors)
            linked = [link["href"] for link in item["links"] if link["rel"] == ALTERNATE]
            yield from _unlike(f"item {item['id']}", linked, own)
        base = address_of(self.document.id, self.catalogue.base_url)
        whole = self._part(part.period or "", items, f"{base}{year}/" if base else "")
        if part.index is not None:
            whole = replace(whole, index=PartIndex(self.home / part.index.href, part.index))
        linked = [link.href for link in links if link.rel == ALTERNATE]
        yield from _unlike(f"{self.name}, {part.period}", linked, part_doors(whole, self._doors))

    def collection_faults(self, items: Sequence[tuple[str, Json]]) -> Faults:
        """Compare the doors of the collection itself.

        Args:
            items: Its items, in order of time, each with the name of its folder.
        """
        if not all(map(self._is_ours, self.document.parts)):
            return
        newest = [in_folder(item, year) for year, item in items[-NEWEST:]]
        base = address_of(self.document.id, self.catalogue.base_url)
        made = collection_doors(self._part("", newest, base), self._doors)
        assets = (asset.href for asset in self.document.assets.values())
        linked = [href for href in assets if pointer_of(posixpath.normpath(f"x/{href}"))]
        yield from _unlike(self.name, linked, made)

    @property
    def _doors(self) -> tuple[DoorName, ...]:
        return self.catalogue.written_doors

    def _is_ours(self, part: Part) -> bool:
        """Whether a part's doors were written by what is installed here, for this address."""
        mark = (part.source or "").partition(".")[2]
        return mark == doors_mark(self.document.id, self.catalogue)

    def _part(self, period: str, items: Sequence[Mapping[str, Any]], address: str) -> DoorPart:
        own, grid = self.document, self.document.grid
        return DoorPart(
            own.id, own.title or own.id, period, Grid(grid.crs, grid.transform, grid.shape),
            own.bands, tuple(items), address, own.mask,
        )  # fmt: skip


def told(faults: Faults, name: str) -> Faults:
    """Faults; where documents are not such that doors can be made of them, that is one."""
    try:
        yield from faults
    except _UNLIKE as error:
        text = " ".join(str(error).split())[:200]
        yield f"{name}: no files for other tools can be made of its items ({text})."


def _unlike(what: str, linked: Sequence[str], made: Sequence[DoorFile]) -> Faults:
    """Tell of doors that are not what the documents give."""
    expected = {_comparable(file.name) for file in made}
    found = {_comparable(posixpath.normpath(href)) for href in linked}
    if found != expected:
        wrong = sorted(found ^ expected)
        yield f"{what} has other doors than its items give: {', '.join(wrong)[:200]}."


def _comparable(name: str) -> str:
    """A door's name; without its hash where the bytes depend on the versions of libraries, too."""
    stem, _, rest = name.rpartition("-")
    return f"{stem}{rest[_HASH:]}" if _BY_LIBRARIES.fullmatch(name) else name

"""What every door is made from: a part of a collection, or a site, as its STAC items tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shoestring_schema.grid import Grid
from shoestring_schema.site import BandDocument, IndexDocument, MaskDocument


@dataclass(frozen=True, slots=True)
class PartIndex:
    """The tile index of a part, which tells where the blocks of its layers lie.

    Attributes:
        path: The file.
        document: What the collection says of it.
    """

    path: Path
    document: IndexDocument


@dataclass(frozen=True, slots=True)
class DoorPart:
    """A part of a collection: the items of a year, a month or a day.

    Doors are made of documents alone, so that a site can be moved without its configuration.

    Attributes:
        collection: Identifier, and name of the collection's folder.
        title: The collection's name for people.
        period: ``2018``, ``2018-03`` or ``2018-03-05``.
        grid: The grid that all layers share.
        bands: The bands, in order; those with a `factor` are stored coarser by it.
        items: STAC items in order of time. Their assets' hrefs are relative to the folder that
            doors lie in, too; ``properties["shoestring:date"]`` tells the moment.
        address: Public address of that folder, with a slash at its end; empty without a `base_url`.
        mask: Which pixels are clear.
        index: Where blocks lie, where that is known.
    """

    collection: str
    title: str
    period: str
    grid: Grid
    bands: tuple[BandDocument, ...]
    items: tuple[Mapping[str, Any], ...]
    address: str = ""
    mask: MaskDocument | None = None
    index: PartIndex | None = None


@dataclass(frozen=True, slots=True)
class DoorSite:
    """All collections of a site, by their newest dates.

    Attributes:
        id: The catalogue's identifier.
        title: Its name for people.
        address: Public address of the site's folder, with a slash at its end; empty without a
            `base_url`.
        collections: Each as a part of its newest dates, whose hrefs are relative to the
            collection's folder; in the order of listing.
    """

    id: str
    title: str
    address: str
    collections: tuple[DoorPart, ...]

"""What a site shows, day by day: from its parts, each of which is read once.

A part never changes, so what is known of it from the last ``status.json`` holds. That costs an
update the new parts, and a lost ``status.json`` one look at all of them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from shoestring_builder.publish.current import Current
from shoestring_builder.publish.names import collection_data
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import (
    AssetDocument,
    CollectionDocument,
    CollectionEntry,
    ItemDocument,
    Part,
    PartDocument,
)
from shoestring_schema.status import CollectionStatus, DayStatus, PartStatus


def look_at(
    site: Path, current: Current, before: Sequence[CollectionStatus]
) -> tuple[CollectionStatus, ...]:
    """What the collections hold that a site shows.

    Args:
        site: The site's folder.
        current: What it shows.
        before: What is known from the last time.

    Returns:
        One for each collection; what is damaged is left out.
    """
    known = {part.checksum: part for own in before for part in own.parts}
    found = (_collection(site, current, entry, known) for entry in current.entries.values())
    return tuple(own for own in found if own is not None)


def part_status(checksum: str, items: Sequence[ItemDocument], order: Iterable[str]) -> PartStatus:
    """What a part holds; pure.

    Args:
        checksum: Of the part.
        items: Its items, in order of time.
        order: Names of bands, in the order in which they are told.
    """
    layers = [list(_layers(item)) for item in items]
    there = {name for own in layers for name, _ in own}
    names = [*(name for name in order if name in there), *sorted(there.difference(order))]
    places = {name: place for place, name in enumerate(names)}
    return PartStatus(
        checksum=checksum,
        bands=tuple(names),
        days=tuple(_days(items, places)),
        items=len(items),
        layers=sum(map(len, layers)),
        size=sum(asset.size or 0 for own in layers for _, asset in own),
    )


def _collection(
    site: Path, current: Current, entry: CollectionEntry, known: Mapping[str, PartStatus]
) -> CollectionStatus | None:
    try:
        document = decode(collection_data(site, entry), CollectionDocument, entry.href)
    except CatalogueError:
        return None
    bands = tuple(band.name for band in document.bands)
    parts = (
        known.get(part.checksum) or _read_part(site / entry.id, part, bands)
        for part in document.parts
    )
    title = current.titles.get(entry.id, document.title or entry.id)
    own = tuple(part for part in parts if part is not None)
    return CollectionStatus(id=entry.id, title=title, bands=bands, parts=own)


def _read_part(folder: Path, part: Part, bands: Sequence[str]) -> PartStatus | None:
    try:
        data = (folder / part.href).read_bytes()
        if "1220" + hashlib.sha256(data).hexdigest() != part.checksum:
            return None
        return part_status(part.checksum, decode(data, PartDocument, part.href).features, bands)
    except (OSError, CatalogueError):
        return None


def _layers(item: ItemDocument) -> Iterator[tuple[str, AssetDocument]]:
    return ((name, asset) for name, asset in item.assets.items() if "data" in asset.roles)


def _days(items: Sequence[ItemDocument], places: Mapping[str, int]) -> Iterator[DayStatus]:
    for day, group in groupby(items, key=lambda item: item.properties.date[:10]):
        own = list(group)
        bands = {places[name] for item in own for name, _ in _layers(item)}
        shares = [item.properties.clear_percent for item in own]
        known = [share for share in shares if share is not None]
        clear = round(sum(known) / len(known)) if known else None
        yield DayStatus(date=day, bands=sum(1 << place for place in bands), clear=clear)

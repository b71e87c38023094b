"""Which items need a new thumbnail, and getting it drawn and placed."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from shoestring_builder.describe.item import Frame
from shoestring_builder.parts import PartRecord
from shoestring_builder.pool import Pool
from shoestring_builder.publish.site_folder import SiteFolder
from shoestring_builder.record import (
    ItemRecord,
    ThumbnailRecord,
    hashed_name,
    picture_facts,
    year_of,
)
from shoestring_builder.render.thumbnail import Thumbnail, thumbnail
from shoestring_schema.configuration import BandTable, CollectionTable
from shoestring_schema.moment import Moment, file_stem


@dataclass(frozen=True, slots=True)
class _PictureTask:
    """An order: draw an item.

    Attributes:
        layers: The item's files in the site, by band.
        bands: The collection's bands, as configured.
        out: The PNG to write, in the staging folder.
    """

    layers: Mapping[str, Path]
    bands: Mapping[str, BandTable]
    out: Path


def add_thumbnails(
    frame: Frame, parts: Sequence[PartRecord], site: SiteFolder, pool: Pool
) -> list[PartRecord]:
    """Give each item a thumbnail of its layers; one that is up to date is kept.

    Args:
        frame: The collection.
        parts: Its parts; the layers of their items lie in the site.
        site: The site.
        pool: Draws them.

    Raises:
        PublishError: A picture can't be written.
    """
    new = [item for part in parts if part.kept is None for item in part.items]
    marks = {item.moment: _fingerprint(frame.table, item) for item in new}
    stale = [
        item
        for item in new
        if item.thumbnail is None or item.thumbnail.fingerprint != marks[item.moment]
    ]
    if not stale:
        return list(parts)
    site.prepare()
    tasks = [_task(frame.table, item, site) for item in stale]
    drawn = pool.run(_draw, tasks, f"{frame.table.id} thumbnails")
    found: dict[Moment, ThumbnailRecord | None] = {}
    for item, picture in zip(stale, drawn, strict=True):
        found[item.moment] = None
        if isinstance(picture, Thumbnail):
            own = _place(frame.table, item, picture, marks[item.moment], site)
            found[item.moment] = own
    return [_with_thumbnails(part, found) for part in parts]


def _with_thumbnails(
    part: PartRecord, found: Mapping[Moment, ThumbnailRecord | None]
) -> PartRecord:
    """A part whose items have the pictures that were drawn."""
    if found.keys().isdisjoint(item.moment for item in part.items):
        return part
    items = [replace(item, thumbnail=found.get(item.moment, item.thumbnail)) for item in part.items]
    return replace(part, items=tuple(items))


def _fingerprint(table: CollectionTable, item: ItemRecord) -> str:
    """Of all that a picture depends on."""
    return hashlib.sha256(json.dumps(picture_facts(table, item)).encode()).hexdigest()[:32]


def _task(table: CollectionTable, item: ItemRecord, site: SiteFolder) -> _PictureTask:
    home = site.path / table.id / year_of(item.moment)
    layers = {name: home / layer.href for name, layer in item.layers.items()}
    return _PictureTask(layers, dict(table.bands), site.staging / f"{uuid4().hex}.png")


def _draw(task: _PictureTask) -> Thumbnail | None:
    return thumbnail(task.layers, task.bands, task.out)


def _place(
    table: CollectionTable, item: ItemRecord, made: Thumbnail, mark: str, site: SiteFolder
) -> ThumbnailRecord:
    name = hashed_name(file_stem(item.moment), made.checksum, ".png")
    site.place(made.path, f"{table.id}/{year_of(item.moment)}/{name}")
    return ThumbnailRecord(name, made.size, made.checksum, mark)

"""Which items need a new thumbnail, and getting it drawn and placed."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from shoestring_builder.describe.item import Frame
from shoestring_builder.pool import Pool
from shoestring_builder.publish.site_folder import SiteFolder
from shoestring_builder.record import ItemRecord, ThumbnailRecord, hashed_name, year_of
from shoestring_builder.render.thumbnail import Thumbnail, thumbnail
from shoestring_schema.configuration import BandTable, CollectionTable
from shoestring_schema.moment import file_stem

PICTURE_VERSION = 1
"""Raised where the same layers give another picture."""


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
    frame: Frame, items: Sequence[ItemRecord], site: SiteFolder, pool: Pool
) -> list[ItemRecord]:
    """Give each item a thumbnail of its layers; one that is up to date is kept.

    Args:
        frame: The collection.
        items: Its items; their layers lie in the site.
        site: The site.
        pool: Draws them.

    Raises:
        PublishError: A picture can't be written.
    """
    marks = [_fingerprint(frame.table, item) for item in items]
    stale = [
        index
        for index, (item, mark) in enumerate(zip(items, marks, strict=True))
        if item.thumbnail is None or item.thumbnail.fingerprint != mark
    ]
    if stale:
        site.prepare()
    tasks = [_task(frame.table, items[index], site) for index in stale]
    drawn = pool.run(_draw, tasks, f"{frame.table.id} thumbnails")
    result = list(items)
    for index, picture in zip(stale, drawn, strict=True):
        own = None
        if isinstance(picture, Thumbnail):
            own = _place(frame.table, items[index], picture, marks[index], site)
        result[index] = replace(items[index], thumbnail=own)
    return result


def _fingerprint(table: CollectionTable, item: ItemRecord) -> str:
    """Of all that a picture depends on: the layers' content and what their bands mean."""
    facts = [
        [name, item.layers[name].checksum, band.common_name, band.resampling]
        for name, band in table.bands.items()
        if name in item.layers
    ]
    return hashlib.sha256(json.dumps([PICTURE_VERSION, facts]).encode()).hexdigest()[:32]


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

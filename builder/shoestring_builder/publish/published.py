"""What a site on disk holds of a collection: the builder's only memory."""

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from shoestring_builder.layer import LayerKey, Statistics
from shoestring_builder.record import ItemRecord, LayerRecord, ThumbnailRecord, year_of
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.moment import parse_moment
from shoestring_schema.site import (
    AssetDocument,
    CollectionDocument,
    IndexDocument,
    ItemProperties,
    Part,
)
from shoestring_schema.version import require_readable

THUMBNAIL = "thumbnail"
"""Key of an item's little picture among its assets."""


class _Statistics(msgspec.Struct, frozen=True):
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    stddev: float | None = None
    valid_percent: float = 0.0


class _RasterBand(msgspec.Struct, frozen=True):
    statistics: _Statistics = _Statistics()


class _Asset(AssetDocument, frozen=True, kw_only=True):
    """An asset with the fields of STAC that only the builder reads again."""

    raster_bands: tuple[_RasterBand, ...] = msgspec.field(default=(), name="raster:bands")


class _Item(msgspec.Struct, frozen=True):
    properties: ItemProperties
    assets: dict[str, _Asset]


class _Part(msgspec.Struct, frozen=True):
    features: tuple[_Item, ...]


@dataclass(frozen=True, slots=True)
class PublishedCollection:
    """A collection as it stands in the site.

    Attributes:
        document: Its own document.
        items: Its items; layers whose file is missing or of another size are left out.
        damaged: Sentences on what is not as the catalogue says, and is made again.
        indexes: The tile indexes that are there in their size, by year.
    """

    document: CollectionDocument
    items: tuple[ItemRecord, ...]
    damaged: tuple[str, ...]
    indexes: Mapping[str, IndexDocument] = field(default_factory=dict)

    @property
    def layers(self) -> dict[LayerKey, LayerRecord]:
        """All layers by moment and band."""
        return {
            LayerKey(item.moment, band): layer
            for item in self.items
            for band, layer in item.layers.items()
        }


def read_published(folder: Path, name: str) -> PublishedCollection | None:
    """Read a collection from the site.

    Args:
        folder: The collection's folder.
        name: The collection's document in it.

    Returns:
        The collection, or None where there is none yet.

    Raises:
        CatalogueError: The document is damaged, or of a newer version.
    """
    path = folder / name
    if not path.is_file():
        return None
    document = decode(path.read_bytes(), CollectionDocument, str(path))
    require_readable(document.version, str(path))
    damaged: list[str] = []
    items = [own for part in document.parts for own in read_items(folder, document, part, damaged)]
    indexes = {
        posixpath.dirname(posixpath.normpath(part.href)): part.index
        for part in document.parts
        if part.index is not None and _has_size(folder / part.index.href, part.index.size, damaged)
    }
    return PublishedCollection(document, tuple(items), tuple(damaged), indexes)


def read_items(
    folder: Path, document: CollectionDocument, part: Part, damaged: list[str]
) -> list[ItemRecord]:
    """The items of a part; what is not as it was published is left out.

    Args:
        folder: The collection's folder.
        document: The collection's document.
        part: One of its parts.
        damaged: Takes a sentence for each file that is not as it was published.
    """
    mask = document.mask.band if document.mask else None
    records = (_record(folder, item, mask, damaged) for item in _items_of(folder, part, damaged))
    return [record for record in records if record is not None]


def _items_of(folder: Path, part: Part, damaged: list[str]) -> tuple[_Item, ...]:
    try:
        return decode(_whole_part(folder, part), _Part, str(folder / part.href)).features
    except CatalogueError as error:
        damaged.append(str(error))
        return ()


def _whole_part(folder: Path, part: Part) -> bytes:
    path = folder / part.href
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CatalogueError(
            f"{path} can't be read ({error.strerror}): its items are lost."
        ) from None
    if "1220" + hashlib.sha256(data).hexdigest() != part.checksum:
        raise CatalogueError(f"{path} is not as it was published: its items are lost.")
    return data


def _record(folder: Path, item: _Item, mask: str | None, damaged: list[str]) -> ItemRecord | None:
    moment = parse_moment(item.properties.date)
    year = folder / year_of(moment)
    whole = {key: asset for key, asset in item.assets.items() if _is_whole(year, asset, damaged)}
    picture = whole.pop(THUMBNAIL, None)
    clear = item.properties.clear_percent
    layers = {key: _layer(asset, clear if key == mask else None) for key, asset in whole.items()}
    if not layers:
        return None
    return ItemRecord(moment, layers, None if picture is None else _thumbnail(picture))


def _thumbnail(asset: _Asset) -> ThumbnailRecord:
    return ThumbnailRecord(asset.href, asset.size or 0, asset.checksum or "", asset.source or "")


def _is_whole(year: Path, asset: _Asset, damaged: list[str]) -> bool:
    """Whether an asset's file is there in its size; its content is `check`'s business."""
    return _has_size(year / asset.href, asset.size, damaged)


def _has_size(path: Path, size: int | None, damaged: list[str]) -> bool:
    try:
        if path.stat().st_size == size:
            return True
        damaged.append(f"{path} does not have the size that the catalogue says.")
    except OSError:
        damaged.append(f"{path} is missing.")
    return False


def _layer(asset: _Asset, clear_percent: float | None) -> LayerRecord:
    stored = asset.raster_bands[0].statistics if asset.raster_bands else _Statistics()
    return LayerRecord(
        href=asset.href,
        size=asset.size or 0,
        checksum=asset.checksum or "",
        header_size=asset.header_size,
        statistics=Statistics(
            stored.minimum, stored.maximum, stored.mean, stored.stddev, stored.valid_percent
        ),
        clear_percent=clear_percent,
        fingerprint=asset.source or "",
        sources=asset.sources,
    )

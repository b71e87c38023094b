"""What a site on disk holds of a collection: the builder's only memory."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from shoestring_builder.layer import LayerKey, Statistics
from shoestring_builder.publish.names import LinkedCollection
from shoestring_builder.record import ItemRecord, LayerRecord, ThumbnailRecord, year_of
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.moment import parse_moment
from shoestring_schema.site import (
    AssetDocument,
    CatalogDocument,
    CollectionDocument,
    ItemProperties,
    Link,
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
    links: tuple[Link, ...] = ()


class _Part(msgspec.Struct, frozen=True):
    features: tuple[_Item, ...]


@dataclass(frozen=True, slots=True)
class PublishedPart:
    """A part of a collection as it stands in the site.

    Attributes:
        document: What the collection says of it; without its index, where that is not there.
        catalogue: Its STAC catalogue, relative to the collection's folder; None where there is none.
        mirror: The GeoParquet of its items, if there is one.
        items: Its items; layers whose file is missing or of another size are left out.
        whole: Whether all that belongs to it is there.
    """

    document: Part
    catalogue: str | None
    mirror: AssetDocument | None
    items: tuple[ItemRecord, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class PublishedCollection:
    """A collection as it stands in the site.

    Attributes:
        document: Its own document.
        parts: Its parts.
        layers: All layers by moment and band, but those that are missing or damaged.
        damaged: Sentences on what is not as the catalogue says, and is made again.
    """

    document: CollectionDocument
    parts: tuple[PublishedPart, ...]
    layers: Mapping[LayerKey, LayerRecord]
    damaged: tuple[str, ...]

    @property
    def items(self) -> Iterator[ItemRecord]:
        """All items, in order of time."""
        return (item for part in self.parts for item in part.items)


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
    document = decode(path.read_bytes(), LinkedCollection, str(path))
    require_readable(document.version, str(path))
    catalogues = {own.title: own.href for own in document.links if own.rel == "child"}
    damaged: list[str] = []
    parts = tuple(
        _part(folder, document, own, catalogues.get(own.period), damaged) for own in document.parts
    )
    layers = {
        LayerKey(item.moment, band): layer
        for part in parts
        for item in part.items
        for band, layer in item.layers.items()
    }
    return PublishedCollection(document, parts, layers, tuple(damaged))


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
    records = (_whole(folder, item, mask, damaged) for item in _items_of(folder, part, damaged))
    return [record for record in records if record is not None]


def items_in(data: bytes, document: CollectionDocument, where: str) -> list[ItemRecord]:
    """The items of a part as it tells of them, whether or not their files are there.

    Args:
        data: The part.
        document: The collection's document.
        where: URL or path of the part, for messages.

    Raises:
        CatalogueError: It is not what the contract says.
        SelectionError: Nor are its dates.
    """
    mask = document.mask.band if document.mask else None
    records = (_record(own, own.assets, mask) for own in decode(data, _Part, where).features)
    return [record for record in records if record is not None]


def _part(
    folder: Path,
    document: LinkedCollection,
    part: Part,
    catalogue: str | None,
    damaged: list[str],
) -> PublishedPart:
    """A part, and a sentence to `damaged` for each of its files that is not there in its size."""
    before = len(damaged)
    items = tuple(read_items(folder, document, part, damaged))
    index = part.index
    if index is not None and not _has_size(f"{folder}/{index.href}", index.size, damaged):
        part = msgspec.structs.replace(part, index=None)
    if catalogue is not None:
        _require_items(folder / catalogue, damaged)
    mirror = document.assets.get(mirror_key(part))
    if mirror is not None:
        _has_size(f"{folder}/{mirror.href}", mirror.size, damaged)
    whole = len(damaged) == before and catalogue is not None and index is not None
    return PublishedPart(part, catalogue, mirror, items, whole)


def mirror_key(part: Part) -> str:
    """The key of a part's GeoParquet among the collection's assets."""
    return f"items-{part.period}"


def _require_items(catalogue: Path, damaged: list[str]) -> None:
    """See that the files of a part's items, and its doors, are there: its STAC catalogue names them."""
    try:
        data = catalogue.read_bytes()
        if hashlib.sha256(data).hexdigest()[:16] not in catalogue.name:
            damaged.append(f"{catalogue} is not as it was published.")
            return
        links = decode(data, CatalogDocument, str(catalogue)).links
    except OSError as error:
        damaged.append(f"{catalogue} can't be read ({error.strerror}).")
        return
    except CatalogueError as error:
        damaged.append(str(error))
        return
    home = str(catalogue.parent)
    for own in links:
        if own.rel == "item" and not os.path.isfile(f"{home}/{own.href}"):
            damaged.append(f"{home}/{own.href.removeprefix('./')} is missing.")
    _require_doors(home, links, damaged)


def _require_doors(home: str, links: Iterable[Link], damaged: list[str]) -> None:
    """See that the doors are there that a document in a folder links to."""
    for own in links:
        if own.rel == "alternate":
            _has_size(f"{home}/{own.href}", own.size, damaged)


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


def _whole(folder: Path, item: _Item, mask: str | None, damaged: list[str]) -> ItemRecord | None:
    """An item without those of its files that are not as they were published."""
    year = f"{folder}/{year_of(parse_moment(item.properties.date))}"
    whole = {key: asset for key, asset in item.assets.items() if _is_whole(year, asset, damaged)}
    _require_doors(year, item.links, damaged)
    return _record(item, whole, mask)


def _record(item: _Item, assets: Mapping[str, _Asset], mask: str | None) -> ItemRecord | None:
    moment, whole = parse_moment(item.properties.date), dict(assets)
    picture = whole.pop(THUMBNAIL, None)
    clear = item.properties.clear_percent
    layers = {key: _layer(asset, clear if key == mask else None) for key, asset in whole.items()}
    if not layers:
        return None
    return ItemRecord(moment, layers, None if picture is None else _thumbnail(picture))


def _thumbnail(asset: _Asset) -> ThumbnailRecord:
    return ThumbnailRecord(asset.href, asset.size or 0, asset.checksum or "", asset.source or "")


def _is_whole(year: str, asset: _Asset, damaged: list[str]) -> bool:
    """Whether an asset's file is there in its size; its content is `check`'s business."""
    return _has_size(f"{year}/{asset.href}", asset.size, damaged)


def _has_size(path: str, size: int | None, damaged: list[str]) -> bool:
    """As text: there may be a hundred thousand, and values of `Path` take their time."""
    try:
        if os.stat(path).st_size == size:
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

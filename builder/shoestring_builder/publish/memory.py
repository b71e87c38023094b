"""Layers that kept snapshots hold and the current one does not: they need not be made again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shoestring_builder.layer import LayerKey
from shoestring_builder.publish.history import Snapshots
from shoestring_builder.publish.names import collection_data, read_snapshot
from shoestring_builder.publish.published import read_items
from shoestring_builder.record import ItemRecord, LayerRecord, ThumbnailRecord
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.moment import Moment
from shoestring_schema.moments import unpack_moments
from shoestring_schema.site import CollectionDocument, Part


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was found again.

    Attributes:
        layers: Layers whose files are in their places.
        thumbnails: The little pictures of their items; they may be out of date.
    """

    layers: Mapping[LayerKey, LayerRecord] = field(default_factory=dict)
    thumbnails: Mapping[Moment, ThumbnailRecord] = field(default_factory=dict)


def find_again(
    site: Path, collection: str, snapshots: Snapshots, wanted: Mapping[LayerKey, str]
) -> Remembered:
    """Look for layers in the snapshots that a site keeps, the newest first.

    That is where they are after a rollback, and when reprocessed sources are put back. Only parts
    that hold a wanted moment are read, and each once.

    Args:
        site: The site's folder.
        collection: The collection.
        snapshots: Those that the site keeps.
        wanted: Layers, and the fingerprints that they must have.
    """
    moments = {key.moment for key in wanted}
    layers: dict[LayerKey, LayerRecord] = {}
    pictures: dict[Moment, ThumbnailRecord] = {}
    for item in _items(site, collection, snapshots, moments):
        for band, layer in item.layers.items():
            key = LayerKey(item.moment, band)
            if key not in layers and wanted.get(key) == layer.fingerprint:
                layers[key] = layer
                if item.thumbnail is not None:
                    pictures.setdefault(item.moment, item.thumbnail)
    return Remembered(layers, pictures)


def _items(
    site: Path, collection: str, snapshots: Snapshots, moments: set[Moment]
) -> Iterator[ItemRecord]:
    seen: set[str] = set()
    for document in _documents(site, collection, snapshots):
        for part in document.parts:
            if part.href not in seen and _holds(part, moments):
                yield from read_items(site / collection, document, part, [])
            seen.add(part.href)


def _holds(part: Part, moments: set[Moment]) -> bool:
    try:
        return not moments.isdisjoint(unpack_moments(part.dates))
    except SelectionError:  # damaged: then its layers are made again
        return False


def _documents(site: Path, collection: str, snapshots: Snapshots) -> Iterable[CollectionDocument]:
    seen: set[str] = set()
    for own in reversed(snapshots):
        try:
            entries = read_snapshot(site, own.id).collections or ()
            for entry in entries:
                if entry.id == collection and entry.href not in seen:
                    seen.add(entry.href)
                    yield decode(collection_data(site, entry), CollectionDocument, entry.href)
        except CatalogueError:  # damaged: then its layers are made again
            continue

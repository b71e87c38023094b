"""The tile indexes of a site: what they tell of whole layers need not be read from these again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import msgspec

from shoestring_builder.index.assemble import LayerEntry
from shoestring_builder.index.previous import Previous
from shoestring_builder.publish.published import PublishedCollection, PublishedPart
from shoestring_builder.record import ItemRecord, LayerRecord
from shoestring_pull.documents import Documents
from shoestring_pull.files import WantedFile
from shoestring_pull.holdings import HIDDEN, INDEXES
from shoestring_pull.names import document_of
from shoestring_pull.own_collection import WantedCollection, WantedLayer
from shoestring_pull.upstream import UpstreamPart
from shoestring_schema.moment import Moment
from shoestring_schema.site import MaskDocument

CHEAP = 0.1
"""An index is fetched if it is no larger than this share of the layers that it is wanted for:
to read these is quicker than to wait for it."""


class ForeignIndexes(Previous):
    """Those of a site that have come; they are a stranger's."""

    def entry(self, item: ItemRecord, band: str, mask: MaskDocument | None) -> LayerEntry | None:
        """See `Previous.entry`; nothing where it leads to other files than the layer's own."""
        found = super().entry(item, band, mask)
        if found is None:
            return None
        layer = item.layers[band]
        own = {_plain(source.href) for source in layer.sources} or {_plain(layer.href)}
        return found if all(_plain(file.href) in own for file in found.files) else None


def foreign_indexes(wanted: WantedCollection, hidden: Path) -> ForeignIndexes:
    """The indexes of a collection's parts, as far as they have come.

    Args:
        wanted: The collection.
        hidden: The copy's hidden folder.
    """
    layers = {key: own.record for key, own in wanted.layers.items() if own.record is not None}
    items: dict[int, dict[Moment, dict[str, LayerRecord]]] = {}
    for key, record in layers.items():
        own = items.setdefault(id(wanted.layers[key].part), {})
        own.setdefault(key.moment, {})[key.band] = record
    parts = tuple(_part(part, items.get(id(part), {}), hidden) for part in wanted.parts)
    document = wanted.collection.document
    published = PublishedCollection(document, parts, layers, ())
    factors = {band.name: band.factor for band in document.bands}
    return ForeignIndexes(hidden / INDEXES, published, factors)


def index_files(
    wanted: WantedCollection, new: Sequence[WantedLayer], documents: Documents
) -> list[WantedFile]:
    """The indexes that are worth to be fetched.

    Args:
        wanted: The collection.
        new: Its layers that are fetched now.
        documents: Tells where they lie.

    Raises:
        CatalogueError: One lies elsewhere than an index does.
    """
    found, sizes = [], dict.fromkeys(map(id, wanted.parts), 0)
    for layer in new:
        sizes[id(layer.part)] += layer.file.size
    for part in wanted.parts:
        index, size = part.document.index, sizes[id(part)]
        if index is not None and index.size <= CHEAP * size:
            own = document_of(index.href, wanted.collection.name, wanted.collection.id)
            name = f"{HIDDEN}/{INDEXES}/{index.checksum[4:]}.bin"
            location = documents.location(own)
            found.append(WantedFile(name, location, index.size, index.checksum))
    return found


def _part(
    part: UpstreamPart, moments: Mapping[Moment, Mapping[str, LayerRecord]], hidden: Path
) -> PublishedPart:
    """A part as if it were published here, with its index if that has come."""
    index = part.document.index
    if index is not None:
        name = f"{index.checksum[4:]}.bin"
        there = (hidden / INDEXES / name).is_file()
        index = msgspec.structs.replace(index, href=name) if there else None
    items = tuple(ItemRecord(moment, own) for moment, own in moments.items())
    document = msgspec.structs.replace(part.document, index=index)
    return PublishedPart(document, catalogue=None, mirror=None, items=items, whole=False)


def _plain(href: str) -> str:
    return unquote(href).removeprefix("./")

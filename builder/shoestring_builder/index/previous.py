"""What the site's own indexes tell already: nothing of it is read from layers again."""

from collections.abc import Mapping
from pathlib import Path

from shoestring_builder.index.assemble import FileEntry, LayerEntry
from shoestring_builder.index.clear import geometry_of
from shoestring_builder.index.index_file import IndexFile, open_index
from shoestring_builder.layer import LayerKey
from shoestring_builder.publish.published import PublishedCollection
from shoestring_builder.record import ItemRecord, LayerRecord
from shoestring_schema.errors import CatalogueError
from shoestring_schema.moment import Moment, format_moment
from shoestring_schema.site import IndexDocument, MaskDocument
from shoestring_schema.tile_index import Piece


class Previous:
    """The indexes of a collection as it is published.

    Args:
        folder: The collection's folder.
        published: The collection, or None where there is none yet.
        factors: Of each band, as published: they never change.
    """

    def __init__(
        self, folder: Path, published: PublishedCollection | None, factors: Mapping[str, int]
    ) -> None:
        self._folder, self._published, self._factors = folder, published, factors
        parts = published.parts if published else ()
        self._parts = {item.moment: own.document for own in parts for item in own.items}
        self._opened: dict[str, IndexFile | None] = {}

    def holds(self, item: ItemRecord, band: str) -> bool:
        """Whether a layer of an item is the published one."""
        layers = self._published.layers if self._published else {}
        before = layers.get(LayerKey(item.moment, band))
        return before is not None and _identity(before) == _identity(item.layers[band])

    def entry(self, item: ItemRecord, band: str, mask: MaskDocument | None) -> LayerEntry | None:
        """What an index tells of a layer of an item; None where it tells nothing.

        How clear its blocks are is told only where the mask is the same as it was.
        """
        index = self._index(item.moment) if self.holds(item, band) else None
        dates = {} if index is None else index.head.layers.get(band, {})
        pieces = dates.get(format_moment(item.moment), ())
        if index is None or not pieces:
            return None
        clear = self._same_mask(item, mask)
        places = list(dict.fromkeys((piece.stack, piece.file) for piece in pieces))
        return LayerEntry(
            band=band,
            moment=item.moment,
            files=tuple(self._file(index, band, place, clear=clear) for place in places),
            pieces=tuple(_renumbered(piece, places) for piece in pieces),
        )

    def _same_mask(self, item: ItemRecord, mask: MaskDocument | None) -> bool:
        if mask is None or self._published is None or self._published.document.mask != mask:
            return False
        return mask.band in item.layers and self.holds(item, mask.band)

    def _index(self, moment: Moment) -> IndexFile | None:
        """The index of the part that a moment was in."""
        document = self._parts[moment].index
        if document is None:
            return None
        if document.href not in self._opened:
            self._opened[document.href] = self._open(document)
        return self._opened[document.href]

    def _open(self, document: IndexDocument) -> IndexFile | None:
        try:
            path = self._folder / document.href
            return open_index(path, document, str(path))
        except CatalogueError:  # then it is made anew, as if there were none
            return None

    def _file(
        self, index: IndexFile, band: str, place: tuple[int, int], *, clear: bool
    ) -> FileEntry:
        stack, number = place
        file, document = index.head.files[stack][band][number], index.document.stacks[stack]
        records = index.slots(stack, band, number)
        return FileEntry(
            href=file.href,
            size=file.size,
            header_size=file.header_size,
            formats=tuple(index.head.formats[own] for own in file.formats),
            geometry=geometry_of(self._factors[band], document.place, document.levels),
            records=records,
            clear=records.clear() if clear else None,
        )


def _renumbered(piece: Piece, places: list[tuple[int, int]]) -> Piece:
    number = places.index((piece.stack, piece.file))
    return Piece(0, number, piece.source, piece.target, piece.nodata)


def _identity(layer: LayerRecord) -> tuple[object, ...]:
    """What tells a layer's content from every other; sources of a VRT keep their names."""
    return layer.href, layer.size, layer.checksum, layer.sources

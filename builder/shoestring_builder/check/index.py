"""Does a tile index say what the files say?"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from shoestring_builder.check.layer import ExpectedLayer, file_faults
from shoestring_builder.check.site_reader import SiteReader
from shoestring_builder.index.clear import Geometry, MaskLayer, clear_shares, geometry_of
from shoestring_builder.index.index_file import IndexFile, open_index
from shoestring_builder.index.layer_files import LayerFile, LayerFiles, read_layer
from shoestring_schema.errors import CatalogueError, SourceError
from shoestring_schema.site import CollectionDocument, IndexDocument, ItemDocument
from shoestring_schema.tile_index import (
    RECORD,
    IndexedFile,
    Piece,
    Records,
    RunKey,
    blocks_of,
    unseal,
)

Faults = Iterator[str]

_FIELDS = {
    "offset_low": "offsets", "offset_high": "offsets", "size": "sizes", "crc": "checksums",
    "valid": "valid shares", "clear": "clear shares",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CheckedIndex:
    """An index that was found whole, and what its layers are held against.

    Attributes:
        reader: The site.
        name: The index.
        file: The same, opened.
        layers: What the layers of each band must be.
        collection: The collection.
    """

    reader: SiteReader
    name: str
    file: IndexFile
    layers: Mapping[str, ExpectedLayer]
    collection: CollectionDocument

    def head_faults(self, items: Sequence[ItemDocument]) -> Faults:
        """Check that the head tells of the layers of the items and no others, and of their files.

        Args:
            items: Of the part that the index is of.
        """
        told = {(date, band) for band, own in self.file.head.layers.items() for date in own}
        there = {
            (item.properties.date, band): asset
            for item in items
            for band, asset in item.assets.items()
            if "thumbnail" not in asset.roles
        }
        for date, band in sorted(told - there.keys()):
            yield f"{self.name} tells of {date[:40]} {band[:40]!r}, which no item has."
        for date, band in sorted(there.keys() - told):
            yield f"{self.name} does not tell of {date} {band!r}."
        used = {(piece.stack, band, piece.file) for band, own in self.file.head.layers.items()
                for pieces in own.values() for piece in pieces}  # fmt: skip
        for stack, files in enumerate(self.file.head.files):
            for band, own in files.items():
                for number, file in enumerate(own):
                    if (stack, band, number) not in used:
                        yield f"{self.name} names {file.href[:200]!r}, which no layer is made of."

    def seal_faults(self) -> Faults:
        """Check that every run bears its seal; of each level the first fault is told."""
        for stack, document in enumerate(self.file.document.stacks):
            for number, level in enumerate(document.levels):
                try:
                    for row in range(blocks_of(level)[0]):
                        self._unseal(stack, number, row)
                except CatalogueError:
                    yield f"{self.name} has a run with a wrong seal (stack {stack}, level {number}, row {row})."

    def _unseal(self, stack: int, level: int, row: int) -> None:
        document = self.file.document.stacks[stack]
        for column in range(blocks_of(document.levels[level])[1]):
            for band in range(len(document.files)):
                key = RunKey(stack, level, row, column, band)
                start, end = self.file.layout.run(key)
                unseal(key, self.file.data[start:end].tobytes(), self.name)

    def item_faults(self, document: str, item: ItemDocument, sound: set[str]) -> Faults:
        """Compare all that is told of an item's layers with what their files say.

        Args:
            document: Name of the part that the item stands in.
            item: The item.
            sound: Its layers that have no fault of their own.
        """
        read: list[_Told] = []
        for band in sorted(sound):
            pieces = self.file.head.layers.get(band, {}).get(item.properties.date, ())
            if not pieces:
                continue  # not told of, or readable only by opening it
            try:
                name = self.reader.follow(document, item.assets[band].href)
                yield from self._layer_faults(name, band, pieces, read)
            except (CatalogueError, SourceError) as error:
                yield str(error)
        yield from self._clear_faults(document, item, sound, read)

    def _layer_faults(
        self, name: str, band: str, pieces: tuple[Piece, ...], read: "list[_Told]"
    ) -> Faults:
        """Compare what is told of a layer, but for how clear it is; add its files to `read`."""
        layer, records = read_layer(self.reader.root / name, _nodata(self.layers[band]))
        if not self._agrees(layer, band, pieces):
            yield f"{self.name} says of {name} that it is made of other files, or in another way, than it is."
            return
        start = 0
        for number, file in enumerate(layer.files):
            own = pieces[[piece.file for piece in layer.pieces].index(number)]
            told = self._records(own.stack, band, own.file)
            found = records[start : start + len(told)]
            start += len(told)
            factor = self.layers[band].band.factor
            geometry = geometry_of(factor, file.place, file.stored.levels)
            mask = self.collection.mask
            is_mask = mask is not None and mask.band == band and pieces[0].source is None
            read.append(_Told(file.href, geometry, told["clear"], is_mask))
            for field, what in _FIELDS.items():
                wrong = int(np.count_nonzero(told[field] != found[field]))
                if wrong and field != "clear":
                    yield self._wrong(what, file.href, wrong)

    def _agrees(self, layer: LayerFiles, band: str, pieces: tuple[Piece, ...]) -> bool:
        """Whether a layer is made of what the head says, file by file and piece by piece."""
        return len(layer.pieces) == len(pieces) and all(
            (own.source, own.target, own.nodata) == (told.source, told.target, told.nodata)
            and self._is(layer.files[own.file], band, told)
            for own, told in zip(layer.pieces, pieces, strict=True)
        )

    def _is(self, file: LayerFile, band: str, piece: Piece) -> bool:
        """Whether a file is the one that a piece is of, stored as the head says."""
        told: IndexedFile = self.file.head.files[piece.stack][band][piece.file]
        stack = self.file.document.stacks[piece.stack]
        formats = tuple(self.file.head.formats[number] for number in told.formats)
        return (
            _path(told.href) == _path(file.href)
            and told.size == file.stored.size
            and told.header_size in (None, file.stored.header_size)
            and formats == file.stored.formats
            and (stack.place, stack.levels) == (file.place, file.stored.levels)
        )

    def _records(self, stack: int, band: str, file: int) -> Records:
        """All records of a file, level after level."""
        slots = self.file.slots(stack, band, file)
        rows = [
            slots.row(number, row, columns)
            for number, level in enumerate(self.file.document.stacks[stack].levels)
            for rows, columns in (blocks_of(level),)
            for row in range(rows)
        ]
        return np.concatenate(rows).view(RECORD)[:, 0]

    def _clear_faults(
        self, document: str, item: ItemDocument, sound: set[str], read: "Sequence[_Told]"
    ) -> Faults:
        """Compare how clear the blocks of an item's files are said to be."""
        mask = self.collection.mask
        if mask is not None and mask.band in item.assets and mask.band not in sound:
            return  # what is clear can't be known
        geometries = sorted({told.geometry for told in read})
        own = next((told.geometry for told in read if told.is_mask), None)
        clear: list[NDArray[np.uint8] | int] = [255 if mask is None else 0] * (len(geometries) + 1)
        if mask is not None and mask.band in item.assets:
            layer = self.layers[mask.band]
            name = self.reader.follow(document, item.assets[mask.band].href)
            rule = MaskLayer(
                path=self.reader.root / name,
                rule=mask,
                nodata=_nodata(layer),
                factor=layer.band.factor,
                shape=self.collection.grid.shape,
            )
            clear = [*clear_shares(rule, geometries, own)]
        for told in read:
            expected = clear[-1 if told.is_mask else geometries.index(told.geometry)]
            wrong = int(np.count_nonzero(told.clear != expected))
            if wrong:
                yield self._wrong(_FIELDS["clear"], told.href, wrong)

    def _wrong(self, what: str, href: str, blocks: int) -> str:
        many = "a block" if blocks == 1 else f"{blocks} blocks"
        return f"{self.name} has wrong {what} for {many} of {href[:200]}."


@dataclass(frozen=True, slots=True)
class _Told:
    """A file whose records were compared.

    Attributes:
        href: The file.
        geometry: Where its blocks lie.
        clear: How clear they are said to be.
        is_mask: It is the mask, in one file.
    """

    href: str
    geometry: Geometry
    clear: NDArray[np.uint8]
    is_mask: bool


def open_checked(
    reader: SiteReader,
    name: str,
    collection: CollectionDocument,
    layers: Mapping[str, ExpectedLayer],
    index: IndexDocument,
) -> tuple[CheckedIndex | None, list[str]]:
    """Open the index of a part, if it is whole.

    Args:
        reader: The site.
        name: The collection's document.
        collection: The same, decoded.
        layers: What the layers of each band must be.
        index: What it says of the index.

    Returns:
        The index, or None where it is not whole or not read; and what is wrong with the file.
    """
    try:
        target = reader.follow(name, index.href)
        faults = list(file_faults(reader, target, index.size, index.checksum))
        if faults or not reader.deep:
            return None, faults
        file = open_index(reader.path(target), index, target)
    except CatalogueError as error:
        return None, [str(error)]
    return CheckedIndex(reader, target, file, layers, collection), []


def _nodata(layer: ExpectedLayer) -> float | None:
    stated = layer.band.nodata
    return None if stated is None else float(stated)


def _path(href: str) -> str:
    return posixpath.normpath(unquote(href))

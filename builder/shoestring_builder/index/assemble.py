"""Writing an index: what is known of files and layers, put into the contract's order.

The same layers give the same bytes, whatever is known from where.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from shoestring_builder.index.clear import Geometry
from shoestring_builder.index.index_file import CLEAR, Bytes, Slots
from shoestring_builder.render.geotiff import writing
from shoestring_schema.moment import Moment, format_moment
from shoestring_schema.site import IndexDocument, StackDocument
from shoestring_schema.tile_index import (
    RECORD,
    SEAL,
    BlockFormat,
    Head,
    IndexedFile,
    Layout,
    Piece,
    RunKey,
    blocks_of,
    pack_head,
    seal,
)


@dataclass(frozen=True, slots=True, eq=False)
class FileEntry:
    """A file of a layer, with all that the index says of it.

    Attributes:
        href: The file, relative to the index.
        size: Its bytes.
        header_size: Bytes before its first block.
        formats: How the blocks of each level are decoded.
        geometry: Where its blocks lie.
        records: Of its blocks.
        clear: How clear they are, or a number for all of them; None where that is not known.
    """

    href: str
    size: int
    header_size: int | None
    formats: tuple[BlockFormat, ...]
    geometry: Geometry
    records: Slots
    clear: Slots | int | None = None


@dataclass(frozen=True, slots=True)
class LayerEntry:
    """A layer, with all that the index says of it.

    Attributes:
        band: Its band.
        moment: Its moment.
        files: What it is made of.
        pieces: How; `Piece.file` counts in `files`.
    """

    band: str
    moment: Moment
    files: tuple[FileEntry, ...] = ()
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stack:
    """Files that are alike: those of each band in the order of their records."""

    geometry: Geometry
    files: Mapping[str, tuple[FileEntry, ...]]

    @property
    def document(self) -> StackDocument:
        return StackDocument(
            levels=self.geometry.levels,
            files={band: len(files) for band, files in self.files.items()},
            place=self.geometry.place,
        )


def write_index(layers: Sequence[LayerEntry], path: Path) -> IndexDocument:
    """Write an index.

    Args:
        layers: All layers of the part, in any order.
        path: The file to write.

    Returns:
        What the collection says of it; `href` is left empty.

    Raises:
        PublishError: The file can't be written.
    """
    stacks = _stacks(layers)
    head = pack_head(_head(layers, stacks))
    plan = IndexDocument(
        href="",
        size=0,
        checksum="1220" + 64 * "0",
        head_size=len(head),
        stacks=tuple(stack.document for stack in stacks),
    )
    digest = hashlib.sha256(head)
    with writing(path.parent), path.open("wb") as file:
        file.write(head)
        for row in _rows(stacks):
            digest.update(row)
            file.write(row)
    size, checksum = Layout(plan).size, "1220" + digest.hexdigest()
    return msgspec.structs.replace(plan, size=size, checksum=checksum)


def _stacks(layers: Sequence[LayerEntry]) -> list[_Stack]:
    """The files of all layers, sorted: by place and shape, band, time, name."""
    found: dict[Geometry, dict[str, list[FileEntry]]] = {}
    for layer in sorted(layers, key=lambda layer: (layer.band, layer.moment)):
        for file in sorted(layer.files, key=lambda file: (file.href, file.formats[0].sample)):
            found.setdefault(file.geometry, {}).setdefault(layer.band, []).append(file)
    return [
        _Stack(geometry, {band: tuple(files) for band, files in found[geometry].items()})
        for geometry in sorted(found)
    ]


def _head(layers: Sequence[LayerEntry], stacks: Sequence[_Stack]) -> Head:
    formats: dict[BlockFormat, int] = {}
    places: dict[int, tuple[int, int]] = {}
    files: list[dict[str, tuple[IndexedFile, ...]]] = []
    for number, stack in enumerate(stacks):
        files.append({})
        for band, own in stack.files.items():
            places |= {id(file): (number, place) for place, file in enumerate(own)}
            files[-1][band] = tuple(_indexed(file, formats) for file in own)
    made: dict[str, dict[str, tuple[Piece, ...]]] = {}
    for layer in sorted(layers, key=lambda layer: (layer.band, layer.moment)):
        pieces = (
            msgspec.structs.replace(piece, stack=stack, file=file)
            for piece in layer.pieces
            for stack, file in (places[id(layer.files[piece.file])],)
        )
        made.setdefault(layer.band, {})[format_moment(layer.moment)] = tuple(pieces)
    return Head(tuple(formats), tuple(files), made)


def _indexed(file: FileEntry, formats: dict[BlockFormat, int]) -> IndexedFile:
    """A file in the head; its formats are added to those that are known."""
    numbers = tuple(formats.setdefault(own, len(formats)) for own in file.formats)
    return IndexedFile(file.href, file.size, numbers, file.header_size)


def _rows(stacks: Sequence[_Stack]) -> Iterator[bytes]:
    """All runs, in rows of blocks."""
    for number, stack in enumerate(stacks):
        for level, document in enumerate(stack.geometry.levels):
            rows, columns = blocks_of(document)
            for row in range(rows):
                yield _row(stack, RunKey(number, level, row, 0, 0), columns)


def _row(stack: _Stack, first: RunKey, columns: int) -> bytes:
    """The runs of a row of blocks, of which `first` names the first."""
    size = sum(RECORD.itemsize * len(files) + SEAL for files in stack.files.values())
    cells = np.zeros((columns, size), np.uint8)
    start = 0
    for band, files in enumerate(stack.files.values()):
        end = start + RECORD.itemsize * len(files)
        for number, file in enumerate(files):
            at = start + RECORD.itemsize * number
            _fill(cells[:, at : at + RECORD.itemsize], file, first)
        for column in range(columns):
            key = RunKey(first.stack, first.level, first.row, column, band)
            sealed = seal(key, cells[column, start:end].tobytes())
            cells[column, end : end + SEAL] = np.frombuffer(sealed, np.uint8)
        start = end + SEAL
    return cells.tobytes()


def _fill(records: Bytes, file: FileEntry, key: RunKey) -> None:
    """Put the records of a file's row of blocks into their place."""
    records[:] = file.records.row(key.level, key.row, len(records))
    if isinstance(file.clear, Slots):
        records[:, CLEAR] = file.clear.row(key.level, key.row, len(records))[:, 0]
    else:
        records[:, CLEAR] = file.clear or 0

"""An index on disk, and the bytes of its files' records in it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import IndexDocument
from shoestring_schema.tile_index import RECORD, Head, Layout, RunKey, unpack_head

Bytes = NDArray[np.uint8]

CLEAR = 7
"""Where a block's clear share lies in its record, in bytes."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Some bytes for each block of a file, at even distances in a larger array.

    Attributes:
        data: The array, mapped.
        starts: For each level, where the part of its first block begins.
        step: From a block's part to the next one's.
        skip: Where a block's own bytes begin in its part.
        width: How many they are.
    """

    data: Bytes
    starts: tuple[int, ...]
    step: int
    skip: int
    width: int

    def row(self, level: int, row: int, columns: int) -> Bytes:
        """The bytes of a row of blocks: shape (columns, width)."""
        start = self.starts[level] + row * columns * self.step
        parts = self.data[start : start + columns * self.step].reshape(columns, self.step)
        return parts[:, self.skip : self.skip + self.width]

    def clear(self) -> "Slots":
        """Of records: where their clear shares are."""
        return Slots(self.data, self.starts, self.step, self.skip + CLEAR, 1)


@dataclass(frozen=True, slots=True)
class IndexFile:
    """An index that was opened.

    Attributes:
        document: What the collection says of it.
        head: Its head.
        layout: Where its runs are.
        data: All of its bytes, mapped.
    """

    document: IndexDocument
    head: Head
    layout: Layout
    data: Bytes

    def slots(self, stack: int, band: str, file: int) -> Slots:
        """Where the records of a file are."""
        own = self.document.stacks[stack]
        number = sorted(own.files).index(band)
        cells = [self.layout.cell(stack, level, 0, 0) for level in range(len(own.levels))]
        run, _ = self.layout.run(RunKey(stack, 0, 0, 0, number))
        (start, end), size = cells[0], RECORD.itemsize
        starts = tuple(first for first, _ in cells)
        return Slots(self.data, starts, end - start, run - start + size * file, size)


def open_index(path: Path, document: IndexDocument, where: str) -> IndexFile:
    """Open an index; it is read once to see that it is whole.

    Args:
        path: The file.
        document: What the collection says of it.
        where: Its name in messages.

    Raises:
        CatalogueError: It is not there, damaged, or does not hold what the collection says.
    """
    try:
        with path.open("rb") as file:
            checksum = "1220" + hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            file.seek(0)
            head = file.read(min(document.head_size, size))
    except OSError as error:
        raise CatalogueError(f"{where} can't be read ({error.strerror}).") from None
    layout = Layout(document)
    if (size, checksum) != (document.size, document.checksum) or layout.size != size:
        raise CatalogueError(f"{where} is not the index that its collection names, or damaged.")
    index = IndexFile(document, unpack_head(head, where), layout, _mapped(path))
    _require_agreement(index, where)
    return index


def _mapped(path: Path) -> Bytes:
    return np.memmap(path, np.uint8, "r")


def _require_agreement(index: IndexFile, where: str) -> None:
    """The head names as many files as the collection says, and layers are made of these."""
    head, stacks = index.head, index.document.stacks
    counted = [{band: len(files) for band, files in stack.items()} for stack in head.files]
    if counted != [dict(stack.files) for stack in stacks]:
        raise CatalogueError(f"{where} has other files in its head than its collection says.")
    for stack, own in zip(stacks, head.files, strict=True):
        for file in (file for files in own.values() for file in files):
            if len(file.formats) != len(stack.levels) or max(file.formats) >= len(head.formats):
                raise CatalogueError(
                    f"{where} has no format for the blocks of {file.href[:200]!r}."
                )
    for band, dates in head.layers.items():
        for piece in (piece for pieces in dates.values() for piece in pieces):
            known = stacks[piece.stack].files if piece.stack < len(stacks) else {}
            if piece.file >= known.get(band, 0):
                raise CatalogueError(
                    f"{where} has a layer of {band!r} made of a file that it lacks."
                )

"""How a layer is stored upstream, as far as a crop needs to know; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from shoestring.location import Location
from shoestring.spans import Span
from shoestring.tile_index import Footprint, Share
from shoestring_builder.index.tiff import MAX_BLOCKS, Tiff
from shoestring_builder.layer import LayerKey
from shoestring_pull.crop.cut import Cut, KeptLevel, Shape, kept_levels
from shoestring_pull.crop.tiff_header import NewLevel, SourceHeader, new_header
from shoestring_pull.transfer.order import Piece
from shoestring_schema.errors import CatalogueError
from shoestring_schema.tile_index import offsets_of

Integers = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class LayerSource:
    """A layer that is to be cropped.

    Attributes:
        key: Which layer.
        location: Its file.
        href: The same, as its item names it.
        size: Bytes of the file.
        checksum: Its multihash.
        header_size: Bytes before its first block, if that is known.
        factor: Of its band.
        shape: Rows and columns that its pixels must have.
        whole: Whether a block that is left out would be read as data: its band has no nodata value.
    """

    key: LayerKey
    location: Location
    href: str
    size: int
    checksum: str
    header_size: int | None
    factor: int
    shape: tuple[int, int]
    whole: bool

    def lies(self, why: str) -> CatalogueError:
        """The error for a file that can't be cropped."""
        return CatalogueError(
            f"{self.location.address} can't be cropped without decoding ({why}): pull it whole, without a "
            "crop, or leave its band out."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Blocks of a level; arrays are of (row, column), for those that are fetched.

    Attributes:
        offsets: Where each lies.
        sizes: Bytes of each, 0 where it is not in the file.
        sums: CRC-32 of each, where that is known.
    """

    offsets: Integers
    sizes: Integers
    sums: NDArray[np.uint32] | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tile index tells of a file.

    Attributes:
        stack: Number of the stack.
        file: Number of the file in its band's runs.
        shape: How it is stored.
    """

    stack: int
    file: int
    shape: Shape

    def footprints(self, source: LayerSource, cut: Cut) -> dict[Footprint, KeptLevel]:
        """The blocks of the file that are kept."""
        levels = kept_levels(self.shape, cut, whole=source.whole)
        return {
            Footprint(self.stack, source.key.band, level.number, level.blocks): level
            for level in levels
        }


def place_of(share: Share, source: LayerSource, date: str) -> Place | None:
    """Where an index tells of a layer; None where it does not.

    Raises:
        CatalogueError: It tells of another file, or of several.
    """
    pieces = share.head.layers.get(source.key.band, {}).get(date, ())
    if not pieces:
        return None
    piece = pieces[0]
    try:
        file = share.head.files[piece.stack][source.key.band][piece.file]
        levels = share.stacks[piece.stack].levels
    except LookupError:
        raise _contradiction(share, source) from None
    own = share.location.resolve(file.href) == source.location
    if len(pieces) > 1 or piece.source is not None or not own or file.size != source.size:
        raise _contradiction(share, source)
    return Place(piece.stack, piece.file, Shape(source.factor, levels))


def indexed_blocks(share: Share, source: LayerSource, place: Place, cut: Cut) -> list[Blocks]:
    """The blocks of a layer that are kept, as an index tells them.

    Raises:
        CatalogueError: One of them does not lie in the file.
    """
    found = []
    for footprint in place.footprints(source, cut):
        records = share.records[footprint][..., place.file]
        offsets, sizes = offsets_of(records), records["size"].astype(np.uint64)
        if (offsets > np.uint64(source.size) - np.minimum(sizes, source.size)).any():
            raise _contradiction(share, source)
        found.append(Blocks(offsets, sizes, records["crc"]))
    return found


def listed_blocks(tiff: Tiff, source: LayerSource, shape: Shape, cut: Cut) -> list[Blocks]:
    """The same, as the file's own header lists them."""
    return [
        Blocks(
            tiff.levels[level.number].offsets[0][level.blocks.slices],
            tiff.levels[level.number].sizes[0][level.blocks.slices],
            None,
        )
        for level in kept_levels(shape, cut, whole=source.whole)
    ]


def pieces_of(
    source: LayerSource, header: SourceHeader, shape: Shape, cut: Cut, blocks: Sequence[Blocks]
) -> tuple[int, "CropPieces"]:
    """What a cropped layer is put together from: its new header, and blocks of the source.

    Args:
        source: The layer.
        header: The source's header.
        shape: How the source is stored.
        cut: Where its collection is cut.
        blocks: Those of each level that is kept.

    Returns:
        The bytes of the new file, and its pieces.

    Raises:
        CatalogueError: It can't be cropped.
    """
    levels = kept_levels(shape, cut, whole=source.whole)
    _require_agreement(source, header, shape, levels)
    new = [
        NewLevel(header.levels[level.number], level.shape, _spread(level, own.sizes))
        for level, own in zip(levels, blocks, strict=True)
    ]
    row, column = (edge // shape.factor for edge in cut.window[:2])
    try:
        start, size = new_header(header, new, (row, column))
    except ValueError as error:
        raise source.lies(str(error)) from None
    return size, CropPieces(start, source, blocks)


class CropPieces(Sequence[Piece]):
    """The pieces of a cropped layer, of which there may be thousands: made when they are needed.

    Args:
        header: The new file's header.
        source: The layer.
        blocks: Those of each level, full resolution first.
    """

    def __init__(self, header: bytes, source: LayerSource, blocks: Sequence[Blocks]) -> None:
        self._header, self._location, self._file_size = header, source.location, source.size
        offsets = np.concatenate([own.offsets.ravel() for own in reversed(blocks)])
        sizes = np.concatenate([own.sizes.ravel() for own in reversed(blocks)])
        there = sizes > 0
        self._offsets, self._sizes = offsets[there], sizes[there]
        known = [own.sums.ravel() for own in reversed(blocks) if own.sums is not None]
        self._sums = np.concatenate(known)[there] if len(known) == len(blocks) else None

    def __len__(self) -> int:
        return 1 + len(self._sizes)

    @overload
    def __getitem__(self, index: int) -> Piece: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Piece]: ...

    def __getitem__(self, index: int | slice) -> Piece | Sequence[Piece]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        if number == 0:
            return Piece(self._header, Span(0, len(self._header)), len(self._header))
        start, size = int(self._offsets[number - 1]), int(self._sizes[number - 1])
        crc = None if self._sums is None else int(self._sums[number - 1])
        return Piece(self._location, Span(start, start + size), self._file_size, crc)


def _spread(level: KeptLevel, sizes: Integers) -> Integers:
    """Sizes of all blocks of a level of the copy: those that it lacks have none."""
    spread: Integers = np.zeros(level.count, np.uint64)
    spread[level.blocks.shift(-level.first[0], -level.first[1]).slices] = sizes
    return spread


def _require_agreement(
    source: LayerSource, header: SourceHeader, shape: Shape, levels: Sequence[KeptLevel]
) -> None:
    """The header tells of the same levels as the index, and of one raster band."""
    if shape.levels[0].shape != source.shape:
        raise source.lies("it does not have the pixels that its collection says")
    if not levels:
        raise CatalogueError(
            f"{source.location.address} is stored in other blocks than those that the copy was cut for: pull the "
            "region into another folder."
        )
    if sum(level.count[0] * level.count[1] for level in levels) > min(source.size, MAX_BLOCKS):
        raise source.lies("it claims more blocks than a file of its size can hold")
    for level in levels:
        own, images = shape.levels[level.number], header.levels[level.number : level.number + 1]
        if [(image.shape, image.block) for image in images] != [(own.shape, own.block)]:
            raise source.lies("its header tells of other blocks than its catalogue")
        if images[0].samples != 1:
            raise source.lies(f"it holds {images[0].samples} bands")


def _contradiction(share: Share, source: LayerSource) -> CatalogueError:
    return CatalogueError(
        f"{share.location.address} contradicts what its catalogue says of {source.href[:200]}: the site must be "
        "built anew."
    )

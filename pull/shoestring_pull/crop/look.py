"""Finding out where the blocks of layers lie: from tile indexes, else from the files' headers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from shoestring.spans import Span
from shoestring.tile_index import Footprint, Share, TileIndex
from shoestring.together import together
from shoestring_builder.index.tiff import Tiff, parse_tiff
from shoestring_pull.crop.cut import Cut, Shape
from shoestring_pull.crop.stored import (
    Blocks,
    CropPieces,
    LayerSource,
    Place,
    indexed_blocks,
    listed_blocks,
    pieces_of,
    place_of,
)
from shoestring_pull.crop.tiff_header import SourceHeader, read_header
from shoestring_pull.documents import Documents
from shoestring_schema.moment import format_moment

FIRST = 4096
"""Bytes. A COG's headers and their small values; where its blocks lie is listed behind them."""

MOST = 64 * 2**20
"""Bytes. No header is larger."""

_GROUPS = 4
"""Indexes whose records are in memory at once."""

_TOGETHER = 64
"""Layers without an index that are looked at together."""


Shares = Mapping[tuple[TileIndex, str], Share]
"""What indexes say of the blocks that are kept, by index and band."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A layer that a tile index tells of.

    Attributes:
        source: The layer.
        index: The index of its part.
        place: Where it tells of the layer.
    """

    source: LayerSource
    index: TileIndex
    place: Place

    @property
    def shape(self) -> Shape:
        """How it is stored."""
        return self.place.shape

    def blocks(self, shares: Shares, cut: Cut) -> list[Blocks]:
        """Its blocks that are kept."""
        return indexed_blocks(
            shares[self.index, self.source.key.band], self.source, self.place, cut
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """A layer that only its own header tells of.

    Attributes:
        source: The layer.
        shape: How it is stored.
        tiff: Its header.
    """

    source: LayerSource
    shape: Shape
    tiff: Tiff

    def blocks(self, shares: Shares, cut: Cut) -> list[Blocks]:
        """Its blocks that are kept."""
        return listed_blocks(self.tiff, self.source, self.shape, cut)


Looked = Indexed | Listed


async def look_at(
    sources: Sequence[tuple[LayerSource, TileIndex | None]], documents: Documents
) -> list[Looked]:
    """How layers are stored.

    Args:
        sources: Layers, and the indexes of their parts.
        documents: Gets bytes of the site.

    Raises:
        CatalogueError: One can't be cropped.
    """
    indexes = list(dict.fromkeys(index for _, index in sources if index is not None))
    shares = dict(zip(indexes, await together(own.look(()) for own in indexes), strict=True))
    found = [None if index is None else _told(source, index, shares[index])
             for source, index in sources]  # fmt: skip
    missing = [source for (source, _), own in zip(sources, found, strict=True) if own is None]
    opened = iter(await together(_open(source, documents) for source in missing))
    return [next(opened) if own is None else own for own in found]


async def pieces(
    layers: Sequence[Looked], cut: Cut, documents: Documents
) -> list[tuple[int, CropPieces]]:
    """What each cropped layer is put together from, and how many bytes it has.

    Raises:
        CatalogueError: One can't be cropped.
    """
    gate = asyncio.Semaphore(_GROUPS)

    async def group(own: Sequence[Looked]) -> list[tuple[int, CropPieces]]:
        async with gate:
            headers = await together(_header(layer.source, documents) for layer in own)
            shares = await _shares(own, cut)
            return [
                pieces_of(layer.source, header, layer.shape, cut, layer.blocks(shares, cut))
                for layer, header in zip(own, headers, strict=True)
            ]

    groups: dict[object, list[Looked]] = {}
    for number, layer in enumerate(layers):
        key = layer.index if isinstance(layer, Indexed) else number // _TOGETHER
        groups.setdefault(key, []).append(layer)
    found = await together(group(own) for own in groups.values())
    results = (result for own in found for result in own)
    order = (layer.source.key for own in groups.values() for layer in own)
    made = dict(zip(order, results, strict=True))
    return [made[layer.source.key] for layer in layers]


def _told(source: LayerSource, index: TileIndex, share: Share) -> Indexed | None:
    place = place_of(share, source, format_moment(source.key.moment))
    return None if place is None else Indexed(source, index, place)


async def _shares(layers: Sequence[Looked], cut: Cut) -> Shares:
    wanted: dict[tuple[TileIndex, str], dict[Footprint, None]] = {}
    for layer in layers:
        if isinstance(layer, Indexed):
            prints = wanted.setdefault((layer.index, layer.source.key.band), {})
            prints |= dict.fromkeys(layer.place.footprints(layer.source, cut))
    found = await together(index.look(list(prints)) for (index, _), prints in wanted.items())
    return dict(zip(wanted, found, strict=True))


async def _open(source: LayerSource, documents: Documents) -> Listed:
    """A layer of which no index tells: its whole header is read."""
    size, reason = min(source.header_size or 2**16, source.size, MOST), ""
    while True:
        data = await documents.range(source.location, Span(0, size), source.size)
        try:
            tiff = parse_tiff(BytesIO(data), source.size)
            break
        except ValueError as error:
            reason = str(error)
        if size >= min(source.size, MOST):
            raise source.lies(reason)
        size = min(4 * size, source.size, MOST)
    if tiff is None or any(len(level.offsets) > 1 for level in tiff.levels):
        raise source.lies("it is stored in strips, or in blocks that can't be told one by one")
    shape = Shape(source.factor, tuple(level.document for level in tiff.levels))
    return Listed(source, shape, tiff)


async def _header(source: LayerSource, documents: Documents) -> SourceHeader:
    size = min(FIRST, source.header_size or source.size)
    most = min(max(source.header_size or MOST, FIRST), source.size, MOST)
    while True:
        data = await documents.range(source.location, Span(0, size), source.size)
        try:
            return read_header(data, source.size)
        except ValueError as error:
            if size >= most:
                raise source.lies(str(error)) from None
        size = min(16 * size, most)

"""From what a tile index says of a window to layers and their blocks. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from shoestring.blocks import Blocks, Piece
from shoestring.plan import LayerFile
from shoestring.tile_index import Share, blocks_under
from shoestring_schema import tile_index
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.grid import Window
from shoestring_schema.moment import Moment, parse_moment
from shoestring_schema.site import StackDocument
from shoestring_schema.tile_index import IndexedFile, offsets_of

Layers: TypeAlias = dict[Moment, dict[str, LayerFile | None]]
"""Layers by moment and band; None where only the layer's item tells its file."""


def layers_of(share: Share, moments: Collection[Moment], windows: Mapping[str, Window]) -> Layers:
    """The layers of some moments and bands, with their blocks under a window.

    Args:
        share: What the index says of the windows.
        moments: Which moments.
        windows: Band to window, in the band's own pixels.

    Raises:
        CatalogueError: The index contradicts itself.
    """
    found: Layers = {}
    try:
        for band, window in windows.items():
            for date, pieces in share.head.layers.get(band, {}).items():
                moment = parse_moment(date)
                if moment in moments:
                    found.setdefault(moment, {})[band] = _layer(share, band, pieces, window)
    except (LookupError, ValueError, SelectionError) as error:
        raise CatalogueError(
            f"{share.location.address} contradicts itself ({error!r}): the site must be built anew."
        ) from None
    return found


def _layer(
    share: Share, band: str, pieces: Sequence[tile_index.Piece], window: Window
) -> LayerFile | None:
    if not pieces:
        return None
    files = [share.head.files[piece.stack][band][piece.file] for piece in pieces]
    parts = [_piece(share, band, *pair, window) for pair in zip(pieces, files, strict=True)]
    found = tuple(part for part in parts if part is not None)
    first = found[0].blocks.location if found else share.location.resolve(files[0].href)
    whole = pieces[0].source is None and pieces[0].target is None
    return LayerFile(
        first,
        sum(file.size for file in files),
        files[0].header_size,
        found,
        share.stacks[pieces[0].stack].levels[0].shape if whole else None,
    )


def _piece(
    share: Share, band: str, piece: tile_index.Piece, file: IndexedFile, window: Window
) -> Piece | None:
    stack = share.stacks[piece.stack]
    source, target = _placed(piece, stack)
    inside = target.intersect(window)
    if inside is None:
        return None
    pixels = inside.shift(source.row - target.row, source.column - target.column)
    blocks = _blocks(share, band, piece, file, pixels)
    return Piece(blocks, pixels, inside, None if piece.nodata is None else float(piece.nodata))


def _placed(piece: tile_index.Piece, stack: StackDocument) -> tuple[Window, Window]:
    """Which of a file's pixels, and where they lie in the layer."""
    whole = Window(0, 0, *stack.levels[0].shape)
    source = Window(*piece.source) if piece.source else whole
    target = Window(*piece.target) if piece.target else source
    place = target.row - source.row, target.column - source.column
    if place != stack.place:
        raise ValueError(f"a piece lies at {place}, its stack at {stack.place}")
    if source.shape != target.shape or source.intersect(whole) != source:
        raise ValueError(f"a piece of {target.shape} pixels is made of {source}")
    return source, target


def _blocks(
    share: Share, band: str, piece: tile_index.Piece, file: IndexedFile, pixels: Window
) -> Blocks:
    level = share.stacks[piece.stack].levels[0]
    window = blocks_under(pixels, level.block)
    footprint, records = next(
        item
        for item in share.records.items()
        if (item[0].stack, item[0].band) == (piece.stack, band)
    )
    own = records[..., piece.file][
        window.shift(-footprint.blocks.row, -footprint.blocks.column).slices
    ]
    offsets = offsets_of(own)
    if own.shape != window.shape or (offsets + own["size"] > file.size).any():
        raise ValueError(f"{file.href} has no such blocks: {window}")
    return Blocks(
        location=share.location.resolve(file.href),
        file_size=file.size,
        format=share.head.formats[file.formats[0]],
        block=level.block,
        window=window,
        offsets=offsets,
        sizes=own["size"],
        sums=own["crc"],
        valid=own["valid"],
        clear=own["clear"],
        wanted=np.asarray(own["size"] > 0),
    )

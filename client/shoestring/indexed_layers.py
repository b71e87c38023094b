"""From what a tile index says of a window to layers and their blocks. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from shoestring.blocks import Blocks, Piece
from shoestring.mask import Flags
from shoestring.plan import LayerFile
from shoestring.sampling import Picked, Sampling
from shoestring.tile_index import Share, blocks_under
from shoestring_schema import tile_index
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.grid import Window
from shoestring_schema.moment import Moment, parse_moment
from shoestring_schema.site import StackDocument
from shoestring_schema.tile_index import IndexedFile, offsets_of

Layers: TypeAlias = dict[Moment, dict[str, LayerFile | None]]
"""Layers by moment and band; None where only the layer's item tells its file."""


def layers_of(
    share: Share, moments: Collection[Moment], samplings: Mapping[str, Sampling]
) -> Layers:
    """The layers of some moments and bands, with the blocks that a result lies in.

    Args:
        share: What the index says of these blocks.
        moments: Which moments.
        samplings: Band to where the result lies in its layers.

    Raises:
        CatalogueError: The index contradicts itself.
    """
    found: Layers = {}
    try:
        for band, sampling in samplings.items():
            maker = _Maker(share, band, sampling)
            for date, pieces in share.head.layers.get(band, {}).items():
                moment = parse_moment(date)
                if moment in moments:
                    found.setdefault(moment, {})[band] = maker.layer(pieces)
    except (LookupError, ValueError, SelectionError) as error:
        raise CatalogueError(
            f"{share.location.address} contradicts itself ({error!r}): the site must be built anew."
        ) from None
    return found


class _Maker:
    """Makes the layers of a band.

    Args:
        share: What the index says.
        band: The band.
        sampling: Where the result lies in its layers.
    """

    def __init__(self, share: Share, band: str, sampling: Sampling) -> None:
        self._share, self._band, self._sampling = share, band, sampling
        self._records = {
            own.stack: (own.blocks, records)
            for own, records in share.records.items()
            if own.band == band
        }
        self._picked: dict[tuple[int, Window, Window], Picked | None] = {}

    def layer(self, pieces: Sequence[tile_index.Piece]) -> LayerFile | None:
        """A layer that is made of some pieces; None where it is not told of what."""
        if not pieces:
            return None
        files = [self._share.head.files[piece.stack][self._band][piece.file] for piece in pieces]
        parts = [self._piece(*pair) for pair in zip(pieces, files, strict=True)]
        found = tuple(part for part in parts if part is not None)
        whole = pieces[0].source is None and pieces[0].target is None
        return LayerFile(
            found[0].blocks.location if found else self._share.location.resolve(files[0].href),
            sum(file.size for file in files),
            files[0].header_size,
            found,
            self._share.stacks[pieces[0].stack].levels[0].shape if whole else None,
        )

    def _piece(self, piece: tile_index.Piece, file: IndexedFile) -> Piece | None:
        picked = self._pick(piece)
        if picked is None:
            return None
        nodata = None if piece.nodata is None else float(piece.nodata)
        return Piece(self._blocks(piece, file, picked), picked, nodata)

    def _pick(self, piece: tile_index.Piece) -> Picked | None:
        """Layers that are alike share what is picked: that is worked out once."""
        stack = self._share.stacks[piece.stack]
        key = piece.stack, *_placed(piece, stack)
        if key not in self._picked:
            shapes = [level.shape for level in stack.levels]
            self._picked[key] = self._sampling.pick(*key[1:], shapes)
        return self._picked[key]

    def _blocks(self, piece: tile_index.Piece, file: IndexedFile, picked: Picked) -> Blocks:
        level = self._share.stacks[piece.stack].levels[picked.level]
        window = blocks_under(picked.window, level.block)
        there, records = self._records[piece.stack]
        own = records[..., piece.file][window.shift(-there.row, -there.column).slices]
        offsets = offsets_of(own)
        if own.shape != window.shape or (offsets + own["size"] > file.size).any():
            raise ValueError(f"{file.href} has no such blocks: {window}")
        return Blocks(
            location=self._share.location.resolve(file.href),
            file_size=file.size,
            format=self._share.head.formats[file.formats[picked.level]],
            block=level.block,
            window=window,
            offsets=offsets,
            sizes=own["size"],
            sums=own["crc"],
            valid=own["valid"],
            clear=own["clear"],
            wanted=(own["size"] > 0) & _touched(picked, level.block, window),
        )


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


def _touched(picked: Picked, block: tuple[int, int], window: Window) -> Flags:
    """Which blocks hold one of the pixels; all but where the result is far coarser than the level."""
    rows, columns = np.zeros(window.height, bool), np.zeros(window.width, bool)
    rows[picked.rows // block[0] - window.row] = True
    columns[picked.columns // block[1] - window.column] = True
    touched: Flags = np.logical_and.outer(rows, columns)
    return touched

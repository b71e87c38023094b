"""What need not be fetched: blocks outside of the region, without data, under cloud. Pure.

The tile index tells of each block whether all, some or none of it is clear and
holds data. Where it is all or none, neither the block nor the mask has to be
asked. The result is the same, bit for bit, as if all had been fetched.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shoestring.blocks import Blocks, Piece
from shoestring.mask import Flags
from shoestring.plan import Plan, PlannedDate, Read, Spared
from shoestring.sampling import Picked

ALL = 255
"""The byte that says all of a block."""


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Where a result's pixels lie in the blocks of a piece.

    Attributes:
        slices: The part of the result that the piece covers.
        rows: For each row of that part, its row of blocks; ascending.
        columns: Likewise.
        shape: How many rows and columns of blocks there are.
    """

    slices: tuple[slice, slice]
    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    shape: tuple[int, int]

    def spread(self, flags: Flags) -> Flags:
        """A flag for each block as one for each pixel of the part."""
        return flags.take(self.columns, 1).take(self.rows, 0)

    def touch(self, pixels: Flags) -> Flags:
        """For each block, whether one of its pixels is set, of those of the result."""
        part = pixels[self.slices]
        tops = np.flatnonzero(np.diff(self.rows, prepend=-1))
        lefts = np.flatnonzero(np.diff(self.columns, prepend=-1))
        found = np.zeros(self.shape, bool)
        found[np.ix_(self.rows[tops], self.columns[lefts])] = np.logical_or.reduceat(
            np.logical_or.reduceat(part, tops, 0), lefts, 1
        )
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Clarity:
    """What the index alone tells of a date's pixels.

    Attributes:
        clear: True where a pixel is known to be clear.
        unclear: True where it is known not to be.
    """

    clear: Flags
    unclear: Flags


def spare(plan: Plan) -> Plan:
    """Leave out what the result does not depend on, where a tile index tells it.

    Args:
        plan: A plan that would fetch all blocks that the result lies in.
    """
    if not plan.wish.filters or not is_told(plan):
        return plan
    sight = Sight(plan)
    return replace(plan, dates=tuple(_spare_date(date, sight) for date in plan.dates))


def is_told(plan: Plan) -> bool:
    """Whether a tile index tells the blocks of one of the layers."""
    return any(read.file.pieces is not None for read in plan.reads)


def tell(plan: Plan) -> Spared | None:
    """Count what a plan spares, and why; None where nothing is known."""
    if not plan.wish.filters or not is_told(plan):
        return None
    sight = Sight(plan)
    counts = dict.fromkeys(("blocks", "fetched", "outside", "empty", "unclear", "mask"), 0)
    for date in plan.dates:
        for read in date.every:
            rest = "mask" if read is date.mask else "unclear"
            for piece, cover in sight.covers(read):
                for reason, count in _reasons(piece.blocks, sight.inside(cover), rest).items():
                    counts[reason] += count
    asleep = sum(not any(_fetches(read) for read in date.every) for date in plan.dates)
    return Spared(**counts, dates=asleep)


class Sight:
    """How a plan's region lies over blocks; worked out once for all layers that are alike.

    Args:
        plan: The plan.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.region = plan.roi.inside()
        self._covers: dict[Picked, Cover] = {}
        self._inside: dict[Cover, Flags] = {}

    def covers(self, read: Read) -> Iterator[tuple[Piece, Cover]]:
        """The pieces of a read, and how the result's pixels lie in their blocks."""
        for piece in read.file.pieces or ():
            cover = self._covers.get(piece.picked)  # layers that are alike share what is picked
            yield piece, cover or self._covers.setdefault(piece.picked, _cover(piece))

    def inside(self, cover: Cover) -> Flags:
        """Which blocks the region touches."""
        if cover not in self._inside:
            self._inside[cover] = cover.touch(self.region)
        return self._inside[cover]

    def clarity(self, date: PlannedDate) -> Clarity:
        """What is known of a date's pixels without its mask."""
        known = Clarity(np.zeros(self.region.shape, bool), np.zeros(self.region.shape, bool))
        for read in _tellers(date):
            for piece, cover in self.covers(read):
                known.clear[cover.slices] |= cover.spread(piece.blocks.clear == ALL)
                known.unclear[cover.slices] |= cover.spread(piece.blocks.clear == 0)
        return known

    def maybe_data(self, reads: Iterable[Read]) -> Flags:
        """Where one of these bands may hold data."""
        found = np.zeros(self.region.shape, bool)
        for read in reads:
            if read.file.pieces is None or read.band.nodata is None:
                return np.ones(self.region.shape, bool)
            for piece, cover in self.covers(read):
                found[cover.slices] |= cover.spread(piece.blocks.valid > 0)
        return found


def _tellers(date: PlannedDate) -> tuple[Read, ...]:
    """The reads whose blocks are told to be clear or not just as the mask would say it.

    How clear a block is was counted in the mask's pixels of full resolution; in an overview of
    a mask that is one file, in the overview's own.
    """
    mask = date.mask
    if mask is None or not mask.sampling.is_coarser:
        return date.every
    pieces = mask.file.pieces
    if pieces is not None and not any(piece.picked.level for piece in pieces):
        return date.every
    return (mask,) if mask.file.shape is not None else ()


def _spare_date(date: PlannedDate, sight: Sight) -> PlannedDate:
    wish = sight.plan.wish
    known = sight.clarity(date) if sight.plan.rule else None
    matter = sight.region & ~known.unclear if known else None  # None: the whole region
    hopeless = matter is not None and not matter.any() and wish.leaves_out(0.0)
    reads = dict(date.reads)
    if wish.masked or hopeless:
        reads = {name: _only(read, matter, sight) for name, read in reads.items()}
    for name, read in date.reads.items():
        if read is date.mask:
            return replace(date, reads=reads, mask=reads[name], hopeless=hopeless)
    mask = date.mask
    if mask is not None and matter is not None and known is not None:
        unknown = matter & ~known.clear & sight.maybe_data(date.reads.values())
        mask = _only(mask, unknown, sight)
    return replace(date, reads=reads, mask=mask, hopeless=hopeless)


def _only(read: Read, pixels: Flags | None, sight: Sight) -> Read:
    """A read of just the blocks that hold data and one of these pixels; None: of the region's."""
    if read.file.pieces is None:
        return read
    pieces = []
    for piece, cover in sight.covers(read):
        touched = sight.inside(cover) if pixels is None else cover.touch(pixels)
        blocks = piece.blocks.only(touched & (piece.blocks.valid > 0))
        pieces.append(replace(piece, blocks=blocks))
    return replace(read, file=replace(read.file, pieces=tuple(pieces)))


def _reasons(blocks: Blocks, inside: Flags, rest: str) -> dict[str, int]:
    """How many blocks are fetched, and why others are not."""
    spared = ~blocks.wanted
    outside, empty = spared & ~inside, spared & inside & (blocks.valid == 0)
    counts = {
        "blocks": spared.size,
        "fetched": spared.size - int(spared.sum()),
        "outside": int(outside.sum()),
        "empty": int(empty.sum()),
    }
    return counts | {rest: int(spared.sum()) - counts["outside"] - counts["empty"]}


def _fetches(read: Read) -> bool:
    return read.file.pieces is None or any(piece.blocks.wanted.any() for piece in read.file.pieces)


def _cover(piece: Piece) -> Cover:
    """How a result's pixels lie in the blocks of a piece."""
    blocks, picked = piece.blocks, piece.picked
    return Cover(
        picked.slices,
        picked.rows // blocks.block[0] - blocks.window.row,
        picked.columns // blocks.block[1] - blocks.window.column,
        blocks.window.shape,
    )

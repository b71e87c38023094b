"""What need not be fetched: blocks outside of the region, without data, under cloud. Pure.

The tile index tells of each block whether all, some or none of it is clear and
holds data. Where it is all or none, neither the block nor the mask has to be
asked. The result is the same, bit for bit, as if all had been fetched.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shoestring.blocks import Piece
from shoestring.mask import Flags
from shoestring.plan import Plan, PlannedDate, Read, Spared
from shoestring_schema.grid import Window

ALL = 255
"""The byte that says all of a block."""


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Where the pixels of a window lie in the blocks of a piece.

    Attributes:
        slices: The part of the window that the piece covers.
        rows: For each row of that part, its row of blocks.
        columns: Likewise.
    """

    slices: tuple[slice, slice]
    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]

    def spread(self, flags: Flags) -> Flags:
        """A flag for each block as one for each pixel of the part."""
        return flags[self.rows[:, None], self.columns]

    def touch(self, pixels: Flags) -> Flags:
        """For each block, whether one of its pixels is set, of those of the window."""
        part = pixels[self.slices]
        tops = np.flatnonzero(np.diff(self.rows, prepend=-1))
        lefts = np.flatnonzero(np.diff(self.columns, prepend=-1))
        found: Flags = np.logical_or.reduceat(np.logical_or.reduceat(part, tops, 0), lefts, 1)
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
        plan: A plan that would fetch all blocks under the window.
    """
    if not plan.wish.filters or not any(read.file.pieces for read in plan.reads):
        return plan
    inside = plan.roi.inside()
    dates = tuple(_spare_date(date, plan, inside) for date in plan.dates)
    told = _tell(plan.dates, dates, plan.roi.window, inside)
    return replace(plan, dates=dates, spared=told)


def clarity(date: PlannedDate, plan: Plan) -> Clarity:
    """What is known of a date's pixels without its mask.

    Args:
        date: The date, with the blocks that it was planned with.
        plan: Its plan, which has a mask.
    """
    shape = plan.roi.window.shape
    known = Clarity(np.zeros(shape, bool), np.zeros(shape, bool))
    for read in date.every:
        for piece, cover in _covers(read, plan.roi.window):
            known.clear[cover.slices] |= cover.spread(piece.blocks.clear == ALL)
            known.unclear[cover.slices] |= cover.spread(piece.blocks.clear == 0)
    return known


def _spare_date(date: PlannedDate, plan: Plan, inside: Flags) -> PlannedDate:
    window = plan.roi.window
    known = clarity(date, plan) if plan.rule else None
    matter = inside & ~known.unclear if known else inside
    hopeless = not matter.any() and plan.wish.leaves_out(0.0)
    if plan.wish.masked or hopeless:
        reads = {name: _only(read, matter, window) for name, read in date.reads.items()}
    else:
        reads = dict(date.reads)
    for name, read in date.reads.items():
        if read is date.mask:
            return replace(date, reads=reads, mask=reads[name])
    mask = date.mask
    if mask is not None and known is not None:
        unknown = matter & ~known.clear & _maybe_data(date.reads.values(), window)
        mask = _only(mask, unknown, window)
    return replace(date, reads=reads, mask=mask)


def _only(read: Read, pixels: Flags, window: Window) -> Read:
    """A read of just the blocks that hold data and one of these pixels."""
    if read.file.pieces is None:
        return read
    pieces = tuple(
        replace(
            piece,
            blocks=piece.blocks.only((piece.blocks.valid > 0) & cover.touch(pixels)),
        )
        for piece, cover in _covers(read, window)
    )
    return replace(read, file=replace(read.file, pieces=pieces))


def _maybe_data(reads: Iterable[Read], window: Window) -> Flags:
    """Where one of these bands may hold data."""
    found = np.zeros(window.shape, bool)
    for read in reads:
        if read.file.pieces is None or read.band.nodata is None:
            return ~np.zeros(window.shape, bool)
        for piece, cover in _covers(read, window):
            found[cover.slices] |= cover.spread(piece.blocks.valid > 0)
    return found


def _tell(
    before: Sequence[PlannedDate], after: Sequence[PlannedDate], window: Window, inside: Flags
) -> Spared:
    """Count what was spared, and why."""
    counts = dict.fromkeys(("blocks", "fetched", "outside", "empty", "unclear", "mask"), 0)
    for old, new in zip(before, after, strict=True):
        for was, read in zip(old.every, new.every, strict=True):
            for (piece, cover), (spared, _) in zip(
                _covers(was, window), _covers(read, window), strict=True
            ):
                reasons = _reasons(piece, cover, spared, inside)
                reasons["mask" if was is old.mask else "unclear"] = reasons.pop("rest")
                for reason, count in reasons.items():
                    counts[reason] += count
    asleep = sum(not any(_fetches(read) for read in date.every) for date in after)
    return Spared(**counts, dates=asleep)


def _reasons(piece: Piece, cover: Cover, spared: Piece, inside: Flags) -> dict[str, int]:
    wanted = spared.blocks.wanted
    outside = ~cover.touch(inside) & ~wanted
    empty = (piece.blocks.valid == 0) & ~outside & ~wanted
    counts = {
        "blocks": wanted.size,
        "fetched": wanted.sum(),
        "outside": outside.sum(),
        "empty": empty.sum(),
    }
    counts["rest"] = wanted.size - sum(list(counts.values())[1:])
    return {reason: int(count) for reason, count in counts.items()}


def _fetches(read: Read) -> bool:
    return read.file.pieces is None or any(piece.blocks.wanted.any() for piece in read.file.pieces)


def _covers(read: Read, window: Window) -> Iterator[tuple[Piece, Cover]]:
    """The pieces of a read, and how the window's pixels lie in their blocks."""
    factor = read.band.factor
    for piece in read.file.pieces or ():
        blocks, target = piece.blocks, piece.target
        place = Window(
            target.row * factor,
            target.column * factor,
            target.height * factor,
            target.width * factor,
        ).intersect(window)
        if place is None:
            continue
        rows = np.arange(place.row, place.row + place.height) // factor
        columns = np.arange(place.column, place.column + place.width) // factor
        yield (
            piece,
            Cover(
                place.shift(-window.row, -window.column).slices,
                (rows + piece.source.row - target.row) // blocks.block[0] - blocks.window.row,
                (columns + piece.source.column - target.column) // blocks.block[1]
                - blocks.window.column,
            ),
        )

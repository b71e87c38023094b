"""What will be read: a region of some layers. Pure: no I/O.

A plan can be shown (`explain`) as well as run (`shoestring.extraction`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shoestring.blocks import Piece
from shoestring.location import Location
from shoestring.roi import GridRoi
from shoestring.sampling import NEARLY, Sampling
from shoestring.show import plan_html, plan_text
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.grid import Window
from shoestring_schema.moment import Moment
from shoestring_schema.site import BandDocument, MaskDocument

Band = BandDocument

BLOCK = 128
"""Pixels. Side of the blocks of the files that the builder writes, unless configured."""

MAX_SIDE = 2**24
"""Pixels. No window is longer: four times around the globe at 10 m."""


@dataclass(frozen=True, slots=True)
class LayerFile:
    """The file of a layer: one band at one moment.

    Attributes:
        location: Where it lies.
        size: Its bytes, if known.
        header_size: Bytes before its first block of pixels, if known.
        pieces: The blocks that the result lies in, file by file, lowest first, where a tile
            index tells them; else None.
        shape: Rows and columns of its pixels, where it is one file that a tile index tells of.
    """

    location: Location
    size: int | None = None
    header_size: int | None = None
    pieces: tuple[Piece, ...] | None = None
    shape: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What a result takes of one layer.

    Attributes:
        file: The layer's file.
        band: What its numbers mean.
        sampling: Where the result lies in it. Its grid is the one that the file must have.
    """

    file: LayerFile
    band: Band
    sampling: Sampling

    @property
    def fetched_bytes(self) -> int:
        """Bytes of the blocks that are to be fetched; 0 where no tile index tells them."""
        return sum(piece.blocks.fetched_bytes for piece in self.file.pieces or ())


@dataclass(frozen=True, slots=True)
class PlannedDate:
    """The reads of one moment.

    Attributes:
        moment: When.
        reads: Band name to read, for the bands that were asked for and that are there.
        mask: The read of the mask band, where it is needed. It may be one of `reads`.
        hopeless: Known to be left out, before anything is read.
    """

    moment: Moment
    reads: Mapping[str, Read]
    mask: Read | None
    hopeless: bool = False

    @property
    def every(self) -> tuple[Read, ...]:
        """All reads, each file once."""
        reads = list(self.reads.values())
        return tuple(reads) if self.mask is None or self.mask in reads else (*reads, self.mask)


@dataclass(frozen=True, slots=True)
class Wish:
    """How the layers are wanted.

    Attributes:
        masked: As float32 with NaN for pixels that do not count; else as stored.
        min_clear: Leave out dates with a smaller clear share of the ROI, 0 to 1; None
            leaves out those without one clear pixel, and none where not masked.
        scaled: As values in the band's unit; else as stored numbers.
    """

    masked: bool = True
    min_clear: float | None = None
    scaled: bool = False

    def __post_init__(self) -> None:
        if self.min_clear is not None and not 0 <= self.min_clear <= 1:
            raise SelectionError(f"min_clear is a share from 0 to 1, got {self.min_clear:g}.")

    @property
    def filters(self) -> bool:
        """Whether dates may be left out."""
        return self.masked or self.min_clear is not None

    def leaves_out(self, clear: float) -> bool:
        """Whether a date with this clear share of the ROI is left out."""
        return clear == 0 if self.min_clear is None else clear < self.min_clear

    def type_of(self, band: Band) -> "np.dtype[np.generic]":
        """Type of a band's arrays in the result."""
        return np.dtype("float32" if self.masked or self.scaled else band.data_type)


@dataclass(frozen=True, slots=True)
class Spared:
    """What a tile index spares; in blocks.

    Attributes:
        blocks: Under the window, in all layers and masks.
        fetched: Those that are fetched.
        outside: Those that the region does not touch.
        empty: Those without data.
        unclear: Those without a clear pixel in the region.
        mask: Those of masks that need not be asked, as all or none of what is under them is clear.
        dates: Dates of which nothing is fetched.
    """

    blocks: int
    fetched: int
    outside: int
    empty: int
    unclear: int
    mask: int
    dates: int


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Plan:
    """All reads of an extraction. It shows what would be read.

    Attributes:
        collection: Identifier of the collection.
        roi: The region on the result's grid, with its window.
        bands: Name to band, of those that were asked for, in that order.
        dates: In order of time.
        rule: The collection's mask, where it is used.
        mask_band: The band of `rule`.
        wish: How the layers are wanted.
    """

    collection: str
    roi: GridRoi
    bands: Mapping[str, Band]
    dates: tuple[PlannedDate, ...]
    rule: MaskDocument | None
    mask_band: Band | None
    wish: Wish

    @property
    def spared(self) -> Spared | None:
        """What need not be fetched, and why; None where no tile index tells it."""
        from shoestring.sparing import tell  # which is made of plans

        return tell(self)

    @property
    def reads(self) -> tuple[Read, ...]:
        """All reads, in order of time."""
        return tuple(read for date in self.dates for read in date.every)

    @property
    def estimated_bytes(self) -> int:
        """How much would be fetched: the wanted blocks, where a tile index tells their sizes.

        Else about the touched blocks' share of each file, and its header: clear sky or cloud,
        blocks are taken as equally large; all overviews as a quarter of a file, each as
        a quarter of the one that is finer.
        """
        return round(sum(_estimate(read) for read in self.reads))

    @property
    def result_bytes(self) -> int:
        """Size of the result's arrays."""
        pixels = self.roi.window.height * self.roi.window.width
        return sum(
            pixels * self.wish.type_of(self.bands[name]).itemsize
            for date in self.dates
            for name in date.reads
        )

    def __repr__(self) -> str:
        return plan_text(self)

    def _repr_html_(self) -> str:
        return plan_html(self)


def make_plan(
    collection: str,
    roi: GridRoi,
    files: Mapping[Moment, Mapping[str, LayerFile]],
    *,
    samplings: Mapping[str, Sampling],
    bands: Mapping[str, Band],
    wanted: Sequence[str],
    rule: MaskDocument | None,
    wish: Wish,
    max_result: int,
) -> Plan:
    """Decide what to read.

    Args:
        collection: Identifier of the collection.
        roi: The region on the result's grid.
        files: The layers' files of the moments that are meant, by moment and band.
        samplings: Band to where the result lies in its layers, for all that are needed.
        bands: All bands of the collection.
        wanted: Names of the bands to deliver.
        rule: The collection's mask, where it is used.
        wish: How the layers are wanted.
        max_result: Bytes that the result may have.

    Raises:
        SelectionError: The result would be larger than `max_result`, or nothing is there.
        CatalogueError: A file is not as large as its band.
    """
    dates = []
    for moment in sorted(files):
        of_date = {
            name: _read(file, bands[name], samplings[name])
            for name, file in files[moment].items()
            if name in samplings
        }
        reads = {name: of_date[name] for name in wanted if name in of_date}
        if reads:
            dates.append(PlannedDate(moment, reads, of_date.get(rule.band) if rule else None))
    chosen = {name: bands[name] for name in wanted}
    plan = Plan(
        collection, roi, chosen, tuple(dates), rule, bands[rule.band] if rule else None, wish
    )
    _check_size(plan, max_result)
    return plan


def check_window(window: Window, limit: int) -> None:
    """Refuse a window that can't be held, before anything is made of it: a stranger's grid may be huge.

    Args:
        window: The result's pixels.
        limit: Bytes that the result may have.

    Raises:
        SelectionError: A byte a pixel would be more, or a side is too long.
    """
    height, width = window.shape
    if max(height, width) > MAX_SIDE:
        raise SelectionError(
            f"The window would be {height} x {width} pixels, more than {MAX_SIDE} on a side: ask for a smaller ROI, or "
            "a coarser resolution."
        )
    if height * width > limit:
        raise SelectionError(
            f"A layer would be {height} x {width} pixels, at least {height * width / 1e9:.1f} GB, more than the limit "
            f"of {limit / 1e9:.1f} GB: ask for a smaller ROI, or a coarser resolution."
        )


def _read(file: LayerFile, band: Band, sampling: Sampling) -> Read:
    shape = sampling.grid.shape
    if file.shape is not None and file.shape != shape:
        raise CatalogueError(
            f"{file.location.address} has {file.shape} pixels, its band has {shape}: the site must be built anew."
        )
    return Read(file, band, sampling)


def _estimate(read: Read) -> float:
    if read.file.pieces is not None:
        return read.fetched_bytes
    whole, factor = read.sampling.grid.whole, _overview(min(read.sampling.step))
    touched = read.sampling.window.coarsen(factor).count_tiles(BLOCK)
    share = touched / whole.count_tiles(BLOCK)
    return 0.75 * (read.file.size or 0) * share + (read.file.header_size or 0)


def _overview(step: float) -> int:
    """The factor of the overview that would be read, of those that a COG usually has."""
    factor = 1
    while 2 * factor < NEARLY * step:
        factor *= 2
    return factor


def _check_size(plan: Plan, limit: int) -> None:
    if not plan.dates:
        raise SelectionError("None of the dates that were asked for has one of the bands.")
    if plan.result_bytes > limit:
        height, width = plan.roi.window.shape
        layers = sum(len(date.reads) for date in plan.dates)
        raise SelectionError(
            f"The result would be {layers} layers of {height} x {width} pixels, {plan.result_bytes / 1e9:.1f} GB, "
            f"more than the limit of {limit / 1e9:.1f} GB: ask for fewer dates, a smaller ROI or a coarser "
            "resolution, or raise Options(max_result=...)."
        )

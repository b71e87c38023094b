"""What a part's tile index says of a window, in one round trip.

Where the records of a window lie follows from what `collection.json` says of
the index, so they are fetched together with its head, which names the files.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shoestring.excerpts import Excerpts, Proof
from shoestring.location import Location
from shoestring.sampling import Sampling
from shoestring.spans import Span
from shoestring.together import together
from shoestring.transport import Transport
from shoestring_schema import tile_index
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.grid import Window
from shoestring_schema.site import IndexDocument, StackDocument
from shoestring_schema.tile_index import RECORD, SEAL, Head, Layout, Records, RunKey

GAP = 8192
"""Bytes between two runs that are fetched along, as they cost less than a request."""

MAX_REQUEST = 2**20
"""Bytes of a request that several runs are put together in."""

MAX_BYTES = 512 * 2**20
"""No more of an index is fetched at once."""

MAX_RUNS = 2**20
"""Nor more runs: blocks times bands."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """The blocks of a stack's files that a result lies in.

    Attributes:
        stack: Number of the stack.
        band: Name of the band.
        level: Number of the level.
        blocks: Which rows and columns of its blocks.
    """

    stack: int
    band: str
    level: int
    blocks: Window


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What an index says of a result's blocks.

    Attributes:
        location: The index.
        stacks: The stacks that it has.
        head: Its head.
        records: Footprint to records, by row and column of blocks and by file.
    """

    location: Location
    stacks: tuple[StackDocument, ...]
    head: Head
    records: Mapping[Footprint, Records]


class TileIndex:
    """The tile index of one part.

    Args:
        location: Where it lies.
        document: What the collection says of it.
        transport: Gets it.

    Raises:
        CatalogueError: What the collection says contradicts itself.
    """

    def __init__(self, location: Location, document: IndexDocument, transport: Transport) -> None:
        self._location = location
        self._document = document
        self._transport = transport
        self._layout = Layout(document)
        self._head: Head | None = None
        sound = 1 <= document.head_size <= tile_index.MAX_HEAD
        if self._layout.size != document.size or not sound:
            raise CatalogueError(
                f"{location.address} has {document.size} bytes, and {self._layout.size} by its stacks, says its "
                "collection: the site must be built anew."
            )

    async def share(self, samplings: Mapping[str, Sampling]) -> Share:
        """What it says of the blocks that a result lies in.

        Args:
            samplings: Band to where the result lies in its layers.

        Raises:
            TransferError: It did not arrive.
            CatalogueError: It is damaged, or not what the collection says.
            SelectionError: Too much of it would have to be read.
        """
        return await self.look(
            [
                one
                for band, sampling in samplings.items()
                for one in footprints(self._document, band, sampling)
            ]
        )

    async def look(self, prints: Sequence[Footprint]) -> Share:
        """What it says of some blocks; of none, its head.

        Args:
            prints: The blocks.

        Raises:
            TransferError: See `share`, as all others.
        """
        self._check_size(prints)
        keys = {one: list(run_keys(self._document, one)) for one in prints}
        runs = {key: Span(*self._layout.run(key)) for own in keys.values() for key in own}
        head, bytes_of = await self._fetch(runs)
        where = self._location.address
        records = {
            one: np.stack(
                [tile_index.unseal(key, bytes_of[key], where) for key in keys[one]]
            ).reshape(*one.blocks.shape, -1)
            for one in prints
        }
        return Share(self._location, self._document.stacks, head, records)

    async def _fetch(self, runs: Mapping[RunKey, Span]) -> tuple[Head, dict[RunKey, bytes]]:
        """The head, where it is not known yet, and these runs; all at once."""
        start = Span(0, self._document.head_size)
        keys, where = {span: key for key, span in runs.items()}, self._location.address
        wanted = [self._excerpts(tuple(keys), lambda span, data: is_run(keys[span], data, where))]
        if self._head is None:
            wanted.insert(0, self._excerpts((start,), lambda _, data: self._is_head(data)))
        found = await together(map(self._transport.fetch_excerpts, wanted))
        head = self._head = self._head or self._read_head(bytes(found[0][start]))
        return head, {key: bytes(found[-1][span]) for key, span in runs.items()}

    def _excerpts(self, spans: tuple[Span, ...], proves: Proof) -> Excerpts:
        return Excerpts(
            self._location, self._document.size, spans, gap=GAP, most=MAX_REQUEST, proves=proves
        )

    def _is_head(self, data: memoryview) -> bool:
        try:
            self._head = self._read_head(bytes(data))  # it is not read twice
        except CatalogueError:
            return False
        return True

    def _check_size(self, prints: Iterable[Footprint]) -> None:
        """Before anything is made of it: a stranger's blocks may be of one pixel."""
        runs = size = 0
        for one in prints:
            blocks = one.blocks.height * one.blocks.width
            files = self._document.stacks[one.stack].files[one.band]
            runs, size = runs + blocks, size + blocks * (RECORD.itemsize * files + SEAL)
        if size > MAX_BYTES or runs > MAX_RUNS:
            raise SelectionError(
                f"{size / 1e6:.0f} MB of {self._location.address} would have to be read in {runs} pieces, more than "
                f"the limit of {MAX_BYTES / 1e6:.0f} MB or {MAX_RUNS} pieces: ask for fewer bands, or a smaller ROI."
            )

    def _read_head(self, data: bytes) -> Head:
        head = tile_index.unpack_head(data, self._location.address)
        counts = [{band: len(files) for band, files in stack.items()} for stack in head.files]
        if counts != [stack.files for stack in self._document.stacks]:
            raise CatalogueError(
                f"{self._location.address} is not the index that its collection names: open the catalogue again."
            )
        return head


def footprints(document: IndexDocument, band: str, sampling: Sampling) -> Iterator[Footprint]:
    """The blocks of all stacks that a result lies in, of a band."""
    for number, stack in enumerate(document.stacks):
        if band in stack.files:
            shapes = [level.shape for level in stack.levels]
            whole = Window(0, 0, *shapes[0])
            picked = sampling.pick(whole, whole.shift(*stack.place), shapes)
            if picked is not None:
                block = stack.levels[picked.level].block
                yield Footprint(number, band, picked.level, blocks_under(picked.window, block))


def blocks_under(pixels: Window, block: tuple[int, int]) -> Window:
    """Rows and columns of the blocks that pixels lie in."""
    top, left = pixels.row // block[0], pixels.column // block[1]
    bottom = -((pixels.row + pixels.height) // -block[0])
    right = -((pixels.column + pixels.width) // -block[1])
    return Window(top, left, bottom - top, right - left)


def run_keys(document: IndexDocument, footprint: Footprint) -> Iterator[RunKey]:
    """The runs of a footprint, in row-major order of its blocks."""
    number = sorted(document.stacks[footprint.stack].files).index(footprint.band)
    for row, column in footprint.blocks.tiles(1):
        yield RunKey(footprint.stack, footprint.level, row, column, number)


def is_run(key: RunKey, data: memoryview, where: str) -> bool:
    """Whether these are the bytes of a run."""
    try:
        tile_index.unseal(key, bytes(data), where)
    except CatalogueError:
        return False
    return True

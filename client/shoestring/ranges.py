"""The reader by ranges of bytes: just the blocks that are wanted, and nothing before them.

Where a block lies stands in the tile index. So a window is one request a row of
blocks, and no header is read. Each block must have the CRC-32 that the index
says, so a file that was replaced, or a server that sends something else, can't
give wrong pixels.
"""

import functools
import math
import zlib
from collections.abc import Mapping

import numpy as np

from shoestring.blocks import Blocks, Piece
from shoestring.excerpts import Excerpts, Proof
from shoestring.mask import has_data
from shoestring.plan import Read
from shoestring.reader import Pixels
from shoestring.spans import Span
from shoestring.tiff import decode
from shoestring.together import together
from shoestring.transport import Transport
from shoestring.workers import Workers
from shoestring_schema.errors import CatalogueError

GAP = 4096
"""Bytes between two blocks that are fetched along, as they cost less than a request."""

MAX_REQUEST = 4 * 2**20
"""Bytes of a request that several blocks are put together in."""

STRIP = 4 * 2**20
"""Bytes of blocks that are decoded at once, unless a row of them is more."""


class RangeReader:
    """Reads windows whose blocks are known, in ranges of bytes.

    Args:
        transport: Gets the bytes.
        workers: Threads that decode.
    """

    def __init__(self, transport: Transport, workers: Workers) -> None:
        self._transport = transport
        self._workers = workers

    async def read(self, read: Read, pieces: tuple[Piece, ...]) -> Pixels:
        """The stored pixels of a result; see `Reader.read`.

        Pixels of blocks that are not wanted are nodata; where the band has none, NaN or 0.

        Args:
            read: What to read.
            pieces: What it is made of, lowest first.
        """
        strips = [strip for piece in pieces for strip in piece.strips(STRIP)]
        if len(strips) == 1 and strips[0].picked.shape == read.sampling.shape:
            return await self._piece(strips[0], read)
        arrays = await together(self._piece(strip, read) for strip in strips)
        # Where no piece is, GDAL reads 0 from a VRT without nodata.
        fill = 0 if read.band.nodata is None else _fill(read)
        pixels: Pixels = np.full(read.sampling.shape, fill, read.band.data_type)
        for strip, array in zip(strips, arrays, strict=True):
            place = pixels[strip.picked.slices]
            covers = np.True_ if strip.nodata is None else has_data(array, strip.nodata)
            np.copyto(place, array, where=covers)
        return pixels

    async def _piece(self, piece: Piece, read: Read) -> Pixels:
        blocks = piece.blocks
        if not blocks.wanted.any() and blocks.sizes.all():
            return np.full(piece.picked.shape, _fill(read), read.band.data_type)
        for _ in range(2):  # what was damaged on the way comes whole the next time
            data = await self._fetch(blocks)
            pixels = await self._workers.run(functools.partial(_pixels, piece, read, data))
            if pixels is not None:
                return pixels
        raise CatalogueError(
            f"{blocks.location.address} is not the file that its catalogue names: a block of it differs. Open "
            "the catalogue again, and tell its publisher if that does not help."
        )

    async def _fetch(self, blocks: Blocks) -> dict[int, memoryview]:
        """Number to bytes of the blocks that are wanted."""
        wanted = dict(blocks.spans())
        data = await self._transport.fetch_excerpts(excerpts_of(blocks, wanted))
        return {number: data[span] for number, span in wanted.items()}


def excerpts_of(blocks: Blocks, wanted: Mapping[int, Span]) -> Excerpts:
    """The blocks that are wanted, as what is asked for. Pure.

    Args:
        blocks: The blocks of a file.
        wanted: Number to place of those that are wanted.
    """
    return Excerpts(
        location=blocks.location,
        file_size=blocks.file_size,
        spans=tuple(wanted.values()),
        gap=GAP,
        most=MAX_REQUEST,
        proves=_proof(blocks, wanted),
    )


def _proof(blocks: Blocks, wanted: Mapping[int, Span]) -> Proof:
    sums: dict[Span, int] = {}

    def proves(span: Span, data: memoryview) -> bool:
        if not sums:  # nobody asks where there is no cache
            sums.update({own: int(blocks.sums.flat[number]) for number, own in wanted.items()})
        return zlib.crc32(data) == sums[span]

    return proves


def _pixels(piece: Piece, read: Read, data: Mapping[int, memoryview]) -> Pixels | None:
    """Decode, and put what was not fetched in its place; None where a block is another one."""
    sums = piece.blocks.sums
    if any(zlib.crc32(block) != int(sums.flat[number]) for number, block in data.items()):
        return None
    window = piece.picked.window
    pixels = decode(piece.blocks, data, window)
    if pixels.dtype != np.dtype(read.band.data_type):
        raise CatalogueError(
            f"{piece.blocks.location.address} holds {pixels.dtype}, its catalogue says {read.band.data_type}: the "
            "site must be built anew."
        )
    absent = (piece.blocks.sizes > 0) & ~piece.blocks.wanted
    if absent.any():
        pixels[piece.blocks.spread(absent, window)] = _fill(read)
    return piece.picked.of(pixels)


def _fill(read: Read) -> float:
    """What stands for pixels that were not fetched: no data, if that can be told."""
    kind = np.dtype(read.band.data_type)
    nodata = math.nan if read.band.nodata is None else float(read.band.nodata)
    if kind.kind == "f":
        return nodata
    possible = nodata.is_integer() and np.iinfo(kind).min <= nodata <= np.iinfo(kind).max
    return nodata if possible else 0

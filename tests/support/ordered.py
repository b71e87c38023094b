"""Files to transfer, and the orders for them."""

import hashlib
import random
import zlib
from collections.abc import Sequence
from pathlib import Path

from shoestring.location import Location
from shoestring.options import Options
from shoestring.spans import Span
from shoestring_pull.transfer.order import Order, Piece

QUICK = Options(retries=2, retry_delay=0.001, timeout=5, connections=4)
"""Does not wait long for what will not come."""


def make_file(path: Path, size: int, seed: int = 0) -> bytes:
    """A file of random bytes, and these."""
    data = random.Random(seed).randbytes(size)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return data


def source(place: str | Path, name: str) -> Location:
    """A file in a folder, or below a URL."""
    if isinstance(place, Path):
        return Location(str(place / name), place)
    return Location(f"{place}/{name}")


def whole(place: str | Path, name: str, data: bytes, path: Path) -> Order:
    """An order for a whole file.

    Args:
        place: The folder or URL where it is to be had.
        name: What it is called there.
        data: What it holds.
        path: Where it goes.
    """
    size = len(data)
    piece = Piece(source(place, name), Span(0, size), size)
    return Order(path, size, multihash(data), (piece,))


def pieced(place: str | Path, name: str, data: bytes, spans: Sequence[Span], path: Path) -> Order:
    """An order for pieces of a file, each with its checksum, behind a head that was made here."""
    head = b"made here"
    pieces = [Piece(head, Span(0, len(head)), len(head))]
    for span in spans:
        crc32 = zlib.crc32(data[span.start : span.stop])
        pieces.append(Piece(source(place, name), span, len(data), crc32))
    return Order(path, sum(piece.span.size for piece in pieces), None, tuple(pieces))


def content(order: Order, data: bytes) -> bytes:
    """What the file of an order should hold, where all comes from one source and the head."""
    return b"".join(
        (piece.source if isinstance(piece.source, bytes) else data)[piece.span.start : piece.span.stop]
        for piece in order.pieces
    )  # fmt: skip


def multihash(data: bytes) -> str:
    """SHA-256 as a multihash."""
    return f"1220{hashlib.sha256(data).hexdigest()}"


def left_in(staging: Path) -> int:
    """How many files have come in part."""
    return sum(1 for _ in staging.iterdir()) if staging.is_dir() else 0

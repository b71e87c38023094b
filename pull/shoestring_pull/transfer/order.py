"""What is to be transferred: a file, and where its bytes come from."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shoestring.location import Location
from shoestring.spans import Span


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file, and where they come from.

    Attributes:
        source: The file that holds them; or the bytes themselves.
        span: Which bytes of the source; of bytes, all.
        file_size: Bytes that the source must have: another size is another file.
        crc32: CRC-32 of the piece, where it is known.
    """

    source: Location | bytes
    span: Span
    file_size: int
    crc32: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A file that is to be made.

    Attributes:
        path: Its final name, absolute; folders are made.
        size: Its bytes, the sum of its pieces'.
        checksum: Multihash (``1220…``: SHA-256) of the whole file; None where only pieces have
            sums.
        pieces: Where its bytes come from, in the order of the file. A whole file is one piece.
    """

    path: Path
    size: int
    checksum: str | None
    pieces: Sequence[Piece]

    @property
    def identity(self) -> str:
        """A name for the bytes that are wanted: what has come of them is kept under it."""
        digest = hashlib.sha256()
        for part in self._identifying():
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()[:32]

    def _identifying(self) -> Iterator[bytes]:
        yield f"{self.size} {self.checksum}".encode()
        for piece in self.pieces:
            if isinstance(piece.source, Location):
                yield b"at " + piece.source.address.encode(errors="surrogateescape")
            else:
                yield b"is " + piece.source
            span = piece.span
            yield f"{span.start} {span.stop} {piece.file_size} {piece.crc32}".encode()


@dataclass(frozen=True, slots=True)
class TransferReport:
    """What a transfer did.

    Attributes:
        files: Files that are in their places now.
        size: Their bytes.
        fetched: Bytes that came from the sources, those of tries in vain included.
        resumed: Bytes that an earlier transfer had left.
        seconds: How long it took.
    """

    files: int
    size: int
    fetched: int
    resumed: int
    seconds: float

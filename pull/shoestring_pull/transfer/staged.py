"""A file that is coming in, as it lies on the disk, and what of it is there.

A file of one request is written from its beginning, so its length tells. One of
several is as long as it will be from the beginning, and behind that stands how
much of each request is there, eight bytes for each. That is written after the
bytes it speaks of: a process that is killed at any instant has said too little,
never too much. After a power cut it may have said too much: the checksums tell.
"""

import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from shoestring_pull.transfer.digest import Digest
from shoestring_pull.transfer.order import Order
from shoestring_pull.transfer.units import UNIT, Unit

_WORD: Final = 8
_READ = 2**20


class SpoiltError(Exception):
    """The bytes that are there are not those that were ordered."""


class Staged:
    """A file in the staging folder. Its methods may be called from any thread.

    Args:
        path: Where it lies.
        order: What it will be.
        units: The requests that fetch it.
    """

    def __init__(self, path: Path, order: Order, units: Sequence[Unit]) -> None:
        self.path = path
        self._order, self._units = order, units
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._ended = False
        self._digest = Digest(order)
        self._have = [0] * len(units)

    @property
    def size(self) -> int:
        """How many of its bytes are there."""
        return sum(self._have)

    def have(self, unit: int) -> int:
        """How many bytes of a unit are there."""
        return self._have[unit]

    def resume(self) -> int:
        """Look what an earlier transfer has left, and how many bytes that is."""
        with self._lock:
            try:
                self._file = self.path.open("r+b", buffering=0)
            except FileNotFoundError:
                return 0
            self._have = self._left_over(os.fstat(self._file.fileno()).st_size)
            self._close()
            return self.size

    def write(self, unit: int, data: bytes) -> None:
        """Write the next bytes of a unit."""
        with self._lock:
            file, position = self._opened(), self._units[unit].start + self._have[unit]
            _write(file, position, data)
            self._have[unit] += len(data)
            if len(self._have) > 1:
                word = self._have[unit].to_bytes(_WORD, "little")
                _write(file, self._order.size + _WORD * unit, word)
            if position == self._digest.position:
                self._digest.update(data)
            elif self._have[unit] == self._units[unit].size:
                self._catch_up(file)

    def finish(self) -> str:
        """Check all of its bytes, and wait until the disk has them.

        Returns:
            Multihash of the whole file.

        Raises:
            SpoiltError: They are others than were ordered.
        """
        with self._lock:
            file = self._opened()
            self._catch_up(file)
            checksum = self._digest.checksum()
            if self._digest.spoilt or self._order.checksum not in (None, checksum):
                raise SpoiltError
            file.truncate(self._order.size)
            os.fsync(file.fileno())
            self._close()
        return checksum

    def reset(self) -> None:
        """Begin anew."""
        with self._lock:
            self._close()
            self.path.unlink(missing_ok=True)
            self._digest = Digest(self._order)
            self._have = [0] * len(self._units)

    def close(self) -> None:
        """Let go of the file for good; what is there stays.

        A thread may still be about to write, for somebody who waits no more: it is refused.
        """
        with self._lock:
            self._ended = True
            self._close()

    def _opened(self) -> BinaryIO:
        if self._ended:
            raise ValueError(f"{self.path} is closed.")
        if self._file is None:
            try:
                self._file = self.path.open("r+b", buffering=0)
            except FileNotFoundError:
                self._file = self.path.open("x+b", buffering=0)
                if len(self._have) > 1:
                    self._file.truncate(self._order.size + _WORD * len(self._have))
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _left_over(self, length: int) -> list[int]:
        if length == self._order.size:  # what told how much there is was cut off: it is all there
            return [unit.size for unit in self._units]
        if len(self._have) == 1 and length < self._order.size:
            return [length]
        if len(self._have) < 2 or length != self._order.size + _WORD * len(self._have):
            self._close()
            self.path.unlink()
            return [0] * len(self._have)
        words = self._read(self._opened(), self._order.size, length - self._order.size)
        said = (
            int.from_bytes(words[at : at + _WORD], "little") for at in range(0, len(words), _WORD)
        )
        return [
            have if have <= unit.size else 0 for have, unit in zip(said, self._units, strict=True)
        ]

    def _catch_up(self, file: BinaryIO) -> None:
        """Read back what came before the bytes in front of it."""
        end = self._frontier()
        while (at := self._digest.position) < end:
            self._digest.update(self._read(file, at, min(_READ, end - at)))

    def _frontier(self) -> int:
        """How many bytes are there from the beginning on without a gap."""
        for unit, have in zip(self._units, self._have, strict=True):
            if have < unit.size:
                return unit.start + have
        return self._order.size

    def _read(self, file: BinaryIO, position: int, size: int) -> bytes:
        file.seek(position)
        data = file.read(size)
        if not data:
            raise OSError(errno.EIO, "somebody has cut it off")
        return data


def staged_path(folder: Path, order: Order) -> Path:
    """Where an order's bytes are kept until they are all there; another division, another file."""
    return folder / f"{order.identity}-{UNIT:x}"


def _write(file: BinaryIO, position: int, data: bytes) -> None:
    file.seek(position)
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]

"""The files that are coming in, each known from its first request to its last."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shoestring_pull.transfer.order import Order
from shoestring_pull.transfer.staged import Staged, staged_path
from shoestring_pull.transfer.units import Unit, units


@dataclass(slots=True, eq=False)
class Incoming:
    """A file that is coming in.

    Attributes:
        order: What it will be.
        units: The requests that fetch it.
        staged: What of it is there.
        left: Requests that have not been answered in full.
    """

    order: Order
    units: tuple[Unit, ...]
    staged: Staged
    left: int


class Arrivals:
    """All files of a transfer. Of those that nothing has come of yet, hardly anything is in memory.

    Args:
        orders: The files.
        staging: Folder for what has come in part.
    """

    def __init__(self, orders: Sequence[Order], staging: Path) -> None:
        self._orders, self._staging = orders, staging
        self._paths: list[Path] = []
        self._incoming: dict[int, Incoming] = {}

    def resume(self) -> int:
        """Look what an earlier transfer has left, and how many bytes that is."""
        there = {entry.name for entry in os.scandir(self._staging)}
        seen: Counter[Path] = Counter()
        for order in self._orders:
            path = staged_path(self._staging, order)
            again = seen[path]  # the same bytes under two names
            seen[path] += 1
            self._paths.append(path.with_name(f"{path.name}-{again}") if again else path)
        left = [file for file, path in enumerate(self._paths) if path.name in there]
        return sum(self[file].staged.resume() for file in left)

    def sizes(self) -> list[list[int]]:
        """For each file the bytes of its requests."""
        return [[unit.size for unit in units(order)] for order in self._orders]

    def forget(self, file: int) -> None:
        """It is in its place."""
        del self._incoming[file]

    def close(self) -> None:
        """Let go of all files."""
        for incoming in self._incoming.values():
            incoming.staged.close()

    def __getitem__(self, file: int) -> Incoming:
        if file not in self._incoming:
            order = self._orders[file]
            requests = units(order)
            staged = Staged(self._paths[file], order, requests)
            self._incoming[file] = Incoming(order, requests, staged, len(requests))
        return self._incoming[file]

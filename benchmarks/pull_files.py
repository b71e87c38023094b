"""Many files of mixed sizes, as `benchmarks/pull.py` transfers them."""

import hashlib
import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

SMALLEST, LARGEST = 1_000, 50_000_000


@dataclass(frozen=True, slots=True)
class Files:
    """A folder of files.

    Attributes:
        folder: It.
        sizes: Bytes, by name.
        sums: SHA-256, by name.
    """

    folder: Path
    sizes: dict[str, int]
    sums: dict[str, str]

    @property
    def size(self) -> int:
        """Bytes of all."""
        return sum(self.sizes.values())

    def are_in(self, folder: Path) -> bool:
        """Whether a folder holds each of them, whole and right, and nothing else."""
        found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.bin")}
        return found.keys() == self.sums.keys() and all(
            hashlib.sha256(path.read_bytes()).hexdigest() == self.sums[name]
            for name, path in found.items()
        )


def sizes_of(count: int, total: int) -> list[int]:
    """Sizes from 1 kB to 50 MB: each ten times larger is rarer by the same factor.

    Args:
        count: How many files.
        total: Bytes of all, nearly; it sets the factor.
    """
    low, high = 0.01, 3.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(_pareto(count, middle)) > total else (low, middle)
    return _pareto(count, low)


def _pareto(count: int, exponent: float) -> list[int]:
    """The quantiles of a Pareto distribution that is cut off; the largest file is there."""
    share = 1 - (SMALLEST / LARGEST) ** exponent
    quantiles = ((index + 0.5) / count for index in range(count - 1))
    sizes = [int(SMALLEST * (1 - at * share) ** (-1 / exponent)) for at in quantiles]
    return [*sizes, LARGEST]


def make_files(work: Path, count: int, megabytes: int) -> Files:
    """The files, in an order that knows nothing of sizes; made where they are not there yet."""
    folder, book = work / f"{count}-{megabytes}", work / f"{count}-{megabytes}.json"
    if not book.exists():
        shutil.rmtree(folder, ignore_errors=True)
        dice = random.Random(1)
        sizes = sizes_of(count, megabytes * 1_000_000)
        dice.shuffle(sizes)
        names = [f"{index // 100:02}/{index:04}.bin" for index in range(count)]
        sums = {}
        for name, size in zip(names, sizes, strict=True):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = dice.randbytes(size)
            path.write_bytes(data)
            sums[name] = hashlib.sha256(data).hexdigest()
        book.write_text(json.dumps([dict(zip(names, sizes, strict=True)), sums]))
    return Files(folder, *json.loads(book.read_text()))

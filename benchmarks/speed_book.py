"""Where the numbers, the page and the picture of `speed.py` are kept."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
from cell import Cell, Line
from report import RESULTS
from speed_page import write_page
from speed_plot import draw

DOCS = Path(__file__).resolve().parents[1] / "docs"


@dataclass(frozen=True, slots=True)
class Book:
    """Three files.

    Attributes:
        numbers: A line of JSON for each cell.
        page: Markdown; its prose is there already.
        picture: PNG.
    """

    numbers: Path
    page: Path
    picture: Path

    @classmethod
    def of_project(cls) -> Self:
        """In results/ and docs/."""
        return cls(RESULTS / "speed.jsonl", DOCS / "speed.md", DOCS / "speed.png")

    @classmethod
    def of_trial(cls, folder: Path) -> Self:
        """All in a folder; the prose is copied."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(DOCS / "speed.md", folder)
        return cls(folder / "speed.jsonl", folder / "speed.md", folder / "speed.png")

    def load(self) -> list[Cell]:
        """The cells that are known."""
        if not self.numbers.exists():
            return []
        return msgspec.json.Decoder(Cell).decode_lines(self.numbers.read_bytes())

    def save(self, cells: Sequence[Cell]) -> None:
        """Keep what was measured; in one step, so that nothing is lost when we are stopped."""
        beside = self.numbers.with_suffix(".part")
        beside.write_bytes(msgspec.json.Encoder().encode_lines(_measured(cells)))
        beside.replace(self.numbers)

    def write(self, cells: Sequence[Cell], lines: Sequence[Line], windows: Sequence[int]) -> None:
        """Page and picture, of what was measured so far."""
        write_page(self.page, _measured(cells))
        draw(_measured(cells), lines, windows, self.picture)


def _measured(cells: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.runs]

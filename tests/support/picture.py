"""Pictures that a program drew, beside those that were looked at and found right."""

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

CELL = 10
"""Pixels: fonts and edges that differ by a pixel or two between machines vanish in the mean."""

VISIBLE = 20
"""Of 255: means that differ by less look the same."""


def share_that_differs(drawn: Path, reference: Path) -> float:
    """Share of a picture's cells that differ visibly from those of the reference, 0 to 1.

    Pictures of different sizes differ altogether. With ``SHOESTRING_REDRAW=1`` the reference is
    replaced: look at it before it is committed.
    """
    if os.environ.get("SHOESTRING_REDRAW") == "1" and reference.parent != drawn.parent:
        _replace(drawn, reference)
    ours, theirs = _cells(drawn), _cells(reference)
    if ours.shape != theirs.shape:
        return 1.0
    return float((np.abs(ours - theirs).max(axis=2) > VISIBLE).mean())


def _cells(path: Path) -> npt.NDArray[np.float64]:
    """Mean colour of each cell, of shape (rows, columns, 3)."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"), float)
    rows, columns = pixels.shape[0] // CELL, pixels.shape[1] // CELL
    cut = pixels[: rows * CELL, : columns * CELL]
    return cut.reshape(rows, CELL, columns, CELL, 3).mean(axis=(1, 3))


def _replace(drawn: Path, reference: Path) -> None:
    """In 256 colours: a third of the bytes, and nobody sees it."""
    reference.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(256).save(reference, optimize=True)

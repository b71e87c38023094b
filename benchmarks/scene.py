"""Real Sentinel-2 pixels, repeated up to the size of a tile.

The originals are cut into squares, each laid down as it is, mirrored left to
right, and both transposed: no codec finds the same row twice in those, so that
large blocks and overviews gain nothing from the repetition.
"""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

Pixels = np.ndarray[Any, Any]

FILES = {
    "B04": ("two-sensors/ref_input_S2_B04.tif",),  # top of atmosphere, 10 m
    "B08": ("two-sensors/ref_input_S2_B08.tif",),
    "SCL": (  # at 120 m: more edges in a block than at 20 m
        "s2-tiles/S2B_33TWL_20230810_0_L2A/SCL.tif",
        "s2-tiles/S2B_33TWL_20230813_0_L2A/SCL.tif",
    ),
}


def pixels(data: Path, band: str, side: int) -> Pixels:
    """A square of a band's pixels.

    Args:
        data: The folder of the real data.
        band: One of `FILES`.
        side: Rows and columns.
    """
    squares = [square for name in FILES[band] for square in _squares(data / name)]
    rows = [[own, own[:, ::-1], own.T, own.T[:, ::-1]] for own in squares]
    whole = np.block(rows)
    down, across = (-(side // -size) for size in whole.shape)
    return np.tile(whole, (down, across))[:side, :side]


def _squares(path: Path) -> list[Pixels]:
    with rasterio.open(path) as file:
        own = file.read(1)
    side = min(own.shape)
    return [own[top : top + side, :side] for top in range(0, own.shape[0] - side + 1, side)]

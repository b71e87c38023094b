"""Real Sentinel-2 pixels, repeated side by side up to the size of a tile.

Repeated without mirroring, and the originals are as large as the largest
blocks or larger, so that no block holds the same pixels twice.
"""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

Pixels = np.ndarray[Any, Any]

FILES = {
    "B04": "two-sensors/ref_input_S2_B04.tif",  # top of atmosphere, 10 m
    "B08": "two-sensors/ref_input_S2_B08.tif",
    "SCL": "s2-tiles/S2B_33TWL_20230813_0_L2A/SCL.tif",  # at 120 m: more edges than at 20 m
}


def pixels(data: Path, band: str, side: int) -> Pixels:
    """A square of a band's pixels.

    Args:
        data: The folder of the real data.
        band: One of `FILES`.
        side: Rows and columns.
    """
    with rasterio.open(data / FILES[band]) as file:
        own = file.read(1)
    rows, columns = (-(side // -size) for size in own.shape)
    return np.tile(own, (rows, columns))[:side, :side]

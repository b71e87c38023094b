"""An archive of many dates and tiny mosaics, and its site, that grow together."""

import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

BANDS = ("B02", "B04", "B08", "SCL")
FIRST_DAY = date(1950, 1, 1)
SIDE = 64
"""Pixels: one block."""

CONFIGURATION = """\
[catalogue]
id = "archive"
settle = "0 seconds"
keep = "0 hours"
[[collections]]
id = "s2"
source = "mosaics/{date:%Y}/{date:%Y%m%d}_{band}.tif"
block_size = 64
[collections.bands.B02]
nodata = 0
[collections.bands.B04]
nodata = 0
[collections.bands.B08]
nodata = 0
[collections.bands.SCL]
nodata = 0
resampling = "nearest"
[collections.mask]
band = "SCL"
clear = [4, 5]
"""


class Archive:
    """Source files of so many dates, one a day, four bands each, and the configuration.

    Args:
        folder: Where it lies; what is there already is used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "shoestring.toml"
        self.site = folder / "site"
        folder.mkdir(parents=True, exist_ok=True)
        self.configuration.write_text(CONFIGURATION)
        self._mosaics = {band: _mosaic(folder / f"{band}.tif", band) for band in BANDS}

    def grow(self, dates: int) -> None:
        """Add source files until there are so many dates."""
        for number in range(dates):
            day = FIRST_DAY + timedelta(days=number)
            folder = self.folder / "mosaics" / f"{day:%Y}"
            folder.mkdir(parents=True, exist_ok=True)
            for band, data in self._mosaics.items():
                path = folder / f"{day:%Y%m%d}_{band}.tif"
                if not path.exists():
                    path.write_bytes(data)

    def dates(self) -> int:
        """How many dates there are."""
        return sum(1 for _ in (self.folder / "mosaics").glob("*/*_SCL.tif"))

    def files(self) -> dict[str, tuple[int, int]]:
        """All files of the site: modification times in nanoseconds, and sizes."""
        found = {}
        for folder, _, names in os.walk(self.site):
            for name in names:
                status = os.stat(os.path.join(folder, name))
                found[os.path.join(folder, name)] = status.st_mtime_ns, status.st_size
        return found


def _mosaic(path: Path, band: str) -> bytes:
    kind = "uint8" if band == "SCL" else "uint16"
    pixels = np.random.default_rng(1).integers(1, 7 if band == "SCL" else 3000, (SIDE, SIDE))
    profile = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": 1, "dtype": kind, "nodata": 0,
               "crs": "EPSG:32630", "transform": from_origin(600000, 1100040, 10, 10)}  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(pixels.astype(kind), 1)
    return path.read_bytes()

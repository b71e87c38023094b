"""A site by the builder for tests of the cache: a few dates, many small blocks, files an hour old."""

import os
import time
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shoestring_builder.build import build
from shoestring_schema.grid import Grid
from support.mosaics import write_configuration, write_raster

SHAPE = (300, 320)
GRID = Grid("EPSG:32630", (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), SHAPE)
DATES = (date(2018, 1, 1), date(2018, 1, 2), date(2018, 1, 3))
BANDS = ("B04", "B08")

CONFIGURATION = """\
[catalogue]
id = "test"
settle = "0 seconds"
[[collections]]
id = "s2"
source = "mosaics/S2_{date}_{band}.tif"
block_size = 64
[collections.bands.B04]
nodata = 0
[collections.bands.B08]
nodata = 0
"""


def pixels_of(day: date, band: str) -> npt.NDArray[np.uint16]:
    """What a layer holds."""
    seed = day.toordinal() * len(BANDS) + BANDS.index(band)
    return np.random.default_rng(seed).integers(1, 5000, SHAPE).astype("uint16")


def build_site(folder: Path, dates: tuple[date, ...] = DATES, *, hours: float = 1) -> Path:
    """Build the site, and make it look so old; what was there is kept."""
    for day in dates:
        for band in BANDS:
            write_raster(folder / "mosaics" / f"S2_{day}_{band}.tif", pixels_of(day, band))
    assert not build(write_configuration(folder, CONFIGURATION), progress=False).failed
    settle(folder / "site", hours)
    return folder / "site"


def settle(site: Path, hours: float = 1) -> None:
    """Make all files look old: servers tell the second of the last change, and no less."""
    then = time.time() - 3600 * hours
    for path in site.rglob("*"):
        os.utime(path, (then, then))

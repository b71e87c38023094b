"""Sites of many dates and small rasters, by the builder: one that grows, kept at each size."""

import os
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from shoestring_builder.build import build

SIDE = 128
"""Pixels: four blocks."""

FIRST_DAY = date(2010, 1, 1)

CONFIGURATION = """\
[catalogue]
id = "bench"
settle = "0 seconds"
[[collections]]
id = "s2"
source = "mosaics/{date}_{band}.tif"
block_size = 64
[collections.bands.B04]
nodata = 0
scale = 0.0001
"""


def make_catalogues(folder: Path, sizes: Sequence[int]) -> dict[int, Path]:
    """Sites with so many dates, one a day; made where they are not there yet."""
    kept = {dates: folder / f"{dates}-dates" for dates in sorted(sizes)}
    if not all((site / "catalog.json").exists() for site in kept.values()):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "mosaics").mkdir(parents=True)
        (folder / "shoestring.toml").write_text(CONFIGURATION)
        before = 0
        for dates, site in kept.items():
            _write(folder / "mosaics", range(before, dates))
            build(folder / "shoestring.toml", workers=2)
            shutil.copytree(
                folder / "site", site, copy_function=os.link
            )  # nothing is changed in place
            before = dates
    return kept


def _write(folder: Path, days: range) -> None:
    profile = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": 1, "dtype": "uint16", "nodata": 0,
               "crs": "EPSG:32630", "transform": from_origin(600000, 1100040, 10, 10)}  # fmt: skip
    for day in days:
        pixels = np.random.default_rng(day).normal(2000, 60, (SIDE, SIDE))
        path = folder / f"{FIRST_DAY + timedelta(days=day)}_B04.tif"
        with rasterio.open(path, "w", **profile) as file:
            file.write(pixels.astype("uint16"), 1)

"""Sites to be pulled from, and pulling them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.warp
from numpy.typing import NDArray

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_pull.options import PullOptions
from shoestring_pull.report import PullReport
from shoestring_pull.run import Wish, pull
from shoestring_pull.selection import Selection, make_selection
from shoestring_schema.grid import Grid, Window
from support.mosaics import UTM, write_configuration, write_raster

CONFIGURATION = """\
[catalogue]
id = "fields"
title = "Fields"
description = "Fields of a test."
settle = "0 seconds"
status = false

[[collections]]
id = "s2"
title = "Reflectance"
license = "CC-BY-4.0"
attribution = "A test"
source = "mosaics/S2_{date}_{band}.tif"
block_size = 64
[collections.bands.B04]
common_name = "red"
center_wavelength = 0.665
nodata = 0
scale = 0.0001
[collections.bands.B11]
nodata = 0
scale = 0.0001
[collections.bands.SCL]
nodata = 0
resampling = "nearest"
[collections.mask]
band = "SCL"
clear = [4, 5, 6, 7]

[[collections]]
id = "height"
source = "mosaics/height_{date}_{band}.tif"
block_size = 64
[collections.bands.dem]
unit = "m"
"""
"""Two collections: three bands of two sizes with a mask, and one band without a nodata value."""

SHAPE = 709, 627
"""Odd, so that overviews and coarser bands end with a part of a pixel."""

GRID = Grid(UTM, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), SHAPE)


def write_date(project: Path, day: int, seed: int | None = None) -> None:
    """Write the sources of a date of both collections."""
    draw = np.random.default_rng(day if seed is None else seed)
    rows, columns = SHAPE
    half = -(rows // -2), -(columns // -2)
    for band, dtype, shape, high in (
        ("B04", "uint16", SHAPE, 5000), ("B11", "uint16", half, 5000), ("SCL", "uint8", half, 12),
    ):  # fmt: skip
        write_raster(
            project / "mosaics" / f"S2_2018-01-{day:02}_{band}.tif",
            patches(draw, shape, high), dtype=dtype, resolution=10.0 if shape == SHAPE else 20.0,
        )  # fmt: skip
    if day == 1:
        heights = patches(draw, SHAPE, 900)
        write_raster(project / "mosaics" / "height_2018-01-01_dem.tif", heights, dtype="float32")


def patches(draw: np.random.Generator, shape: tuple[int, int], high: int) -> NDArray[Any]:
    """Pixels that look a little like land: patches and a little noise, some without data."""
    coarse = draw.integers(0, high, (shape[0] // 16 + 2, shape[1] // 16 + 2))
    pixels = np.kron(coarse, np.ones((16, 16), int))[: shape[0], : shape[1]]
    noise = draw.integers(0, max(2, high // 50), shape)
    return np.asarray(np.where(pixels < high // 8, 0, (pixels + noise) % high))


def build_fields(project: Path, days: Iterable[int] = (1, 2, 3)) -> Path:
    """Build the site of some dates in January; build it again for more."""
    for day in days:
        write_date(project, day)
    config = write_configuration(project, CONFIGURATION)
    report = build(config, progress=False)
    assert not report.failed
    return project / "site"


def pull_into(
    folder: Path,
    address: str | Path | None,
    *,
    delete: bool = False,
    terms: PullOptions | None = None,
    selection: Selection | None = None,
    **selected: Any,  # noqa: ANN401
) -> PullReport:
    """Pull, with what is selected as `catalogue.pull` takes it; `roi` is a `Roi`."""
    if selected:
        wanted = {"collections": None, "bands": None, "dates": None, "roi": None, "crop": False}
        wanted |= selected
        selection = make_selection(
            wanted["collections"], wanted["bands"], wanted["dates"], wanted["roi"],
            crop=wanted["crop"],
        )  # fmt: skip
    return pull(
        Wish(
            address=None if address is None else str(address),
            folder=folder,
            selection=selection,
            delete=delete,
            terms=terms or PullOptions(),
            progress=False,
        )
    )


def faults(site: Path) -> tuple[str, ...]:
    """What `check --deep` finds wrong."""
    return check(site, deep=True).faults


def layer(site: Path, collection: str, stem: str) -> Path:
    """The file of a layer, such as ``2018-01-01_B04``; there must be just one."""
    (found,) = (site / collection).glob(f"*/{stem}-*.tif")
    return found


def pixels(path: Path, window: Window | None = None, level: int = 0) -> NDArray[Any]:
    """Pixels as rasterio reads them; of an overview with `level` from 1."""
    with rasterio.open(path, **({"overview_level": level - 1} if level else {})) as dataset:
        if window is None:
            found: NDArray[Any] = dataset.read(1)
        else:
            found = dataset.read(1, window=rasterio.windows.Window(
                window.column, window.row, window.width, window.height))  # fmt: skip
        return found


def place(path: Path, grid: Grid) -> tuple[int, int]:
    """Row and column of a grid's pixel, of that grid's size, that a file begins with."""
    with rasterio.open(path) as dataset:
        row, column = grid.row_column(dataset.transform.c, dataset.transform.f)
        return round(row), round(column)

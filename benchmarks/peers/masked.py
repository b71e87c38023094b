"""What the scripts share that fetch masks: which pixels of a field are clear, and keeping those.

The arguments of such a script say when bands are fetched: ``first`` fetches the masks of all
dates, then the bands of those with a clear pixel; ``all`` fetches everything at once.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from affine import Affine
from cold import Job
from rasterio.features import geometry_mask

Array = np.ndarray[Any, Any]

MASK_FIRST = "all" not in sys.argv[1:]


def inside(job: Job) -> Array:
    """Which pixels of the window have their centre in the field."""
    column, row, width, height = job["window"]
    transform = Affine(*job["transform"]) * Affine.translation(column, row)
    return geometry_mask([job["field"]], (height, width), transform, invert=True)


def on_window(coarse: Array, job: Job) -> Array:
    """The mask's own pixels, each repeated, cut to the window."""
    column, row, width, height = job["window"]
    factor = job["factor"]
    left, top = column - factor * job["mask_window"][0], row - factor * job["mask_window"][1]
    fine = coarse.repeat(factor, 0).repeat(factor, 1)
    return fine[top : top + height, left : left + width]


def clear_dates(classes: Mapping[str, Array], job: Job) -> dict[str, Array]:
    """The clear pixels of the field, of the dates that have one.

    Args:
        classes: Date to classes on the window.
        job: What is asked for.
    """
    field = inside(job)
    found = {date: field & np.isin(pixels, job["clear"]) for date, pixels in classes.items()}
    return {date: clear for date, clear in found.items() if clear.any()}


def keep(bands: Sequence[Array], clear: Array) -> list[Array]:
    """The clear pixels of bands as float32, NaN elsewhere and where there is no data."""
    nothing = np.float32("nan")
    return [np.where(clear & (band != 0), band.astype(np.float32), nothing) for band in bands]

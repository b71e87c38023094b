"""rioxarray: each file opened and its window loaded, in threads."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import rioxarray
from cold import THREADS, Arrays, Job, measure
from tuned import tune_gdal


def read(job: Job) -> Arrays:
    """The window of each file."""
    tune_gdal(job)
    column, row, width, height = job["window"]
    place = {"x": slice(column, column + width), "y": slice(row, row + height)}

    def one(url: str) -> np.ndarray[Any, Any]:
        with rioxarray.open_rasterio(url, lock=False, cache=False) as image:
            return image.isel(place).to_numpy()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(one, job["files"]))


if __name__ == "__main__":
    measure(read)

"""rasterio by hand with a mask: files in threads, through /vsicurl or anonymous /vsis3.

``python masked_rasterio.py first``, ``all``, ``first vsis3``: see `masked` and `rasterio_threads`.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import rasterio
import rasterio.windows
from cold import THREADS, Dates, Job, measure_dates
from masked import MASK_FIRST, Array, clear_dates, keep, on_window
from rasterio_threads import vsis3
from tuned import tune_gdal

File = tuple[str, str]
"""Band and date."""


def read(job: Job) -> Dates:
    """The dates with a clear pixel in the field."""
    tune_gdal(job)
    named = vsis3(job) if "vsis3" in sys.argv[1:] else "/vsicurl/{}".format
    urls = {(band, date): named(url) for band in job["files"]
            for date, url in zip(job["dates"], job["files"][band], strict=True)}  # fmt: skip
    masks = [(job["mask_band"], date) for date in job["dates"]]

    def one(file: File) -> Array:
        window = job["mask_window" if file[0] == job["mask_band"] else "window"]
        with rasterio.Env(), rasterio.open(urls[file], driver="GTiff") as opened:
            return opened.read(1, window=rasterio.windows.Window(*window))

    def many(files: Sequence[File]) -> dict[File, Array]:
        return dict(zip(files, threads.map(one, files), strict=True))

    with ThreadPoolExecutor(THREADS) as threads:
        found = many(masks if MASK_FIRST else list(urls))
        clear = clear_dates({date: on_window(found[band, date], job) for band, date in masks}, job)
        if MASK_FIRST:
            found |= many([(band, date) for date in clear for band in job["bands"]])
    return {date: keep([found[band, date] for band in job["bands"]], clear[date]) for date in clear}


if __name__ == "__main__":
    measure_dates(read)

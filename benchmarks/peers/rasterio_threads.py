"""rasterio by hand: each file's window in threads; through /vsicurl, or anonymous /vsis3.

``python rasterio_threads.py vsis3`` asks the same server as if it were S3: no HEAD request.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import rasterio
import rasterio.windows
from cold import THREADS, Arrays, Job, measure
from tuned import tune_gdal


def read(job: Job) -> Arrays:
    """The window of each file; URLs, options and the header's size are known beforehand."""
    tune_gdal(job)
    named = vsis3(job) if sys.argv[1:] == ["vsis3"] else "/vsicurl/{}".format
    window = rasterio.windows.Window(*job["window"])

    def one(url: str) -> np.ndarray[Any, Any]:
        with rasterio.Env(), rasterio.open(named(url), driver="GTiff") as file:
            return file.read(1, window=window)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(one, job["files"]))


def vsis3(job: Job) -> Any:  # noqa: ANN401
    """Point GDAL's S3 at the server; a URL's first folder is the bucket."""
    os.environ.update({
        "AWS_S3_ENDPOINT": urlsplit(job["url"]).netloc,
        "AWS_NO_SIGN_REQUEST": "YES",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_HTTPS": "YES",
    })  # fmt: skip
    return lambda url: f"/vsis3{urlsplit(url).path}"


if __name__ == "__main__":
    measure(read)

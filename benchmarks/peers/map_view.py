"""One layer as a desktop GIS draws it: GDAL opens it, nothing known beforehand, one thread.

``python map_view.py window`` reads the window at full resolution; ``whole`` reads all of the
layer as large as a screen, from an overview.
"""

import os
import sys

import rasterio
import rasterio.windows
from cold import Arrays, Job, measure
from tuned import tune_gdal

SCREEN = 1200


def read(job: Job) -> Arrays:
    """The first layer; as many bytes at opening as GDAL takes by itself."""
    tune_gdal(job)
    os.environ["GDAL_INGESTED_BYTES_AT_OPEN"] = "16384"
    with rasterio.open(f"/vsicurl/{job['files'][0]}", driver="GTiff") as file:
        if sys.argv[1:] == ["whole"]:
            return [file.read(1, out_shape=(SCREEN, SCREEN))]
        return [file.read(1, window=rasterio.windows.Window(*job["window"]))]


if __name__ == "__main__":
    measure(read)

"""stackstac: items to an xarray DataArray over dask, computed in threads."""

import numpy as np
import stackstac
from cold import THREADS, Arrays, Job, measure
from tuned import tune_gdal


def read(job: Job) -> Arrays:
    """The items' band over the window, one array of all dates."""
    tune_gdal(job)
    cube = stackstac.stack(
        job["items"],
        assets=[job["band"]],
        epsg=int(job["crs"].removeprefix("EPSG:")),
        resolution=job["transform"][0],
        bounds=job["bounds"],
        chunksize=max(job["window"][2:]),
        dtype=np.dtype("uint16"),
        fill_value=np.uint16(0),
        rescale=False,
    )
    return [cube.compute(scheduler="threads", num_workers=THREADS).to_numpy()]


if __name__ == "__main__":
    measure(read)

"""odc-stac: items to an xarray Dataset on the grid of the window, in its pool of threads."""

import odc.stac
import pystac
from affine import Affine
from cold import THREADS, Arrays, Job, measure
from odc.geo.geobox import GeoBox
from tuned import tune_gdal


def read(job: Job) -> Arrays:
    """The items' band over the window, one array of all dates."""
    tune_gdal(job)
    column, row, width, height = job["window"]
    transform = Affine(*job["transform"]) * Affine.translation(column, row)
    dataset = odc.stac.load(
        [pystac.Item.from_dict(item) for item in job["items"]],
        bands=[job["band"]],
        geobox=GeoBox((height, width), transform, job["crs"]),
        pool=THREADS,
    )
    return [dataset[job["band"]].to_numpy()]


if __name__ == "__main__":
    measure(read)

"""odc-stac with a mask: ``python masked_odc_stac.py first`` or ``all``; see `masked`."""

from collections.abc import Sequence
from typing import Any

import odc.stac
import pystac
from affine import Affine
from cold import THREADS, Dates, Job, measure_dates
from masked import MASK_FIRST, clear_dates, keep
from odc.geo.geobox import GeoBox
from tuned import tune_gdal


def read(job: Job) -> Dates:
    """The dates with a clear pixel in the field."""
    tune_gdal(job)
    items = dict(zip(job["dates"], map(pystac.Item.from_dict, job["items"]), strict=True))
    mask, bands = job["mask_band"], job["bands"]
    first = _load(list(items.values()), [mask] if MASK_FIRST else [*bands, mask], job)
    clear = clear_dates(dict(zip(items, first[mask].to_numpy(), strict=True)), job)
    if MASK_FIRST:
        data, dates = _load([items[date] for date in clear], bands, job), list(clear)
    else:
        data, dates = first, list(items)
    found = zip(dates, *(data[band].to_numpy() for band in bands), strict=True)
    return {date: keep(arrays, clear[date]) for date, *arrays in found if date in clear}


def _load(items: Sequence[pystac.Item], bands: Sequence[str], job: Job) -> Any:  # noqa: ANN401
    column, row, width, height = job["window"]
    transform = Affine(*job["transform"]) * Affine.translation(column, row)
    geobox = GeoBox((height, width), transform, job["crs"])
    return odc.stac.load(items, bands=bands, geobox=geobox, pool=THREADS)


if __name__ == "__main__":
    measure_dates(read)

"""Our client in a cold process: ``python runs.py ours < job.json``; prints seconds and memory.

``ours`` reads a window of all layers, ``cached`` through a cache, ``season`` a field of the clear dates.

Time runs from after the imports to the last array.
"""

import sys

import aiohttp  # noqa: F401 - what the client imports when it is needed
import rasterio  # noqa: F401
import shapely
from peers.cold import Arrays, Dates, Job, measure, measure_dates

import shoestring
from shoestring import blocking, vsicurl  # noqa: F401
from shoestring.options import Options


def ours(job: Job) -> Arrays:
    """Opening the catalogue and extracting; masked by the ROI, as a user would."""
    catalogue = shoestring.open(f"{job['url']}/catalog.json", options=Options(ca_bundle=job["ca"]))
    roi = shoestring.Roi(shapely.box(*job["bounds"]), job["crs"])
    stack = catalogue["s2"].extract(job["band"], roi, dates=job.get("dates"), masked=job["masked"])
    return [array for dates in stack.values() for array in dates.values()]


def cached(job: Job) -> Arrays:
    """The same with ``job["cache"]``, a folder or False; until the catalogue is closed."""
    options, roi = (
        Options(ca_bundle=job["ca"]),
        shoestring.Roi(shapely.box(*job["bounds"]), job["crs"]),
    )
    with shoestring.open(
        f"{job['url']}/catalog.json", options=options, cache=job["cache"], offline=job["offline"]
    ) as catalogue:
        stack = catalogue["s2"].extract(job["band"], roi, masked=job["masked"])
    return [array for dates in stack.values() for array in dates.values()]


def season(job: Job) -> Dates:
    """The same of a field's bands, clouds left out; ``job["reader"]`` is the option."""
    options = Options(ca_bundle=job["ca"], reader=job["reader"])
    catalogue = shoestring.open(f"{job['url']}/catalog.json", options=options)
    roi = shoestring.Roi(shapely.geometry.shape(job["field"]), job["crs"])
    stack = catalogue["s2"].extract(job["bands"], roi)
    return {str(day): [stack[band][day] for band in job["bands"]] for day in stack.dates}


if __name__ == "__main__":
    cases = {
        "ours": lambda: measure(ours),
        "cached": lambda: measure(cached),
        "season": lambda: measure_dates(season),
    }
    cases[sys.argv[1]]()

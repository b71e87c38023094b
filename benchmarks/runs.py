"""Our client in a cold process: ``python runs.py ours < job.json``; prints seconds and memory.

Time runs from after the imports to the last array.
"""

import sys

import aiohttp  # noqa: F401 - what the client imports when it is needed
import rasterio  # noqa: F401
import shapely
from peers.cold import Arrays, Job, measure

import shoestring
from shoestring import blocking, vsicurl  # noqa: F401
from shoestring.options import Options


def ours(job: Job) -> Arrays:
    """Opening the catalogue and extracting; masked by the ROI, as a user would."""
    catalogue = shoestring.open(f"{job['url']}/catalog.json", options=Options(ca_bundle=job["ca"]))
    roi = shoestring.Roi(shapely.box(*job["bounds"]), job["crs"])
    stack = catalogue["s2"].extract(job["band"], roi, masked=job["masked"])
    return [array for dates in stack.values() for array in dates.values()]


if __name__ == "__main__":
    measure({"ours": ours}[sys.argv[1]])

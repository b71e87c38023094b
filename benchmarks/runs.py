"""What is run in a cold process: ``python runs.py CASE < job.json``; prints seconds and memory.

Time runs from after the imports, which all cases share, to the last array.
"""

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp  # noqa: F401 - both cases import what the client imports
import numpy as np
import rasterio
import rasterio.windows

import shoestring
from shoestring import blocking, vsicurl  # noqa: F401
from shoestring.options import Options

THREADS = 32


def ours(job: dict[str, Any]) -> int:
    """Opening the catalogue and extracting; masked by the ROI, as a user would."""
    options = Options(ca_bundle=job["ca"])
    catalogue = shoestring.open(f"{job['url']}/catalog.json", options=options)
    stack = catalogue["s2"].extract(
        "B04", shoestring.Roi(_box(job), job["crs"]), masked=job["masked"]
    )
    return stack.nbytes


def by_hand(job: dict[str, Any]) -> int:
    """The same windows with rasterio in threads, URLs and options known beforehand."""
    config = vsicurl.gdal_options(Options(ca_bundle=job["ca"]))
    config["GDAL_INGESTED_BYTES_AT_OPEN"] = job["header"]
    window = rasterio.windows.Window(*job["window"])

    def read(url: str) -> np.ndarray[Any, Any]:
        with rasterio.Env(**config), rasterio.open(f"/vsicurl/{url}", driver="GTiff") as file:
            return file.read(1, window=window)

    with ThreadPoolExecutor(THREADS) as threads:
        return sum(array.nbytes for array in threads.map(read, job["files"]))


def _box(job: dict[str, Any]) -> Any:  # noqa: ANN401
    import shapely

    return shapely.box(*job["bounds"])


def _peak_mb() -> float:
    """Peak memory of this program alone; ru_maxrss would count the parent's from before exec."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1e3
    raise RuntimeError("the kernel does not tell VmHWM")


if __name__ == "__main__":
    job = json.load(sys.stdin)
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    result = {"ours": ours, "by_hand": by_hand}[sys.argv[1]](job)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "seconds": seconds,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "result_mb": result / 1e6,
        "peak_mb": _peak_mb(),
    }))  # fmt: skip

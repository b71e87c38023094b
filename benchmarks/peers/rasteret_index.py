"""rasteret: windows by its own index, a Parquet dataset that is built beforehand."""

import os
from pathlib import Path

import imagecodecs  # noqa: F401 - rasteret imports these when it reads; no tool's imports are timed
import numpy as np
import pyarrow as pa
import rasteret
import rasteret.catalog
import rasteret.core.execution
import rasteret.core.point_sampling
import rasteret.core.reader_pool
import rasteret.fetch.cog
import rasteret.integrations.huggingface
import shapely
from cold import THREADS, Arrays, Job, measure


def prepare(job: Job) -> None:
    """Build the index: rasteret reads the header of every file."""
    os.environ["SSL_CERT_FILE"] = job["ca"]
    rasteret.build_from_table(
        pa.Table.from_pylist([_record(item, job["band"]) for item in job["items"]]),
        name="bench",
        workspace_dir=_home(job),
        enrich_cog=True,
        band_codes=[job["band"]],
        max_concurrent=THREADS,
    )


def read(job: Job) -> Arrays:
    """The window of each file, all at once: get_numpy() takes ten at a time."""
    os.environ["SSL_CERT_FILE"] = job["ca"]
    cube = rasteret.load(_home(job)).read_window(
        record_ids=[item["id"] for item in job["items"]],
        bounds=tuple(job["bounds"]),
        res=(job["transform"][0], -job["transform"][4]),
        bands=[job["band"]],
        max_concurrent=THREADS,
        group_by="id",
    )
    return [np.asarray(cube)]


def _home(job: Job) -> Path:
    return Path(job["prepared"]) / "bench_records"


def _record(item: Job, band: str) -> Job:
    return {
        "id": item["id"],
        "datetime": item["properties"]["datetime"],
        "geometry": shapely.to_wkb(shapely.geometry.shape(item["geometry"])),
        "bbox": item["bbox"],
        "proj:epsg": item["properties"]["proj:epsg"],
        "assets": {band: {"href": item["assets"][band]["href"]}},
    }


if __name__ == "__main__":
    measure(read, prepare)

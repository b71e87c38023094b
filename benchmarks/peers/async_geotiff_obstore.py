"""async-geotiff over obstore: all files at once, so many at a time.

``python async_geotiff_obstore.py 8192`` merges ranges only over gaps of up to so many
bytes; obstore's own measure is 1 MiB, which on a thin line fetches what nobody wants.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import obstore
from async_geotiff import GeoTIFF, Window
from cold import THREADS, Arrays, Job, measure
from obstore.store import HTTPStore
from tuned import client_options


class Merging:
    """A store that merges ranges over gaps of up to `gap` bytes."""

    def __init__(self, store: HTTPStore, gap: int) -> None:
        self._store, self._gap = store, gap

    async def get_range_async(self, path: str, **span: int) -> Any:  # noqa: ANN401
        """One range of bytes."""
        return await obstore.get_range_async(self._store, path, **span)

    async def get_ranges_async(self, path: str, **spans: Sequence[int]) -> Any:  # noqa: ANN401
        """Several ranges of bytes."""
        return await obstore.get_ranges_async(self._store, path, **spans, coalesce=self._gap)


def read(job: Job) -> Arrays:
    """The window of each file."""
    return asyncio.run(_read(job))


async def _read(job: Job) -> Arrays:
    address = urlsplit(job["url"])
    store: Any = HTTPStore.from_url(
        f"{address.scheme}://{address.netloc}", client_options=client_options(job)
    )
    if sys.argv[1:]:
        store = Merging(store, int(sys.argv[1]))
    column, row, width, height = job["window"]
    window = Window(col_off=column, row_off=row, width=width, height=height)
    places = asyncio.Semaphore(THREADS)

    async def one(url: str) -> np.ndarray[Any, Any]:
        async with places:
            path = urlsplit(url).path.lstrip("/")
            file = await GeoTIFF.open(path, store=store, prefetch=max(32768, job["header"]))
            return (await file.read(window=window)).data

    return await asyncio.gather(*map(one, job["files"]))


if __name__ == "__main__":
    measure(read)

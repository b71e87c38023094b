"""async-geotiff with a mask: each date's mask, then at once its bands where a pixel is clear.

``python masked_async_geotiff.py 8192``: ranges are merged over gaps of up to so many bytes.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from async_geotiff import GeoTIFF, Window
from async_geotiff_obstore import Merging
from cold import THREADS, Dates, Job, measure_dates
from masked import Array, clear_dates, keep, on_window
from obstore.store import HTTPStore
from tuned import client_options


class Reader:
    """Reads windows of files, so many at once.

    Args:
        job: What is asked for.
    """

    def __init__(self, job: Job) -> None:
        address = urlsplit(job["url"])
        store: Any = HTTPStore.from_url(
            f"{address.scheme}://{address.netloc}", client_options=client_options(job)
        )
        self._store = Merging(store, int(sys.argv[1])) if sys.argv[1:] else store
        self._header = max(32768, job["header"])
        self._places = asyncio.Semaphore(THREADS)

    async def read(self, url: str, window: Sequence[int]) -> Array:
        """A window (column, row, width, height) of a file."""
        column, row, width, height = window
        place = Window(col_off=column, row_off=row, width=width, height=height)
        async with self._places:
            path = urlsplit(url).path.lstrip("/")
            file = await GeoTIFF.open(path, store=self._store, prefetch=self._header)
            return (await file.read(window=place)).data[0]


def read(job: Job) -> Dates:
    """The dates with a clear pixel in the field."""
    return asyncio.run(_read(job))


async def _read(job: Job) -> Dates:
    reader = Reader(job)
    found: dict[str, list[Array]] = {}

    async def one(number: int, date: str) -> None:
        coarse = await reader.read(job["files"][job["mask_band"]][number], job["mask_window"])
        for clear in clear_dates({date: on_window(coarse, job)}, job).values():
            files = [job["files"][band][number] for band in job["bands"]]
            bands = [reader.read(url, job["window"]) for url in files]
            found[date] = keep(await asyncio.gather(*bands), clear)

    await asyncio.gather(*(one(*pair) for pair in enumerate(job["dates"])))
    return found


if __name__ == "__main__":
    measure_dates(read)

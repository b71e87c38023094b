"""The limit's ranges of bytes through obstore: HTTP version, 1 or 2."""

import asyncio
import sys

import numpy as np
import obstore
from cold import THREADS, Arrays, Job, measure
from obstore.store import HTTPStore
from tuned import client_options


def read(job: Job) -> Arrays:
    """All ranges, so many at once as others have threads."""
    version = {"1": {"http1_only": True}, "2": {"http2_only": True}}[sys.argv[1]]
    store = HTTPStore.from_url(job["url"], client_options=client_options(job) | version)
    return asyncio.run(_all(store, job))


async def _all(store: HTTPStore, job: Job) -> Arrays:
    slots = asyncio.Semaphore(THREADS)

    async def one(url: str, first: int, last: int) -> np.ndarray:
        path = url.removeprefix(job["url"]).lstrip("/")
        async with slots:
            data = await obstore.get_range_async(store, path, start=first, end=last + 1)
        return np.frombuffer(data, np.uint8)

    work = [one(url, *span) for url in job["files"] for span in job["ranges"]]
    return await asyncio.gather(*work)


if __name__ == "__main__":
    measure(read)

"""The limit's ranges of bytes through aiohttp: CONNECTIONS ["batches"]."""

import asyncio
import ssl
import sys

import aiohttp
import numpy as np
from cold import Arrays, Job, measure

from shoestring.event_loop import BatchingSelector


def read(job: Job) -> Arrays:
    """All ranges; on an event loop like the client's, or on Python's."""
    batches = sys.argv[2:] == ["batches"]
    loop = asyncio.SelectorEventLoop(BatchingSelector()) if batches else asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_all(job, int(sys.argv[1])))
    finally:
        loop.close()


async def _all(job: Job, connections: int) -> Arrays:
    slots = asyncio.Semaphore(connections)
    tls = ssl.create_default_context(cafile=job["ca"])
    connector = aiohttp.TCPConnector(limit=connections, ssl=tls)

    async def one(url: str, first: int, last: int) -> np.ndarray:
        async with slots, session.get(url, headers={"Range": f"bytes={first}-{last}"}) as answer:
            return np.frombuffer(await answer.read(), np.uint8)

    async with aiohttp.ClientSession(connector=connector) as session:
        work = [one(url, *span) for url in job["files"] for span in job["ranges"]]
        return await asyncio.gather(*work)


if __name__ == "__main__":
    measure(read)

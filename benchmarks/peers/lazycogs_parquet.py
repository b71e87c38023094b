"""lazycogs: a GeoParquet file of items, written beforehand, to an xarray DataArray."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import duckdb_extension_httpfs
import duckdb_extension_icu
import duckdb_extension_parquet
import duckdb_extension_spatial
import lazycogs
import rustac
from cold import THREADS, Arrays, Job, measure
from obstore.store import HTTPStore
from tuned import client_options

EXTENSIONS = (
    duckdb_extension_httpfs,
    duckdb_extension_icu,
    duckdb_extension_parquet,
    duckdb_extension_spatial,
)


def prepare(job: Job) -> None:
    """Write the items as GeoParquet, and lay DuckDB's extensions where rustac looks for them."""
    asyncio.run(_write(job))
    for package in EXTENSIONS:
        for version in (Path(package.__file__).parent / "extensions").iterdir():
            home = _extensions(job) / version.name / "linux_amd64"
            home.mkdir(parents=True, exist_ok=True)
            for file in version.glob("*.duckdb_extension"):
                (home / file.name).symlink_to(file)


def read(job: Job) -> Arrays:
    """The items' band over the window, one array of all dates."""
    address = urlsplit(job["url"])
    store = HTTPStore.from_url(
        f"{address.scheme}://{address.netloc}", client_options=client_options(job)
    )
    client = rustac.DuckdbClient(extension_directory=_extensions(job), install_extensions=False)
    cube = lazycogs.open(
        str(_items(job)),
        bbox=tuple(job["bounds"]),
        crs=job["crs"],
        resolution=job["transform"][0],
        bands=[job["band"]],
        store=store,
        max_concurrent_reads=THREADS,
        duckdb_client=client,
    )
    return [cube.to_numpy()]


async def _write(job: Job) -> None:
    await rustac.write(str(_items(job)), job["items"])


def _items(job: Job) -> Path:
    return Path(job["prepared"]) / "items.parquet"


def _extensions(job: Job) -> Path:
    return Path(job["prepared"]) / "extensions"


if __name__ == "__main__":
    measure(read, prepare)

"""The reader through GDAL: /vsicurl for the web, plain paths for a folder.

GDAL is told the driver, so a file is a GeoTIFF or an error, whatever its
name; VRTs are parsed here and read source by source. Worker threads live as
long as the catalogue is open, because GDAL keeps a connection for each thread.

What GDAL says of a failure does not tell one reason from another. So after a
failure the transport is asked why: what can't pass is raised, all else is
tried again, under a new name (`gdal_names`), because GDAL remembers failures.
"""

import asyncio
import functools
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

import numpy as np
import rasterio
import rasterio.windows
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from shoestring import __version__
from shoestring.gdal_names import NAMES
from shoestring.location import Location
from shoestring.mask import has_data
from shoestring.options import Options
from shoestring.plan import Band, Read
from shoestring.reader import Pixels
from shoestring.sampling import Picked, Sampling
from shoestring.together import together
from shoestring.transport import Transport, retry
from shoestring.workers import Workers
from shoestring_schema import vrt
from shoestring_schema.errors import CatalogueError, OfflineError, TransferError
from shoestring_schema.grid import Grid, Window
from shoestring_schema.site import Number
from shoestring_schema.vrt import PlainVrt, VrtSource

DRIVER = "GTiff"
"""What a layer must be, whatever its name says."""

MAX_BLOCK_BYTES = 256 * 2**20
"""No block of a layer is larger: GDAL allocates a block before it decodes it."""

_STRIP = 4 * 2**20
"""Pixels read at once: between two strips a cancelled read stops."""

_CACHE = 128 * 2**20
"""Bytes that GDAL keeps of what it has fetched, for the whole process."""

_NO_FTP = "refused://shoestring-follows-no-redirects-to-ftp"
"""A proxy that curl refuses to use, before it connects to anything."""

T = TypeVar("T")


def forbid_ftp() -> None:
    """Keep curl from following redirects of assets to FTP.

    That is the one protocol beside http and https that curl follows redirects to by itself,
    and GDAL has no option to forbid it. But curl asks the environment, and only that, for a
    proxy for each protocol. One that the user has set stays as it is. From then on nothing
    else in this process, or begun by it, can use FTP without a proxy.
    """
    for name in ("ftp_proxy", "ftps_proxy"):
        if name.upper() not in os.environ:
            os.environ.setdefault(name, _NO_FTP)


class VsicurlReader:
    """Reads windows through GDAL, in threads.

    Args:
        options: Connections, time limits, retries, trusted authorities.
        transport: Gets VRTs, and tells why GDAL failed.
        offline: Open nothing but local files.
    """

    def __init__(self, options: Options, transport: Transport, *, offline: bool = False) -> None:
        self._offline = offline
        self._options = options
        self._transport = transport
        self._workers = Workers(-(options.connections // -2))
        self._closed = threading.Event()
        forbid_ftp()

    async def read(self, read: Read) -> Pixels:
        """See `Reader.read`."""
        location = read.file.location
        if location.suffix != ".vrt":
            return await self._try(location, functools.partial(_read_window, read))
        mosaic = await self._vrt(location)
        _check_vrt(mosaic, read)
        return await self._read_mosaic(mosaic, read)

    async def inspect(self, location: Location, name: str) -> tuple[Grid, Band]:
        """See `Reader.inspect`."""
        if location.suffix != ".vrt":
            return await self._try(location, functools.partial(_inspect, location, name))
        mosaic = await self._vrt(location)
        band = Band(name=name, data_type=mosaic.data_type, nodata=_storable(mosaic.nodata),
                    scale=mosaic.scale, offset=mosaic.offset)  # fmt: skip
        return mosaic.grid, band

    async def close(self) -> None:
        """See `Reader.close`."""
        self._closed.set()
        self._workers.close()

    async def _vrt(self, location: Location) -> PlainVrt:
        text = await self._transport.fetch(location, max_bytes=vrt.MAX_BYTES)
        return vrt.parse_vrt(text, location.address)

    async def _read_mosaic(self, mosaic: PlainVrt, read: Read) -> Pixels:
        """Sources over each other, lowest first, as GDAL's VRT driver does."""
        fill = 0 if mosaic.nodata is None else mosaic.nodata
        pixels: Pixels = np.full(read.sampling.shape, fill, dtype=mosaic.data_type)
        pieces = [
            (source, slices)
            for source in mosaic.sources
            if (slices := read.sampling.part(source.target))
        ]
        arrays = await together(self._read_source(source, read) for source, _ in pieces)
        for (source, slices), array in zip(pieces, arrays, strict=True):
            place = pixels[slices]
            covers = has_data(array, source.nodata) if source.nodata is not None else np.True_
            np.copyto(place, array.astype(pixels.dtype, copy=False), where=covers)
        return pixels

    async def _read_source(self, source: VrtSource, read: Read) -> Pixels:
        home = read.file.location
        location = home.resolve(source.href if "://" in source.href else quote(source.href))
        return await self._try(location, functools.partial(_read_part, location, source, read))

    async def _try(self, location: Location, work: "Callable[[_Attempt], T]") -> T:
        """Do blocking work in a thread; on failure ask why, and try again what may pass."""
        if self._offline and not location.is_local:
            raise OfflineError(
                f"{location.address} is read by GDAL, which keeps nothing in the cache: open it without offline=True, "
                "or ask its publisher for a site with a tile index."
            )
        tries = iter(range(self._options.retries + 1))
        return await retry(lambda: self._once(location, work, next(tries)), self._options)

    async def _once(self, location: Location, work: "Callable[[_Attempt], T]", number: int) -> T:
        name = location.address if location.is_local else NAMES.name_of(location.address)
        attempt = _Attempt(name, self._options, self._closed)
        try:
            return await self._in_thread(attempt, work)
        except RasterioError as error:
            NAMES.renew(location.address, name)
            known = await self._transport.diagnose(location)
            if known is not None:
                raise known from None
            raise _unreadable(location, error, number) from None

    async def _in_thread(self, attempt: "_Attempt", work: "Callable[[_Attempt], T]") -> T:
        if self._closed.is_set():
            raise TransferError("The catalogue is closed: open it again to read from it.")
        try:
            return await self._workers.run(functools.partial(attempt.run, work))
        except asyncio.CancelledError:
            attempt.cancelled.set()
            raise


class _Attempt:
    """One try at one file, in one thread.

    Args:
        name: What GDAL is given to open.
        options: Time limits, trusted authorities.
        closed: Set when the reader is closed.
    """

    def __init__(self, name: str, options: Options, closed: threading.Event) -> None:
        self.name = name
        self.cancelled = threading.Event()
        self._options = options
        self._closed = closed

    def run(self, work: Callable[["_Attempt"], T]) -> T:
        """Do the work under GDAL's options."""
        with rasterio.Env(**gdal_options(self._options)):
            return work(self)

    def open(self, header_size: int | None, level: int = 0) -> DatasetReader:
        """Open a level of the file, with its whole header in one request."""
        overview = {"overview_level": level - 1} if level else {}
        with rasterio.Env(GDAL_INGESTED_BYTES_AT_OPEN=max(16384, min(header_size or 0, 2**24))):
            return rasterio.open(self.name, driver=DRIVER, **overview)

    def stop_if_cancelled(self) -> None:
        """Leave the thread where nobody waits for the result any more."""
        if self.cancelled.is_set() or self._closed.is_set():
            raise TransferError("The read was cancelled.")


def gdal_options(options: Options) -> dict[str, Any]:
    """GDAL's configuration for safe and quick reads of one pass."""
    wait = max(1, round(options.timeout))
    config: dict[str, Any] = {
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_PAM_ENABLED": "NO",
        "GDAL_HTTP_VERSION": "2TLS",
        "GDAL_HTTP_NETRC": "NO",
        "GDAL_HTTP_USERAGENT": f"shoestring/{__version__}",
        "GDAL_HTTP_CONNECTTIMEOUT": wait,
        "GDAL_HTTP_TIMEOUT": 20 * wait,
        "GDAL_HTTP_LOW_SPEED_TIME": wait,
        "GDAL_HTTP_LOW_SPEED_LIMIT": 1,
        "GDAL_HTTP_MAX_RETRY": min(1, options.retries),
        "GDAL_HTTP_RETRY_DELAY": options.retry_delay,
        "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
        "CPL_VSIL_CURL_CACHE_SIZE": _CACHE,
        "VSI_CACHE": "FALSE",
        "GDAL_NUM_THREADS": 1,
    }
    return config if options.trusted is None else {**config, "GDAL_CURL_CA_BUNDLE": options.trusted}


def _read_window(read: Read, attempt: _Attempt) -> Pixels:
    with attempt.open(read.file.header_size) as dataset:
        _check_grid(dataset, read)
        whole = read.sampling.grid.whole
        picked = _pick(dataset, read.sampling, (whole, whole), attempt)
        return _read_picked(dataset, 1, picked, attempt)


def _read_part(location: Location, source: VrtSource, read: Read, attempt: _Attempt) -> Pixels:
    with attempt.open(None) as dataset:
        _check_blocks(dataset, location)
        inside = Window(0, 0, *dataset.shape)
        if (
            not 1 <= source.band <= dataset.count
            or source.source.intersect(inside) != source.source
        ):
            raise CatalogueError(
                f"{location.address} does not hold the pixels that a VRT wants of it: rebuild the site."
            )
        picked = _pick(dataset, read.sampling, (source.source, source.target), attempt)
        return _read_picked(dataset, source.band, picked, attempt)


def _pick(
    dataset: DatasetReader, sampling: Sampling, place: tuple[Window, Window], attempt: _Attempt
) -> Picked:
    """Choose a level; the shapes of overviews are told by nothing but opening them."""
    shapes = [dataset.shape]
    if sampling.is_coarser:
        for number in range(len(dataset.overviews(1))):
            with attempt.open(None, number + 1) as overview:
                shapes.append(overview.shape)
    picked = sampling.pick(*place, shapes)
    assert picked is not None, "only what the result lies in is read"
    return picked


def _read_picked(dataset: DatasetReader, band: int, picked: Picked, attempt: _Attempt) -> Pixels:
    if picked.level == 0:
        return picked.of(_read_strips(dataset, band, picked.window, attempt))
    with attempt.open(None, picked.level) as overview:
        return picked.of(_read_strips(overview, band, picked.window, attempt))


def _read_strips(dataset: DatasetReader, band: int, window: Window, attempt: _Attempt) -> Pixels:
    """Read whole rows of blocks, a strip at a time where the window is large."""
    pixels: Pixels = np.empty(window.shape, dataset.dtypes[band - 1])
    block = dataset.block_shapes[band - 1][0]
    height = max(1, _STRIP // window.width // block) * block
    first = window.row
    while first < window.row + window.height:
        attempt.stop_if_cancelled()
        last = min((first // height + 1) * height, window.row + window.height)
        dataset.read(
            band,
            window=rasterio.windows.Window(window.column, first, window.width, last - first),
            out=pixels[first - window.row : last - window.row],
        )
        first = last
    return pixels


def _inspect(location: Location, name: str, attempt: _Attempt) -> tuple[Grid, Band]:
    with attempt.open(None) as dataset:
        _check_blocks(dataset, location)
        if dataset.crs is None:
            raise CatalogueError(f"{location.address} has no CRS: its publisher must state one.")
        grid = Grid(dataset.crs.to_string(), tuple(dataset.transform)[:6], dataset.shape)
        band = Band(name=name, data_type=dataset.dtypes[0], nodata=_storable(dataset.nodata),
                    scale=dataset.scales[0], offset=dataset.offsets[0], unit=dataset.units[0])  # fmt: skip
        return grid, band


def _check_grid(dataset: DatasetReader, read: Read) -> None:
    """The file must be what the catalogue says: only then do the arrays line up."""
    where = read.file.location
    _check_blocks(dataset, where)
    grid = read.sampling.grid
    found = Grid(grid.crs, tuple(dataset.transform)[:6], dataset.shape)
    if not found.is_close(grid):
        raise CatalogueError(
            f"{where.address} has {dataset.shape} pixels at {found.bounds}, its catalogue says {grid.shape} at "
            f"{grid.bounds}: the site must be built anew."
        )
    if dataset.dtypes[0] != read.band.data_type:
        raise _wrong_type(where, dataset.dtypes[0], read)


def _check_blocks(dataset: DatasetReader, location: Location) -> None:
    rows, columns = dataset.block_shapes[0]
    if rows * columns * np.dtype(dataset.dtypes[0]).itemsize > MAX_BLOCK_BYTES:
        raise CatalogueError(
            f"{location.address} has blocks of {rows} x {columns} pixels: they must be smaller."
        )


def _check_vrt(mosaic: PlainVrt, read: Read) -> None:
    where = read.file.location
    if not mosaic.grid.is_close(read.sampling.grid):
        raise CatalogueError(
            f"{where.address} has another grid than its catalogue says: the site must be built anew."
        )
    if mosaic.data_type != read.band.data_type:
        raise _wrong_type(where, mosaic.data_type, read)


def _wrong_type(where: Location, found: str, read: Read) -> CatalogueError:
    return CatalogueError(
        f"{where.address} holds {found}, its catalogue says {read.band.data_type}: the site must be built anew."
    )


def _storable(nodata: float | None) -> Number | None:
    """NaN and infinity as the catalogue writes them."""
    if nodata is None or np.isfinite(nodata):
        return nodata
    return "nan" if np.isnan(nodata) else "inf" if nodata > 0 else "-inf"


def _unreadable(location: Location, error: RasterioError, number: int) -> TransferError:
    """For a server that answers well: the file is broken, or the line was cut for a moment."""
    reason = error.__cause__ or error
    no_tiff_twice = number > 0 and "not recognized" in str(reason)
    return TransferError(
        f"{location.address} can't be read as a GeoTIFF ({reason}): try again; if that does not help, the file is "
        "broken and must be built anew.",
        passing=not (location.is_local or no_tiff_twice),
    )

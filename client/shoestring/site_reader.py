"""The reader of a site: by ranges where a tile index tells the blocks, through GDAL elsewhere."""

from shoestring.location import Location
from shoestring.options import Options
from shoestring.plan import Band, Read
from shoestring.ranges import RangeReader
from shoestring.reader import Pixels
from shoestring.transport import Transport
from shoestring.vsicurl import VsicurlReader
from shoestring.workers import Workers
from shoestring_schema.errors import TransferError
from shoestring_schema.grid import Grid


class SiteReader:
    """Both readers behind one name.

    Args:
        options: How to behave.
        transport: Gets bytes.
        workers: Threads that decode.
        offline: Let GDAL open nothing but local files.
    """

    def __init__(
        self, options: Options, transport: Transport, workers: Workers, *, offline: bool = False
    ) -> None:
        self._vsicurl = VsicurlReader(options, transport, offline=offline)
        self._ranges = RangeReader(transport, workers)
        self._closed = False

    async def read(self, read: Read) -> Pixels:
        """See `Reader.read`."""
        if read.file.pieces is None:
            return await self._vsicurl.read(read)
        if self._closed:
            raise TransferError("The catalogue is closed: open it again to read from it.")
        return await self._ranges.read(read, read.file.pieces)

    async def inspect(self, location: Location, name: str) -> tuple[Grid, Band]:
        """See `Reader.inspect`."""
        return await self._vsicurl.inspect(location, name)

    async def close(self) -> None:
        """See `Reader.close`."""
        self._closed = True
        await self._vsicurl.close()

"""A plain ``database.json``: dates to lists of URLs, and nothing else.

That is how GomezEngine's servers publish. The bands are known by their place
in the lists, or by the names that the user gives; the grid, types and nodata
are read from the files of one date.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from shoestring.location import Location
from shoestring.parts import Files
from shoestring.plan import Band, LayerFile
from shoestring.reader import Reader
from shoestring.sampling import Sampling
from shoestring.together import together
from shoestring_schema.errors import CatalogueError, SelectionError, ShoestringError
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment, parse_moment

Database = dict[str, tuple[str | None, ...]]


class DatabaseIndex:
    """The layers' files of a `database.json`.

    Args:
        files: By moment and band.
    """

    def __init__(self, files: Files) -> None:
        self._files = files

    async def files(self, moments: Collection[Moment], samplings: Mapping[str, Sampling]) -> Files:
        """The files of these moments' layers, by moment and band, whatever is meant of them."""
        return {moment: self._files[moment] for moment in moments}


def index_database(database: Database, location: Location, names: Sequence[str] | None) -> Files:
    """Sort a database's URLs by moment and band. Pure.

    Args:
        database: As decoded.
        location: Where it lies.
        names: The bands' names in the order of the lists; else "1", "2", …

    Raises:
        CatalogueError: A key is no date, or an address may not be read.
        SelectionError: There are more or fewer names than bands.
    """
    count = max(map(len, database.values()), default=0)
    if not any(url for urls in database.values() for url in urls):
        raise CatalogueError(
            f"{location.address} lists no files: it must map dates to lists of URLs."
        )
    bands = [str(number + 1) for number in range(count)] if names is None else list(names)
    if len(bands) != count or len(set(bands)) != count:
        raise SelectionError(
            f"{location.address} lists {count} bands a date: give so many different names."
        )
    files = {
        _moment(key, location): {
            band: LayerFile(location.resolve(url))
            for band, url in zip(bands, urls, strict=False)
            if url
        }
        for key, urls in sorted(database.items())
    }
    if len({isinstance(moment, datetime) for moment in files}) > 1:
        raise CatalogueError(f"{location.address} mixes days and instants: write all keys alike.")
    return files


def _moment(key: str, location: Location) -> Moment:
    try:
        return parse_moment(key)
    except SelectionError as error:
        raise CatalogueError(f"{location.address}: {error}") from None


async def inspect_bands(
    files: Files, reader: Reader, location: Location
) -> tuple[Grid, Mapping[str, Band]]:
    """The grid and the bands, from one file of each band.

    The grid is the finest; a band with pixels larger by a whole factor is delivered on it.

    Raises:
        CatalogueError: The bands' files do not fit together.
    """
    first: dict[str, LayerFile] = {}
    for of_date in files.values():
        first = {**of_date, **first}
    names = sorted(
        first, key=lambda name: [name in of_date for of_date in files.values()].index(True)
    )
    found = await together(reader.inspect(first[name].location, name) for name in names)
    finest = min((grid for grid, _ in found), key=lambda grid: grid.resolution)
    try:
        bands = {
            name: _with_factor(band, grid, finest)
            for name, (grid, band) in zip(names, found, strict=True)
        }
    except ShoestringError as error:
        raise CatalogueError(f"{location.address}: {error}") from None
    return finest, bands


def _with_factor(band: Band, grid: Grid, finest: Grid) -> Band:
    factor = round(grid.resolution[0] / finest.resolution[0])
    if not grid.is_close(finest.coarsen(factor)):
        raise CatalogueError(
            f"the files of band {band.name} do not share the grid of the others, nor one coarser by a whole factor: "
            "read them apart."
        )
    return Band(name=band.name, data_type=band.data_type, nodata=band.nodata, scale=band.scale,
                offset=band.offset, unit=band.unit, factor=factor)  # fmt: skip

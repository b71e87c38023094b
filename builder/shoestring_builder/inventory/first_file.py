"""The first usable file of a band and tile: what an undecided grid is taken from."""

from collections.abc import Iterable
from dataclasses import dataclass

from shoestring_builder.inventory.files import Inventory
from shoestring_builder.inventory.header import HeaderReader, SourceHeader
from shoestring_builder.layer import SourceBand
from shoestring_schema.configuration import CollectionTable
from shoestring_schema.errors import ConfigError, SourceError
from shoestring_schema.grid import Grid


@dataclass(frozen=True, slots=True)
class FirstFile:
    """The first usable file of a band and tile.

    Attributes:
        band: The band's name.
        tile: The tile, or an empty string.
        header: What the file says of itself.
        number: Number of the raster band.
    """

    band: str
    tile: str
    header: SourceHeader
    number: int

    @property
    def grid(self) -> Grid:
        """The file's pixels; north is up where the file has them upside down."""
        a, b, c, d, e, f = self.header.transform
        rows, columns = self.header.shape
        if b == d == 0:
            c, a = (c + a * columns, -a) if a < 0 else (c, a)
            f, e = (f + e * rows, -e) if e > 0 else (f, e)
        return Grid(self.header.crs or "", (a, b, c, d, e, f), self.header.shape)


def first_files(
    table: CollectionTable, inventory: Inventory, bands: Iterable[str], read: HeaderReader
) -> tuple[FirstFile, ...]:
    """Open, of each band and tile, files in order of time until one can be used.

    A file that can't be used is passed over here: its own layer will name it.

    Args:
        table: The collection's configuration.
        inventory: Its layers.
        bands: The bands to look at.
        read: Reads headers.

    Raises:
        ConfigError: No file has a configured band.
        SourceError: No file of a band can be used.
    """
    found: list[FirstFile] = []
    for band in bands:
        own = [layer for key, layer in inventory.layers.items() if key.band == band]
        tiles = sorted({source.tile for layer in own for source in layer})
        reasons: list[str] = [] if own else list(inventory.unusable)
        firsts = []
        for tile in tiles:
            sources = (source for layer in own for source in layer if source.tile == tile)
            firsts += _first(band, sources, read, reasons)
        if not firsts:
            raise _none(table, band, reasons)
        found += firsts
    return tuple(found)


def _first(
    band: str, sources: Iterable[SourceBand], read: HeaderReader, reasons: list[str]
) -> list[FirstFile]:
    for source in sources:
        try:
            header = read(source.path)
        except SourceError as error:
            reasons.append(str(error))
            continue
        if source.band > len(header.bands):
            continue
        if header.crs is not None:
            return [FirstFile(band, source.tile, header, source.band)]
        reasons.append(
            f"{source.path} has no CRS: give it one, for example with gdal_edit.py -a_srs."
        )
    return []


def _none(table: CollectionTable, band: str, reasons: list[str]) -> ConfigError | SourceError:
    if reasons:
        return SourceError(f'Of band "{band}" no file can be used; {reasons[0]}')
    wanted = table.bands[band].source_band
    what = f"a raster band {wanted}" if isinstance(wanted, int) else f'one named "{wanted}"'
    return ConfigError(
        f'collection "{table.id}": no file has band "{band}": none of those that source '
        f'"{table.source}" matches has {what}; correct its source_band or take the band out.'
    )

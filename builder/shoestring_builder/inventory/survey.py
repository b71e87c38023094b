"""The grid of a collection and what is the same in all layers of a band.

Decided once, from the configuration, from what is published already and from
the headers of the first mosaic, in this order; pure.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.warp import transform_bounds

from shoestring_builder.inventory.first_file import FirstFile
from shoestring_builder.inventory.header import crs_text
from shoestring_builder.inventory.step import step_of
from shoestring_builder.layer import BandRecipe
from shoestring_schema.configuration import BandTable, CollectionTable, DataType, GridTable
from shoestring_schema.errors import ConfigError
from shoestring_schema.grid import SNAP, Grid
from shoestring_schema.site import BandDocument, CollectionDocument, MaskDocument, Number

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Survey:
    """What is the same in all layers of a collection.

    Attributes:
        grid: The collection's grid.
        bands: What the catalogue says of the bands, in order.
        recipes: How the layers of each band are made.
        mask: Which pixels are clear.
    """

    grid: Grid
    bands: tuple[BandDocument, ...]
    recipes: Mapping[str, BandRecipe]
    mask: MaskDocument | None


def undecided(table: CollectionTable, published: CollectionDocument | None) -> tuple[str, ...]:
    """The bands whose first files must be looked at: all, or those not yet published."""
    if published is None:
        return tuple(table.bands)
    known = {band.name for band in published.bands}
    return tuple(name for name in table.bands if name not in known)


def survey(
    table: CollectionTable, firsts: Sequence[FirstFile], published: CollectionDocument | None
) -> Survey:
    """Decide a collection's grid and its bands' types, factors and nodata.

    Args:
        table: The collection's configuration.
        firsts: The first files of the `undecided` bands, for each tile.
        published: The collection as it stands in the site.

    Raises:
        ConfigError: The configuration contradicts what is published, or can't be used.
    """
    ordered = sorted(firsts, key=lambda first: (list(table.bands).index(first.band), first.tile))
    grid = _grid(table, ordered, published)
    mask = _mask(table)
    first_of = {first.band: first for first in reversed(ordered)}
    old = {band.name: band for band in published.bands} if published else {}
    bands = tuple(
        _band(table, name, grid, first_of.get(name), old.get(name)) for name in table.bands
    )
    recipes = {band.name: _recipe(table, band, grid, mask) for band in bands}
    return Survey(grid, bands, recipes, mask)


def _mask(table: CollectionTable) -> MaskDocument | None:
    own = table.mask
    if own is None:
        return None
    return MaskDocument(band=own.band, clear=own.clear, clear_below=own.clear_below)


def _grid(
    table: CollectionTable, firsts: Sequence[FirstFile], published: CollectionDocument | None
) -> Grid:
    if published is not None:
        document = published.grid
        grid = Grid(document.crs, document.transform, document.shape)
        if table.grid is not None and not _agrees(table, table.grid, grid):
            raise ConfigError(_changed(table, "grid"))
        return grid
    mosaic = _mosaic_grid(firsts)
    return mosaic if table.grid is None else _stated_grid(table, table.grid, firsts)


def _mosaic_grid(firsts: Sequence[FirstFile]) -> Grid:
    """The finest of the bands' first files, grown to hold all files in its CRS."""
    bands = {first.band: first for first in reversed(firsts)}
    reference = min(reversed(bands.values()), key=lambda first: first.grid.resolution).grid
    corners = [
        reference.row_column(*first.grid.xy(row, column))
        for first in firsts
        if first.header.crs == reference.crs
        for row in (0, first.grid.shape[0])
        for column in (0, first.grid.shape[1])
    ]
    rows, columns = zip(*corners, strict=True)
    top, bottom = math.floor(min(rows) + SNAP), math.ceil(max(rows) - SNAP)
    left, right = math.floor(min(columns) + SNAP), math.ceil(max(columns) - SNAP)
    a, b, _, d, e, _ = reference.transform
    x, y = reference.xy(top, left)
    return Grid(reference.crs, (a, b, x, d, e, y), (bottom - top, right - left))


def _stated_grid(table: CollectionTable, stated: GridTable, firsts: Sequence[FirstFile]) -> Grid:
    crs = _stated_crs(table, stated)
    size = stated.resolution
    left, bottom, right, top = stated.bounds or _grown(_bounds_in(table, crs, firsts), size)
    shape = math.ceil((top - bottom) / size - SNAP), math.ceil((right - left) / size - SNAP)
    if max(shape) > 2**31 - 1:
        raise ConfigError(
            f'collection "{table.id}": a grid of {shape[0]} x {shape[1]} pixels is too large; '
            f"is resolution = {size} in units of {stated.crs}?"
        )
    return Grid(
        crs_text(crs), (size, 0.0, left, 0.0, -size, top), (max(shape[0], 1), max(shape[1], 1))
    )


def _stated_crs(table: CollectionTable, stated: GridTable) -> CRS:
    try:
        return CRS.from_user_input(stated.crs)
    except CRSError:
        raise ConfigError(
            f'collection "{table.id}": grid.crs "{stated.crs[:80]}" is not a CRS; '
            "write it like EPSG:32630, or as WKT or PROJ string."
        ) from None


def _bounds_in(table: CollectionTable, crs: CRS, firsts: Sequence[FirstFile]) -> Bounds:
    """Bounds of the first mosaic in a CRS."""
    all_bounds = []
    for first in firsts:
        try:
            all_bounds.append(
                transform_bounds(CRS.from_user_input(first.header.crs), crs, *first.grid.bounds)
            )
        except CRSError as error:
            raise ConfigError(
                f'collection "{table.id}": {first.header.path} can\'t be brought into grid.crs '
                f"({error}); choose another CRS or state grid.bounds."
            ) from None
    left, bottom, right, top = zip(*all_bounds, strict=True)
    bounds = min(left), min(bottom), max(right), max(top)
    if not all(map(math.isfinite, bounds)):
        raise ConfigError(
            f'collection "{table.id}": grid.crs does not reach its files: state grid.bounds.'
        )
    return bounds


def _grown(bounds: Bounds, size: float) -> Bounds:
    """Bounds grown to multiples of a resolution."""
    left, bottom, right, top = (value / size for value in bounds)
    return (
        math.floor(left + SNAP) * size,
        math.floor(bottom + SNAP) * size,
        math.ceil(right - SNAP) * size,
        math.ceil(top - SNAP) * size,
    )


def _agrees(table: CollectionTable, stated: GridTable, grid: Grid) -> bool:
    """Whether a published grid is the one that the configuration states."""
    if crs_text(_stated_crs(table, stated)) != grid.crs:
        return False
    if stated.bounds is not None:
        return _stated_grid(table, stated, ()) == grid
    return grid.resolution == (stated.resolution, stated.resolution)


def _band(
    table: CollectionTable,
    name: str,
    grid: Grid,
    first: FirstFile | None,
    old: BandDocument | None,
) -> BandDocument:
    own = table.bands[name]
    data_type = own.data_type or (old.data_type if old else _file_type(table, name, first))
    nodata = _nodata(table, name, own, data_type, first, old)
    factor = own.factor or (old.factor if old else _file_factor(grid, first))
    for key, value in (("data_type", data_type), ("nodata", nodata), ("factor", factor)):
        if old is not None and getattr(old, key) != value:
            raise ConfigError(_changed(table, f"bands.{name}.{key}"))
    return BandDocument(
        name=name, data_type=data_type, nodata=nodata, scale=own.scale, offset=own.offset,
        unit=own.unit, factor=factor, common_name=own.common_name, title=own.title,
    )  # fmt: skip


def _file_type(table: CollectionTable, name: str, first: FirstFile | None) -> DataType:
    found = first.header.bands[first.number - 1].data_type if first else "none"
    for known in get_args(DataType):
        if found == known:
            return known  # type: ignore[no-any-return]
    raise ConfigError(
        f'collection "{table.id}": band "{name}" comes as {found}, which can\'t be stored; '
        f"set its data_type to one of {', '.join(get_args(DataType))}."
    )


def _nodata(
    table: CollectionTable,
    name: str,
    own: BandTable,
    data_type: DataType,
    first: FirstFile | None,
    old: BandDocument | None,
) -> Number | None:
    """The stored number that means "no data", as the catalogue writes it."""
    if own.nodata is not None:
        if not _fits(own.nodata, data_type):
            raise ConfigError(
                f'collection "{table.id}": nodata = {own.nodata:g} of band "{name}" '
                f"is not a number of type {data_type}; choose another."
            )
        return _number(own.nodata)
    if old is not None:
        return old.nodata
    tagged = first.header.bands[first.number - 1].nodata if first else None
    return None if tagged is None or not _fits(tagged, data_type) else _number(tagged)


def _fits(value: float, data_type: DataType) -> bool:
    if data_type.startswith("float"):
        largest = float(np.finfo(data_type).max)
        return not math.isfinite(value) or abs(value) <= largest
    if not math.isfinite(value) or value != int(value):
        return False
    limits = np.iinfo(data_type)
    return bool(limits.min <= value <= limits.max)


def _number(value: float) -> Number:
    """JSON has no numbers for these three."""
    if math.isnan(value):
        return "nan"
    return value if math.isfinite(value) else "inf" if value > 0 else "-inf"


def _file_factor(grid: Grid, first: FirstFile | None) -> int:
    """How many times a file's pixels are as large as the grid's, where they line up; else 1."""
    if first is None or first.header.crs != grid.crs:
        return 1
    ratios = [own / of for own, of in zip(first.grid.resolution, grid.resolution, strict=True)]
    factor = round(ratios[0])
    offsets = [p / max(factor, 1) for p in grid.row_column(*first.grid.xy(0, 0))]
    whole = all(abs(ratio - factor) <= SNAP * factor for ratio in ratios)
    aligned = all(abs(offset - round(offset)) <= SNAP for offset in offsets)
    return factor if whole and aligned and 1 <= factor <= 1000 else 1


def _recipe(
    table: CollectionTable, band: BandDocument, grid: Grid, mask: MaskDocument | None
) -> BandRecipe:
    own = table.bands[band.name]
    overview = own.overview_resampling or ("mode" if own.resampling == "nearest" else "average")
    return BandRecipe(
        name=band.name,
        grid=grid.coarsen(band.factor),
        data_type=band.data_type,
        nodata=None if band.nodata is None else float(band.nodata),
        scale=band.scale,
        offset=band.offset,
        unit=band.unit,
        resampling=own.resampling,
        overview_resampling=overview,
        may_reproject=table.grid is not None,
        layout=table.layout,
        block_size=table.block_size if table.layout == "cog" else 0,
        step=step_of(own, band.data_type, f'collection "{table.id}": band "{band.name}"'),
        clear=mask if mask is not None and mask.band == band.name else None,
    )


def _changed(table: CollectionTable, what: str) -> str:
    return (
        f'collection "{table.id}": {what} differs from what is published, and readers rely on it; '
        "give the collection a new id, or remove its folder from the site to build it anew."
    )

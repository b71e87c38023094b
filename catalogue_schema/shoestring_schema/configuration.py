"""The builder's configuration file, as typed values.

The JSON Schema beside this file (``schemas/configuration.json``) is generated
from these types, and the reference page in the documentation from both.
"""

import difflib
import math
import re
import tomllib
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from shoestring_schema.duration import PATTERN, Duration
from shoestring_schema.errors import ConfigError

Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",
        description="Letters, digits, dot, dash and underscore: it becomes part of file names.",
    ),
]
Resampling = Literal[
    "nearest",
    "bilinear",
    "cubic",
    "cubic_spline",
    "lanczos",
    "average",
    "mode",
    "max",
    "min",
    "med",
]
DataType = Literal["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
CommonName = Literal[
    "coastal", "blue", "green", "red", "rededge", "rededge1", "rededge2", "rededge3", "yellow",
    "pan", "nir", "nir08", "nir09", "cirrus", "swir16", "swir22", "lwir", "lwir11", "lwir12"
]  # fmt: skip
"""Those that the STAC extension eo 1.1 knows; it allows no others."""
Positive = Annotated[float, Meta(gt=0)]
_BASE_URL = r"^https?://[^\s?#]+$(?!\n)"
DoorName = Literal["vrt", "stacit", "gti", "qgis", "parquet", "checksums", "kerchunk"]
"""Kinds of files that are written for other tools."""

DEFAULT_DOORS: tuple[DoorName, ...] = ("vrt", "stacit", "gti", "qgis", "parquet", "checksums")
ABSOLUTE_DOORS: tuple[DoorName, ...] = ("stacit", "qgis", "parquet", "kerchunk")
"""Those that can hold no relative links: they are there only where there is a `base_url`."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all tables: frozen, and an unknown key is a mistake."""


class CatalogueTable(_Table, frozen=True):
    """``[catalogue]``: what the site is called and where it goes.

    Attributes:
        id: The catalogue's identifier.
        output: Folder of the site, relative to the configuration file.
        title: A name for people.
        description: A paragraph for people; CommonMark.
        base_url: Public address of the folder, if there is one: for the formats
            that cannot hold relative links.
        database: Whether to write `database.json` beside each collection.
        doors: Files for other tools, made of the same items: ``vrt`` (all bands of a date, all
            dates of a band), ``stacit`` and ``gti`` (GDAL), ``qgis`` (a project, layer
            definitions), ``parquet`` (GeoParquet of the items), ``checksums`` (`SHA256SUMS`, a
            list of addresses), ``kerchunk`` (xarray). Without it all but ``kerchunk``; those
            that hold absolute addresses (``stacit``, ``qgis``, ``parquet``, ``kerchunk``) only
            where there is a `base_url`. ``[]``: none.
        keep: How long a snapshot of the site can still be read after a newer one has
            replaced it, such as ``30 days``. Then the files that only it names are removed.
        settle: How long a new source file must stay as it is before what was made of it is
            published, such as ``2 minutes``: one that changes meanwhile is still being copied,
            and left for the next run. Files older than an hour are not waited for.
        status: Whether each run writes `status.json` and `status.html` into the site, and a
            feed of what is new, `feed.xml`, beside each collection. They are as public as the
            site, and tell which source files could not be used and why.
        on_failure: A shell command that `shoestring build` calls when a run has failed, such as
            ``mail -s 'Ghana: build failed' me@example.org``: it gets the reasons on its standard
            input, a sentence a line. A minute later it is ended.
    """

    id: Name
    output: str = "site"
    title: str | None = None
    description: str | None = None
    base_url: Annotated[str, Meta(pattern=_BASE_URL)] | None = None
    database: bool = True
    doors: tuple[DoorName, ...] | None = None
    keep: Duration = "20 hours"
    settle: Duration = "5 seconds"
    status: bool = True
    on_failure: Annotated[str, Meta(min_length=1)] | None = None

    @property
    def intended_doors(self) -> tuple[DoorName, ...]:
        """The doors that are wanted, each once, also where an address for them is lacking."""
        wanted = DEFAULT_DOORS if self.doors is None else self.doors
        return tuple(name for name in get_args(DoorName) if name in wanted)

    @property
    def written_doors(self) -> tuple[DoorName, ...]:
        """Those of them that can be written."""
        lacking = () if self.base_url else ABSOLUTE_DOORS
        return tuple(name for name in self.intended_doors if name not in lacking)


class GridTable(_Table, frozen=True):
    """``grid = {…}``: the pixels that all layers of a collection share.

    Attributes:
        crs: ``EPSG:32630``, WKT or PROJ string.
        resolution: Size of a (square) pixel in units of the CRS.
        bounds: Left, bottom, right, top in the CRS; without it, those of the first
            mosaic, grown to multiples of the resolution.
    """

    crs: str
    resolution: Positive
    bounds: tuple[float, float, float, float] | None = None


class BandTable(_Table, frozen=True):
    """``[collections.bands.NAME]``: one band, its meaning and its treatment.

    Attributes:
        title: A name for people.
        common_name: STAC's common name, such as ``red`` or ``nir``.
        center_wavelength: In micrometres.
        unit: Unit of the scaled values, such as ``degC`` or ``1``.
        nodata: The stored number that means "no data"; without it, the files' own.
        scale: Stored number times scale plus offset is the value.
        offset: See `scale`.
        data_type: Type to store; without it, that of the files.
        resampling: How pixels that do not fall on the grid are computed:
            ``nearest`` for classes, ``bilinear`` or better for measurements.
        overview_resampling: How overviews are computed; without it, ``mode`` for
            bands with ``nearest``, else ``average``.
        factor: The band is stored coarser than the grid by this whole factor;
            without it, found from the files.
        source_name: What stands for ``{band}`` in the path; without it, the band's name.
        source_band: Which raster band of a file: its number from 1, or its name
            (description, GRIB element or netCDF variable).
        max_error: How far a value may be off, in its own unit (that of stored number times
            scale plus offset), so 0.0005 for reflectance: stored numbers are rounded
            so that files become smaller. "No data" stays exact. 0: nothing is lost.
    """

    title: str | None = None
    common_name: CommonName | None = None
    center_wavelength: Positive | None = None
    unit: str | None = None
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    data_type: DataType | None = None
    resampling: Resampling = "bilinear"
    overview_resampling: Literal["average", "mode", "nearest"] | None = None
    factor: Annotated[int, Meta(ge=1, le=1000)] | None = None
    source_name: str | None = None
    source_band: Annotated[int, Meta(ge=1)] | str | None = None
    max_error: Annotated[float, Meta(ge=0)] = 0.0


class MaskTable(_Table, frozen=True):
    """``[collections.mask]``: which pixels are clear.

    Attributes:
        band: The band that tells. It need not be extracted.
        clear: Classes that are clear; or
        clear_below: Clear is where the band (a probability) is below this.
    """

    band: Name
    clear: tuple[int, ...] | None = None
    clear_below: float | None = None


class CollectionTable(_Table, frozen=True):
    """``[[collections]]``: layers that share a grid.

    Attributes:
        id: The collection's identifier and folder.
        source: Path pattern of the source files, relative to the configuration file:
            ``{date}`` or ``{date:%Y%j}``, ``{band}``, ``{tile}``, ``{*}`` for anything.
        bands: The bands, in the order in which they are listed to readers.
        title: A name for people.
        description: A paragraph for people; CommonMark.
        license: SPDX identifier, or ``other``.
        attribution: Who is to be named when the data are used.
        time: ``path``: the pattern's date; ``metadata``: each raster band's own valid
            time, for GRIB and netCDF files that hold many.
        grid: The grid; without it, that of the first mosaic.
        layout: ``cog``: Cloud Optimized GeoTIFFs are written; ``vrt``: VRTs over tiled
            files that already are inside the site.
        block_size: Pixels. Edge of the square blocks in which a COG is stored and read:
            small ones for small fields, large ones for large regions and maps.
        mask: Which pixels are clear.
        on_missing: What becomes of published layers whose source files are gone: ``keep`` or
            ``drop``. Where no source file is found at all, or one can't be opened that could
            hold them, all are kept: then the archive is not there, or damaged.
    """

    id: Name
    source: str
    bands: dict[Name, BandTable]
    title: str | None = None
    description: str | None = None
    license: str = "other"
    attribution: str | None = None
    time: Literal["path", "metadata"] = "path"
    grid: GridTable | None = None
    layout: Literal["cog", "vrt"] = "cog"
    block_size: Literal[64, 128, 256, 512] = 128
    mask: MaskTable | None = None
    on_missing: Literal["keep", "drop"] = "keep"


class Configuration(_Table, frozen=True):
    """The whole file.

    Attributes:
        catalogue: The site.
        collections: Its collections, in the order in which they are listed to readers.
    """

    catalogue: CatalogueTable
    collections: list[CollectionTable]


def check_base_url(base_url: str | None) -> None:
    """See that an address may be a `base_url`.

    Raises:
        ConfigError: It may not.
    """
    if base_url is not None and not re.fullmatch(_BASE_URL, base_url):
        raise ConfigError(
            f"{base_url[:200]!r} is no public address of a site: give one such as "
            "https://example.org/ghana, without ? and #."
        )


def parse_configuration(text: str, where: str) -> Configuration:
    """Read a configuration and check everything that can be checked without files.

    Args:
        text: TOML.
        where: Name of the file, for messages.

    Raises:
        ConfigError: Not TOML, an unknown or missing key, a value of the wrong kind, or
            values that contradict each other.
    """
    try:
        configuration = msgspec.convert(tomllib.loads(text), Configuration)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML: {error}.") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_explain(str(error))}") from None
    for problem in _contradictions(configuration):
        raise ConfigError(f"{where}: {problem}")
    return configuration


def _explain(message: str) -> str:
    """Turn msgspec's message into a sentence that names the key and a likely remedy."""
    problem, _, path = message.partition(" - at `$")
    if repr(PATTERN) in problem:
        problem = 'expected a number and a unit, such as "30 days", "1 hour" or "90 seconds"'
    place = re.sub(r"\[\.\.\.\]", ".NAME", path.rstrip("`").lstrip(".")) or "the top level"
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", problem)
    if unknown is None:
        return f"in {place}: {problem}."
    known = [field for table in _TABLES for field in table.__struct_fields__]
    near = difflib.get_close_matches(unknown[1], known, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else "; see the reference of the configuration."
    return f'unknown key "{unknown[1]}" in {place}{hint}'


_TABLES = (CatalogueTable, GridTable, BandTable, MaskTable, CollectionTable, Configuration)


def _contradictions(configuration: Configuration) -> "list[str]":
    """Sentences on values that can't stand together."""
    problems = _twins("collection", [c.id for c in configuration.collections])
    problems += _door_problems(configuration.catalogue)
    problems += _kerchunk_problems(configuration)
    if not configuration.collections:
        problems.append("there is no [[collections]] table: add one.")
    for collection in configuration.collections:
        problems += [f'collection "{collection.id}": {p}' for p in _collection_problems(collection)]
    return problems


def _door_problems(catalogue: CatalogueTable) -> "list[str]":
    """Sentences on doors that are asked for by name and can't be written."""
    wanted = catalogue.doors or ()
    lacking: list[str] = [
        name for name in ABSOLUTE_DOORS if name in wanted and not catalogue.base_url
    ]
    problems = []
    if lacking:
        problems.append(
            f"catalogue.doors: {_listed(lacking)} can hold no relative links; state base_url, the "
            "public address of the site, or leave it out."
        )
    if "gti" in wanted and "vrt" not in wanted:
        problems.append('catalogue.doors: "gti" leads to VRTs of the dates; add "vrt".')
    return problems


def _kerchunk_problems(configuration: Configuration) -> "list[str]":
    """Sentences on collections whose layers have no blocks of their own to refer to."""
    return [
        f'catalogue.doors: "kerchunk" refers to blocks of COGs, and the layers of "{own.id}" are VRTs '
        f'over other files; state layout = "cog" there, or leave "kerchunk" out.'
        for own in configuration.collections
        if own.layout == "vrt" and "kerchunk" in (configuration.catalogue.doors or ())
    ]


def _listed(names: "list[str]") -> str:
    return " and ".join(f'"{name}"' for name in names)


def _collection_problems(collection: CollectionTable) -> "list[str]":
    problems = _twins("band", list(collection.bands))
    if not collection.bands:
        problems.append("no bands: add a [collections.bands.NAME] table for each.")
    mask = collection.mask
    if mask is not None:
        if mask.band not in collection.bands:
            problems.append(
                f'mask.band "{mask.band}" is not one of its bands: {", ".join(collection.bands)}.'
            )
        if (mask.clear is None) == (mask.clear_below is None):
            problems.append("mask needs either clear = [classes] or clear_below = number.")
    if collection.grid is not None and collection.grid.bounds is not None:
        left, bottom, right, top = collection.grid.bounds
        if not (left < right and bottom < top):
            problems.append("grid.bounds must be left, bottom, right, top.")
    return problems + _loss_problems(collection)


def _loss_problems(collection: CollectionTable) -> "list[str]":
    problems = []
    for name, band in collection.bands.items():
        if band.max_error == 0:
            continue
        place = f"bands.{name}.max_error"
        if not math.isfinite(band.max_error):
            problems.append(f"{place} must be a finite number.")
        if collection.layout == "vrt":
            problems.append(f'{place}: a VRT reads files as they are; state layout = "cog".')
        if collection.mask is not None and collection.mask.band == name:
            problems.append(f"{place}: the mask tells what is clear, so nothing of it may be lost.")
    return problems


def _twins(what: str, names: "list[str]") -> "list[str]":
    """Names that are one and the same on a file system that ignores case."""
    seen: dict[str, str] = {}
    problems = []
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other is not name:
            problems.append(
                f'{what} names "{other}" and "{name}" differ by nothing but case: rename one.'
            )
    return problems

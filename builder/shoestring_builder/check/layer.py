"""Is a layer's file what the catalogue says of it?"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import rasterio
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from shoestring_builder.check.site_reader import SiteReader
from shoestring_builder.index.tiff import read_tiff
from shoestring_builder.media import hash_of
from shoestring_schema.errors import CatalogueError, MissingExtraError, SourceError
from shoestring_schema.grid import Grid
from shoestring_schema.site import AssetDocument, BandDocument
from shoestring_schema.vrt import PlainVrt, parse_vrt

NEAR = 1e-6
"""Pixels: transforms that differ by less are the same."""


@dataclass(frozen=True, slots=True)
class ExpectedLayer:
    """What a layer's file must be.

    Attributes:
        band: The band.
        grid: The collection's grid, coarsened by the band's factor.
    """

    band: BandDocument
    grid: Grid


def file_faults(
    reader: SiteReader, name: str, size: int | None, checksum: str | None
) -> Iterator[str]:
    """Compare a file with the size and the checksum that are stated, and with its own name.

    Args:
        reader: The site.
        name: The file.
        size: Bytes as stated; None where they should be and are not.
        checksum: Multihash as stated; None likewise.

    A file that is not read has the size that is stated, and that is all.
    """
    found = reader.digest(name).size if reader.reads(name) else reader.size(name)
    if size is None or checksum is None:
        yield f"{name} has no size or no checksum in the catalogue."
    elif found != size:
        yield f"{name} has {found} bytes, the catalogue says {size}."
    elif reader.reads(name) and reader.digest(name).checksum != checksum:
        yield f"{name} is not the file that was published: its checksum differs."
    if reader.reads(name):
        yield from name_faults(reader, name)


def name_faults(reader: SiteReader, name: str) -> Iterator[str]:
    """Check that a name with a hash is that of the file's content."""
    stated = hash_of(name)
    if stated is not None and stated != reader.digest(name).checksum[4:20]:
        yield f"{name} does not hold the content that its name has the hash of."


def layer_faults(
    reader: SiteReader, item: str, asset: AssetDocument, expected: ExpectedLayer
) -> Iterator[str]:
    """Check the file of one layer.

    Args:
        reader: The site.
        item: Name of the document whose asset it is.
        asset: The asset.
        expected: What the collection says of the band.
    """
    try:
        name = reader.follow(item, asset.href)
        whole = list(file_faults(reader, name, asset.size, asset.checksum))
        yield from whole
        if name.endswith(".vrt"):
            yield from _vrt_faults(reader, name, item, asset, expected)
        elif (
            reader.deep and not whole
        ):  # GDAL has nothing to add on a file that is not the right one
            yield from _cog_faults(reader.path(name), name, asset, expected)
    except CatalogueError as error:
        yield str(error)


def _cog_faults(
    path: Path, name: str, asset: AssetDocument, expected: ExpectedLayer
) -> Iterator[str]:
    try:
        with rasterio.open(path, driver="GTiff") as dataset:
            wrong = list(pixel_faults(dataset, name, expected))
            yield from wrong
            if not wrong:  # then its dimensions are known to be sane
                yield from _header_faults(dataset, name, asset)
        if not wrong:
            yield from _structure_faults(path, name)
    except SourceError as error:
        yield str(error)
    except (RasterioError, OSError) as error:
        yield f"{name} is not a TIFF that GDAL can read: {_line(error)}."


def pixel_faults(dataset: DatasetReader, name: str, expected: ExpectedLayer) -> Iterator[str]:
    """Compare what a layer's file says of its pixels with what the collection says of them."""
    band = expected.band
    if dataset.count != 1:
        yield f"{name} has {dataset.count} bands, not one."
    if dataset.crs is None or not _same_crs(dataset.crs, expected.grid.crs):
        crs = dataset.crs.to_string() if dataset.crs else "no CRS"
        yield f"{name} is in {crs[:80]}, the collection in {expected.grid.crs[:80]}."
    if not _same_transform(tuple(dataset.transform)[:6], expected.grid):
        yield f"{name} does not lie on the collection's grid: its transform differs."
    if dataset.shape != expected.grid.shape:
        yield f"{name} has {_by(dataset.shape)} pixels, its band {_by(expected.grid.shape)}."
    if dataset.dtypes[0] != band.data_type:
        yield f"{name} holds {dataset.dtypes[0]}, its band is {band.data_type}."
    if 4 * _blocks(dataset) > Path(dataset.name).stat().st_size:  # each has its entry in a list
        yield f"{name} claims more blocks of pixels than a file of its size can hold."
    if not _same_number(dataset.nodata, band.nodata):
        yield f"{name} has nodata {dataset.nodata}, its band {band.nodata}."
    if (dataset.scales[0], dataset.offsets[0]) != (band.scale, band.offset):
        yield f"{name} has another scale or offset than its band."


def _header_faults(dataset: DatasetReader, name: str, asset: AssetDocument) -> Iterator[str]:
    tiff = read_tiff(Path(dataset.name))
    if asset.header_size is None:
        yield f"{name} has no header_size in the catalogue."
    elif tiff is not None and asset.header_size != tiff.header_size:
        yield (
            f"{name} has its first block at byte {tiff.header_size}, the catalogue says "
            f"header_size {asset.header_size}."
        )


def _blocks(dataset: DatasetReader) -> int:
    height, width = dataset.block_shapes[0]
    return int(-(dataset.height // -height) * -(dataset.width // -width))


def _structure_faults(path: Path, name: str) -> Iterator[str]:
    try:
        from rio_cogeo.cogeo import cog_validate
    except ModuleNotFoundError:
        raise MissingExtraError("shoestring check", "builder") from None
    valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
    if not valid:
        yield f"{name} is not a valid COG: {'; '.join([*errors, *warnings])}."


def _vrt_faults(
    reader: SiteReader, name: str, item: str, asset: AssetDocument, expected: ExpectedLayer
) -> Iterator[str]:
    vrt = parse_vrt(reader.data(name), name)
    band = expected.band
    if not (vrt.grid.shape == expected.grid.shape and _same_crs(vrt.grid.crs, expected.grid.crs)
            and _same_transform(vrt.grid.transform, expected.grid)):  # fmt: skip
        yield f"{name} does not lie on the collection's grid: CRS, transform or shape differs."
    if vrt.data_type != band.data_type or not _same_number(vrt.nodata, band.nodata):
        yield f"{name} has another data type or nodata than its band."
    yield from _source_faults(reader, name, item, asset, vrt)


def _source_faults(
    reader: SiteReader, name: str, item: str, asset: AssetDocument, vrt: PlainVrt
) -> Iterator[str]:
    """Each source is inside the site, stated in the asset, and the file that was stated."""
    stated: set[str] = set()
    for source in asset.sources:
        try:
            target = reader.follow(item, source.href)
            stated.add(target)
            yield from file_faults(reader, target, source.size, source.checksum)
        except CatalogueError as error:
            yield str(error)
    for href in sorted({source.href for source in vrt.sources}):
        try:
            if reader.file(name, href) not in stated:
                yield f"{name} reads {href}, whose size and checksum the catalogue does not state."
        except CatalogueError as error:
            yield str(error)


def _same_crs(one: CRS | str, other: str) -> bool:
    first, second = CRS.from_user_input(one), CRS.from_user_input(other)
    # A CRS without a code loses its names on the way through a TIFF's keys.
    return bool(first == second or (first.to_dict() and first.to_dict() == second.to_dict()))


def _same_transform(one: tuple[float, ...], grid: Grid) -> bool:
    near = NEAR * min(grid.resolution)
    return all(abs(a - b) <= near for a, b in zip(one, grid.transform, strict=True))


def _same_number(one: float | None, other: float | str | None) -> bool:
    if one is None or other is None:
        return one is other
    stated = float(other)
    return one == stated or (math.isnan(one) and math.isnan(stated))


def _by(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")

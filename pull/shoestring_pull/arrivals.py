"""What arrived is the file that was stated; and it leads to no others than were stated."""

import posixpath
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree as ET

from shoestring.crs import parse_crs
from shoestring_builder.index.index_file import open_index
from shoestring_builder.index.tiff import read_tiff
from shoestring_pull.names import name_of
from shoestring_schema.errors import CatalogueError, SourceError
from shoestring_schema.site import IndexDocument
from shoestring_schema.vrt import parse_vrt, parse_xml

SMALL = 2**32
"""Pixels. So many are read whatever they are packed in: in a minute or two."""

_OF_DOORS = frozenset({
    "VRTDataset", "SRS", "GeoTransform", "Metadata", "MDI", "OverviewList", "VRTRasterBand",
    "Description", "NoDataValue", "UnitType", "Offset", "Scale", "ColorInterp",
    "PixelFunctionType", "PixelFunctionArguments", "SourceTransferType", "MaskBand",
    "SimpleSource", "ComplexSource", "SourceFilename", "SourceBand", "SrcRect", "DstRect",
    "ScaleOffset", "ScaleRatio", "NODATA", "Exponent", "SrcMin", "SrcMax", "DstMin", "DstMax",
})  # fmt: skip
"""All elements that VRTs of doors have. Others may lead to files, or hold code."""

DENSE = 2**12
"""Pixels in a byte. Of one number all over, a block of 512 x 512 has 30 or 40 bytes, and eight
tell where it lies."""


def check_vrt(copy: Path, name: str, stated: Collection[str]) -> None:
    """See that a VRT reads only files that its item states.

    Args:
        copy: The copy's folder.
        name: The VRT.
        stated: Names of the files that it may read.

    Raises:
        CatalogueError: It reads others, or is more than a plain mosaic; it was removed.
    """
    path = copy / name
    try:
        vrt = parse_vrt(path.read_bytes(), name)
        for source in vrt.sources:
            href = source.href
            own = posixpath.normpath(posixpath.join(posixpath.dirname(name), href))
            if "://" in href or own not in stated:
                raise CatalogueError(
                    f"{name} reads {href[:200]!r}, which its catalogue does not state: it was not kept; tell its "
                    "publisher."
                )
    except CatalogueError:
        path.unlink(missing_ok=True)
        raise


def check_door(copy: Path, name: str, stated: Collection[str]) -> None:
    """See that a VRT of a date, or of a band, leads only to files of the copy, and runs no code.

    Args:
        copy: The copy's folder.
        name: The VRT.
        stated: Names of the files that it may read.

    Raises:
        CatalogueError: It leads to others, or is no such VRT; it was removed.
    """
    path = copy / name
    try:
        wrong = _foreign(parse_xml(path.read_bytes(), name), posixpath.dirname(name), stated)
        if wrong is not None:
            raise CatalogueError(
                f"{name} has {wrong[:200]!r}, which its catalogue does not state: it was not kept; tell its publisher."
            )
    except CatalogueError:
        path.unlink(missing_ok=True)
        raise


def _foreign(root: ET.Element, folder: str, stated: Collection[str]) -> str | None:
    """What a VRT has that leads elsewhere, or may run code."""
    for element in root.iter():
        if element.tag not in _OF_DOORS:
            return str(element.tag)
        if element.tag == "SourceFilename":
            href = element.text or ""
            own = posixpath.normpath(posixpath.join(folder, href))
            if element.get("relativeToVRT") != "1" or own not in stated:
                return href
    crs = root.findtext("SRS") or ""
    try:
        parse_crs(crs)
    except ValueError:
        return crs
    return None


def check_pixels(path: Path) -> None:
    """See that a file does not unpack to far more than its bytes can mean: it is about to be read.

    Args:
        path: A TIFF; any other file passes.

    Raises:
        CatalogueError: It does; it was removed.
    """
    with suppress(SourceError):  # no TIFF: then it is not read
        tiff = read_tiff(path)
        levels = tiff.levels if tiff is not None else ()
        pixels = sum(level.document.shape[0] * level.document.shape[1] for level in levels)
        if tiff is not None and pixels > SMALL + DENSE * tiff.size:
            path.unlink(missing_ok=True)
            raise CatalogueError(
                f"{path} claims {pixels} pixels in {tiff.size} bytes: it was not kept; tell its publisher."
            )


def check_index(copy: Path, name: str, document: IndexDocument, stated: Collection[str]) -> None:
    """See that a tile index leads only to files that are stated.

    Args:
        copy: The copy's folder.
        name: The index.
        document: What its collection says of it.
        stated: Names of the files that it may lead to.

    Raises:
        CatalogueError: It leads to others, or is none; it was removed.
    """
    path = copy / name
    try:
        head = open_index(path, document, name).head
        hrefs = {file.href for stack in head.files for files in stack.values() for file in files}
        for href in sorted(hrefs):
            if name_of(href, name) not in stated:
                raise CatalogueError(
                    f"{name} leads to {href[:200]!r}, which its catalogue does not state: it was not kept; tell its "
                    "publisher."
                )
    except CatalogueError:
        path.unlink(missing_ok=True)
        raise

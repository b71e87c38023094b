"""What arrived is the file that was stated; and it leads to no others than were stated."""

import posixpath
from collections.abc import Collection
from pathlib import Path

from shoestring_builder.index.index_file import open_index
from shoestring_pull.names import name_of
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import IndexDocument
from shoestring_schema.vrt import parse_vrt


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

"""The settings that a copy's documents are made with, from the documents of its site. Pure."""

from collections.abc import Sequence

import msgspec

from shoestring_builder.describe.item import Frame
from shoestring_builder.describe.told import told_catalogue, told_frame
from shoestring_pull.upstream import Upstream, UpstreamCollection
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.grid import Grid
from shoestring_schema.site import BandDocument

_WHOLE = "kerchunk"
"""A door that can't be made of every layer: a copy does without it."""


def catalogue_table(upstream: Upstream, *, database: bool) -> CatalogueTable:
    """The settings of a site: where a copy will be is not known, nor which address it will have.

    Args:
        upstream: The site.
        database: Whether `database.json` is written.
    """
    table = told_catalogue(upstream.document, database=database)
    doors = tuple(name for name in table.intended_doors if name != _WHOLE)
    return msgspec.structs.replace(table, base_url=None, doors=doors)


def make_frame(collection: UpstreamCollection, bands: Sequence[BandDocument], grid: Grid) -> Frame:
    """The settings of a collection.

    Args:
        collection: The collection upstream.
        bands: The bands of the copy, in order.
        grid: The grid of the copy.
    """
    return told_frame(collection.document, collection.raw, bands, grid)

"""How a raster band of a file is stored: what its header tells, as plain values."""

from dataclasses import dataclass

from shoestring_schema.site import LevelDocument
from shoestring_schema.tile_index import BlockFormat


@dataclass(frozen=True, slots=True)
class StoredBand:
    """How a raster band of a file is stored.

    Attributes:
        size: Bytes of the file.
        header_size: Bytes before its first block.
        levels: Full resolution first.
        formats: How the blocks of each level are decoded.
    """

    size: int
    header_size: int | None
    levels: tuple[LevelDocument, ...]
    formats: tuple[BlockFormat, ...]

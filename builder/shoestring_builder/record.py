"""What the catalogue holds of a layer, a thumbnail and an item.

A layer that was rendered just now and one that was published years ago look
alike from here on; all documents are made from these values alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shoestring_builder.layer import LayerKey, RenderedLayer, Statistics
from shoestring_schema.configuration import CollectionTable
from shoestring_schema.moment import Moment, file_stem
from shoestring_schema.site import SourceFile

PICTURE_VERSION = 1
"""Raised where the same layers give another picture."""


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """A layer in the site.

    Attributes:
        href: The file's name in its year's folder.
        size: Bytes.
        checksum: Multihash.
        header_size: Bytes before the first block of pixels; None for a VRT.
        statistics: Of the stored numbers.
        clear_percent: Share of the valid pixels that are clear, in the mask's band.
        fingerprint: Of what it was made from and how.
        sources: The files that a VRT reads.
    """

    href: str
    size: int
    checksum: str
    header_size: int | None
    statistics: Statistics
    clear_percent: float | None
    fingerprint: str
    sources: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class ThumbnailRecord:
    """An item's little picture in the site.

    Attributes:
        href: The file's name in its year's folder.
        size: Bytes.
        checksum: Multihash.
        fingerprint: Of what it shows and how.
    """

    href: str
    size: int
    checksum: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """All layers of one moment.

    Attributes:
        moment: When.
        layers: The layers by band.
        thumbnail: The little picture, if there is one.
    """

    moment: Moment
    layers: Mapping[str, LayerRecord]
    thumbnail: ThumbnailRecord | None = None


def picture_facts(table: CollectionTable, item: ItemRecord) -> list[object]:
    """All that an item's picture depends on: its layers' content and what their bands mean."""
    facts = [
        [name, item.layers[name].checksum, band.common_name, band.resampling]
        for name, band in table.bands.items()
        if name in item.layers
    ]
    return [PICTURE_VERSION, facts]


def hashed_name(stem: str, checksum: str, suffix: str) -> str:
    """A file's name for ever: its stem, the first 16 digits of its SHA-256, its suffix."""
    return f"{stem}-{checksum.removeprefix('1220')[:16]}{suffix}"


def year_of(moment: Moment) -> str:
    """The folder of a moment's year."""
    return f"{moment.year:04d}"


def record_of(layer: RenderedLayer) -> LayerRecord:
    """A layer that was rendered, under the name that it will be published by."""
    return LayerRecord(
        href=layer_name(layer.key, layer.checksum, layer.path.suffix),
        size=layer.size,
        checksum=layer.checksum,
        header_size=layer.header_size,
        statistics=layer.statistics,
        clear_percent=layer.clear_percent,
        fingerprint=layer.fingerprint,
        sources=layer.sources,
    )


def layer_name(key: LayerKey, checksum: str, suffix: str) -> str:
    """``2018-01-02_B04-<hash>.tif``."""
    return hashed_name(f"{file_stem(key.moment)}_{key.band}", checksum, suffix)

"""Does an item's file say what its part says, and are its assets what it says?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import rasterio
from rasterio.errors import RasterioError

from shoestring_builder.check.document import document_faults
from shoestring_builder.check.index import CheckedIndex
from shoestring_builder.check.layer import ExpectedLayer, file_faults, layer_faults, name_faults
from shoestring_builder.check.site_reader import SiteReader
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import AssetDocument, ItemDocument

Faults = Iterator[str]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Feature:
    """An item as it stands in its part.

    Attributes:
        part: Name of the part.
        raw: The item.
        typed: The same, as far as the contract knows it.
    """

    part: str
    raw: Json
    typed: ItemDocument


def item_faults(reader: SiteReader, name: str, features: Mapping[str, Feature]) -> Faults:
    """Check the file of an item: it says what the part says."""
    try:
        raw = reader.read(name, dict)
        yield from name_faults(reader, name)
    except CatalogueError as error:
        yield str(error)
        return
    identifier = raw.get("id")
    feature = features.get(identifier) if isinstance(identifier, str) else None
    if feature is None:
        yield f"{name} is an item that is in none of the collection's parts."
    elif feature.raw != raw:
        yield f"{name} does not say what {feature.part} says of {feature.typed.id}."
    yield from document_faults(reader, name, raw)


def asset_faults(
    reader: SiteReader,
    feature: Feature,
    layers: Mapping[str, ExpectedLayer],
    index: CheckedIndex | None,
) -> Faults:
    """Check all files of an item, and what the index tells of them."""
    sound: set[str] = set()
    for key, asset in feature.typed.assets.items():
        if "thumbnail" in asset.roles:
            yield from _thumbnail_faults(reader, feature.part, asset)
        elif key in layers:
            faults = list(layer_faults(reader, feature.part, asset, layers[key]))
            yield from faults
            sound |= set() if faults else {key}
        else:
            yield f"{feature.part} has an asset {key!r} of a band that the collection lacks."
    if index is not None:
        yield from index.item_faults(feature.part, feature.typed, sound)


def _thumbnail_faults(reader: SiteReader, item: str, asset: AssetDocument) -> Faults:
    try:
        name = reader.follow(item, asset.href)
        whole = list(file_faults(reader, name, asset.size, asset.checksum))
        yield from whole
        if reader.deep and not whole:
            with rasterio.open(reader.path(name), driver="PNG"):
                pass
    except CatalogueError as error:
        yield str(error)
    except (RasterioError, OSError):
        yield f"{name} is not a PNG picture."

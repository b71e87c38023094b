"""A date as GDAL's driver STACIT wants it: an ItemCollection of one item with absolute hrefs; pure.

Of several items in a file it would make one raster, so there is a file a date. It reads an asset by
``STACIT:"….json":asset=B04``, and tells nothing of scale and offset: a date's VRT does.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from shoestring_builder.doors.address import public
from shoestring_builder.doors.layers import Item
from shoestring_builder.doors.part import DoorPart


def stacit(part: DoorPart, item: Item) -> bytes:
    """Write the ItemCollection of a date: its layers, without its picture.

    Args:
        part: What the item is of, with its public address.
        item: The date.
    """
    bands = {band.name for band in part.bands}
    assets = {
        key: _public(part.address, asset) for key, asset in item["assets"].items() if key in bands
    }
    links = [_public(part.address, link) for link in item["links"]]
    feature = {**item, "links": links, "assets": assets}
    return msgspec.json.encode({"type": "FeatureCollection", "features": [feature]}) + b"\n"


def _public(address: str, own: Mapping[str, Any]) -> dict[str, Any]:
    whole = {**own, "href": public(address, own["href"])}
    if "shoestring:sources" in own:
        whole["shoestring:sources"] = [_public(address, one) for one in own["shoestring:sources"]]
    return whole

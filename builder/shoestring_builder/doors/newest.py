"""The newest dates of a collection: what doors show that are written anew with each of them; pure."""

from collections.abc import Mapping, Sequence
from typing import Any

NEWEST = 100
"""Dates. So what an update writes of them does not grow with the archive."""

_OWN_LINKS = ("alternate",)


def in_folder(document: Mapping[str, Any], folder: str) -> Mapping[str, Any]:
    """An item whose hrefs start from the folder above its own.

    Args:
        document: The item.
        folder: The name of the folder that it lies in.
    """
    assets = {key: _moved(asset, folder) for key, asset in document["assets"].items()}
    links = [_moved(own, folder) for own in document.get("links", ()) if own["rel"] in _OWN_LINKS]
    return {**document, "assets": assets, "links": links}


def _moved(own: Mapping[str, Any], folder: str) -> Mapping[str, Any]:
    moved = {**own, "href": f"{folder}/{own['href'].removeprefix('./')}"}
    sources: Sequence[Mapping[str, Any]] = own.get("shoestring:sources", ())
    if sources:
        moved["shoestring:sources"] = [_moved(source, folder) for source in sources]
    return moved

"""Shoestring's client: Earth-observation time series from static files.

    import shoestring

    catalogue = shoestring.open("https://example.org/catalog.json")
    stack = catalogue["s2-l2a"].extract(["B04", "B08"], roi="field.geojson")
    stack["B04"][date]  # a NumPy array

A name is imported when it is first used: ``import shoestring`` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from shoestring.blocking import Catalogue, Collection, open
    from shoestring.catalogue import connect
    from shoestring.options import Options
    from shoestring.roi import Roi
    from shoestring.stack import Layer, Stack
    from shoestring_schema.errors import ShoestringError
    from shoestring_schema.grid import Grid, Window

_HOMES = {
    "Catalogue": "shoestring.blocking",
    "Collection": "shoestring.blocking",
    "open": "shoestring.blocking",
    "connect": "shoestring.catalogue",
    "Options": "shoestring.options",
    "Roi": "shoestring.roi",
    "Layer": "shoestring.stack",
    "Stack": "shoestring.stack",
    "ShoestringError": "shoestring_schema.errors",
    "Grid": "shoestring_schema.grid",
    "Window": "shoestring_schema.grid",
}

__all__ = [
    "Catalogue",
    "Collection",
    "Grid",
    "Layer",
    "Options",
    "Roi",
    "ShoestringError",
    "Stack",
    "Window",
    "connect",
    "open",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module 'shoestring' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""JSON Schemas of the contract, from its types: ``python -m shoestring_schema.generate``."""

import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from shoestring_schema import configuration, site, status, tile_index
from shoestring_schema.configuration import Configuration
from shoestring_schema.site import (
    CatalogDocument,
    CollectionDocument,
    ItemDocument,
    PartDocument,
    SnapshotsDocument,
)
from shoestring_schema.status import StatusDocument
from shoestring_schema.tile_index import Head

SCHEMAS: Mapping[str, type] = {
    "configuration.json": Configuration,
    "catalog.json": CatalogDocument,
    "collection.json": CollectionDocument,
    "item.json": ItemDocument,
    "part.json": PartDocument,
    "snapshots.json": SnapshotsDocument,
    "status.json": StatusDocument,
    "index-head.json": Head,
}
"""File names and the types that they describe."""

# An entry of a docstring's list of attributes; its further lines are indented deeper.
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n     .*)*)$", re.MULTILINE)
_MODULES = (configuration, site, status, tile_index)
_FOLDER = Path(__file__).parent / "schemas"


def schema_text(kind: type) -> str:
    """The JSON Schema of a type, as the file holds it."""
    (reference,), definitions = msgspec.json.schema_components(
        [kind], ref_template="#/$defs/{name}"
    )
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **reference,
        "$defs": {name: _explained(name, definitions[name]) for name in sorted(definitions)},
    }
    return json.dumps(_tidy(document), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all schemas into the package."""
    for name, kind in SCHEMAS.items():
        (_FOLDER / name).write_text(schema_text(kind), "utf-8")


def _explained(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """A definition with its docstring taken apart: one description a field."""
    kind = next(found for module in _MODULES if (found := getattr(module, name, None)))
    docstring = inspect.cleandoc(kind.__doc__)  # Python 3.13 and newer have cleaned it already
    explained = {**definition, "description": _line(docstring.split("\n\n")[0])}
    places = _places(kind, explained)
    for attribute, text in _ATTRIBUTE.findall(docstring.partition("Attributes:\n")[2] + "\n"):
        home, key = places[attribute]
        home[key] = {"description": _line(text), **home[key]}
    for name, pattern in _key_patterns(kind):
        own = explained["properties"][name]
        own.pop("propertyNames", None)  # msgspec writes it from 0.22 on
        own["propertyNames"] = {"pattern": pattern}
    return explained


def _places(kind: type, definition: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Where the schema of each field stands: in a list for types that are written as arrays."""
    fields = msgspec.structs.fields(kind)
    if "prefixItems" in definition:
        return {own.name: (definition["prefixItems"], place) for place, own in enumerate(fields)}
    return {own.name: (definition["properties"], own.encode_name) for own in fields}


def _key_patterns(kind: type) -> list[tuple[str, str]]:
    """Fields that are mappings, and the pattern of their keys."""
    info = msgspec.inspect.type_info(kind)
    found = []
    for own in info.fields if isinstance(info, msgspec.inspect.StructType) else ():
        key = own.type.key_type if isinstance(own.type, msgspec.inspect.DictType) else None
        key = key.type if isinstance(key, msgspec.inspect.Metadata) else key
        if isinstance(key, msgspec.inspect.StrType) and key.pattern:
            found.append((own.encode_name, key.pattern))
    return found


def _tidy(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Alternatives in an order of our own: msgspec's differs between its versions."""
    if isinstance(value, list):
        return [_tidy(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    tidy = {key: _tidy(inner) for key, inner in value.items()}
    if "anyOf" in tidy:
        tidy["anyOf"].sort(key=lambda one: (one.get("type") == "null", json.dumps(one)))
    return tidy


def _line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    main()

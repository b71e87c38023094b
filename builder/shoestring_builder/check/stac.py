"""Whether a document is valid STAC; without a network.

pystac brings the schemas of STAC itself. Those of the extensions that a site
uses are `shoestring_schema`'s own condensed ones, of the same fields.
"""

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from shoestring_schema.errors import MissingExtraError

if TYPE_CHECKING:
    from pystac.validation.stac_validator import JsonSchemaSTACValidator

_STAC = "1.1.0"
_EXTENSIONS = {
    f"https://stac-extensions.github.io/{name}/{version}/schema.json": f"{name}-{version}.json"
    for name, version in (
        ("projection", "v1.2.0"), ("raster", "v1.1.0"), ("eo", "v1.1.0"), ("file", "v2.1.0")
    )
}  # fmt: skip


def validate(document: dict[str, Any]) -> list[str]:
    """Validate a STAC catalogue, collection or item against STAC 1.1 and its extensions.

    Args:
        document: The decoded JSON document.

    Returns:
        A sentence for each fault; empty where it is valid. An extension whose rules are
        not at hand is a fault: it can't be told whether the document keeps them.

    Raises:
        MissingExtraError: pystac is not installed.
    """
    kinds = {"Catalog": "CATALOG", "Collection": "COLLECTION", "Feature": "ITEM"}
    kind = kinds.get(str(document.get("type")))
    if kind is None:
        return [f"type is {document.get('type')!r}, not Catalog, Collection or Feature."]
    if document.get("stac_version") != _STAC:
        return [f"stac_version is {document.get('stac_version')!r}, not {_STAC}."]
    faults = _against(document, kind, None)
    for extension in document.get("stac_extensions") or ():
        if extension in _EXTENSIONS:
            faults += _against(document, kind, extension)
        else:
            faults.append(f"it uses {extension}, whose rules are not at hand.")
    return faults


def _against(document: dict[str, Any], kind: str, extension: str | None) -> list[str]:
    what = extension or f"STAC {_STAC}"
    faults = _validator(kind if extension is None else extension).iter_errors(document)
    return sorted({_sentence(fault, what) for fault in faults})


def _sentence(fault: Any, what: str) -> str:  # noqa: ANN401 (jsonschema has no types)
    """Where a fault is and what it is; of alternatives, the reason that went deepest."""
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

    deepest = best_match([fault]) if fault.context else fault
    place = "/".join(map(str, deepest.absolute_path)) or "the document"
    message = " ".join(str(deepest.message).split())
    return f"{place}: {message[:300]} ({what})."


@cache
def _validator(what: str) -> Any:  # noqa: ANN401
    """A validator of a kind of STAC object, or of an extension; made once, used for many."""
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]

    schemas = _schemas()
    uri = what if what in _EXTENSIONS else _core_uri(what)
    schema = schemas.schema_cache[uri]
    return validator_for(schema)(schema, registry=schemas.registry)


def _core_uri(kind: str) -> str:
    from pystac import STACObjectType

    return str(_schemas().schema_uri_map.get_object_schema_uri(STACObjectType[kind], _STAC))


@cache
def _schemas() -> "JsonSchemaSTACValidator":
    try:
        from pystac.validation.stac_validator import JsonSchemaSTACValidator

        schemas = JsonSchemaSTACValidator()
    except ImportError:
        raise MissingExtraError("Validating STAC", "builder") from None
    folder = resources.files("shoestring_schema") / "schemas" / "stac"
    for uri, name in _EXTENSIONS.items():
        schemas.schema_cache[uri] = json.loads((folder / name).read_text("utf-8"))
    return schemas

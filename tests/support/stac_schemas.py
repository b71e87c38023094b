"""Schemas of STAC and its extensions as files, for validators that would fetch them."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from pystac.validation.local_validator import get_local_schema_cache


def write_schemas(folder: Path) -> Path:
    """Write them, STAC's own as pystac brings them, the extensions' as we do.

    Returns:
        What stac-validator takes as its ``--schema-config``: each schema's address and its file.
    """
    known: dict[str, Any] = dict(get_local_schema_cache())
    known["http://json-schema.org/draft-07/schema"] = Draft7Validator.META_SCHEMA
    for own in (resources.files("shoestring_schema") / "schemas/stac").iterdir():
        schema = json.loads(own.read_text("utf-8"))
        known[schema["$id"]] = schema
    paths = {}
    for number, (address, schema) in enumerate(known.items()):
        path = folder / f"schema-{number}.json"
        path.write_text(json.dumps(schema), "utf-8")
        paths[address.rstrip("#")] = str(path)
    settings = folder / "schemas.json"
    settings.write_text(json.dumps(paths), "utf-8")
    return settings

"""The JSON Schemas in the package are those of the types."""

import json
from importlib import resources

import jsonschema
import pytest

from shoestring_schema.generate import SCHEMAS, schema_text

FOLDER = resources.files("shoestring_schema") / "schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_file_is_up_to_date(name: str) -> None:
    """`python -m shoestring_schema.generate` would change nothing."""
    assert (FOLDER / name).read_text("utf-8") == schema_text(SCHEMAS[name])


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_json_schema(name: str) -> None:
    """Each file is valid JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(json.loads((FOLDER / name).read_text("utf-8")))


def test_every_key_of_the_configuration_is_explained() -> None:
    """No key of the configuration lacks a description."""
    schema = json.loads((FOLDER / "configuration.json").read_text("utf-8"))
    silent = [
        f"{table}.{key}"
        for table, definition in schema["$defs"].items()
        for key, value in definition["properties"].items()
        if not value.get("description")
    ]
    assert silent == []


def test_an_unknown_key_does_not_validate() -> None:
    """The schema refuses what the builder refuses."""
    schema = json.loads((FOLDER / "configuration.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    good = {"catalogue": {"id": "a"}, "collections": [{"id": "b", "source": "x", "bands": {}}]}
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, "collection": []})

"""Print the reference of the configuration file, from its JSON Schema.

python tools/reference.py > docs/configuration.md
"""

import json
import sys
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).parents[1] / "catalogue_schema/shoestring_schema/schemas/configuration.json"

INTRODUCTION = """\
# The configuration file

One TOML file tells `shoestring build` what to make of what. Paths in it start from its own
folder. An unknown key is an error, so a typing mistake is found at once. This page is made
from the same types that the builder checks the file with (`tools/reference.py`); editors
that know JSON Schema can use
[configuration.json](../catalogue_schema/shoestring_schema/schemas/configuration.json).

[examples/](../examples/) has whole files for real data.

## The path pattern

`source` names the files of a collection:

| in the pattern | stands for |
|---|---|
| `{date}` | a day, `2018-04-12` |
| `{date:%Y%j}` | a day as strptime writes it; with `%H` (and `%M`, `%S`) an instant in UTC |
| `{band}` | a band's name, or its `source_name` |
| `{tile}` | the name of one of several files that make one mosaic |
| `{*}` | anything, within one folder's or file's name |

Without `{band}`, one file holds all bands, and each band names its `source_band`. Tiles of
one mosaic are laid over each other in the order of their names: later ones cover earlier
ones where both have data.
"""

ORDER = ("CatalogueTable", "CollectionTable", "BandTable", "MaskTable", "GridTable")


def reference(schema: dict[str, Any]) -> str:
    """The page as Markdown."""
    tables = (_table(name, schema["$defs"][name]) for name in ORDER)
    return "\n".join([INTRODUCTION, *tables])


def _table(name: str, definition: dict[str, Any]) -> str:
    required = definition.get("required", ())
    rows = [
        f"| `{key}` | {_kind(value)} | {'**required**' if key in required else _default(value)} | "
        f"{value['description'].replace('``', '`').replace('|', chr(92) + '|')} |"
        for key, value in definition["properties"].items()
    ]
    title = definition["description"].replace("``", "`")
    return "\n".join(
        [f"## {title}\n", "| key | type | default | meaning |", "|---|---|---|---|", *rows, ""]
    )


def _kind(value: dict[str, Any]) -> str:
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"] if one.get("type") != "null")
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if "$ref" in value or value.get("type") == "object":
        return "table"
    return {
        "array": "list",
        "string": "text",
        "integer": "whole number",
        "boolean": "true or false",
    }.get(value["type"], value["type"])


def _default(value: dict[str, Any]) -> str:
    default = value.get("default")
    return "" if default is None else f"`{json.dumps(default)}`"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(reference(json.loads(SCHEMA.read_text(encoding="utf-8"))), end="")

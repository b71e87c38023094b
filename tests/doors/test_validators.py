"""Programs of others judge the site's documents: stac-validator, geoparquet-validator, pystac."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from shoestring_builder.check.stac import validate
from support.door_site import DATES, DoorSite
from support.foreign import trusting
from support.page_lines import PUBLIC, page_lines

STAC_LINE, PARQUET_LINE = page_lines("doors/validators.md", "sh").split("\n\n")
NOWHERE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
"""Nobody answers there, so no schema can come from elsewhere."""

KINDS = "Catalog", "Collection", "Feature"


def programs(line: str) -> list[str]:
    """A line's words, with the program of this environment."""
    name, *words = line.split()
    return [str(Path(sys.executable).parent / name), *words]


def judged(schemas: Path, words: list[str], environment: dict[str, str]) -> list[dict[str, Any]]:
    """What stac-validator says of each document."""
    done = subprocess.run(
        [*words, "--schema-config", str(schemas)],
        capture_output=True, text=True, env=environment | NOWHERE | {"no_proxy": "127.0.0.1"},
        check=False,
    )  # fmt: skip
    found: list[dict[str, Any]]
    found, _end = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("\n[") + 1 :])
    return found


@pytest.mark.door("stac-validator")
def test_stac_validator_finds_the_whole_site_valid(
    doors: DoorSite, schemas: Path, record_property: Callable[[str, object], None]
) -> None:
    """Each document that links lead to is valid, with the schema of every extension it names."""
    record_property("version", version("stac_valid"))
    words = programs(STAC_LINE.replace(PUBLIC, doors.url))
    found = judged(schemas, words, trusting(doors))
    assert [own for own in found if not own["valid_stac"]] == []
    items = [own for own in found if own["asset_type"] == "ITEM"]
    assert len(items) == 2 * len(DATES)
    assert all(len(own["schema"]) == 5 for own in items)
    assert {own["asset_type"] for own in found} == {"CATALOG", "COLLECTION", "ITEM"}


@pytest.mark.door("stac-validator")
def test_stac_validator_finds_a_fault(
    doors: DoorSite, schemas: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A size that is text, against the extension `file`, makes an item invalid."""
    record_property("version", version("stac_valid"))
    path = next((doors.folder / "weather/2018").glob("2018-01-15-????????????????.json"))
    item = json.loads(path.read_text("utf-8"))
    item["assets"]["t2m"]["file:size"] = "large"
    spoilt = tmp_path / "item.json"
    spoilt.write_text(json.dumps(item), "utf-8")
    (found,) = judged(schemas, [*programs(STAC_LINE)[:2], str(spoilt)], trusting(doors))
    assert not found["valid_stac"]
    assert "large" in found["error_message"]


@pytest.mark.door("pystac")
def test_pystac_finds_every_document_valid(
    doors: DoorSite, record_property: Callable[[str, object], None]
) -> None:
    """All STAC documents of the site, linked or not, are valid by pystac's validator."""
    record_property("version", version("pystac"))
    documents = [json.loads(path.read_text("utf-8")) for path in doors.folder.rglob("*.json")]
    stac = [own for own in documents if isinstance(own, dict) and own.get("type") in KINDS]
    stac += [
        item
        for own in documents
        if isinstance(own, dict) and own.get("type") == "FeatureCollection"
        for item in own["features"]
    ]
    assert len(stac) > 4 * len(DATES)
    assert [fault for own in stac for fault in validate(own)] == []


@pytest.mark.door("GeoParquet")
def test_geoparquet_validator_finds_each_table_conformant(
    doors: DoorSite, record_property: Callable[[str, object], None]
) -> None:
    """Each table of items keeps to GeoParquet 1.1, core and covering."""
    record_property("version", f"geoparquet-validator {version('geoparquet-validator')}")
    done = subprocess.run(
        programs(PARQUET_LINE), cwd=doors.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    found = re.findall(r"items-2018-\S+\.parquet +\[1\.1\.0\] +core (\d+)/(\d+)/", done.stdout)
    assert len(found) == len(DATES)
    assert {failed for _, failed in found} == {"0"}

"""Validation without a network: STAC 1.1 and the four extensions' condensed schemas."""

import copy
import json
import socket
from collections.abc import Callable
from importlib import resources
from typing import Any

import jsonschema
import pytest

from shoestring_builder.check.stac import validate

BASE = "https://stac-extensions.github.io"
EXTENSIONS = [
    f"{BASE}/projection/v1.2.0/schema.json",
    f"{BASE}/raster/v1.1.0/schema.json",
    f"{BASE}/eo/v1.1.0/schema.json",
    f"{BASE}/file/v2.1.0/schema.json",
]
ITEM: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "stac_extensions": EXTENSIONS,
    "id": "a",
    "geometry": {"type": "Point", "coordinates": [0, 0]},
    "bbox": [0, 0, 0, 0],
    "properties": {
        "datetime": "2018-01-02T00:00:00Z",
        "proj:code": "EPSG:32630",
        "proj:epsg": 32630,
        "proj:shape": [1, 2],
        "proj:transform": [1, 0, 0, 0, -1, 0],
        "eo:cloud_cover": 10,
    },
    "links": [],
    "assets": {
        "B04": {
            "href": "a.tif",
            "bands": [{"name": "B04", "eo:common_name": "red"}],
            "eo:bands": [{"name": "B04", "common_name": "red", "center_wavelength": 0.6}],
            "raster:bands": [
                {"data_type": "uint16", "nodata": 0, "statistics": {"minimum": 1, "maximum": 2}}
            ],
            "file:size": 5,
            "file:checksum": "1220ab",
        }
    },
}

Change = Callable[[dict[str, Any]], Any]


def asset(document: dict[str, Any]) -> dict[str, Any]:
    """The one asset of an item."""
    own: dict[str, Any] = document["assets"]["B04"]
    return own


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test of this file can open a connection."""

    def refuse(*args: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_a_good_item_is_valid() -> None:
    """Old and new names of the same facts stand side by side and validate."""
    assert validate(ITEM) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda d: d.pop("links"), "links"),
        (lambda d: d["properties"].update({"datetime": "yesterday"}), "properties"),
        (lambda d: d["properties"].update({"proj:epsg": "32630"}), "properties/proj:epsg"),
        (lambda d: d["properties"].update({"proj:shape": [1]}), "properties/proj:shape"),
        (lambda d: d["properties"].update({"proj:transform": [1, 2]}), "properties/proj:transform"),
        (lambda d: d["properties"].update({"proj:unknown": 1}), "properties"),
        (lambda d: d["properties"].update({"eo:cloud_cover": 101}), "properties/eo:cloud_cover"),
        (lambda d: asset(d).update({"file:size": -1}), "assets/B04/file:size"),
        (lambda d: asset(d).update({"file:checksum": "XY"}), "assets/B04/file:checksum"),
        (lambda d: asset(d).update({"file:colour": 1}), "assets/B04"),
        (lambda d: asset(d).update({"raster:bands": []}), "assets/B04/raster:bands"),
        (
            lambda d: asset(d)["raster:bands"][0].update({"data_type": "u2"}),
            "assets/B04/raster:bands/0/data_type",
        ),
        (
            lambda d: asset(d)["raster:bands"][0].update({"nodata": "none"}),
            "assets/B04/raster:bands/0/nodata",
        ),
        (
            lambda d: asset(d)["raster:bands"][0].update({"statistics": {"median": 1}}),
            "assets/B04/raster:bands/0/statistics",
        ),
        (
            lambda d: asset(d)["eo:bands"][0].update({"common_name": "purple"}),
            "assets/B04/eo:bands/0/common_name",
        ),
        (
            lambda d: asset(d)["eo:bands"][0].update({"common_name": "rededge1"}),
            "assets/B04/eo:bands/0/common_name",
        ),
        (lambda d: asset(d).update({"file:local_path": "/a"}), "assets/B04/file:local_path"),
        (lambda d: d["links"].append({"href": "a", "rel": "b", "file:size": -1}), "links/0"),
        (
            lambda d: asset(d)["eo:bands"][0].update({"center_wavelength": 0}),
            "assets/B04/eo:bands/0/center_wavelength",
        ),
    ],
)  # fmt: skip
def test_each_fault_is_found_where_it_is(change: Change, where: str) -> None:
    """A broken rule of STAC or of an extension is a sentence that names the place."""
    document = copy.deepcopy(ITEM)
    change(document)
    faults = validate(document)
    assert faults
    assert any(where in fault for fault in faults)
    assert not any("\n" in fault for fault in faults)


def test_sizes_of_links_of_a_catalogue() -> None:
    """The extension `file` is of catalogues too, where it holds for links."""
    link = {"href": "a.vrt", "rel": "alternate", "file:size": 5, "file:checksum": "1220ab"}
    catalogue = {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "stac_extensions": [EXTENSIONS[3]],
        "id": "a",
        "description": "A catalogue.",
        "links": [link],
    }
    assert validate(catalogue) == []
    link["file:size"] = "5"
    assert any("links/0/file:size" in fault for fault in validate(catalogue))


def test_an_extension_that_is_not_at_hand_is_a_fault() -> None:
    """What can't be validated is not taken as valid."""
    document = {**ITEM, "stac_extensions": [f"{BASE}/sar/v1.0.0/schema.json"]}
    (fault,) = validate(document)
    assert "whose rules are not at hand" in fault


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"type": "Table"}, "type is 'Table'"), ({"stac_version": "0.9"}, "stac_version is '0.9'")],
)
def test_what_is_not_stac_1_1(change: dict[str, str], sentence: str) -> None:
    """Documents of another kind or version are told apart first."""
    (fault,) = validate({**ITEM, **change})
    assert sentence in fault


@pytest.mark.parametrize("name", ["projection-v1.2.0", "raster-v1.1.0", "eo-v1.1.0", "file-v2.1.0"])
def test_the_condensed_schemas_are_schemas(name: str) -> None:
    """Each condensed schema is itself valid JSON Schema and carries the extension's address."""
    path = resources.files("shoestring_schema") / "schemas" / "stac" / f"{name}.json"
    schema = json.loads(path.read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["$id"].removesuffix("#") in EXTENSIONS

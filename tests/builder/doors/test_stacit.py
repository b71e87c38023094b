"""ItemCollections of a date: GDAL's driver STACIT reads the layers that they name."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from shoestring_builder.doors.address import public
from shoestring_builder.doors.part import DoorPart
from shoestring_builder.doors.stacit import stacit
from shoestring_schema.grid import Grid
from support.door_parts import BANDS, season, write_part
from support.nginx import Nginx
from support.tools import require_tool

pytestmark = pytest.mark.pixels

PROJECTION = "https://stac-extensions.github.io/projection/v1.2.0/schema.json"


def projected(part: DoorPart) -> DoorPart:
    """The part, whose items tell where their pixels lie, as the builder's do."""
    for own in part.items:
        own["stac_version"], own["stac_extensions"] = "1.1.0", [PROJECTION]
        own["properties"] |= {"proj:code": "EPSG:32630", "proj:epsg": 32630, **pixels(part.grid)}
        own["assets"]["SCL"] |= pixels(part.grid.coarsen(2))
        own["assets"]["thumbnail"] = {"href": "t.png", "type": "image/png", "roles": ["thumbnail"]}
    return part


def pixels(grid: Grid) -> dict[str, Any]:
    """A grid in STAC's words."""
    shape, transform, box = list(grid.shape), list(grid.transform), list(grid.bounds)
    return {"proj:shape": shape, "proj:transform": transform, "proj:bbox": box}


def subdatasets(path: str) -> list[str]:
    """The assets that GDAL lists, without quotation marks."""
    with rasterio.open(path) as collection:
        return [name.replace('"', "") for name in collection.subdatasets]


def test_both_gdals_read_each_layer_over_http(tmp_path: Path, nginx: Callable[..., Nginx]) -> None:
    """Pixel for pixel, each asset at its own resolution; the picture is no asset."""
    layers = season(("2018-01-15",))
    folder = tmp_path / "s2 l2a"
    server = nginx(tmp_path)
    part = projected(write_part(folder, layers, address=f"{server.http}/s2 l2a/"))
    (folder / "one.json").write_bytes(stacit(part, part.items[0]))
    path = f"/vsicurl/{server.http}/s2%20l2a/one.json"
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        with pytest.warns(NotGeoreferencedWarning):
            listed = subdatasets(path)
        names = [f'STACIT:"{path}":asset={band.name}' for band in BANDS]
        assert listed == [name.replace('"', "") for name in names]
        for name, band in zip(names, BANDS, strict=True):
            wanted = layers["2018-01-15"][band.name]
            with rasterio.open(name) as dataset:
                np.testing.assert_array_equal(dataset.read(1), wanted)
            command = [require_tool("gdal_translate"), "-q", name, str(tmp_path / "old.tif")]
            subprocess.run(command, capture_output=True, check=True)
            with rasterio.open(tmp_path / "old.tif") as dataset:
                np.testing.assert_array_equal(dataset.read(1), wanted)


def test_every_address_is_absolute(tmp_path: Path) -> None:
    """Layers, the files that a VRT reads, and links; the item itself stays as it was."""
    part = projected(
        write_part(tmp_path, season(("2018-01-15",)), address="https://e.org/s2/2018/")
    )
    own = part.items[0]
    own["links"].append({"rel": "collection", "href": "../collection.json"})
    own["assets"]["B04"]["shoestring:sources"] = [{"href": "../../m/a%20b.tif", "size": 3}]
    before = json.dumps(own)
    (found,) = json.loads(stacit(part, own))["features"]
    assert json.dumps(own) == before
    assert found["assets"].keys() == {"B04", "B08", "SCL"}
    assert found["assets"]["B08"]["href"] == "https://e.org/s2/2018/2018-01-15_B08.tif"
    (source,) = found["assets"]["B04"]["shoestring:sources"]
    assert source == {"href": "https://e.org/m/a%20b.tif", "size": 3}
    assert found["links"] == [{"rel": "collection", "href": "https://e.org/s2/collection.json"}]
    assert {key: found[key] for key in ("id", "properties")} == {
        key: own[key] for key in ("id", "properties")
    }


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("https://e.org/a b/", "https://e.org/a%20b/x.tif"),
        ("https://e.org/a%20b/", "https://e.org/a%20b/x.tif"),
        ("https://e.org/über/", "https://e.org/%C3%BCber/x.tif"),
        ("https://e.org/[1]{2}/", "https://e.org/%5B1%5D%7B2%7D/x.tif"),
        ("https://e.org:8443/~me/", "https://e.org:8443/~me/x.tif"),
    ],
)
def test_addresses_are_ready_for_programs(address: str, wanted: str) -> None:
    """What may not stand in an address, or means more than itself to curl, is percent-encoded once."""
    assert public(address, "x.tif") == wanted

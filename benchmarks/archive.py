"""A site of many full-size layers, quickly: one is built, the others are its twins.

The builder builds one date of a 10980-px mosaic (synthetic: fields, texture
and noise that compress like a real scene). The further dates are hard links
to its file under names of their own, listed in the same kind of documents,
so every request, header and block is as in a real archive.
"""

import hashlib
import json
import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from shoestring_builder.build import build

SIDE = 10980
CONFIGURATION = """\
[catalogue]
id = "bench"
[[collections]]
id = "s2"
source = "mosaic_{date}_{band}.tif"
[collections.bands.B04]
nodata = 0
scale = 0.0001
"""


def make_archive(folder: Path, layers: int) -> Path:
    """The site's folder; made where it is not there yet."""
    site = folder / "site"
    if not (site / "catalog.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _mosaic(folder / "mosaic_2020-01-01_B04.tif")
        (folder / "shoestring.toml").write_text(CONFIGURATION)
        build(folder / "shoestring.toml")
    _multiply(site / "s2", layers)
    return site


def layer_files(site: Path) -> list[Path]:
    """The layers' files in order of time."""
    collection = json.loads((site / "s2" / "collection.json").read_text())
    part = site / "s2" / collection["shoestring:parts"][0]["href"]
    items = json.loads(part.read_text())["features"]
    return [part.parent / item["assets"]["B04"]["href"] for item in items]


def _mosaic(path: Path) -> None:
    rng = np.random.default_rng(1)
    fields = rng.integers(400, 3500, (SIDE // 30, SIDE // 30))
    pixels = np.kron(fields, np.ones((30, 30), int)) + rng.normal(0, 60, (SIDE, SIDE))
    profile = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": 1, "dtype": "uint16", "nodata": 0,
               "crs": "EPSG:32630", "transform": from_origin(600000, 1100040, 10, 10), "tiled": True}  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(pixels.astype("uint16"), 1)


def _multiply(home: Path, layers: int) -> None:
    """Rewrite the collection so that it has so many dates."""
    collection = json.loads((home / "collection.json").read_text())
    first = home / collection["shoestring:parts"][0]["href"]
    item = json.loads(first.read_text())["features"][0]
    items = [
        _twin(item, first.parent, date(2020, 1, 1) + timedelta(days=3 * number))
        for number in range(layers)
    ]
    text = json.dumps({"type": "FeatureCollection", "features": items}).encode()
    (first.parent / "items-bench.json").write_bytes(text)
    collection["shoestring:parts"] = [
        {
            "href": f"{first.parent.name}/items-bench.json",
            "dates": [item["properties"]["shoestring:date"] for item in items],
            "size": len(text),
            "checksum": "1220" + hashlib.sha256(text).hexdigest(),
        }
    ]
    (home / "collection.json").write_text(json.dumps(collection))


def _twin(item: dict[str, object], folder: Path, day: date) -> dict[str, object]:
    twin = json.loads(json.dumps(item))
    asset = twin["assets"]["B04"]
    name = f"{day}_B04-bench.tif"
    if not (folder / name).exists():
        os.link(folder / asset["href"], folder / name)
    asset["href"] = name
    twin["id"] = f"s2_{day}"
    twin["properties"]["shoestring:date"] = str(day)
    return twin

"""A site of many full-size layers, quickly: one is built, the others are its twins.

The builder builds one date of a 10980-px mosaic (synthetic: fields, texture
and noise that compress like a real scene). The further dates are hard links
to its file under names of their own, listed in the same kind of documents
and in a tile index, so every request, header and block is as in a real archive.

`make_layout` makes the same site with its files laid out in other ways, by
GDAL's COG driver.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from indexed import write_part_index
from rasterio.transform import from_origin

from shoestring_builder.build import build

SIDE = 10980
BAND = "B04"
CONFIGURATION = """\
[catalogue]
id = "bench"
settle = "0 seconds"
[[collections]]
id = "s2"
source = "mosaic_{date}_{band}.tif"
LAYOUT
[collections.bands.B04]
nodata = 0
scale = 0.0001
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the pixels of a file are laid out.

    Attributes:
        block: Edge of a block in pixels.
        codec: GDAL's name of the compression.
        level: Of the compression.
    """

    block: int
    codec: str
    level: int


LAYOUTS = {
    "64-zstd": Layout(64, "ZSTD", 6),
    "128-zstd": Layout(128, "ZSTD", 6),
    "256-zstd": Layout(256, "ZSTD", 6),
    "512-deflate": Layout(512, "DEFLATE", 6),  # what most archives have today
}


Fill = Callable[[], np.ndarray[Any, Any]]
"""Makes the pixels of the mosaic, of `SIDE` x `SIDE`; none of them is 0."""


def make_archive(folder: Path, layers: int, *, fill: Fill | None = None, layout: str = "") -> Path:
    """The site's folder, as the builder lays it out; made where it is not there yet.

    Args:
        folder: For the mosaic and the site.
        layers: How many dates the site has.
        fill: The mosaic; without it, synthetic.
        layout: Lines of the collection's configuration, such as ``block_size = 64``.
    """
    site = folder / "site"
    if not (site / "catalog.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _mosaic(folder / "mosaic_2020-01-01_B04.tif", (fill or synthetic)())
        (folder / "shoestring.toml").write_text(CONFIGURATION.replace("LAYOUT", layout))
        build(folder / "shoestring.toml")
    _multiply(site / "s2", layers)
    return site


def make_layout(folder: Path, layers: int, name: str) -> Path:
    """The folder of the same site in one of `LAYOUTS`; made where it is not there yet."""
    site = folder / "layouts" / name
    if not (site / "catalog.json").exists():
        _lay_out(make_archive(folder, layers), site, LAYOUTS[name])
    _multiply(site / "s2", layers)
    return site


def layer_files(site: Path, band: str = BAND) -> list[Path]:
    """The files of a band's layers in order of time."""
    parts = _parts(site / "s2")
    return [part.parent / item["assets"][band]["href"] for part in parts for item in _items(part)]


def absolute_items(site: Path, url: str, bands: Sequence[str] = (BAND,)) -> list[dict[str, Any]]:
    """The items of a site that is served at a URL, with absolute links, as other tools want them."""
    found = []
    for part in _parts(site / "s2"):
        home = f"{url}/{part.parent.relative_to(site).as_posix()}"
        for item in _items(part):
            assets = {band: item["assets"][band] for band in bands}
            for asset in assets.values():
                asset["href"] = f"{home}/{asset['href']}"
            found.append({**item, "links": [], "assets": assets})
    return found


def header_size(file: Any) -> int:  # noqa: ANN401
    """Bytes of an open COG before its first block, which is the coarsest overview's."""
    coarsest = len(file.overviews(1)) - 1
    return int(file.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1, ovr=coarsest))


def _part(home: Path) -> Path:
    """The only part of a collection."""
    (part,) = _parts(home)
    return part


def _parts(home: Path) -> list[Path]:
    collection = json.loads((home / "collection.json").read_text())
    return [home / part["href"] for part in collection["shoestring:parts"]]


def _items(part: Path) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(part.read_text())["features"]
    return items


def _lay_out(source: Path, site: Path, layout: Layout) -> None:
    """Make a site of one layer from the first of another; its catalogue comes last."""
    part = _part(source / "s2")
    item = _items(part)[0]
    folder = site / part.parent.relative_to(source)
    folder.mkdir(parents=True, exist_ok=True)
    asset = item["assets"][BAND]
    original, asset["href"] = part.parent / asset["href"], f"first_{BAND}.tif"
    rasterio.shutil.copy(
        original, folder / asset["href"], driver="COG", BLOCKSIZE=str(layout.block),
        COMPRESS=layout.codec, LEVEL=str(layout.level), PREDICTOR="YES", OVERVIEWS="IGNORE_EXISTING",
        NUM_THREADS="ALL_CPUS",
    )  # fmt: skip
    asset |= _facts(folder / asset["href"])
    collection = json.loads((source / "s2" / "collection.json").read_text())
    _write_items(site / "s2", collection, folder, [item])
    (site / "catalog.json").write_bytes((source / "catalog.json").read_bytes())


def _facts(path: Path) -> dict[str, Any]:
    """What an asset says of its file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with rasterio.open(path) as file:
        header = header_size(file)
    return {
        "file:size": path.stat().st_size,
        "file:checksum": f"1220{digest}",
        "shoestring:header_size": header,
    }


def synthetic() -> np.ndarray[Any, Any]:
    """Fields with noise."""
    rng = np.random.default_rng(1)
    fields = rng.integers(400, 3500, (SIDE // 30, SIDE // 30))
    pixels = np.kron(fields, np.ones((30, 30), int)) + rng.normal(0, 60, (SIDE, SIDE))
    return pixels.astype("uint16")


def _mosaic(path: Path, pixels: np.ndarray[Any, Any]) -> None:
    profile = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": 1, "dtype": "uint16", "nodata": 0,
               "crs": "EPSG:32630", "transform": from_origin(600000, 1100040, 10, 10), "tiled": True}  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(pixels, 1)


def _multiply(home: Path, layers: int) -> None:
    """Rewrite the collection so that it has so many dates."""
    collection = json.loads((home / "collection.json").read_text())
    part = _part(home)
    item = _items(part)[0]
    items = [
        _twin(item, part.parent, date(2020, 1, 1) + timedelta(days=3 * number))
        for number in range(layers)
    ]
    _write_items(home, collection, part.parent, items)
    _follow_links(home.parent / "catalog.json")


def _follow_links(catalogue: Path) -> None:
    """Lead readers to the collection that was rewritten, as in a site without snapshots."""
    document = json.loads(catalogue.read_text())
    for key in ("shoestring:collections", "shoestring:snapshot"):
        document.pop(key, None)
    catalogue.write_text(json.dumps(document))


def _write_items(
    home: Path, collection: dict[str, Any], folder: Path, items: list[dict[str, Any]]
) -> None:
    """Make these items the only part of a collection, where they are not yet."""
    text = json.dumps({"type": "FeatureCollection", "features": items}).encode()
    checksum = "1220" + hashlib.sha256(text).hexdigest()
    (part,) = collection["shoestring:parts"]
    if part["checksum"] == checksum and "index" in part:
        return
    (folder / "items-bench.json").write_bytes(text)
    collection["shoestring:parts"] = [
        {
            "href": f"./{folder.name}/items-bench.json",
            "dates": [item["properties"]["shoestring:date"] for item in items],
            "size": len(text),
            "checksum": checksum,
            "index": write_part_index(folder, items, BAND),
        }
    ]
    (home / "collection.json").write_text(json.dumps(collection))


def _twin(item: dict[str, Any], folder: Path, day: date) -> dict[str, Any]:
    twin: dict[str, Any] = json.loads(json.dumps(item))
    asset = twin["assets"][BAND]
    name = f"{day}_{BAND}-bench.tif"
    if not (folder / name).exists():
        os.link(folder / asset["href"], folder / name)
    asset["href"] = name
    twin["id"] = f"s2_{day}"
    twin["properties"] |= {
        "shoestring:date": str(day),
        "datetime": f"{day}T00:00:00Z",
        "start_datetime": f"{day}T00:00:00Z",
        "end_datetime": f"{day}T23:59:59Z",
    }
    return twin

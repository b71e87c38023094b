"""Small source files and configurations for tests of the builder."""

import hashlib
import json
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from shoestring_builder.describe.pointers import catalogue_pointer, collection_pointer, pretty
from shoestring_schema.site import SnapshotMark

UTM = "EPSG:32630"


def write_raster(
    path: Path,
    pixels: NDArray[Any] | int = 7,
    *,
    shape: tuple[int, int] = (40, 50),
    origin: tuple[float, float] = (500_000.0, 4_000_000.0),
    resolution: float = 10.0,
    crs: str | None = UTM,
    dtype: str = "uint16",
    nodata: float | None = None,
    names: tuple[str, ...] = (),
    tiled: bool = False,
    **creation: Any,  # noqa: ANN401
) -> Path:
    """Write a GeoTIFF; `pixels` is a 2-D or 3-D (bands first) array, or one number for all."""
    array = np.asarray(pixels)
    if array.ndim == 0:
        array = np.full(shape, pixels)
    bands = array.astype(dtype)[None] if array.ndim == 2 else array.astype(dtype)
    transform = Affine(resolution, 0, origin[0], 0, -resolution, origin[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = {"tiled": True, "blockxsize": 32, "blockysize": 32} if tiled else {}
    with rasterio.open(
        path, "w", driver="GTiff", count=bands.shape[0], height=bands.shape[1],
        width=bands.shape[2], dtype=dtype, crs=crs, transform=transform, nodata=nodata,
        **{**blocks, **creation},
    ) as target:  # fmt: skip
        target.write(bands)
        for number, name in enumerate(names, 1):
            target.set_band_description(number, name)
    return path


def write_season(
    folder: Path,
    *,
    dates: int = 3,
    bands: tuple[str, ...] = ("B04", "SCL"),
    shape: tuple[int, int] = (40, 50),
) -> Path:
    """Write a mosaic a date into `folder`/mosaics: random reflectance, and classes for SCL."""
    random = np.random.default_rng(7)
    for day in range(1, dates + 1):
        for band in bands:
            high, dtype = (12, "uint8") if band == "SCL" else (5000, "uint16")
            pixels = random.integers(0, high, shape)
            write_raster(
                folder / "mosaics" / f"S2_2018-01-{day:02d}_{band}.tif", pixels, dtype=dtype
            )
    return folder


CONFIGURATION = """\
[catalogue]
id = "test"
title = "Test site"
settle = "0 seconds"

[[collections]]
id = "s2"
source = "mosaics/S2_{date}_{band}.tif"
[collections.bands.B04]
common_name = "red"
nodata = 0
scale = 0.0001
[collections.bands.SCL]
nodata = 0
resampling = "nearest"
[collections.mask]
band = "SCL"
clear = [4, 5, 6, 7]
"""
"""What builds what `write_season` writes."""


def write_configuration(folder: Path, text: str = CONFIGURATION) -> Path:
    """Write a configuration file into a folder."""
    path = folder / "site.toml"
    path.write_text(text, "utf-8")
    return path


WATCH = {"status.json", "status.html", "feed.xml"}
"""What each run writes beside the snapshots; no reader of data depends on it."""


def tree(site: Path) -> dict[str, str]:
    """All files of a site, but the lock and `WATCH`, and the SHA-256 of each."""
    return {
        path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(site.rglob("*"))
        if path.is_file() and path != site / ".staging" / "lock" and path.name not in WATCH
    }


def timeless(site: Path) -> dict[str, str]:
    """The same without what tells when and in how many runs a site was built."""
    found = tree(site)
    found.pop("snapshots.json", None)
    for pointer in (site / "catalog.json", *site.glob("*/collection.json")):
        document = json.loads(pointer.read_text("utf-8"))
        del document["shoestring:snapshot"]["time"]
        text = json.dumps(document).encode()
        found[pointer.relative_to(site).as_posix()] = hashlib.sha256(text).hexdigest()
    return found


def hidden(site: Path) -> list[str]:
    """What a run has left in a site's hidden folders, but for the lock."""
    return [name for name in tree(site) if name.startswith(".")]


def times(site: Path) -> dict[str, int]:
    """Modification times of all files and folders of a site, but of what `WATCH` changes."""
    return {
        str(path.relative_to(site)): path.stat().st_mtime_ns
        for path in site.rglob("*")
        if path.name not in WATCH and path != site / ".staging"
    }


def disk_usage(site: Path) -> int:
    """Bytes of all files of a site, but the lock and `WATCH`."""
    return sum((site / name).stat().st_size for name in tree(site))


def age(path: Path, hours: float) -> None:
    """Make a file, or all below a folder, look older; also what a site says of its snapshots."""
    for entry in (path, *path.rglob("*")) if path.is_dir() else (path,):
        then = entry.stat().st_mtime - hours * 3600
        if entry.name in ("catalog.json", "collection.json", "snapshots.json"):
            entry.write_text(_older(entry.read_text("utf-8"), hours), "utf-8")
        if entry.name == "snapshots.json":
            seal(entry)
        os.utime(entry, (then, then))


def _older(document: str, hours: float) -> str:
    def shifted(found: re.Match[str]) -> str:
        time = datetime.fromisoformat(found[2]) - timedelta(hours=hours)
        return f"{found[1]}{time.strftime('%Y-%m-%dT%H:%M:%SZ')}"

    return re.sub(r'("(?:time|until)": ")([^"]+)', shifted, document)


def seal(path: Path) -> None:
    """Let a list of snapshots tell the checksum of what it says now."""
    document = json.loads(path.read_text("utf-8"))
    document.pop("checksum", None)
    document["checksum"] = _sum(pretty(document))
    path.write_bytes(pretty(document))


def republish(site: Path) -> None:
    """Make a snapshot of what the pointers of a site say now, as a builder would have."""
    catalogue = json.loads((site / "catalog.json").read_text("utf-8"))
    mark = catalogue.pop("shoestring:snapshot")
    links = [
        _door(site, own) if own["rel"] == "alternate" else own
        for own in catalogue.get("links", ())
        if own["rel"] != "version-history"
    ]
    catalogue |= {"links": links} if "links" in catalogue else {}
    pointers: dict[Path, bytes] = {}
    for entry in catalogue["shoestring:collections"]:
        folder = site / entry["id"]
        document = json.loads((folder / "collection.json").read_text("utf-8"))
        document.pop("shoestring:snapshot", None)
        name, data = _hashed(folder, "collection", document)
        pointers[folder / "collection.json"] = data
        entry |= {"href": f"./{entry['id']}/{name}", "size": len(data), "checksum": _sum(data)}
        entry.pop("database", None)
        if (folder / "database.json").is_file():
            entry["database"] = _sum((folder / "database.json").read_bytes())
    name, data = _hashed(site, "catalog", catalogue)
    mark["id"] = name[len("catalog-") : -len(".json")]
    history = {"shoestring:version": "1.0", "snapshots": [mark]}
    (site / "snapshots.json").write_text(json.dumps(history), "utf-8")
    seal(site / "snapshots.json")
    shown = SnapshotMark(**mark)
    (site / "catalog.json").write_bytes(catalogue_pointer(data, shown))
    for path, document in pointers.items():
        path.write_bytes(collection_pointer(document, shown))


def _door(site: Path, link: dict[str, Any]) -> dict[str, Any]:
    """A link to a door, from one to the name under which it is shown."""
    stem, _, suffix = link["href"].rpartition(".")
    data = (site / link["href"]).read_bytes()
    name = f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}.{suffix}"
    return {**link, "href": name, "file:size": len(data), "file:checksum": _sum(data)}


def outdate(site: Path) -> None:
    """Make a site as builders left it that knew no snapshots."""
    for pointer in (site / "catalog.json", *site.glob("*/collection.json")):
        document = json.loads(pointer.read_text("utf-8"))
        for key in ("shoestring:snapshot", "shoestring:collections"):
            document.pop(key, None)
        links = [own for own in document["links"] if own["rel"] != "version-history"]
        document["links"] = links
        pointer.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    hashed = (*site.glob("catalog-*.json"), *site.glob("*/collection-*.json"))
    for path in (*hashed, site / "snapshots.json"):
        path.unlink()


def _hashed(folder: Path, stem: str, document: dict[str, Any]) -> tuple[str, bytes]:
    for old in folder.glob(f"{stem}-*.json"):
        old.unlink()
    data = json.dumps(document).encode()
    name = f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}.json"
    (folder / name).write_bytes(data)
    return name, data


def _sum(data: bytes) -> str:
    return "1220" + hashlib.sha256(data).hexdigest()

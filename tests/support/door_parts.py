"""Parts of collections as doors get them: layers on disk, and items that name them."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.shutil
from numpy.typing import NDArray

from shoestring_builder.describe.item import VRT_TYPE
from shoestring_builder.doors.date_vrt import date_vrt
from shoestring_builder.doors.part import DoorPart
from shoestring_schema.grid import Grid
from shoestring_schema.site import BandDocument
from support.layers import write_tiff

Array = NDArray[Any]
Layers = Mapping[str, Mapping[str, Array]]
"""Stored numbers by date and band."""

UTM = Grid("EPSG:32630", (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), (60, 90))
REFLECTANCE: dict[str, Any] = {
    "data_type": "uint16", "nodata": 0, "scale": 0.0001, "offset": -0.1
}  # fmt: skip
BANDS = (
    BandDocument(name="B04", common_name="red", **REFLECTANCE),
    BandDocument(name="B08", common_name="nir", unit="1", **REFLECTANCE),
    BandDocument(name="SCL", data_type="uint8", nodata=0, factor=2),
)
"""Red and near infrared, with an offset; classes at half the resolution."""


def season(dates: Sequence[str] = ("2018-01-15", "2018-02-14"), grid: Grid = UTM) -> Layers:
    """Random layers of `BANDS`; each date lacks another corner."""
    random = np.random.default_rng(5)
    coarse = grid.coarsen(2).shape
    layers = {}
    for number, date in enumerate(dates):
        own: dict[str, Array] = {
            band: random.integers(1200, 9000, grid.shape).astype("uint16")
            for band in ("B04", "B08")
        }
        own["SCL"] = random.integers(1, 12, coarse).astype("uint8")
        columns = slice(10 * number, 10 * number + 10)
        own["B04"][:10, columns] = own["B08"][5:12, columns] = 0
        layers[date] = own
    return layers


def write_part(
    folder: Path,
    layers: Layers,
    *,
    grid: Grid = UTM,
    bands: tuple[BandDocument, ...] = BANDS,
    address: str = "",
    overviews: bool = False,
) -> DoorPart:
    """Write layers into a folder, and tell of them as the builder's items do.

    Args:
        folder: Where they lie.
        layers: By date and band, at the resolution in which they are stored.
        grid: The collection's.
        bands: The collection's.
        address: Of the folder, with a slash at its end.
        overviews: Whether the files have any, as the builder's do.
    """
    items = []
    for date, own in layers.items():
        assets = {}
        for band in bands:
            if band.name in own:
                place = grid.coarsen(band.factor) if band.factor > 1 else grid
                nodata = None if band.nodata is None else float(band.nodata)
                path = folder / f"{date.replace(':', '')}_{band.name}.tif"
                write_tiff(path, own[band.name], place, nodata)
                if overviews:
                    _as_cog(path)
                assets[band.name] = _asset(path, band)
        items.append(item(date, assets))
    return DoorPart("s2-l2a", "Sentinel-2", "2018", grid, bands, tuple(items), address)


def item(date: str, assets: Mapping[str, Any]) -> dict[str, Any]:
    """An item, with what doors look for in it."""
    properties = {"title": f"Sentinel-2 {date}", "shoestring:date": date}
    return {"type": "Feature", "id": date, "properties": properties, "links": [], "assets": assets}


def with_vrts(folder: Path, part: DoorPart) -> DoorPart:
    """The part whose items link to their VRTs, which are written."""
    items = []
    for own in part.items:
        name = f"{own['id'].replace(':', '')}.vrt"
        (folder / name).write_bytes(date_vrt(part, own))
        link = {"rel": "alternate", "type": VRT_TYPE, "href": f"./{name}"}
        items.append({**own, "links": [*own["links"], link]})
    return DoorPart(
        part.collection, part.title, part.period, part.grid, part.bands, tuple(items), part.address
    )


def repeated(pixels: Array, factor: int, shape: tuple[int, int]) -> Array:
    """What a reader gets of a coarser layer: each pixel several times, cut at the grid's edges."""
    whole: Array = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    return whole[: shape[0], : shape[1]]


def _as_cog(path: Path) -> None:
    plain = path.with_suffix(".plain.tif")
    path.rename(plain)
    options = {"blocksize": 128, "overview_resampling": "average"}
    rasterio.shutil.copy(plain, path, driver="COG", **options)
    plain.unlink()


def _asset(path: Path, band: BandDocument) -> dict[str, Any]:
    data = path.read_bytes()
    return {
        "href": path.name,
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "raster:bands": [{"data_type": band.data_type, "nodata": band.nodata}],
        "file:size": len(data),
        "file:checksum": "1220" + hashlib.sha256(data).hexdigest(),
    }

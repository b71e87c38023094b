"""Small sites for tests of the client, written by hand and not by the builder.

The documents are plain dictionaries, so that a test can put anything into
them, and what the client reads is checked against the contract's text and not
against the code that writes it elsewhere.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from shoestring_schema.grid import Grid

UTM = Grid("EPSG:32630", (10.0, 0.0, 600000.0, 0.0, -10.0, 800000.0), (40, 50))
"""A small grid in Ghana."""

SINUSOIDAL = (
    'PROJCS["Sinusoidal",GEOGCS["Unknown",DATUM["Custom",SPHEROID["Sphere",6371007.181,0]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Sinusoidal"],'
    'PARAMETER["longitude_of_center",0],PARAMETER["false_easting",0],'
    'PARAMETER["false_northing",0],UNIT["metre",1]]'
)
"""The CRS of MODIS, which has no code."""

Array = npt.NDArray[Any]


def checksum(data: bytes) -> str:
    """Multihash: SHA-256."""
    return "1220" + hashlib.sha256(data).hexdigest()


def write_tiff(
    path: Path,
    pixels: Array,
    grid: Grid,
    nodata: float | None = None,
    **creation: Any,  # noqa: ANN401
) -> Path:
    """Write a GeoTIFF of one band; a COG unless another driver is asked for.

    Args:
        path: Where to.
        pixels: Array of the grid's shape.
        grid: CRS and transform.
        nodata: As tagged in the file.
        creation: More for `rasterio.open`.
    """
    options = {"driver": "COG", "compress": "deflate", "blocksize": 128, **creation}
    if options["driver"] == "COG":
        options.setdefault("overviews", "NONE")
    else:
        options.pop("blocksize")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        _tiff(
            pixels.tobytes(), pixels.dtype.str, pixels.shape, grid, nodata, tuple(options.items())
        )
    )
    return path


@lru_cache(maxsize=64)
def _tiff(
    data: bytes, kind: str, shape: tuple[int, int], grid: Grid, nodata: float | None,
    options: tuple[tuple[str, Any], ...],
) -> bytes:  # fmt: skip
    """A GeoTIFF's bytes: most tests write the same few."""
    pixels = np.frombuffer(data, kind).reshape(shape)
    with MemoryFile() as memory:
        with memory.open(height=shape[0], width=shape[1], count=1, dtype=pixels.dtype, crs=grid.crs,
                         transform=Affine(*grid.transform), nodata=nodata, **dict(options)) as file:  # fmt: skip
            file.write(pixels, 1)
        return bytes(memory.read())


def numbers(shape: tuple[int, int], kind: str = "uint16", seed: int = 0) -> Array:
    """Pixels that are all over the range of small numbers, the same for the same seed."""
    drawn = np.random.default_rng(seed).integers(1, 200, shape)
    return drawn.astype(kind)


class SiteFolder:
    """A site of one collection, made step by step; `write` puts its documents in place.

    Attributes:
        folder: The site's folder.
        grid: The collection's grid.
        collection: What ``collection.json`` will say, but for its parts.
        catalog: What ``catalog.json`` will say.
        items: Date to asset key to asset.
    """

    def __init__(
        self,
        folder: Path,
        bands: Mapping[str, Mapping[str, Any]],
        *,
        grid: Grid = UTM,
        mask: Mapping[str, Any] | None = None,
        name: str = "fields",
    ) -> None:
        """Begin a site.

        Args:
            folder: Made where it does not exist.
            bands: Name to the fields of its ``shoestring:bands`` entry.
            grid: The collection's grid.
            mask: ``shoestring:mask``.
            name: The collection's identifier.
        """
        self.folder, self.grid, self.name = folder, grid, name
        self.items: dict[str, dict[str, dict[str, Any]]] = {}
        self._bands = bands
        self.catalog: dict[str, Any] = {
            "type": "Catalog",
            "stac_version": "1.1.0",
            "id": "test",
            "title": "A test",
            "description": "Made by a test.",
            "shoestring:version": "1.0",
            "links": [{"rel": "child", "href": f"./{name}/collection.json"}],
        }
        self.collection: dict[str, Any] = {
            "type": "Collection",
            "stac_version": "1.1.0",
            "id": name,
            "description": "Made by a test.",
            "license": "CC0-1.0",
            "extent": {},
            "links": [],
            "shoestring:version": "1.0",
            "shoestring:grid": {
                "crs": grid.crs,
                "transform": list(grid.transform),
                "shape": list(grid.shape),
            },
            "shoestring:bands": [{"name": band, **fields} for band, fields in bands.items()],
        }
        if mask is not None:
            self.collection["shoestring:mask"] = dict(mask)

    def add(self, date: str, band: str, pixels: Array, **creation: Any) -> Path:  # noqa: ANN401
        """Write a layer's file and name it in the date's item."""
        factor = self._bands[band].get("factor", 1)
        nodata = self._bands[band].get("nodata")
        path = self.folder / self.name / f"{date.replace(':', '')}_{band}.tif"
        write_tiff(path, pixels, self.grid.coarsen(factor),
                   None if nodata is None else float(nodata), **creation)  # fmt: skip
        self.link(date, band, f"./{path.name}", size=path.stat().st_size)
        return path

    def link(self, date: str, band: str, href: str, *, size: int | None = None) -> None:
        """Name any address as a layer's."""
        asset: dict[str, Any] = {"href": href, "roles": ["data"]}
        if size is not None:
            asset |= {"file:size": size, "shoestring:header_size": 700}
        self.items.setdefault(date, {})[band] = asset

    def write(self) -> Self:
        """Write the documents: the items' part, the collection, the catalogue."""
        features = [self._item(date, assets) for date, assets in sorted(self.items.items())]
        part = json.dumps({"type": "FeatureCollection", "features": features}).encode()
        self.write_part(part)
        self.write_catalog()
        return self

    def write_part(self, part: bytes, *, stated: str | None = None) -> None:
        """Write a part's bytes and the collection that names it, maybe with another checksum."""
        home = self.folder / self.name
        home.mkdir(parents=True, exist_ok=True)
        (home / "items.json").write_bytes(part)
        named = {
            "href": "./items.json",
            "dates": sorted(self.items),
            "size": len(part),
            "checksum": stated or checksum(part),
        }
        document = {"shoestring:parts": [named], **self.collection}
        (home / "collection.json").write_text(json.dumps(document), encoding="utf-8")

    def write_catalog(self) -> None:
        """Write ``catalog.json``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "catalog.json").write_text(json.dumps(self.catalog), encoding="utf-8")

    def _item(self, date: str, assets: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": "Feature",
            "stac_version": "1.1.0",
            "id": f"{self.name}-{date}",
            "geometry": None,
            "properties": {"datetime": f"{date[:10]}T00:00:00Z", "shoestring:date": date},
            "assets": assets,
            "links": [],
        }


def simple_site(folder: Path, dates: int = 3, *, grid: Grid = UTM, **creation: Any) -> SiteFolder:  # noqa: ANN401
    """A site of one uint16 band ``B04`` with some dates of random pixels, nodata 0."""
    site = SiteFolder(folder, {"B04": {"data_type": "uint16", "nodata": 0}}, grid=grid)
    for number in range(dates):
        site.add(f"2018-01-{number + 1:02}", "B04", numbers(grid.shape, seed=number), **creation)
    return site.write()


def box_in(grid: Grid, rows: tuple[float, float], columns: tuple[float, float]) -> dict[str, Any]:
    """A rectangle of pixels as GeoJSON in the grid's own CRS (with a ``crs`` member)."""
    corners = [(rows[0], columns[0]), (rows[0], columns[1]),
               (rows[1], columns[1]), (rows[1], columns[0]), (rows[0], columns[0])]  # fmt: skip
    ring = [list(grid.xy(row, column)) for row, column in corners]
    crs = {"type": "name", "properties": {"name": grid.crs}}
    return {"type": "Polygon", "coordinates": [ring], "crs": crs}

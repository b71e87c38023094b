"""A season under a real sky: a site of 50 dates, most of them cloudy, by the builder.

Ground, light and clouds are the demo's (`shoestring_demo`), on a larger grid:
10-m reflectances that compress like Sentinel-2's (1.3 to 1.4 bytes a pixel), and its
classes at 20 m. Around the middle, where the fields lie, 12 dates are clear, 8
have clouds of some hundred metres to kilometres, 30 are overcast.
"""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.windows
import shapely
from archive import absolute_items, header_size, layer_files
from peers.cold import digest
from rasterio.features import geometry_mask
from rasterio.transform import from_origin

from shoestring_builder.build import build
from shoestring_demo.clouds import SHADOW, Sky
from shoestring_demo.image import Image
from shoestring_demo.landscape import Landscape, make_landscape
from shoestring_demo.noise import Field, smooth_noise
from shoestring_schema.grid import Grid, Window

SIDE = 2048
"""Pixels of 10 m."""

SEED = 3
FIRST_DAY = date(2020, 3, 1)
BANDS = ("B04", "B08")
MASK = "SCL"
CLEAR = (4, 5, 6, 7)

COVERS = (*[1.0] * 30, *np.linspace(0.3, 0.7, 8), *[0.0] * 12)
"""Share of the middle that is under cloud: overcast, broken, clear."""

MIDDLE = slice(SIDE // 4 - SIDE // 8, SIDE // 4 + SIDE // 8)
"""The middle's rows and columns of 20 m; the fields lie in it."""

CLOUD = 128
"""Pixels of 20 m: the largest clouds; the smallest are a sixteenth of that."""

CONFIGURATION = """\
[catalogue]
id = "bench"
settle = "0 seconds"
[[collections]]
id = "s2"
source = "mosaics/{date}_{band}.tif"
[collections.bands.B04]
common_name = "red"
nodata = 0
scale = 0.0001
[collections.bands.B08]
common_name = "nir"
nodata = 0
scale = 0.0001
[collections.bands.SCL]
resampling = "nearest"
nodata = 0
[collections.mask]
band = "SCL"
clear = [4, 5, 6, 7]
"""


def make_season(folder: Path) -> Path:
    """The site's folder; made where it is not there yet."""
    if not (folder / "site" / "catalog.json").exists():
        (folder / "mosaics").mkdir(parents=True, exist_ok=True)
        (folder / "shoestring.toml").write_text(CONFIGURATION)
        for image in _images():
            for band, pixels in (*image.bands(), (MASK, image.classes())):
                if band in (*BANDS, MASK):
                    _write(folder / "mosaics" / f"{image.day}_{band}.tif", pixels)
        build(folder / "shoestring.toml", workers=2)
        shutil.rmtree(folder / "mosaics")
    return folder / "site"


def make_field(side: int, *, seed: int) -> shapely.Polygon:
    """An irregular field near the middle of the grid, about so many pixels across."""
    rng = np.random.default_rng([SEED, seed])
    angles = np.linspace(0, 2 * np.pi, 15)[:-1]
    away = side / 2 * rng.uniform(0.8, 1.15, angles.size)
    middle = SIDE / 2 + rng.uniform(-128, 128, 2)  # as far as a block's edge
    columns, rows = middle[:, None] + away * np.array([np.cos(angles), np.sin(angles)])
    return shapely.Polygon(np.column_stack(_transform() * (columns, rows)))


def season_job(site: Path, field: shapely.Polygon, *, url: str, ca: Path) -> dict[str, Any]:
    """What each program needs, as JSON can hold it.

    Args:
        site: The site's folder.
        field: What is wanted of each layer, in the grid's CRS.
        url: Where the site is served.
        ca: PEM file to trust.

    Returns:
        Like `jobs.make_job`, but ``bands`` and ``files`` by band, the ``dates``, the ``field``
        as GeoJSON, and of the mask: ``mask_band``, ``mask_window`` (in its own pixels),
        ``factor`` and the ``clear`` classes.
    """
    files = {band: layer_files(site, band) for band in (*BANDS, MASK)}
    with rasterio.open(files[BANDS[0]][0]) as first, rasterio.open(files[MASK][0]) as mask:
        grid = Grid(first.crs.to_string(), tuple(first.transform)[:6], first.shape)
        header = max(header_size(first), header_size(mask))
    window = _window(grid, field)
    return {
        "url": url, "ca": str(ca), "crs": grid.crs, "transform": grid.transform, "header": header,
        "field": shapely.geometry.mapping(field), "bands": BANDS, "mask_band": MASK,
        "window": _numbers(window), "mask_window": _numbers(window.coarsen(2)),
        "factor": 2, "clear": CLEAR, "dates": [str(day) for day in _days()],
        "files": {band: [f"{url}/{file.relative_to(site).as_posix()}" for file in files[band]] for band in files},
        "items": absolute_items(site, url, (*BANDS, MASK)),
    }  # fmt: skip


def truth(site: Path, job: dict[str, Any]) -> tuple[int, dict[str, float]]:
    """What must be read, from the files on disk.

    Returns:
        The digest of the clear dates' pixels, and each date's clear share of the field.
    """
    column, row, width, height = job["window"]
    place = rasterio.windows.Window(column, row, width, height)
    transform = _transform() * _transform().translation(column, row)
    inside = geometry_mask([job["field"]], (height, width), transform, invert=True)
    found, shares = {}, {}
    for number, day in enumerate(job["dates"]):
        with rasterio.open(layer_files(site, MASK)[number]) as file:
            classes = file.read(1).repeat(2, 0).repeat(2, 1)[place.toslices()]
        valid = inside & np.isin(classes, CLEAR)
        shares[day] = valid.sum() / inside.sum()
        if valid.any():
            found[day] = [_masked(layer_files(site, band)[number], place, valid) for band in BANDS]
    return digest(found), shares


def _masked(path: Path, place: rasterio.windows.Window, valid: npt.NDArray[np.bool_]) -> Field:
    with rasterio.open(path) as file:
        return np.where(valid, file.read(1, window=place), np.float32("nan")).astype(np.float32)


def _window(grid: Grid, field: shapely.Polygon) -> Window:
    """The field's bounding box on the grid, grown to whole pixels."""
    left, bottom, right, top = field.bounds
    columns, rows = ~_transform() * (np.array([left, right]), np.array([top, bottom]))
    first, last = np.floor([rows[0], columns[0]]).astype(int), np.ceil([rows[1], columns[1]])
    return Window(*map(int, first), *map(int, last - first))


def _numbers(window: Window) -> tuple[int, int, int, int]:
    return window.column, window.row, window.width, window.height


def _transform() -> Any:  # noqa: ANN401
    return from_origin(600000, 1100040, 10, 10)


def _days() -> list[date]:
    return [FIRST_DAY + timedelta(days=5 * number) for number in range(len(COVERS))]


def _images() -> Iterator[Image]:
    ground = make_landscape((SIDE, SIDE))
    covers = np.random.default_rng(SEED).permutation(COVERS)
    for day, cover in zip(_days(), covers, strict=True):
        yield Image(
            green=_green(ground, day),
            sky=_sky(day, float(cover)),
            seen=np.ones((SIDE, SIDE), bool),
            landscape=ground,
            day=day,
        )


def _green(ground: Landscape, day: date) -> Field:
    green: Field = ground.green(day.timetuple().tm_yday)[ground.surface] * ground.growth
    return np.clip(green, 0, 1)


def _sky(day: date, cover: float) -> Sky:
    """Clouds over such a share of the middle, and their shadows; none over the middle if 0."""
    size = (SIDE // 2, SIDE // 2)
    noise = smooth_noise(np.random.default_rng([SEED, day.toordinal()]), size, coarsest=CLOUD)
    if cover == 1:
        return Sky(np.clip(0.85 + 0.06 * noise, 0.1, 1), np.zeros(size, np.float32))
    base = np.quantile(noise[MIDDLE, MIDDLE], 1 - cover) if cover else 1
    cloud = np.clip(1.6 * (noise - base), 0, 1)
    shadow = 0.6 * np.roll(cloud, SHADOW, (0, 1))
    if cover == 0:
        cloud[MIDDLE, MIDDLE] = shadow[MIDDLE, MIDDLE] = 0
    return Sky(cloud, shadow)


def _write(path: Path, pixels: npt.NDArray[Any]) -> None:
    side = SIDE * 10 / pixels.shape[0]
    profile = {"driver": "GTiff", "height": pixels.shape[0], "width": pixels.shape[1], "count": 1,
               "dtype": pixels.dtype, "nodata": 0, "crs": "EPSG:32630", "tiled": True,
               "transform": from_origin(600000, 1100040, side, side)}  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(pixels, 1)

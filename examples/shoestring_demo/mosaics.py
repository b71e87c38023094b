"""The mosaics of the demo: the images of a season, in two tiles each, and daily weather."""

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from shoestring_demo.image import Image, make_image
from shoestring_demo.landscape import Landscape, make_landscape
from shoestring_demo.raster_file import Transform, write_raster
from shoestring_demo.season import Season
from shoestring_demo.weather import DEGREES, Weather, make_weather

CRS = "EPSG:32630"
"""UTM zone 30 north."""

CENTRE = (736_000.0, 1_039_500.0)
"""x and y: 0.85 degrees west, 9.4 degrees north."""

GSD = 10.0
"""Metres."""

OVERLAP = 96
"""Pixels that both tiles cover."""


class Mosaics:
    """The rasters of a season, made where they are not there yet.

    Args:
        folder: Where they go.
        season: What to make.
    """

    def __init__(self, folder: Path, season: Season) -> None:
        self.folder = folder
        self.season = season

    @cached_property
    def landscape(self) -> Landscape:
        """The ground."""
        return make_landscape(self.season.size)

    @property
    def transform(self) -> Transform:
        """Pixels to CRS: the landscape's middle is `CENTRE`, whatever its size."""
        return transform_of(self.season.size)

    def write(self, *, progress: bool | None = None) -> int:
        """Write what is missing. A file that is there is left alone: it is whole.

        Args:
            progress: Show bars; None shows them on a terminal.

        Returns:
            Number of files written.

        Raises:
            OutputError: The folder can't be written.
        """
        hidden = None if progress is None else not progress
        images = tqdm(
            enumerate(self.season.dates), "Images", len(self.season.dates), disable=hidden
        )
        written = sum(self._write_image(number, day) for number, day in images)
        missing = [day for day in self.season.days if not self._weather_path(day).exists()]
        if missing:
            weather = make_weather(self.season)
            for day in tqdm(missing, "Weather", disable=hidden):
                self._write_weather(weather, day)
        return written + len(missing)

    def _write_image(self, number: int, day: date) -> int:
        if all(path.exists() for path in self._image_paths(day)):
            return 0
        written = 0
        for name, gsd_factor, pixels in _layers(make_image(self.landscape, day, number)):
            for tile, columns in tiles(self.season.size[1]).items():
                part = slice(columns.start // gsd_factor, columns.stop // gsd_factor)
                write_raster(
                    self._image_path(day, tile, name),
                    {name: np.ascontiguousarray(pixels[:, part])},
                    crs=CRS,
                    transform=_coarser(self.transform, columns.start, gsd_factor),
                    nodata=0,
                )
                written += 1
        return written

    def _write_weather(self, weather: Weather, day: date) -> None:
        bands = weather.of(day)
        transform = (DEGREES, 0.0, weather.west, 0.0, -DEGREES, weather.north)
        path = self._weather_path(day)
        write_raster(path, bands, crs="EPSG:4326", transform=transform, nodata=-9999)

    def _image_paths(self, day: date) -> Iterator[Path]:
        for tile in tiles(self.season.size[1]):
            for name in ("B02", "B03", "B04", "B08", "SCL"):
                yield self._image_path(day, tile, name)

    def _image_path(self, day: date, tile: str, name: str) -> Path:
        return self.folder / "s2" / f"S2_{day:%Y%j}_{tile}_{name}.tif"

    def _weather_path(self, day: date) -> Path:
        return self.folder / "weather" / f"weather_{day:%Y%m%d}.tif"


def transform_of(size: tuple[int, int]) -> Transform:
    """Affine coefficients of a landscape of so many rows and columns around `CENTRE`."""
    left, top = CENTRE[0] - size[1] / 2 * GSD, CENTRE[1] + size[0] / 2 * GSD
    return (GSD, 0.0, left, 0.0, -GSD, top)


def tiles(width: int) -> dict[str, slice]:
    """The columns of each tile; both are cut at pixels of 20 m."""
    middle, more = width // 4 * 2, OVERLAP // 2
    return {"west": slice(0, middle + more), "east": slice(middle - more, width)}


def _layers(image: Image) -> Iterator[tuple[str, int, npt.NDArray[np.generic]]]:
    """Name, size of a pixel in those of the grid, and pixels."""
    for name, pixels in image.bands():
        yield name, 1, pixels
    yield "SCL", 2, image.classes()


def _coarser(transform: Transform, column: int, factor: int) -> Transform:
    a, b, c, d, e, f = transform
    return (a * factor, b, c + a * column, d, e * factor, f)

"""The image of a date: what a satellite would see of the ground through its sky."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from shoestring_demo.clouds import Sky, make_sky
from shoestring_demo.landscape import SEED, Landscape
from shoestring_demo.noise import Field

BANDS = ("B02", "B03", "B04", "B08")
"""As Sentinel-2 names them: blue, green, red, near infrared."""

SCALE = 0.0001
"""Stored number times this is the reflectance."""

_LEAVES = (0.030, 0.065, 0.030, 0.470)  # reflectance of a closed canopy
_CLOUD = (0.55, 0.55, 0.56, 0.60)
_NOISE = 0.004  # standard deviation, reflectance

NO_DATA, SHADOW, VEGETATION, BARE, WATER, CLOUD, THICK_CLOUD = 0, 3, 4, 5, 6, 8, 9
"""Classes, numbered as in Sentinel-2's scene classification."""

SWATH_EDGE = 10
"""The image that the satellite's swath covers in part only."""


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """An image.

    Attributes:
        green: Share of each pixel that is green, float32 of shape (rows, columns).
        sky: The sky above it, at 20 m.
        seen: Whether the satellite's swath covers each pixel, bool of shape (rows, columns).
        landscape: The ground.
        day: The date.
    """

    green: Field
    sky: Sky
    seen: npt.NDArray[np.bool_]
    landscape: Landscape
    day: date

    def bands(self) -> Iterator[tuple[str, npt.NDArray[np.uint16]]]:
        """Names and stored reflectances of the bands, uint16; 0 where nothing was seen."""
        cloud, light = _doubled(self.sky.cloud), 1 - _doubled(self.sky.shadow)
        random = np.random.default_rng([SEED, self.day.toordinal(), 1])
        noise = random.normal(0, _NOISE, self.green.shape).astype(np.float32)
        for number, name in enumerate(BANDS):
            ground = self.landscape.bare[:, number][self.landscape.surface]
            ground *= self.landscape.texture
            ground += self.green * (np.float32(_LEAVES[number]) - ground)
            ground *= light
            ground += cloud * (np.float32(_CLOUD[number]) - ground)
            ground += np.roll(noise, (97 * number, 53 * number), (0, 1))
            stored = np.clip(np.rint(ground / SCALE), 1, 10000).astype(np.uint16)
            yield name, np.where(self.seen, stored, np.uint16(0))

    def classes(self) -> npt.NDArray[np.uint8]:
        """The class of each pixel of 20 m, uint8."""
        surface, green = self.landscape.surface[::2, ::2], self.green[::2, ::2]
        result = np.where(green > 0.3, np.uint8(VEGETATION), np.uint8(BARE))
        result[surface == self.landscape.water] = WATER
        result[self.sky.shadow > 0.02] = SHADOW
        result[self.sky.cloud > 0.02] = CLOUD
        result[self.sky.cloud > 0.6] = THICK_CLOUD
        result[~(self.seen[::2, ::2] & self.seen[1::2, 1::2])] = NO_DATA
        return result


def make_image(landscape: Landscape, day: date, number: int) -> Image:
    """Make the image of a date.

    Args:
        landscape: The ground.
        day: The date.
        number: Which of the images it is, from 0.
    """
    size = landscape.surface.shape
    green = landscape.green(day.timetuple().tm_yday)[landscape.surface]
    green *= landscape.growth
    return Image(
        green=np.clip(green, 0, 1),
        sky=make_sky(day, number, (size[0] // 2, size[1] // 2)),
        seen=_seen((size[0], size[1]), cut=number == SWATH_EDGE),
        landscape=landscape,
        day=day,
    )


def _seen(size: tuple[int, int], *, cut: bool) -> npt.NDArray[np.bool_]:
    """All, or what lies right of a slanted line a little left of the middle."""
    if not cut:
        return np.ones(size, bool)
    rows, columns = np.ogrid[: size[0], : size[1]]
    line = size[1] / 2 - 18 - 0.22 * (rows - size[0] / 2)
    seen: npt.NDArray[np.bool_] = columns > line
    return seen


def _doubled(coarse: Field) -> Field:
    """Each pixel of 20 m as four of 10 m."""
    doubled: Field = coarse.repeat(2, 0).repeat(2, 1)
    return doubled

"""Daily weather on a coarse grid: temperature, and rain that comes in showers."""

from dataclasses import dataclass
from datetime import date
from math import cos, pi

import numpy as np

from shoestring_demo.landscape import SEED
from shoestring_demo.noise import Field, smooth_noise
from shoestring_demo.season import Season

DEGREES = 0.1
"""Width of a pixel."""

_SIZE = (12, 14)  # rows and columns


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather of a season.

    Attributes:
        west: Longitude of its left edge.
        north: Latitude of its upper edge.
        rain: Mean rain of each day over the area, in mm.
    """

    west: float
    north: float
    rain: dict[date, float]

    def of(self, day: date) -> dict[str, Field]:
        """Temperature (degC) and precipitation (mm) of a day, float32 of shape (rows, columns)."""
        random = np.random.default_rng([SEED, day.toordinal(), 2])
        pattern = smooth_noise(random, _SIZE, coarsest=8)
        rain = np.maximum(self.rain[day] * (1 + 0.6 * pattern), 0)
        usual = 27.5 + 2.5 * cos(2 * pi * (day.timetuple().tm_yday - 100) / 365)
        cooler = min(self.rain[day], 25) * 0.1
        warmth = (
            usual - cooler + random.normal(0, 0.5) + 0.3 * smooth_noise(random, _SIZE, coarsest=8)
        )
        return {"t2m": warmth.astype(np.float32), "precipitation": rain.astype(np.float32)}


def make_weather(season: Season) -> Weather:
    """Make the weather of a season: the rains are strongest in late August."""
    random = np.random.default_rng([SEED, 3])
    rain = {}
    for day in season.days:
        strength = max(0.0, cos(pi * (day.timetuple().tm_yday - 232) / 230))
        falls, amount = random.random() < 0.55 * strength, strength * random.gamma(1.2, 13.0)
        rain[day] = float(amount * falls)
    return Weather(west=-1.5, north=10.0, rain=rain)

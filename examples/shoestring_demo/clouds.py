"""Clouds and their shadows, at 20 m, as the class mask is."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from shoestring_demo.landscape import SEED
from shoestring_demo.noise import Field, smooth_noise

CLOUDY = (0.05, 0.15, 0.0, 0.22, 0.12, 0.85, 0.10, 0.28, 0.08, 0.20, 0.0, 0.06)
"""Share of the sky that is cloudy, image after image: most in the rains, never for long."""

SHADOW = (9, -6)
"""Rows and columns from a cloud to its shadow: the sun is in the north-east."""


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """What is between the ground and the satellite on a date.

    Attributes:
        cloud: How much of the light is the cloud's, 0 to 1, float32 of shape (rows, columns).
        shadow: How much of the sunlight is missing, 0 to 1, of the same shape.
    """

    cloud: Field
    shadow: Field


def make_sky(day: date, number: int, size: tuple[int, int]) -> Sky:
    """Make the sky of a date.

    Args:
        day: The date.
        number: Which of the images it is, from 0.
        size: Rows and columns in pixels of 20 m.
    """
    cover = CLOUDY[number % len(CLOUDY)]
    if cover == 0:
        return Sky(np.zeros(size, np.float32), np.zeros(size, np.float32))
    pad = max(map(abs, SHADOW))  # clouds beyond the edge have shadows on this side of it
    random = np.random.default_rng([SEED, day.toordinal()])
    noise = smooth_noise(random, (size[0] + 2 * pad, size[1] + 2 * pad), coarsest=32)
    opacity = np.clip(1.6 * (noise - np.quantile(noise, 1 - cover)), 0, 1)
    return Sky(_crop(opacity, size, pad, (0, 0)), 0.6 * _crop(opacity, size, pad, SHADOW))


def _crop(padded: Field, size: tuple[int, int], pad: int, moved: tuple[int, int]) -> Field:
    row, column = pad - moved[0], pad - moved[1]
    return padded[row : row + size[0], column : column + size[1]]

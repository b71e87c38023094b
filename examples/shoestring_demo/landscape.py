"""The ground: parcels, hedges, a river with its trees, a village.

Every pixel belongs to a *surface*: one of the parcels, or one of the few things
that are no parcels. What is known of a surface is kept in small tables, so that
an image of a date is a look-up in them.
"""

from dataclasses import dataclass
from math import cos, sin

import numpy as np
import numpy.typing as npt

from shoestring_demo.crop import FALLOW, GROUNDNUT, MAIZE, RICE, ROTATION, TREES, Crop
from shoestring_demo.noise import Field, smooth_noise

SEED = 20250508
"""The same numbers for everybody."""

PARCEL = (17, 26)
"""Height and width of a parcel in pixels, more or less."""

TILT = 0.35
"""Radians: parcels do not lie north up."""

Surfaces = npt.NDArray[np.int32]

_BARE = {  # reflectance in B02, B03, B04, B08 where nothing green grows
    "soil": (0.075, 0.110, 0.155, 0.230),
    "water": (0.060, 0.070, 0.060, 0.030),
    "village": (0.150, 0.170, 0.200, 0.260),
}


@dataclass(frozen=True, slots=True, eq=False)
class Landscape:
    """The ground, as it stays through the season.

    Attributes:
        surface: Number of each pixel's surface, int32 of shape (rows, columns).
        crops: What grows on each surface.
        shift: Days that each surface is later than its crop usually is, float32.
        vigour: How well it grows, about 1, float32.
        bare: Reflectance of B02, B03, B04, B08 without anything green, float32 of shape
            (surfaces, 4).
        texture: Brightness of each pixel's ground, about 1, float32 of shape (rows, columns).
        growth: How well each pixel's plants grow, about 1, float32 of that shape.
        fields: The surfaces of the demo's fields, by name.
    """

    surface: Surfaces
    crops: tuple[Crop, ...]
    shift: npt.NDArray[np.float32]
    vigour: npt.NDArray[np.float32]
    bare: npt.NDArray[np.float32]
    texture: Field
    growth: Field
    fields: dict[str, int]

    @property
    def water(self) -> int:
        """Number of the river's surface."""
        return len(self.crops) - 2

    def green(self, day: int) -> npt.NDArray[np.float32]:
        """Share of each surface that is green on a day of the year, float32."""
        return np.array(
            [
                crop.green(day - shift) * vigour
                for crop, shift, vigour in zip(self.crops, self.shift, self.vigour, strict=True)
            ],
            np.float32,
        )


def make_landscape(size: tuple[int, int]) -> Landscape:
    """Make the ground.

    Args:
        size: Rows and columns in pixels of 10 m.
    """
    random = np.random.default_rng(SEED)
    parcels, edge = _parcels(random, size)
    count = int(parcels.max()) + 1
    fields = _fields(parcels)
    surface = np.where(edge, np.int32(count), parcels)  # hedges
    _add_river(surface, random, trees=count, water=count + 1)
    _add_village(surface, random, village=count + 2)
    plain = smooth_noise(random, size, coarsest=64)
    return Landscape(
        surface=surface,
        crops=(*_crops(random, count, fields), TREES, FALLOW, FALLOW),
        shift=_spread(random, count, fields, around=0, by=6),
        vigour=_spread(random, count, fields, around=0.95, by=0.06, others=(1, 0, 0.3)),
        bare=_bare(random, count),
        texture=1 + 0.06 * plain,
        growth=1 + 0.05 * smooth_noise(random, size, coarsest=32),
        fields=fields,
    )


def _parcels(
    random: np.random.Generator, size: tuple[int, int]
) -> tuple[Surfaces, npt.NDArray[np.bool_]]:
    """Cells around jittered points of a tilted lattice; and where two of them meet."""
    u, v = _tilted(random, size)
    lattice = int(u.max()) + 3, int(v.max()) + 3
    jitter = random.uniform(0.12, 0.88, (2, *lattice)).astype(np.float32)
    cell_u, cell_v = u.astype(np.int32), v.astype(np.int32)
    nearest = np.full(size, np.inf, np.float32)
    second, owner = nearest.copy(), np.zeros(size, np.int32)
    for du in (-1, 0, 1):
        for dv in (-1, 0, 1):
            i, j = cell_u + du, cell_v + dv
            distance = np.hypot(i + jitter[0][i, j] - u, j + jitter[1][i, j] - v)
            closer = distance < nearest
            second = np.where(closer, nearest, np.minimum(second, distance))
            owner = np.where(closer, i * lattice[1] + j, owner)
            nearest = np.minimum(nearest, distance)
    numbers = np.unique(owner, return_inverse=True)[1].reshape(size)
    return numbers.astype(np.int32), second - nearest < 0.05


def _tilted(random: np.random.Generator, size: tuple[int, int]) -> tuple[Field, Field]:
    """Each pixel's place on the lattice, in parcels from beyond its corner; a little bent."""
    rows, columns = np.indices(size, np.float32)
    rows += 2.5 * smooth_noise(random, size, coarsest=128)
    columns += 2.5 * smooth_noise(random, size, coarsest=128)
    u = (rows * np.float32(cos(TILT)) - columns * np.float32(sin(TILT))) / PARCEL[0]
    v = (rows * np.float32(sin(TILT)) + columns * np.float32(cos(TILT))) / PARCEL[1]
    return (u - u.min() + 2).astype(np.float32), (v - v.min() + 2).astype(np.float32)


def _fields(parcels: Surfaces) -> dict[str, int]:
    """The demo's fields: three parcels around the middle, where the two tiles meet."""
    row, column = parcels.shape[0] // 2, parcels.shape[1] // 2
    places = {"Upper field": (-26, -24), "Long field": (6, 22), "River field": (24, -30)}
    return {
        name: int(parcels[row + down, column + right]) for name, (down, right) in places.items()
    }


def _crops(random: np.random.Generator, count: int, fields: dict[str, int]) -> list[Crop]:
    crops = [ROTATION[number] for number in random.integers(0, len(ROTATION), count)]
    for surface, crop in zip(fields.values(), (GROUNDNUT, MAIZE, RICE), strict=True):
        crops[surface] = crop
    return crops


def _spread(
    random: np.random.Generator,
    count: int,
    fields: dict[str, int],
    *,
    around: float,
    by: float,
    others: tuple[float, float, float] = (0, 0, 0),
) -> npt.NDArray[np.float32]:
    """A number for each surface: parcels differ, the demo's fields are as the book says."""
    values = random.normal(around, by, count)
    values[list(fields.values())] = around
    return np.concatenate([values, others]).astype(np.float32)


def _bare(random: np.random.Generator, count: int) -> npt.NDArray[np.float32]:
    soils = np.outer(random.uniform(0.85, 1.2, count + 1), _BARE["soil"])
    return np.vstack([soils, _BARE["water"], _BARE["village"]]).astype(np.float32)


def _add_river(surface: Surfaces, random: np.random.Generator, *, trees: int, water: int) -> None:
    """A river that winds from north to south, left of the middle, with trees along it."""
    height, width = surface.shape
    rows = np.arange(height, dtype=np.float32)
    phases = random.uniform(0, 2 * np.pi, 2)
    middle = width / 2 - 72
    middle = middle + 22 * np.sin(rows / 95 + phases[0]) + 9 * np.sin(rows / 31 + phases[1])
    middle -= middle[height // 2] - (width / 2 - 62)
    distance = np.abs(np.arange(width, dtype=np.float32) - middle[:, None])
    surface[distance < 6] = trees
    surface[distance < 2.6] = water


def _add_village(surface: Surfaces, random: np.random.Generator, *, village: int) -> None:
    """Compounds, the denser the nearer to the village's middle."""
    height, width = surface.shape
    rows, columns = np.ogrid[:height, :width]
    away = np.hypot(rows - (height / 2 - 34), columns - (width / 2 + 58))
    built = random.random(surface.shape, np.float32) < 0.75 * np.exp(-((away / 16) ** 2))
    surface[built & (away < 40)] = village

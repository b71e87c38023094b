"""Smooth random fields: the stuff that soils, clouds and rain are made of."""

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]


def smooth_noise(random: np.random.Generator, shape: tuple[int, int], *, coarsest: int) -> Field:
    """A random field with large and small features.

    Octaves of value noise are added up, each half as wide and half as strong as the one
    before, down to features of about eight pixels.

    Args:
        random: Where the numbers come from.
        shape: Rows and columns.
        coarsest: Width of the largest features in pixels.

    Returns:
        float32 of the shape, with mean 0 and standard deviation 1.
    """
    field = np.zeros(shape, np.float32)
    step, strength = coarsest, np.float32(1)
    while True:
        field += strength * _octave(random, shape, step)
        step, strength = step // 2, strength / 2
        if step < 8:
            break
    field -= field.mean()
    field /= field.std()
    return field


def _octave(random: np.random.Generator, shape: tuple[int, int], step: int) -> Field:
    """Random numbers at the nodes of a coarse lattice, smooth in between."""
    nodes = random.standard_normal((shape[0] // step + 2, shape[1] // step + 2), np.float32)
    row, down = _between(shape[0], step)
    column, right = _between(shape[1], step)
    lines = nodes[row] + down[:, None] * (nodes[row + 1] - nodes[row])
    field: Field = lines[:, column]
    field += right * (lines[:, column + 1] - field)
    return field


def _between(length: int, step: int) -> tuple[npt.NDArray[np.int64], Field]:
    """For each pixel the node before it, and how far it is on the way to the next, eased."""
    node, offset = np.divmod(np.arange(length), step)
    way = (offset / step).astype(np.float32)
    return node, way * way * (3 - 2 * way)

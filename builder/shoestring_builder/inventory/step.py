"""From the loss that a band allows to the step that its stored numbers are rounded to; pure."""

import math

import numpy as np

from shoestring_schema.configuration import BandTable, DataType
from shoestring_schema.errors import ConfigError

_LARGEST_REAL = 2.0**64


def step_of(own: BandTable, data_type: DataType, where: str) -> float:
    """The largest power of two whose multiples are near enough to all stored numbers.

    A number is off by half a step at most. Powers of two leave the zeros at the numbers' ends
    that codecs make the most of.

    Args:
        own: The band's table.
        data_type: NumPy name of the type that is stored.
        where: The collection and the band, for messages.

    Returns:
        In stored numbers; 0 where nothing may be lost.

    Raises:
        ConfigError: The type can't be rounded like that.
    """
    if own.max_error == 0:
        return 0.0
    stored = own.max_error / abs(own.scale) * (1 + 1e-9) if own.scale else 0.0
    step = math.ldexp(1.0, math.frexp(stored)[1])  # 2 * stored, rounded down to a power of two
    lowest, highest = _limits(data_type)
    if step < lowest:
        raise ConfigError(
            f"{where}: max_error = {own.max_error:g} is less than one stored number at "
            f"scale = {own.scale:g}; state the band's scale, or leave max_error out."
        )
    if step > highest:
        raise ConfigError(
            f"{where}: max_error = {own.max_error:g} at scale = {own.scale:g} leaves too little of "
            f"{data_type}; state a smaller one."
        )
    return step


def _limits(data_type: DataType) -> tuple[float, float]:
    """The smallest and the largest step."""
    if data_type.startswith("float"):
        return 1 / _LARGEST_REAL, _LARGEST_REAL
    return 2.0, 2.0 ** (8 * np.dtype(data_type).itemsize - 2)

"""Bounded loss: stored numbers rounded to multiples of a power of two.

What is rounded away is noise that no codec can shrink. Any lossless codec then
makes small files of what is left, and every reader reads them. Codecs that are
lossy themselves know no "no data": LERC in a TIFF of whole numbers moves its
number, and makes it of numbers beside it (`docs/blocks.md`).
"""

import numpy as np

from shoestring_builder.render.raster_source import Pixels, holds_data


def rounded(pixels: Pixels, step: float, nodata: float | None) -> Pixels:
    """Numbers rounded to the nearest multiples of a step, halves to even ones.

    Pixels that hold no data stay as they are, and so does every number whose multiple would
    mean "no data" or is too large for the type. So none is off by more than half a step.

    Args:
        pixels: Of any shape.
        step: A power of two, for whole numbers between 2 and a quarter of what their type
            holds; 0: all stay as they are.
        nodata: The number that means "no data", or None.

    Returns:
        An array of the same shape and type.
    """
    if step == 0:
        return pixels
    made = (_reals if pixels.dtype.kind == "f" else _integers)(pixels, step)
    kept = ~(holds_data(pixels, nodata) & holds_data(made, nodata))
    np.copyto(made, pixels, where=kept)
    return made


def _reals(pixels: Pixels, step: float) -> Pixels:
    number = pixels.dtype.type
    with np.errstate(over="ignore", invalid="ignore"):
        made: Pixels = np.rint(pixels / number(step)) * number(step)
        near = np.abs(made - pixels) <= number(step / 2)
    np.copyto(made, pixels, where=~near)
    return made


def _integers(pixels: Pixels, step: float) -> Pixels:
    """In the numbers' own type; what is too large for it wraps around, and is noticed."""
    number = pixels.dtype.type
    below = ~number(step - 1)
    odd = (pixels >> number(int(step).bit_length() - 1)) & number(1)
    made: Pixels = (pixels + (odd + number(step / 2 - 1))) & below
    np.copyto(made, pixels, where=made < (pixels & below))
    return made

"""Statistics of a layer, gathered piece by piece while it is made."""

import numpy as np
from numpy.typing import NDArray

from shoestring_builder.layer import BandRecipe, Statistics
from shoestring_builder.render.raster_source import Pixels, holds_data
from shoestring_schema.site import MaskDocument


class Tally:
    """Counts the pixels of one layer.

    Sums are made in float64, piece after piece; the same pieces in the same order give the
    same numbers to the last bit.

    Args:
        recipe: Its nodata value, and its meaning if it is the mask's band.
    """

    def __init__(self, recipe: BandRecipe) -> None:
        self._nodata = recipe.nodata
        self._clear_rule = recipe.clear
        self._pixels = self._valid = self._clear = self._count = 0
        self._minimum, self._maximum = np.inf, -np.inf
        self._mean = self._squares = 0.0

    def add(self, pixels: Pixels) -> None:
        """Count a piece of the layer, of any shape; pixels that are nodata or NaN are not valid."""
        valid = holds_data(pixels, self._nodata, np.nan)
        values = pixels.ravel() if valid.all() else pixels[valid]
        self._pixels += pixels.size
        self._valid += values.size
        if self._clear_rule is not None:
            self._clear += int(np.count_nonzero(is_clear(values, self._clear_rule)))
        if values.dtype.kind == "f":
            values = values[np.isfinite(values)]
        if values.size:
            self._merge(values)

    def _merge(self, values: Pixels) -> None:
        """Add to mean and sum of squared differences from it.

        Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample
        variances" (1979).
        """
        self._minimum = min(self._minimum, float(values.min()))
        self._maximum = max(self._maximum, float(values.max()))
        mean = float(np.mean(values, dtype=np.float64))
        squares = float(np.var(values, dtype=np.float64)) * values.size
        count = self._count + values.size
        apart = mean - self._mean
        self._squares += squares + apart * apart * self._count * values.size / count
        self._mean += apart * values.size / count
        self._count = count

    @property
    def statistics(self) -> Statistics:
        """Of what was added so far; infinite numbers count as valid and are left out otherwise."""
        share = 100 * self._valid / self._pixels if self._pixels else 0.0
        if not self._count:
            return Statistics(None, None, None, None, share)
        stddev = float(np.sqrt(self._squares / self._count))
        return Statistics(self._minimum, self._maximum, self._mean, stddev, share)

    @property
    def clear_percent(self) -> float | None:
        """Share of the valid pixels that are clear, 0 where none is valid; None for other bands."""
        if self._clear_rule is None:
            return None
        return 100 * self._clear / self._valid if self._valid else 0.0


def is_clear(values: Pixels, rule: MaskDocument) -> NDArray[np.bool_]:
    """Which of the numbers of a mask's band mean a clear pixel; all of them hold data."""
    if rule.clear is not None:
        return np.isin(values, rule.clear)
    return np.less(values, -np.inf if rule.clear_below is None else rule.clear_below)

"""Which pixels count: inside of the ROI, with data, clear. Pure NumPy."""

import math

import numpy as np
import numpy.typing as npt

from shoestring_schema.site import BandDocument, MaskDocument, Number

Pixels = npt.NDArray[np.generic]
Flags = npt.NDArray[np.bool_]


def has_data(pixels: Pixels, nodata: Number | None) -> Flags:
    """True where a stored number is one: not nodata, not NaN.

    Args:
        pixels: Stored numbers, of any shape and type.
        nodata: The number that means "no data"; it may be ``"nan"``, or None for none.
    """
    valid: Flags = ~np.isnan(pixels) if pixels.dtype.kind == "f" else np.ones(pixels.shape, bool)
    if nodata is not None and not math.isnan(float(nodata)):
        valid &= pixels != _as_stored(float(nodata), pixels.dtype)
    return valid


def is_clear(pixels: Pixels, rule: MaskDocument, band: BandDocument) -> Flags:
    """True where the mask band says clear; never where it has no data.

    Args:
        pixels: Stored numbers of the mask band.
        rule: The collection's mask: classes, or a threshold.
        band: The mask band.
    """
    said: Flags
    if rule.clear_below is not None:
        said = np.less(pixels, rule.clear_below)
    else:
        said = np.isin(pixels, np.array(rule.clear or ()))
    return said & has_data(pixels, band.nodata)


def masked(pixels: Pixels, keep: Flags) -> npt.NDArray[np.float32]:
    """Stored numbers as float32, NaN where they do not count."""
    result = pixels.astype(np.float32)
    result[~keep] = np.nan
    return result


def scaled(pixels: Pixels, band: BandDocument) -> npt.NDArray[np.float32]:
    """Values in the band's unit: stored number times scale plus offset, as float32.

    Computed in float64 and rounded once. NaN where there is no data: a scaled nodata would
    look like a value.
    """
    values = (pixels.astype(np.float64) * band.scale + band.offset).astype(np.float32)
    values[~has_data(pixels, band.nodata)] = np.nan
    return values


def _as_stored(nodata: float, dtype: np.dtype[np.generic]) -> float | np.generic:
    """A float32 file's nodata was rounded to float32, so compare as such."""
    return dtype.type(nodata) if dtype.kind == "f" else nodata

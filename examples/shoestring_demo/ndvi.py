"""NDVI of fields, through the client: from an address to numbers and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from shoestring import Collection, Stack
from shoestring_schema.errors import SelectionError
from shoestring_schema.moment import Moment

Pixels = npt.NDArray[np.float32]

MIN_CLEAR = 0.5
"""A date counts for a field where at least this share of it is clear."""


@dataclass(frozen=True, slots=True)
class FieldSeries:
    """NDVI of a field through a season.

    Attributes:
        name: The field.
        crop: What grows there.
        ndvi: Date to the median NDVI of the field's clear pixels.
        left_out: Date to the clear share of the field, 0 to 1, where it is too small.
    """

    name: str
    crop: str
    ndvi: Mapping[Moment, float]
    left_out: Mapping[Moment, float]

    @property
    def peak(self) -> Moment:
        """The date with the highest NDVI."""
        return max(self.ndvi, key=lambda day: self.ndvi[day])


def red_and_nir(collection: Collection) -> tuple[str, str]:
    """Names of the bands that NDVI is made of, found by their common names.

    Raises:
        SelectionError: The collection has none of that common name.
    """
    names = {band.common_name: name for name, band in collection.bands.items()}
    if "red" not in names or "nir" not in names:
        raise SelectionError(
            f"{collection.id} has no bands with the common names red and nir: "
            "state them in its configuration."
        )
    return names["red"], names["nir"]


def ndvi(red: Pixels, nir: Pixels) -> Pixels:
    """(nir - red) / (nir + red), of scaled reflectances; NaN where one is missing.

    Tucker 1979, Remote Sensing of Environment 8, 127-150.
    """
    total = nir + red
    total[total == 0] = np.nan
    result: Pixels = (nir - red) / total
    return result


def ndvi_layers(stack: Stack, bands: tuple[str, str]) -> dict[Moment, Pixels]:
    """NDVI of each date of a stack that holds both bands, scaled."""
    red, nir = bands
    return {day: ndvi(stack[red][day], stack[nir][day]) for day in stack.dates}


def field_series(collection: Collection, feature: Mapping[str, Any]) -> FieldSeries:
    """Extract a field and take the median of its NDVI on each date.

    Args:
        collection: Where from.
        feature: A GeoJSON feature with the properties name and crop.

    Raises:
        ShoestringError: See `Collection.extract`.
    """
    bands = red_and_nir(collection)
    stack = collection.extract(bands, feature, min_clear=MIN_CLEAR, scaled=True)
    layers = ndvi_layers(stack, bands)
    return FieldSeries(
        name=feature["properties"]["name"],
        crop=feature["properties"]["crop"],
        ndvi={day: float(np.nanmedian(pixels)) for day, pixels in layers.items()},
        left_out=stack.left_out,
    )


def rain_between(rain: Mapping[date, float], days: Sequence[Moment]) -> dict[Moment, float]:
    """Sum up daily rain.

    Args:
        rain: Day to mm.
        days: In order of time.

    Returns:
        For each of the days the rain since the one before, itself counted in; for the
        first all rain before.
    """
    before = [date.min, *days]
    return {
        day: sum(amount for wet, amount in rain.items() if last < wet <= day)
        for last, day in zip(before, days, strict=False)
    }


def table(fields: Sequence[FieldSeries], rain: Mapping[Moment, float]) -> str:
    """NDVI by date and field, as text.

    Args:
        fields: The columns.
        rain: Date to the rain since the date before in mm; its dates are the rows.
    """
    widths = [max(len(field.name), len(field.crop)) for field in fields]
    columns = list(zip(fields, widths, strict=True))
    lines = [
        "date        rain mm" + "".join(f"   {field.name:>{width}}" for field, width in columns),
        " " * 19 + "".join(f"   {field.crop:>{width}}" for field, width in columns),
    ]
    for day, amount in rain.items():
        cells = "".join(f"   {_cell(field, day):>{width}}" for field, width in columns)
        lines.append(f"{day}  {amount:7.0f}{cells}")
    return "\n".join(
        [
            *lines,
            "",
            "-  left out: less than half of the field is clear (cloud, shadow, or beyond the swath)",
        ]
    )


def _cell(field: FieldSeries, day: Moment) -> str:
    return f"{field.ndvi[day]:.2f}" if day in field.ndvi else "-"

"""Crops of real data: several CRSs, bands of several sizes, floating-point numbers."""

from pathlib import Path

import numpy as np
import pytest
import shapely

import shoestring
from shoestring import Roi
from support.pulled import faults, pull_into


@pytest.mark.pixels
@pytest.mark.parametrize("name", ["s2_site", "modis_site", "era5_site"])
def test_real_site_is_cropped(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A crop of the middle of a real site is whole, smaller, and reads the same."""
    site: Path = request.getfixturevalue(name)
    with shoestring.open(site) as catalogue:
        for collection in catalogue.values():
            dates = list(collection.dates[:3])
            rows, columns = collection.grid.shape
            left, top = collection.grid.xy(rows * 0.4, columns * 0.45)
            right, bottom = collection.grid.xy(rows * 0.7, columns * 0.65)
            box = shapely.box(
                min(left, right), min(top, bottom), max(left, right), max(top, bottom)
            )
            roi = Roi(box, collection.grid.crs)
            copy = tmp_path / collection.id
            report = pull_into(
                copy, site, collections=collection.id, dates=dates, roi=roi, crop=True
            )
            assert faults(copy) == ()
            assert report.fetched.size < sum(
                path.stat().st_size for path in (site / collection.id).glob("*/*.tif")
            )
            expected = collection.extract(None, roi, dates=dates, masked=False)
            with shoestring.open(copy) as opened:
                found = opened[collection.id].extract(None, roi, dates=dates, masked=False)
            for band in collection.bands:
                for date in expected.dates:
                    if date in expected[band]:
                        np.testing.assert_array_equal(found[band][date], expected[band][date])

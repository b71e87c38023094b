"""The synthetic season: always the same, and as one would see it."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_demo import image as images
from shoestring_demo.clouds import CLOUDY, make_sky
from shoestring_demo.crop import GROUNDNUT, MAIZE, RICE, ROTATION, TREES, Crop
from shoestring_demo.image import BANDS, Image, make_image
from shoestring_demo.landscape import Landscape, make_landscape
from shoestring_demo.mosaics import Mosaics, tiles
from shoestring_demo.season import Season
from shoestring_demo.weather import make_weather
from shoestring_schema.errors import OutputError

SIZE = (300, 340)
SMALL = Season(images=2, days_between=3, size=SIZE)


@pytest.fixture(scope="module")
def landscape() -> Landscape:
    """A small landscape."""
    return make_landscape(SIZE)


@given(st.sampled_from((*ROTATION, TREES)), st.floats(1, 366))
@settings(deadline=None)
def test_cover_stays_within_its_limits_and_is_highest_at_the_peak(crop: Crop, day: float) -> None:
    """On no day is a crop greener than on that of its peak, nor less than it always is."""
    assert crop.always <= crop.green(day) <= crop.green(crop.peak) <= crop.cover


@given(st.sampled_from((*ROTATION, TREES)), st.floats(1, 366), st.floats(1, 366))
@settings(deadline=None)
def test_cover_rises_until_the_peak_and_falls_after_it(crop: Crop, one: float, two: float) -> None:
    """Of two days on the same side of the peak, the nearer one is the greener."""
    near, far = sorted((one, two), key=lambda day: abs(day - crop.peak))
    if (near - crop.peak) * (far - crop.peak) >= 0:
        assert crop.green(near) >= crop.green(far)


def test_the_fields_crops_peak_in_the_order_of_their_seasons() -> None:
    """Groundnut peaks in July, maize in August, rice in September, all within the season."""
    peaks = [crop.peak_date(2025) for crop in (GROUNDNUT, MAIZE, RICE)]
    assert [day.month for day in peaks] == [7, 8, 9]
    assert Season().dates[0] < peaks[0]
    assert peaks[-1] < Season().dates[-1]


def test_the_mosaics_are_the_same_each_time_and_made_once(tmp_path: Path) -> None:
    """Two folders hold the same bytes; a second run writes nothing but what is missing."""
    first, second = (Mosaics(tmp_path / name, SMALL) for name in ("one", "two"))
    assert first.write(progress=False) == second.write(progress=False) == 2 * 2 * 5 + 6
    files = sorted(path.relative_to(first.folder) for path in first.folder.rglob("*.tif"))
    assert len(files) == 26
    for path in files:
        assert (first.folder / path).read_bytes() == (second.folder / path).read_bytes()
    (first.folder / files[0]).unlink()
    assert first.write(progress=False) == 2 * 5
    assert (first.folder / files[0]).read_bytes() == (second.folder / files[0]).read_bytes()
    assert first.write(progress=False) == 0
    assert not list(tmp_path.rglob("*.part"))


def test_the_tiles_overlap_and_agree(tmp_path: Path) -> None:
    """The two tiles of a date share columns, show the same there, and cover the grid together."""
    Mosaics(tmp_path, SMALL).write(progress=False)
    west, east = tiles(SIZE[1]).values()
    assert west.start == 0
    assert east.stop == SIZE[1]
    shared = west.stop - east.start
    assert shared > 0
    for name, factor in (("B04", 1), ("SCL", 2)):
        both = [
            tmp_path / "s2" / f"S2_{SMALL.first:%Y%j}_{tile}_{name}.tif"
            for tile in ("west", "east")
        ]
        with rasterio.open(both[0]) as left, rasterio.open(both[1]) as right:
            columns = shared // factor
            assert left.bounds.right - right.bounds.left == pytest.approx(10 * shared)
            assert np.array_equal(left.read(1)[:, -columns:], right.read(1)[:, :columns])
            assert (left.crs.to_epsg(), left.nodata, left.res) == (32630, 0, (10 * factor,) * 2)


@pytest.mark.parametrize("number", [0, 5, images.SWATH_EDGE])
def test_classes_tell_what_the_bands_show(landscape: Landscape, number: int) -> None:
    """Class 0 is just where there is no data, clouds are bright, and shadows are dark."""
    image = make_image(landscape, Season().dates[number], number)
    bands = dict(image.bands())
    classes = image.classes().repeat(2, 0).repeat(2, 1)
    assert tuple(bands) == BANDS
    assert {pixels.dtype.name for pixels in bands.values()} == {"uint16"}
    for pixels in bands.values():
        assert np.all(classes[pixels == 0] == images.NO_DATA)
        assert np.all(pixels[::2, ::2][image.classes() != images.NO_DATA] > 0)
    ground = _median(image, bands["B02"], classes, images.VEGETATION, images.BARE)
    if number != images.SWATH_EDGE:
        assert _median(image, bands["B02"], classes, images.THICK_CLOUD) > 3 * ground
        assert _median(image, bands["B02"], classes, images.SHADOW) < ground


def _median(image: Image, pixels: np.ndarray, classes: np.ndarray, *kinds: int) -> float:
    return float(np.median(pixels[np.isin(classes, kinds)]))


def test_one_image_shows_the_edge_of_a_swath(landscape: Landscape) -> None:
    """Of all images just one has pixels that were not seen, and it has many that were."""
    unseen = [
        float((make_image(landscape, day, number).classes() == images.NO_DATA).mean())
        for number, day in enumerate(Season().dates)
    ]
    assert [number for number, share in enumerate(unseen) if share] == [images.SWATH_EDGE]
    assert 0.1 < unseen[images.SWATH_EDGE] < 0.9


@pytest.mark.parametrize("number", range(len(CLOUDY)))
def test_the_sky_is_as_cloudy_as_stated(number: int) -> None:
    """The cloudy share of a large sky is that of its date, and clouds move between dates."""
    sky = make_sky(Season().dates[number], number, (400, 400))
    assert float((sky.cloud > 0).mean()) == pytest.approx(CLOUDY[number], abs=0.06)
    if CLOUDY[number]:
        other = make_sky(date(2026, 1, 1), number, (400, 400))
        assert not np.array_equal(other.cloud, sky.cloud)


def test_a_shadow_lies_to_the_south_west_of_its_cloud() -> None:
    """Moved back by the stated rows and columns, shadows lie on their clouds."""
    sky = make_sky(Season().dates[3], 3, (200, 200))
    cloud, shadow = sky.cloud > 0, sky.shadow > 0
    assert np.array_equal(cloud[:-9, 6:], shadow[9:, :-6])


def test_parcels_hedges_river_and_village_are_there(landscape: Landscape) -> None:
    """The ground has many parcels, and hedges, water and roofs between them."""
    hedges = len(landscape.crops) - 3
    shares = {n: float((landscape.surface == n).mean()) for n in (hedges, hedges + 1, hedges + 2)}
    assert len(np.unique(landscape.surface)) > 100
    assert 0.05 < shares[hedges] < 0.3
    assert 0.005 < shares[landscape.water] < 0.05
    assert 0.001 < shares[hedges + 2] < 0.05


def test_weather_is_dry_before_the_rains_and_warm_throughout() -> None:
    """Rain is never negative and heavier in August than in May; temperatures are tropical."""
    season = Season()
    weather = make_weather(season)
    may, august = (sum(weather.rain[d] for d in season.days if d.month == m) for m in (5, 8))
    assert may < august
    for day in season.days[::10]:
        bands = weather.of(day)
        assert {pixels.dtype.name for pixels in bands.values()} == {"float32"}
        assert bands["precipitation"].min() >= 0
        assert 18 < bands["t2m"].min() < bands["t2m"].max() < 36


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Where a file stands in the folder's place, one sentence names the path and the remedy."""
    tmp_path.joinpath("mosaics").write_text("a file", "utf-8")
    with pytest.raises(OutputError, match=r"mosaics.*can't be written .*: name another folder\.$"):
        Mosaics(tmp_path / "mosaics", SMALL).write(progress=False)

"""Bounded loss: within what was allowed for every pixel, and "no data" untouched."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rio_cogeo import cog_validate

from shoestring_builder.inventory.step import step_of
from shoestring_builder.render.rounding import rounded
from shoestring_schema.configuration import BandTable, DataType
from shoestring_schema.errors import ConfigError
from support.layers import Array, read, recipe, rendered, square, write_tiff

pytestmark = pytest.mark.pixels

UTM = "EPSG:32633"
WHOLE: tuple[DataType, ...] = ("uint8", "int8", "uint16", "int16", "uint32", "int32")


def edges(data_type: str) -> list[int]:
    """Numbers at both ends of a type, and around zero."""
    limits = np.iinfo(data_type)
    near = range(-9, 10)
    found = {limits.min + abs(n) for n in near} | {limits.max - abs(n) for n in near} | set(near)
    return sorted(number for number in found if limits.min <= number <= limits.max)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whole_numbers_are_within_half_a_step_and_no_data_is_exact(data: st.DataObject) -> None:
    """Of every type, at its ends, around any nodata value, for every step."""
    data_type = data.draw(st.sampled_from(WHOLE))
    limits = np.iinfo(data_type)
    any_number = st.integers(int(limits.min), int(limits.max)) | st.sampled_from(edges(data_type))
    nodata = data.draw(st.none() | any_number)
    step = 2 ** data.draw(st.integers(1, limits.bits - 2))
    near = any_number if nodata is None else any_number | st.integers(-9, 9).map(
        lambda apart: min(max(nodata + apart, int(limits.min)), int(limits.max))
    )  # fmt: skip
    pixels = np.array([data.draw(st.lists(near, min_size=1, max_size=20))], data_type)
    before = pixels.copy()
    made = rounded(pixels, step, None if nodata is None else float(nodata))
    assert made.dtype == pixels.dtype
    assert np.array_equal(pixels, before)
    assert int(np.abs(made.astype(np.int64) - pixels.astype(np.int64)).max()) <= step // 2
    if nodata is not None:
        assert np.array_equal(made == nodata, pixels == nodata)
    inner = pixels[(made != pixels)]
    assert (made[made != pixels] % step == 0).all()
    assert inner.size == 0 or (inner % step != 0).all()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_real_numbers_are_within_half_a_step_and_no_data_is_exact(data: st.DataObject) -> None:
    """NaN, infinities and huge numbers stay, too."""
    data_type = data.draw(st.sampled_from(["float32", "float64"]))
    width = 32 if data_type == "float32" else 64
    nodata = data.draw(st.sampled_from([None, float("nan"), 0.0, -9999.0, 3.4e38, float("-inf")]))
    step = 2.0 ** data.draw(st.integers(-64, 64))
    numbers = st.floats(width=width) | st.floats(-1e4, 1e4, width=width)
    if nodata is not None:
        numbers |= st.just(float(np.dtype(data_type).type(nodata)))
    pixels = np.array([data.draw(st.lists(numbers, min_size=1, max_size=20))], data_type)
    made = rounded(pixels, step, nodata)
    assert made.dtype == pixels.dtype
    same = (made == pixels) | (np.isnan(made) & np.isnan(pixels))
    apart = np.abs(made[~same].astype(np.float64) - pixels[~same].astype(np.float64))
    assert (apart <= step / 2).all()
    if nodata is not None:
        number = np.dtype(data_type).type(nodata)
        assert np.array_equal(made == number, pixels == number)


def test_numbers_halfway_go_either_way() -> None:
    """Means do not drift: halves go to even multiples."""
    pixels = np.arange(64, dtype=np.uint16)[None]
    made = rounded(pixels, 8, None)
    assert made[0, :21].tolist() == [0] * 5 + [8] * 7 + [16] * 9
    assert made.mean() == pixels.mean()


@pytest.mark.parametrize(
    ("table", "data_type", "step"),
    [
        ({}, "uint16", 0),
        ({"max_error": 0.0005, "scale": 0.0001}, "uint16", 8),
        ({"max_error": 0.0008, "scale": 0.0001}, "uint16", 16),
        ({"max_error": 0.0007999, "scale": 0.0001}, "uint16", 8),
        ({"max_error": 0.0008, "scale": -0.0001}, "int16", 16),
        ({"max_error": 1}, "uint8", 2),
        ({"max_error": 0.1}, "float32", 0.125),
        ({"max_error": 1.99e-4, "scale": 0.5}, "float64", 2.0**-11),
    ],
)
def test_the_step_is_the_largest_power_of_two_that_keeps_the_promise(
    table: dict[str, Any], data_type: DataType, step: float
) -> None:
    """Half of it is not more than `max_error`, in stored numbers."""
    assert step_of(BandTable(**table), data_type, "here") == step


@pytest.mark.parametrize(
    ("table", "data_type", "says"),
    [
        ({"max_error": 0.0005}, "uint16", "is less than one stored number at scale = 1; state the"),
        ({"max_error": 1, "scale": 0}, "uint16", "is less than one stored number at scale = 0"),
        ({"max_error": 64}, "uint8", "leaves too little of uint8; state a smaller one"),
        ({"max_error": 1e30}, "float32", "leaves too little of float32"),
        ({"max_error": 1e-30}, "float32", "is less than one stored number"),
    ],
)
def test_what_can_not_be_rounded_is_refused(
    table: dict[str, Any], data_type: DataType, says: str
) -> None:
    """One sentence names the band, the number and the remedy."""
    with pytest.raises(ConfigError, match=f"^here: max_error = .* {says}"):
        step_of(BandTable(**table), data_type, "here")


def scene(data_type: str, nodata: float) -> Array:
    """Smooth pixels with noise, many of them next to the nodata value, and holes."""
    random = np.random.default_rng(3)
    shape = (300, 400)
    pixels = (np.add.outer(np.arange(300), np.arange(400)) / 7 + random.normal(20, 4, shape)).clip(
        0, 120
    )
    pixels = pixels.astype(data_type)
    pixels[:60, :60] = np.dtype(data_type).type(nodata) + random.integers(-3, 4, (60, 60)).clip(
        *((0, 3) if nodata <= 0 else (-3, 0))
    ).astype(data_type)  # fmt: skip
    pixels[100:180, 90:200] = nodata
    pixels[random.random(shape) < 0.01] = nodata
    return pixels


@pytest.mark.parametrize(
    ("data_type", "nodata"),
    [("uint8", 0), ("uint8", 255), ("uint16", 0), ("uint16", 65535), ("int16", -9999), ("float32", -99)],
)  # fmt: skip
def test_a_layer_is_rounded_and_tells_of_what_it_holds(
    data_type: DataType, nodata: float, tmp_path: Path
) -> None:
    """Within the bound; nodata and valid share as in the source; statistics of what is stored."""
    grid, pixels = square(UTM, 500_000, 5_000_000, 10, (300, 400)), scene(data_type, nodata)
    path = write_tiff(tmp_path / "a.tif", pixels, grid, nodata=nodata)
    exact = recipe(grid, data_type, nodata)
    made, whole = (rendered([path], how, tmp_path) for how in (replace(exact, step=8.0), exact))
    stored = read(made.path)
    assert 2 < np.abs(stored.astype(float) - pixels.astype(float)).max() <= 4
    assert np.array_equal(stored == nodata, pixels == nodata)
    assert made.statistics.valid_percent == whole.statistics.valid_percent
    valid = stored[stored != nodata].astype(float)
    assert made.statistics.minimum == valid.min()
    assert made.statistics.mean == pytest.approx(valid.mean(), rel=1e-12)
    assert made.size < 0.75 * whole.size
    with rasterio.open(made.path) as dataset:
        assert dataset.tags(1)["rounded_to_multiples_of"] == "8"


@pytest.mark.parametrize("block_size", [64, 128, 256, 512])
def test_blocks_are_of_the_size_that_was_ordered(
    block_size: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is a valid COG with the source's pixels, without a word of GDAL."""
    grid = square(UTM, 500_000, 5_000_000, 10, (300, 700))
    pixels = np.random.default_rng(1).integers(1, 250, (300, 700)).astype("uint16")
    path = write_tiff(tmp_path / "a.tif", pixels, grid, nodata=0)
    with caplog.at_level(logging.DEBUG):
        made = rendered([path], replace(recipe(grid), block_size=block_size), tmp_path)
    assert cog_validate(made.path, strict=True, quiet=True) == (True, [], [])
    assert np.array_equal(read(made.path), pixels)
    with rasterio.open(made.path) as dataset:
        assert dataset.block_shapes == [(block_size, block_size)]
    assert made.stored is not None
    assert {level.block for level in made.stored.levels} == {(block_size, block_size)}
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]

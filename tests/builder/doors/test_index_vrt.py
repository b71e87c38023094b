"""Indexes that GDAL computes when they are looked at are what NumPy makes of the values."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from shoestring_builder.doors.index_vrt import index_vrt, indexes_of, terms_vrt
from shoestring_builder.doors.part import DoorPart
from shoestring_schema.grid import Grid
from shoestring_schema.site import BandDocument
from support.door_parts import BANDS, UTM, Array, Layers, repeated, season, write_part
from support.tools import require_tool

pytestmark = pytest.mark.pixels

WATER = (
    *BANDS,
    BandDocument(name="B03", common_name="green", data_type="int16", nodata=-999, scale=0.001, factor=3),
)  # fmt: skip
SHAPE = (61, 100)
"""Of no whole number of coarser pixels."""


def write_indexes(folder: Path, part: DoorPart) -> Path:
    """The files of the first date's indexes."""
    own = part.items[0]
    (folder / "terms.vrt").write_bytes(terms_vrt(part, own))
    (folder / "indexes.vrt").write_bytes(index_vrt(part, own, "terms.vrt"))
    return folder / "indexes.vrt"


def water(shape: tuple[int, int] = SHAPE) -> tuple[Grid, Layers]:
    """A date with a band more, that is coarser and scaled otherwise."""
    grid = Grid("EPSG:32630", UTM.transform, shape)
    layers = season(("2018-01-15",), grid)
    random = np.random.default_rng(3)
    green = random.integers(1, 900, grid.coarsen(3).shape).astype("int16")
    green[2, 2:5] = -999
    return grid, {"2018-01-15": {**layers["2018-01-15"], "B03": green}}


def values(band: BandDocument, pixels: Array) -> NDArray[np.float64]:
    """Values of stored numbers, NaN where there are none."""
    found = pixels.astype(float) * band.scale + band.offset
    found[pixels == band.nodata] = np.nan
    return found


def wanted(grid: Grid, layers: Layers, first: str, second: str) -> NDArray[np.float64]:
    """A normalized difference of two bands of the first date."""
    own = {band.name: band for band in WATER}
    one, other = (
        values(own[name], repeated(layers["2018-01-15"][name], own[name].factor, grid.shape))
        for name in (first, second)
    )
    found: NDArray[np.float64] = (one - other) / (one + other)
    return found


def translated(path: Path, out: Path, *options: str) -> Array:
    """What Debian's GDAL makes of a file; it must say nothing."""
    command = [require_tool("gdal_translate"), "-q", *options, str(path), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    with rasterio.open(out) as dataset:
        pixels: Array = dataset.read()
        return pixels


def test_indexes_are_those_of_values(tmp_path: Path) -> None:
    """With scales, offsets, nodata, types and resolutions of their own, to the precision of 32 bits."""
    grid, layers = water()
    path = write_indexes(tmp_path, write_part(tmp_path, layers, grid=grid, bands=WATER))
    with rasterio.open(path) as dataset:
        assert dataset.descriptions == ("NDVI", "NDWI")
        assert dataset.dtypes == ("float32", "float32")
        assert np.isnan(dataset.nodatavals).all()
        pixels = dataset.read()
    for read in (pixels, translated(path, tmp_path / "old.tif")):
        for found, pair in zip(read, (("B08", "B04"), ("B03", "B08")), strict=True):
            np.testing.assert_allclose(found, wanted(grid, layers, *pair), rtol=0, atol=1e-6)


def test_zoomed_out_they_are_those_of_the_overviews(tmp_path: Path) -> None:
    """A smaller picture is computed of the files' overviews, and not of all pixels."""
    grid, layers = water((400, 600))
    part = write_part(tmp_path, layers, grid=grid, bands=WATER, overviews=True)
    path = write_indexes(tmp_path, part)
    halves: dict[str, Array] = {}
    for name in ("B04", "B08"):
        with rasterio.open(tmp_path / f"2018-01-15_{name}.tif", overview_level=0) as layer:
            halves[name] = layer.read(1)
    one, other = values(BANDS[1], halves["B08"]), values(BANDS[0], halves["B04"])
    old = translated(path, tmp_path / "old.tif", "-outsize", "300", "200")[0]
    with rasterio.open(path) as dataset:
        new = dataset.read(1, out_shape=(200, 300))
    for found in (old, new):
        np.testing.assert_allclose(found, (one - other) / (one + other), rtol=0, atol=1e-6)


def test_an_index_of_a_band_that_a_date_lacks_has_no_data(tmp_path: Path) -> None:
    """It keeps its number; the other indexes of the date are right."""
    grid, layers = water()
    own = {"2018-01-15": {k: v for k, v in layers["2018-01-15"].items() if k != "B04"}}
    path = write_indexes(tmp_path, write_part(tmp_path, own, grid=grid, bands=WATER))
    with rasterio.open(path) as dataset:
        pixels = dataset.read()
    for read in (pixels, translated(path, tmp_path / "old.tif")):
        assert np.isnan(read[0]).all()
        np.testing.assert_allclose(read[1], wanted(grid, layers, "B03", "B08"), rtol=0, atol=1e-6)


def test_where_values_are_not_reflectance_an_index_is_what_the_formula_says(tmp_path: Path) -> None:
    """A sum below zero, as noise over water may have, divides as any other; with zero, it is no number."""
    dark = np.full(UTM.shape, 900, "uint16")  # -0.01
    bright = np.full(UTM.shape, 1000, "uint16")  # 0
    bright[:, ::2] = 1050
    dark[:5], bright[:5] = 1000, 1000
    part = write_part(tmp_path, {"2018-01-15": {"B04": dark, "B08": bright}})
    path = write_indexes(tmp_path, part)
    with rasterio.open(path) as dataset:
        pixels = dataset.read(1)
    for read in (pixels, translated(path, tmp_path / "old.tif")[0]):
        assert not np.isfinite(read[:5]).any()
        np.testing.assert_allclose(read[5:, 1::2], -1, rtol=1e-6)
        np.testing.assert_allclose(read[5:, ::2], -3, rtol=1e-6)


def test_there_is_an_index_where_common_names_allow_one() -> None:
    """Red and near infrared make NDVI; without one of them there is none; nir08 stands in for nir."""
    part = DoorPart("s2", "S2", "2018", UTM, BANDS, ())
    assert [index.name for index in indexes_of(part)] == ["NDVI"]
    assert indexes_of(replace(part, bands=BANDS[1:])) == ()
    narrow = BandDocument(name="B8A", common_name="nir08", data_type="uint16")
    assert [index.name for index in indexes_of(replace(part, bands=(BANDS[0], narrow)))] == ["NDVI"]

"""How much of a block holds data and is clear: counted pixel by pixel, 0 and 255 without doubt."""

from collections.abc import Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_builder.index import clear as clear_module
from shoestring_builder.index.blocks import read_blocks
from shoestring_builder.index.clear import Geometry, MaskLayer, clear_shares
from shoestring_schema.errors import SourceError
from shoestring_schema.site import MaskDocument
from shoestring_schema.tile_index import blocks_of
from support.layers import Array, square, write_tiff

pytestmark = pytest.mark.pixels

UTM = "EPSG:32633"
CLASSES = MaskDocument(band="SCL", clear=(4, 5))


def expected_shares(clear: Array, geometry: Geometry) -> list[tuple[int, int]]:
    """For each block how many pixels of the grid it stands for, and how many of these are clear.

    Args:
        clear: Of each pixel of the grid.
        geometry: Where the blocks lie.
    """
    found = []
    (height, width), _ = geometry.shapes[0]
    for (rows, columns), (block_rows, block_columns) in geometry.shapes:
        for row in range(0, rows, block_rows):
            for column in range(0, columns, block_columns):
                own = clear[
                    _span(row, block_rows, rows, height, geometry, 0),
                    _span(column, block_columns, columns, width, geometry, 1),
                ]
                found.append((own.size, int(own.sum())))
    return found


def _span(start: int, block: int, size: int, whole: int, geometry: Geometry, axis: int) -> slice:
    ratio = whole / size
    first = floor(start * ratio + 1e-9) + geometry.place[axis]
    last = ceil(min(start + block, size) * ratio - 1e-9) + geometry.place[axis]
    return slice(max(first * geometry.factor, 0), max(last * geometry.factor, 0))


def require_shares(shares: Sequence[int], expected: Sequence[tuple[int, int]]) -> None:
    """0 is nothing, 255 is all, and what lies between is in proportion."""
    assert len(shares) == len(expected)
    for share, (pixels, clear) in zip(shares, expected, strict=True):
        assert (share == 0) == (clear == 0)
        assert (share == 255) == (clear == pixels > 0)
        if 0 < clear < pixels:
            assert abs(share - min(max(255 * clear / pixels, 1), 254)) <= 0.5


def write_mask(path: Path, pixels: Array, nodata: float | None = 0) -> Path:
    """Write the layer of a mask."""
    grid = square(UTM, 500_000, 5_000_000, 10, pixels.shape)  # type: ignore[arg-type]
    return write_tiff(path, pixels, grid, nodata=nodata)


@st.composite
def geometries(draw: st.DrawFn, shape: tuple[int, int]) -> Geometry:
    """Files of some levels anywhere on or beside a grid."""
    factor = draw(st.integers(1, 4))
    place = draw(st.integers(-40, 40)), draw(st.integers(-40, 40))
    size = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    shapes = [(size, (draw(st.integers(1, 40)), draw(st.integers(1, 40))))]
    for _ in range(draw(st.integers(0, 2))):
        size = draw(st.integers(1, size[0])), draw(st.integers(1, size[1]))
        shapes.append((size, (draw(st.integers(1, 40)), draw(st.integers(1, 40)))))
    return Geometry(factor, place, tuple(shapes))


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_clear_shares(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of blocks of any size and level, anywhere, by a mask of any factor: as counted one by one."""
    shape = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 80))
    factor = data.draw(st.integers(1, 5))
    stored = -(shape[0] // -factor), -(shape[1] // -factor)
    seed, cut = data.draw(st.integers(0, 2**32)), data.draw(st.sampled_from([0, 1, 5, 9, 10]))
    random = np.random.default_rng(seed)
    pixels = np.where(random.integers(0, 10, stored) < cut, 4, random.integers(0, 4, stored))
    pixels = pixels.astype(np.uint8)
    path = write_mask(tmp_path_factory.mktemp("mask") / "SCL.tif", pixels)
    own = data.draw(st.lists(geometries(shape), max_size=3))
    mask = MaskLayer(path, CLASSES, 0, factor, shape)
    clear = np.isin(pixels, (4, 5)).repeat(factor, 0).repeat(factor, 1)[: shape[0], : shape[1]]
    rows = data.draw(st.sampled_from([1, 3, 16, 512]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clear_module, "ROWS", rows)  # so that blocks lie across pieces
        patch.setattr(clear_module, "_PIXELS", 1)
        found = clear_shares(mask, own)
    for geometry, shares in zip(own, found, strict=True):
        require_shares(shares.tolist(), expected_shares(clear, geometry))


@pytest.mark.parametrize(
    ("rule", "nodata", "dtype", "values", "expected"),
    [
        (CLASSES, 0, "uint8", [0, 3, 4, 5], [0, 0, 1, 1]),
        (MaskDocument(band="SCL", clear=(0, 4)), 0, "uint8", [0, 3, 4, 5], [0, 0, 1, 0]),
        (MaskDocument(band="SCL", clear=(0, 4)), None, "uint8", [0, 3, 4, 5], [1, 0, 1, 0]),
        (MaskDocument(band="SCL", clear=()), None, "uint8", [0, 3, 4, 5], [0, 0, 0, 0]),
        (MaskDocument(band="SCL", clear=(-1, 300)), None, "uint8", [44, 255, 0, 1], [0, 0, 0, 0]),
        (MaskDocument(band="CLD", clear_below=20), 255, "uint8", [0, 19, 20, 255], [1, 1, 0, 0]),
        (MaskDocument(band="CLD", clear_below=20), 0, "uint8", [0, 19, 20, 255], [0, 1, 0, 0]),
        (MaskDocument(band="CLD", clear_below=0.1), np.nan, "float32",
         [np.nan, 0.05, 0.1, -9], [0, 1, 0, 1]),
        (MaskDocument(band="CLD", clear_below=0.5), None, "float32",
         [np.nan, 0.05, 0.6, 0.5], [0, 1, 0, 0]),
    ],
)  # fmt: skip
def test_what_is_clear(
    rule: MaskDocument, nodata: float | None, dtype: str, values: list[float],
    expected: list[int], tmp_path: Path,
) -> None:  # fmt: skip
    """By classes or a threshold; never where the mask has no data."""
    path = write_mask(tmp_path / "m.tif", np.array([values], dtype), nodata=None)
    every_pixel = Geometry(1, (0, 0), (((1, 4), (1, 1)),))
    (found,) = clear_shares(MaskLayer(path, rule, nodata, 1, (1, 4)), [every_pixel])
    assert (found == 255 * np.array(expected)).all()


def test_a_pixel_decides_between_all_and_nearly_all(tmp_path: Path) -> None:
    """One of a million pixels is seen: 254 is not 255, and 1 is not 0."""
    pixels = np.full((1000, 1000), 4, np.uint8)
    pixels[501, 777] = 9
    whole = Geometry(1, (0, 0), (((1000, 1000), (1024, 1024)), ((500, 500), (512, 512))))
    mask = MaskLayer(write_mask(tmp_path / "m.tif", pixels), CLASSES, 0, 1, (1000, 1000))
    assert clear_shares(mask, [whole])[0].tolist() == [254, 254]
    mask = MaskLayer(write_mask(tmp_path / "n.tif", 13 - pixels), CLASSES, 0, 1, (1000, 1000))
    assert clear_shares(mask, [whole])[0].tolist() == [1, 1]


def test_blocks_beside_the_grid_are_not_clear(tmp_path: Path) -> None:
    """A block that stands for no pixel of the grid is not clear."""
    mask = MaskLayer(write_mask(tmp_path / "m.tif", np.full((8, 8), 4, np.uint8)), CLASSES, 0, 1,
                     (8, 8))  # fmt: skip
    beside = Geometry(1, (0, -8), (((8, 16), (8, 8)),))
    assert clear_shares(mask, [beside])[0].tolist() == [0, 255]


def test_a_mask_that_is_cut_short(tmp_path: Path) -> None:
    """It is an error that names the file."""
    path = write_mask(tmp_path / "m.tif", np.full((400, 400), 4, np.uint8))
    path.write_bytes(path.read_bytes()[:50_000])
    mask = MaskLayer(path, CLASSES, 0, 1, (400, 400))
    with pytest.raises(SourceError, match=r"m\.tif can't be indexed"):
        clear_shares(mask, [Geometry(1, (0, 0), (((400, 400), (256, 256)),))])


@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_valid_shares(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of the pixels that are stored on each level: neither nodata nor NaN, counted one by one."""
    shape = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 300))
    dtype = data.draw(st.sampled_from(["uint8", "int16", "float32"]))
    nodata = data.draw(st.sampled_from([None, 0, 7, *([np.nan] if dtype == "float32" else [])]))
    tagged = data.draw(st.sampled_from([None, nodata]))
    pixels = _pixels(shape, dtype, data.draw(st.integers(0, 2**32)))
    folder = tmp_path_factory.mktemp("valid")
    block = data.draw(st.sampled_from([16, 64, 128]))
    path = _with_overviews(folder, pixels, tagged, block)
    found = read_blocks(path, 1, nodata)
    assert found is not None
    stored, records = found
    start = 0
    for number, level in enumerate(stored.levels):
        with rasterio.open(path, **({"overview_level": number - 1} if number else {})) as dataset:
            valid = _has_data(dataset.read(1), nodata)
        count = blocks_of(level)[0] * blocks_of(level)[1]
        expected = expected_shares(valid, Geometry(1, (0, 0), ((level.shape, level.block),)))
        require_shares(records["valid"][start : start + count].tolist(), expected)
        start += count


def _pixels(shape: tuple[int, int], dtype: str, seed: int) -> Array:
    random = np.random.default_rng(seed)
    pixels: Array = random.choice([0, 1, 7, 90], shape).astype(dtype)
    pixels[: random.integers(0, shape[0] + 1)] = random.choice([0, 7, 90])
    if dtype == "float32":
        pixels[:, random.integers(0, shape[1] + 1) :] = np.nan
    return pixels


def _with_overviews(folder: Path, pixels: Array, nodata: Any, block: int) -> Path:  # noqa: ANN401
    grid = square(UTM, 500_000, 5_000_000, 10, pixels.shape)  # type: ignore[arg-type]
    sparse = {"tiled": True, "blockxsize": block, "blockysize": block, "SPARSE_OK": True}
    path = write_tiff(folder / "a.tif", pixels, grid, nodata, **sparse)
    with (
        rasterio.Env(SPARSE_OK_OVERVIEW=True, GDAL_TIFF_OVR_BLOCKSIZE=block),
        rasterio.open(path, "r+") as dataset,
    ):
        if min(pixels.shape) > 4:
            dataset.build_overviews([2, 4], rasterio.enums.Resampling.nearest)
    return path


def _has_data(pixels: Array, nodata: float | None) -> Array:
    valid: Array = ~np.isnan(pixels) & (True if nodata is None else pixels != nodata)
    return valid


@pytest.mark.parametrize(("nodata", "valid"), [(0, 0), (None, 255), (3, 255)])
def test_blocks_that_are_not_in_the_file(nodata: float | None, valid: int, tmp_path: Path) -> None:
    """They read as 0, which is data where the band says so."""
    grid = square(UTM, 500_000, 5_000_000, 10, (64, 64))
    sparse = {"tiled": True, "blockxsize": 64, "blockysize": 64, "SPARSE_OK": True}
    path = write_tiff(tmp_path / "a.tif", np.zeros((64, 64), np.uint8), grid, **sparse)
    found = read_blocks(path, 1, nodata)
    assert found is not None
    (record,) = found[1]
    assert (record["size"], record["offset_low"], record["valid"]) == (0, 0, valid)

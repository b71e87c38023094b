"""A coarser result: the overview that GDAL would choose, the pixels that GDAL would take."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.windows
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from rasterio.enums import Resampling

import shoestring
from shoestring import Options
from shoestring.stack import Stack
from shoestring_schema.errors import SelectionError
from shoestring_schema.grid import Grid, Window
from shoestring_schema.vrt import PlainVrt, VrtSource
from support.faulty_server import FaultyServer
from support.indexed import add_index
from support.site import UTM, SiteFolder, box_in, numbers, write_tiff

pytestmark = pytest.mark.pixels

DATE = "2018-01-01"
STEPS = (1.0, 1.5, 2, 2.4, 2.5, 3, 4, 5, 6.7, 7.3, 10, 12.5, 16, 60)
SLOW = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def extract(folder: Any, roi: Any, reader: Any = "auto", **wanted: Any) -> Stack:  # noqa: ANN401
    """Stored numbers, by one of the readers."""
    with shoestring.open(folder, options=Options(reader=reader)) as catalogue:
        return catalogue["fields"].extract("B04", roi, **{"masked": False, **wanted})


def by_gdal(path: Path, step: float) -> np.ndarray | None:
    """All of a file as GDAL reads it into a smaller array; where its rounding decides nothing.

    GDAL rounds the window to whole pixels before it chooses an overview. So nothing is told where
    one is so near to the limit that this matters, nor of arrays of a few pixels.
    """
    with rasterio.open(path) as dataset:
        rows, columns = int(dataset.height / step), int(dataset.width / step)
        levels = [dataset.shape]
        for number in range(len(dataset.overviews(1))):
            with rasterio.open(path, overview_level=number) as overview:
                levels.append(overview.shape)
        ratios = [levels[0][axis] / level[axis] for level in levels[1:] for axis in (0, 1)]
        if min(rows, columns) < 4 or any(abs(ratio / step / 1.2 - 1) < 0.3 / 4 for ratio in ratios):
            return None
        window = rasterio.windows.Window(0, 0, columns * step, rows * step)
        read: np.ndarray = dataset.read(
            1, window=window, out_shape=(rows, columns), resampling=Resampling.nearest
        )
    return read


@SLOW
@given(
    shape=st.tuples(st.integers(70, 400), st.integers(70, 400)),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
    step=st.sampled_from(STEPS),
    factor=st.sampled_from([1, 1, 2, 3]),
    kind=st.sampled_from(["uint8", "int16", "float32"]),
    creation=st.fixed_dictionaries({
        "blocksize": st.sampled_from([64, 128]),
        "overviews": st.sampled_from(["AUTO", "AUTO", "NONE"]),
        "overview_resampling": st.sampled_from(["AVERAGE", "NEAREST", "MODE"]),
        "sparse_ok": st.booleans(),
    }),
)  # fmt: skip
@example((1058, 300), (0.0, 1.0, 0.0, 1.0), 8, 2, "uint8",
         {"blocksize": 64, "overviews": "AUTO", "overview_resampling": "AVERAGE", "sparse_ok": False})  # fmt: skip
@example((400, 400), (0.0, 1.0, 0.0, 1.0), 2, 1, "uint8",
         {"blocksize": 64, "overviews": "AUTO", "overview_resampling": "AVERAGE", "sparse_ok": False})  # fmt: skip
def test_both_readers_and_gdal_agree_at_every_resolution(
    shape: tuple[int, int], corners: tuple[float, ...], step: float, factor: int, kind: str,
    creation: dict[str, Any],
) -> None:  # fmt: skip
    """Files with and without overviews, bands stored coarser, any window and step: the same pixels."""
    grid = Grid(UTM.crs, UTM.transform, shape)
    stored = grid.coarsen(factor).shape
    pixels = numbers(stored, kind)
    pixels[: stored[0] // 3] = 0
    rows, columns = sorted(corners[:2]), sorted(corners[2:])
    roi = box_in(grid, (rows[0] * (shape[0] - 1), rows[1] * (shape[0] - 1) + 1),
                 (columns[0] * (shape[1] - 1), columns[1] * (shape[1] - 1) + 1))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        band = {"data_type": kind, "nodata": 0, "factor": factor}
        site = SiteFolder(Path(folder), {"B04": band}, grid=grid)
        path = site.add(DATE, "B04", pixels, **creation)
        add_index(site.write())
        ranged, opened = (
            extract(folder, roi, reader, resolution=10 * step) for reader in ("auto", "vsicurl")
        )
        expected = by_gdal(path, step / factor)
    found = ranged["B04"][DATE]
    assert ranged.grid == opened.grid
    assert found.tobytes() == opened["B04"][DATE].tobytes()
    if expected is not None:
        _, _, left, _, _, top = ranged.grid.transform
        row, column = (UTM.transform[5] - top) / 10 / step, (left - UTM.transform[2]) / 10 / step
        own = expected[round(row) :, round(column) :][: found.shape[0], : found.shape[1]]
        event("compared with GDAL")
        assert np.array_equal(found[: own.shape[0], : own.shape[1]], own)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    """A band with overviews in blocks of 64 pixels, and one of half its resolution."""
    bands = {"B04": {"data_type": "uint16", "nodata": 0},
             "B11": {"data_type": "uint16", "nodata": 0, "factor": 2}}  # fmt: skip
    grid = Grid(UTM.crs, UTM.transform, (1024, 1024))
    made = SiteFolder(tmp_path_factory.mktemp("site"), bands, grid=grid)
    for band, side in (("B04", 1024), ("B11", 512)):
        made.add(DATE, band, numbers((side, side)), blocksize=64, overviews="AUTO")
    add_index(made.write())
    return made


def test_only_blocks_of_the_overview_are_fetched(site: SiteFolder) -> None:
    """At eight times the pixel the whole grid is 2 x 2 blocks of an overview, in one request."""
    with FaultyServer(site.folder) as server:
        stack = extract(server.address, box_in(site.grid, (0, 1024), (0, 1024)), resolution=80)
        assert stack.grid.shape == (128, 128)
        assert server.count(".tif") == 1
        assert (
            sum(
                r.range[1] - r.range[0] + 1 for r in server.requests if ".tif" in r.path and r.range
            )
            < 40_000
        )


def test_the_grid_of_a_coarser_result(site: SiteFolder) -> None:
    """It begins at the collection's corner, has square pixels of the side, and covers the region."""
    stack = extract(site.folder, box_in(site.grid, (100, 110), (200, 299)), resolution=60)
    left, top = site.grid.transform[2], site.grid.transform[5]
    assert stack.grid.transform == (60, 0, left + 33 * 60, 0, -60, top - 16 * 60)
    assert stack.grid.shape == (3, 17)
    dataset = stack.to_xarray()
    assert dataset.rio.resolution() == (60, -60)
    assert dataset.x.values[0] == left + 33.5 * 60


def test_bands_of_several_resolutions_lie_over_each_other(site: SiteFolder) -> None:
    """Each is read from its own overview: 10 m and 20 m pixels at 40 m."""
    with shoestring.open(site.folder) as catalogue:
        stack = catalogue["fields"].extract(
            ["B04", "B11"], box_in(site.grid, (0, 256), (0, 512)), masked=False, resolution=40
        )
    for band, level in (("B04", 1), ("B11", 0)):
        path = site.folder / "fields" / f"{DATE}_{band}.tif"
        with rasterio.open(path, overview_level=level) as overview:
            assert np.array_equal(stack[band][DATE], overview.read(1)[:64, :128])


def test_the_grids_own_resolution_changes_nothing(site: SiteFolder) -> None:
    """resolution=10 of a collection of 10 m is the same as none."""
    roi = box_in(site.grid, (3, 80), (5, 90))
    asked, left_out = extract(site.folder, roi, resolution=10), extract(site.folder, roi)
    assert asked.grid == left_out.grid
    assert np.array_equal(asked["B04"][DATE], left_out["B04"][DATE])


@pytest.mark.parametrize(
    ("resolution", "sentence"),
    [
        (5, "A resolution of 5 is finer than the collection's 10: leave it out, or ask for more."),
        (1e9, "A pixel of 1e\\+09 is larger than the collection's grid of 10240 x 10240"),
        (0, "must be a positive number, got 0"),
        (-10, "must be a positive number, got -10"),
        (float("nan"), "must be a positive number, got nan"),
        ("10 m", "must be a positive number, got '10 m'"),
    ],
)
def test_resolutions_that_can_not_be(site: SiteFolder, resolution: Any, sentence: str) -> None:  # noqa: ANN401
    """One sentence that names the value and what to do."""
    with pytest.raises(SelectionError, match=sentence):
        extract(site.folder, box_in(site.grid, (0, 9), (0, 9)), resolution=resolution)


def mosaics(folder: Path, random: np.random.Generator) -> Iterator[VrtSource]:
    """Files of other sizes than the layer, parts of which lie over each other in it."""
    for number in range(3):
        height, width = (int(side) for side in random.integers(150, 400, 2))
        pixels = numbers((height, width), seed=number)
        pixels[random.integers(height) :, : random.integers(width)] = 0
        name = f"tile {number}.tif"
        write_tiff(folder / name, pixels, UTM, 0, blocksize=64,
                   overviews=["AUTO", "NONE"][number % 2])  # fmt: skip
        source = Window(*(int(n) for n in random.integers(0, 60, 2)), height - 60, width - 60)
        target = Window(*(int(n) for n in random.integers(0, 99, 2)), *source.shape)
        yield VrtSource(name, 1, source, target, 0)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**20), st.sampled_from(STEPS))
def test_both_readers_agree_on_mosaics(seed: int, step: float) -> None:
    """Of a VRT each source is read from the overview that does, and they lie over each other."""
    random = np.random.default_rng(seed)
    grid = Grid(UTM.crs, UTM.transform, (450, 450))
    with tempfile.TemporaryDirectory() as folder:
        site = SiteFolder(Path(folder), {"B04": {"data_type": "uint16", "nodata": 0}}, grid=grid)
        home = Path(folder) / "fields"
        mosaic = PlainVrt(grid, "uint16", 0, tuple(mosaics(home, random)))
        (home / "layer.vrt").write_text(mosaic.to_xml(), "utf-8")
        site.link(DATE, "B04", "./layer.vrt")
        add_index(site.write())
        rows, columns = np.sort(random.integers(0, 450, (2, 2)), axis=1)
        roi = box_in(grid, (rows[0], rows[1] + 1), (columns[0], columns[1] + 1))
        ranged, opened = (
            extract(folder, roi, reader, resolution=10 * step) for reader in ("auto", "vsicurl")
        )
    assert np.array_equal(ranged["B04"][DATE], opened["B04"][DATE])

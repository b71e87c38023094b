"""Clouds are never downloaded, and the result is the same."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rasterio.enums import Resampling

import shoestring
from shoestring import Options
from shoestring.stack import Stack
from shoestring_schema.grid import Grid
from support.faulty_server import FaultyServer
from support.indexed import add_index
from support.site import UTM, SiteFolder, box_in, numbers

pytestmark = pytest.mark.pixels

SIDE = 320
BLOCK = 64
GRID = Grid(UTM.crs, UTM.transform, (SIDE, SIDE))
RULE = {"band": "SCL", "clear": [4, 5]}
BANDS = {
    "B04": {"data_type": "uint16", "nodata": 0},
    "B11": {"data_type": "float32", "nodata": "nan", "factor": 2},
    "SCL": {"data_type": "uint8", "nodata": 0, "factor": 2},
}
ALL = ((0, SIDE), (0, SIDE))


def classes(clear: np.ndarray, factor: int = 2) -> np.ndarray:
    """Classes of pixels from clear ones on the grid."""
    return np.where(clear[::factor, ::factor], 4, 9).astype("uint8")


def write(
    folder: Path, skies: dict[str, np.ndarray | None], holes: dict[str, Any] | None = None
) -> SiteFolder:
    """A site with a date a sky; None leaves the mask out."""
    site = SiteFolder(folder, BANDS, grid=GRID, mask=RULE)
    for seed, (date, clear) in enumerate(skies.items()):
        red = numbers(GRID.shape, seed=seed)
        if holes and date in holes:
            red[holes[date]] = 0
        site.add(date, "B04", red, blocksize=BLOCK, overviews="AUTO")
        swir = numbers((SIDE // 2, SIDE // 2), "float32", seed=seed)
        site.add(date, "B11", swir, blocksize=BLOCK, overviews="AUTO")
        if clear is not None:
            site.add(date, "SCL", classes(clear), blocksize=BLOCK, overviews="AUTO",
                     overview_resampling="MODE")  # fmt: skip
    site.write()
    add_index(site)
    return site


def extract(folder: Any, roi: Any, reader: Any = "auto", **wish: Any) -> Stack:  # noqa: ANN401
    """An extraction with one of the readers."""
    with shoestring.open(folder, options=Options(reader=reader)) as catalogue:
        return catalogue["fields"].extract(wish.pop("bands", ["B04", "B11"]), roi, **wish)


def same(one: Stack, other: Stack) -> bool:
    """Whether two stacks are the same, bit for bit."""
    return (
        (one.dates, one.clear, one.left_out) == (other.dates, other.clear, other.left_out)
        and all(
            one[band][date].dtype == other[band][date].dtype
            and one[band][date].tobytes() == other[band][date].tobytes()
            for band in one.bands
            for date in one[band]
        )
        and all(list(one[band]) == list(other[band]) for band in one.bands)
    )


@st.composite
def skies(draw: st.DrawFn) -> dict[str, np.ndarray | None]:
    """Clear, overcast and broken dates, and one whose mask is missing."""
    kinds = draw(st.lists(st.sampled_from(["clear", "overcast", "broken", "half", "none"]),
                          min_size=1, max_size=4))  # fmt: skip
    random = np.random.default_rng(draw(st.integers(0, 99)))
    made: dict[str, np.ndarray | None] = {}
    for day, kind in enumerate(kinds, 1):
        sky = np.full(GRID.shape, kind == "clear")
        if kind == "broken":
            for _ in range(6):
                row, column, size = random.integers(0, SIDE, 3)
                sky[row : row + size // 2, column : column + size // 2] ^= True
        if kind == "half":
            sky[:, SIDE // 2 :] = True
        made[f"2018-01-{day:02}"] = None if kind == "none" else sky
    if not any(sky is not None for sky in made.values()):
        made["2018-01-01"] = np.full(GRID.shape, True)
    return made


@settings(deadline=None, max_examples=50)
@given(
    skies(),
    st.tuples(*[st.integers(0, SIDE - 2)] * 4),
    st.sampled_from([
        {}, {"min_clear": 0.3}, {"min_clear": 0.0}, {"masked": False}, {"scaled": True},
        {"masked": False, "min_clear": 0.5}, {"bands": ["SCL", "B04"]}, {"bands": "SCL"},
    ]),
    st.sampled_from([None, None, 20, 25, 40, 73, 160]),
    st.booleans(),
)  # fmt: skip
def test_what_is_spared_changes_nothing(
    sky: dict[str, np.ndarray | None],
    corners: tuple[int, ...],
    wish: dict[str, Any],
    resolution: float | None,
    slanted: bool,
) -> None:
    """For random skies, regions, wishes and resolutions, it equals what fetched everything."""
    rows, columns = sorted(corners[:2]), sorted(corners[2:])
    roi = box_in(GRID, (rows[0], rows[1] + 1), (columns[0], columns[1] + 1))
    if slanted:
        roi["coordinates"][0][2:3] = []  # half of the rectangle: a triangle
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), sky, holes={"2018-01-01": np.s_[:100, :140]})
        spared, whole = (
            extract(folder, roi, reader, **wish, resolution=resolution)
            for reader in ("auto", "vsicurl")
        )
    assert same(spared, whole)


@pytest.fixture
def served(tmp_path: Path) -> Any:  # noqa: ANN401
    """A site of a clear, an overcast, and a half clear date, behind a server that counts."""
    half = np.full(GRID.shape, False)
    half[:, 96:] = True  # the edge of clouds is within the second column of blocks
    days = {"2018-01-01": np.full(GRID.shape, True), "2018-01-02": np.full(GRID.shape, False),
            "2018-01-03": half}  # fmt: skip
    site = write(tmp_path, days)
    with FaultyServer(site.folder) as server:
        yield server


def asked(server: FaultyServer, name: str) -> int:
    """Bytes that were asked of files whose name ends so."""
    return sum(
        r.range[1] - r.range[0] + 1 for r in server.requests if r.path.endswith(name) and r.range
    )


def test_an_overcast_date_costs_nothing(served: FaultyServer) -> None:
    """Neither bands nor mask are asked for where no block under the region is clear."""
    stack = extract(served.address, box_in(GRID, *ALL))
    assert asked(served, "2018-01-02_B04.tif") + asked(served, "2018-01-02_SCL.tif") == 0
    assert [str(date) for date in stack.left_out] == ["2018-01-02"]
    assert stack.left_out[next(iter(stack.left_out))] == 0


def test_the_mask_of_a_clear_date_is_not_asked_for(served: FaultyServer) -> None:
    """Where all blocks are clear, the mask is known."""
    extract(served.address, box_in(GRID, *ALL))
    assert asked(served, "2018-01-01_SCL.tif") == 0
    assert asked(served, "2018-01-01_B04.tif") > 0


def test_blocks_without_a_clear_pixel_are_not_asked_for(served: FaultyServer) -> None:
    """Of the half clear date, the first of five columns of blocks is spared, the mask's edge asked."""
    extract(served.address, box_in(GRID, *ALL))
    share = asked(served, "2018-01-03_B04.tif") / asked(served, "2018-01-01_B04.tif")
    assert 0.75 < share < 0.85
    assert asked(served, "2018-01-03_SCL.tif") > 0


def test_blocks_outside_of_a_slanted_region_are_not_asked_for(served: FaultyServer) -> None:
    """Of a triangle's bounding box, the blocks that it does not touch are spared."""
    roi = box_in(GRID, *ALL)
    extract(served.address, roi, dates="2018-01-01", bands="B04")
    whole = asked(served, "2018-01-01_B04.tif")
    roi["coordinates"][0][2:3] = []
    extract(served.address, roi, dates="2018-01-01", bands="B04")
    assert asked(served, "2018-01-01_B04.tif") - whole < 0.7 * whole


def test_explain_tells_what_is_spared_and_why(served: FaultyServer) -> None:
    """The plan counts blocks by reason, and reads nothing."""
    with shoestring.open(served.address) as catalogue:
        plan = catalogue["fields"].explain("B04", box_in(GRID, *ALL))
    assert asked(served, ".tif") == 0
    spared = plan.spared
    assert spared is not None
    assert (spared.blocks, spared.dates) == (3 * (25 + 9), 1)
    assert spared.unclear == 25 + 5
    assert spared.fetched + spared.unclear + spared.mask == spared.blocks
    assert "30 without a clear pixel" in repr(plan)
    assert "1 dates whole" in repr(plan)


def test_nothing_is_spared_where_stored_numbers_are_wanted(served: FaultyServer) -> None:
    """masked=False reads the whole window of every date."""
    stack = extract(served.address, box_in(GRID, *ALL), masked=False, bands="B04")
    assert len(stack.dates) == 3
    assert asked(served, "2018-01-02_B04.tif") > 0


@settings(deadline=None, max_examples=10)
@given(
    st.integers(700, 1200),
    st.tuples(*[st.integers(0, 9)] * 2),
    st.sampled_from([40, 60, 80]),
    st.booleans(),
)
@example(994, (3, 0), 80, True)
@example(1122, (8, 19), 80, False)
@example(1058, (10, 6), 80, True)
def test_clouds_that_end_with_a_block_of_an_overview(
    side: int, corner: tuple[int, int], resolution: float, clear: bool
) -> None:
    """A mask's overviews are means of some pixels beside the block: what they say counts."""
    grid = Grid(UTM.crs, UTM.transform, (side, side))
    bands = {"B04": BANDS["B04"], "CLD": {"data_type": "uint8", "factor": 2}}
    tiles = {"driver": "GTiff", "tiled": True, "blockxsize": 64, "blockysize": 64}
    # The pixels of full resolution that a block of an overview stands for.
    coarse = -(side // -(8 if resolution == 80 else 4))
    top, left = (place % (coarse // 64 + 1) * 64 * side // coarse for place in corner)
    sky = np.full(grid.shape, not clear)
    sky[top : top + 64 * side // coarse + 1, left : left + 64 * side // coarse + 1] = clear
    cloud = np.where(sky[::2, ::2], 1, 255).astype("uint8")
    with tempfile.TemporaryDirectory() as folder:
        mask = {"band": "CLD", "clear_below": 2}
        site = SiteFolder(Path(folder), bands, grid=grid, mask=mask)
        for band, pixels in (("B04", numbers(grid.shape)), ("CLD", cloud)):
            path = site.add("2018-01-01", band, pixels, **tiles)
            with rasterio.Env(GDAL_TIFF_OVR_BLOCKSIZE=64), rasterio.open(path, "r+") as file:
                file.build_overviews([2, 4, 8], Resampling.average)
        add_index(site.write())
        roi = box_in(grid, (0, side), (0, side))
        spared, whole = (
            extract(folder, roi, reader, bands="B04", resolution=resolution)
            for reader in ("auto", "vsicurl")
        )
    assert same(spared, whole)

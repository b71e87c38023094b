"""Blocks fetched as bytes give the pixels that GDAL reads from the whole file."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shoestring
from shoestring import Options
from shoestring_schema.grid import Grid
from support.faulty_server import FaultyServer
from support.indexed import add_index
from support.site import UTM, SiteFolder, box_in, numbers

pytestmark = pytest.mark.pixels

KINDS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
CODECS = ("NONE", "LZW", "DEFLATE", "ZSTD", "LZMA", "LERC", "LERC_DEFLATE", "LERC_ZSTD")
PREDICTED = ("LZW", "DEFLATE", "ZSTD")
SLOW = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """A COG as GDAL may write it, and a window of it."""
    shape = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    kind = draw(st.sampled_from(KINDS))
    codec = draw(st.sampled_from([*CODECS, *(["JPEG"] if kind == "uint8" else [])]))
    if codec.startswith("LERC") and kind == "int8":
        codec = "ZSTD"
    creation = {"compress": codec, "blocksize": draw(st.sampled_from([64, 128, 256]))}
    if codec in PREDICTED:
        creation["predictor"] = draw(st.sampled_from(["YES", "NO"]))
    if draw(st.booleans()):
        creation["sparse_ok"] = True
    if draw(st.booleans()):
        creation["bigtiff"] = "YES"
    top, left = draw(st.integers(0, shape[0] - 1)), draw(st.integers(0, shape[1] - 1))
    window = (
        (top, draw(st.integers(top + 1, shape[0]))),
        (left, draw(st.integers(left + 1, shape[1]))),
    )
    return {
        "shape": shape, "kind": kind, "creation": creation, "window": window,
        "nodata": draw(st.sampled_from([None, 0])), "hole": draw(st.booleans()),
        "factor": draw(st.sampled_from([1, 1, 2, 3])),
    }  # fmt: skip


@SLOW
@given(files())
def test_both_readers_and_rasterio_agree_for_every_file_that_gdal_writes(
    file: dict[str, Any],
) -> None:
    """Type, codec, predictor, blocks, holes and windows: the same pixels, bit for bit."""
    stored = tuple(-(size // -file["factor"]) for size in file["shape"])
    pixels = numbers(stored, file["kind"])
    if file["hole"]:
        pixels[: stored[0] // 2 + 1, : stored[1] // 2 + 1] = 0
    grid = Grid(UTM.crs, UTM.transform, file["shape"])
    band = {"data_type": file["kind"], "nodata": file["nodata"], "factor": file["factor"]}
    with tempfile.TemporaryDirectory() as folder:
        site = SiteFolder(Path(folder), {"B04": band}, grid=grid)
        path = site.add("2018-01-01", "B04", pixels, **file["creation"])
        add_index(site.write())
        roi = box_in(grid, *file["window"])
        ranged, opened = (_extract(folder, roi, reader) for reader in ("auto", "vsicurl"))
        with rasterio.open(path) as dataset:
            whole = dataset.read(1)
    (top, bottom), (left, right) = file["window"]
    rows, columns = np.arange(top, bottom), np.arange(left, right)
    expected = whole[np.ix_(rows // file["factor"], columns // file["factor"])]
    assert ranged.dtype == expected.dtype
    assert np.array_equal(ranged, expected, equal_nan=file["kind"].startswith("float"))
    assert np.array_equal(ranged, opened, equal_nan=file["kind"].startswith("float"))


def _extract(folder: str, roi: dict[str, Any], reader: Any) -> np.ndarray:  # noqa: ANN401
    with shoestring.open(folder, options=Options(reader=reader)) as catalogue:
        stack = catalogue["fields"].extract("B04", roi, masked=False)
    (array,) = stack["B04"].values()
    return array


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    """Three dates of 7 x 8 blocks."""
    grid = Grid(UTM.crs, UTM.transform, (440, 500))
    made = SiteFolder(
        tmp_path_factory.mktemp("site"), {"B04": {"data_type": "uint16", "nodata": 0}}, grid=grid
    )
    for day in (1, 2, 3):
        made.add(f"2018-01-{day:02}", "B04", numbers(grid.shape, seed=day), blocksize=64)
    made.write()
    add_index(made)
    return made


def test_a_window_costs_a_request_a_row_of_blocks_and_layer(site: SiteFolder) -> None:
    """Catalogue, collection, the index's head and share, then rows of blocks; no header, no items."""
    with FaultyServer(site.folder) as server:
        with shoestring.open(server.address) as catalogue:
            catalogue["fields"].extract("B04", box_in(site.grid, (70, 190), (70, 130)))
        assert server.count(".tif") == 3 * 2
        assert server.count(".bin") <= 1 + 2
        assert server.count("items.json") == 0
        assert len(server.requests) <= 2 + 3 + 6


def test_only_blocks_under_the_window_are_asked_for(site: SiteFolder) -> None:
    """The bytes of a request are those that the plan says."""
    roi = box_in(site.grid, (70, 100), (70, 130))
    with FaultyServer(site.folder) as server:
        with shoestring.open(server.address) as catalogue:
            plan = catalogue["fields"].explain("B04", roi)
            catalogue["fields"].extract("B04", roi)
        asked = [r.range for r in server.requests if r.path.endswith(".tif") and r.range]
    assert sum(last - first + 1 for first, last in asked) - 3 * 8 == plan.estimated_bytes
    assert "to fetch  about" not in repr(plan)


def test_vsicurl_is_used_where_it_is_asked_for(site: SiteFolder) -> None:
    """With reader="vsicurl" the index is not touched and GDAL opens each file."""
    with FaultyServer(site.folder) as server:
        with shoestring.open(server.address, options=Options(reader="vsicurl")) as catalogue:
            catalogue["fields"].extract("B04", box_in(site.grid, (70, 100), (70, 130)))
        assert server.count(".bin") == 0
        assert server.count("items.json") == 1


def test_an_unknown_reader_is_refused() -> None:
    """Options names the readers that there are."""
    with pytest.raises(shoestring.ShoestringError, match='must be "auto" or "vsicurl"'):
        Options(reader="magic")  # type: ignore[arg-type]


def test_a_closed_catalogue_says_so(site: SiteFolder) -> None:
    """Reading by ranges after the catalogue was closed is one sentence."""

    async def late() -> None:
        async with shoestring.connect(site.folder) as catalogue:
            fields = catalogue["fields"]
        await fields.extract("B04", box_in(site.grid, (0, 9), (0, 9)))

    with pytest.raises(shoestring.ShoestringError, match="is closed"):
        asyncio.run(late())


@pytest.mark.parametrize("resolution", [None, 25])
def test_a_large_window_is_decoded_strip_by_strip(
    site: SiteFolder, monkeypatch: pytest.MonkeyPatch, resolution: float | None
) -> None:
    """However small the strips, the pixels and the requests are the same."""
    roi = box_in(site.grid, (5, 437), (70, 330))
    with FaultyServer(site.folder) as server, shoestring.open(server.address) as catalogue:
        wanted: dict[str, Any] = {"masked": False, "resolution": resolution}
        whole = catalogue["fields"].extract("B04", roi, **wanted)
        before = server.count(".tif")
        monkeypatch.setattr("shoestring.ranges.STRIP", 1)
        strips = catalogue["fields"].extract("B04", roi, **wanted)
        assert before == 3 * 7 == server.count(".tif") - before
    for date in whole.dates:
        assert np.array_equal(whole["B04"][date], strips["B04"][date])

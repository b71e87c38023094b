"""Cropped copies: the same pixels, in smaller valid COGs."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import shoestring
from shoestring import Roi
from shoestring_builder.build import build
from shoestring_builder.index.tiff import read_tiff
from shoestring_pull.origin import read_origin
from shoestring_schema.errors import CatalogueError
from shoestring_schema.grid import Window
from support.mosaics import CONFIGURATION, republish, write_configuration, write_raster
from support.nginx import Nginx
from support.pulled import (
    GRID,
    SHAPE,
    build_fields,
    faults,
    layer,
    pixels,
    place,
    pull_into,
    write_date,
)

BANDS = {"B04": 1, "B11": 2, "SCL": 2}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two collections and two dates."""
    return build_fields(tmp_path_factory.mktemp("fields"), (1, 2))


def region(window: Window) -> Roi:
    """A region whose window on the grid is this one."""
    left, top = GRID.xy(window.row + 0.25, window.column + 0.25)
    right, bottom = GRID.xy(window.row + window.height - 0.25, window.column + window.width - 0.25)
    return Roi(shapely.box(left, bottom, right, top), GRID.crs)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """A rectangle of pixels on the grid."""
    row, column = draw(st.integers(0, SHAPE[0] - 1)), draw(st.integers(0, SHAPE[1] - 1))
    return Window(
        row, column, draw(st.integers(1, SHAPE[0] - row)), draw(st.integers(1, SHAPE[1] - column))
    )


@pytest.mark.pixels
@settings(max_examples=12, deadline=None)
@given(windows(), st.data())
def test_crop_has_the_pixels_of_its_source(site: Path, window: Window, data: st.DataObject) -> None:
    """Any window inside of the region has the source's pixels, in each band and overview."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        pull_into(copy, site, collections="s2", dates="2018-01-02", roi=region(window), crop=True)
        assert faults(copy) == ()
        inner = data.draw(st.builds(
            lambda row, column, height, width: Window(
                window.row + row, window.column + column, height, width).intersect(window),
            st.integers(0, window.height - 1), st.integers(0, window.width - 1),
            st.integers(1, window.height), st.integers(1, window.width),
        ))  # fmt: skip
        assert inner is not None
        for band, factor in BANDS.items():
            compare(site, copy, band, factor, inner)


def compare(site: Path, copy: Path, band: str, factor: int, window: Window) -> None:
    """Hold a window of a cropped layer against the source, on each level that it has."""
    stem = f"2018-01-02_{band}"
    source, crop = layer(site, "s2", stem), layer(copy, "s2", stem)
    with rasterio.open(crop) as dataset:
        levels = 1 + len(dataset.overviews(1))
    row, column = place(crop, GRID)
    for level in range(levels):
        first = row // (factor * 2**level), column // (factor * 2**level)
        own = Window(0, 0, *pixels(crop, level=level).shape)
        here = window.coarsen(factor * 2**level).shift(-first[0], -first[1]).intersect(own)
        if here is not None:  # an overview may end a pixel before the region does
            expected = pixels(source, here.shift(*first), level)
            assert np.array_equal(pixels(crop, here, level), expected), (band, level)


def test_large_crop_keeps_overviews_and_equals_them(site: Path, tmp_path: Path) -> None:
    """A crop of most of the grid is a valid COG with overviews, and those are the source's."""
    window = Window(70, 70, 620, 540)
    pull_into(tmp_path / "copy", site, collections="s2", roi=region(window), crop=True)
    assert faults(tmp_path / "copy") == ()
    with rasterio.open(layer(tmp_path / "copy", "s2", "2018-01-02_B04")) as dataset:
        assert len(dataset.overviews(1)) >= 1
    for band, factor in BANDS.items():
        compare(site, tmp_path / "copy", band, factor, window)


@pytest.mark.parametrize("column", [0, 300, SHAPE[1] - 1])
def test_narrow_crop_is_valid(site: Path, tmp_path: Path, column: int) -> None:
    """A crop of one column is a valid COG with the same pixels."""
    window = Window(10, column, 600, 1)
    pull_into(
        tmp_path / "copy", site, dates="2018-01-02", roi=region(window), crop=True, bands="B04"
    )
    assert faults(tmp_path / "copy") == ()
    compare(site, tmp_path / "copy", "B04", 1, window)


def test_same_code_reads_the_same(site: Path, tmp_path: Path) -> None:
    """An extraction from a cropped copy, by the region that it was cropped by, is the source's."""
    roi = region(Window(200, 150, 120, 90))
    with shoestring.open(site) as catalogue:
        catalogue.pull(tmp_path / "copy", roi=roi, crop=True, progress=False)
        for masked in (True, False):
            for name in catalogue:
                expected = catalogue[name].extract(None, roi, masked=masked)
                with shoestring.open(tmp_path / "copy") as copy:
                    found = copy[name].extract(None, roi, masked=masked)
                assert found.dates == expected.dates
                for band in catalogue[name].bands:
                    for date in expected.dates:
                        np.testing.assert_array_equal(found[band][date], expected[band][date])


def test_collections_are_cropped_one_after_the_other(site: Path, tmp_path: Path) -> None:
    """A second collection joins a cropped copy, which remembers where each of them is cut."""
    roi = region(Window(200, 150, 120, 90))
    for name in ("s2", "height"):
        pull_into(tmp_path / "copy", site, collections=name, roi=roi, crop=True)
    origin = read_origin(tmp_path / "copy")
    assert origin is not None
    assert set(origin.cuts) == {"s2", "height"}
    with shoestring.open(tmp_path / "copy") as catalogue:
        assert set(catalogue) == {"s2", "height"}
    assert faults(tmp_path / "copy") == ()


def test_band_without_nodata_is_whole(site: Path, tmp_path: Path) -> None:
    """Where nothing can say that there is no data, no block of the copy is missing."""
    roi = region(Window(130, 130, 500, 400))
    pull_into(tmp_path / "copy", site, collections="height", roi=roi, crop=True)
    crop = layer(tmp_path / "copy", "height", "2018-01-01_dem")
    tiff = read_tiff(crop)
    assert tiff is not None
    assert all((level.sizes > 0).all() for level in tiff.levels)
    row, column = place(crop, GRID)
    own = pixels(crop)
    window = Window(row, column, *own.shape)
    assert np.array_equal(own, pixels(layer(site, "height", "2018-01-01_dem"), window))


def test_only_the_regions_blocks_travel(
    nginx: Callable[..., Nginx], site: Path, tmp_path: Path
) -> None:
    """The bytes fetched of layers are those of the blocks that lie under the region, within 5 %."""
    server = nginx(site)
    window = Window(200, 150, 300, 250)
    pull_into(tmp_path / "copy", f"{server.http}/", collections="s2", roi=region(window), crop=True)
    blocks = sum(block_bytes(site, tmp_path / "copy", band, day, window)
                 for band in BANDS for day in (1, 2))  # fmt: skip
    fetched = sum(one.bytes_sent for one in server.requests()
                  if one.path.endswith(".tif") and not one.range.startswith("bytes=0-"))  # fmt: skip
    headers = [one for one in server.requests() if one.range.startswith("bytes=0-")
               and one.path.endswith(".tif")]  # fmt: skip
    assert blocks <= fetched <= 1.05 * blocks
    assert len(headers) == 6
    assert sum(one.bytes_sent for one in headers) <= 6 * 4096


def block_bytes(site: Path, copy: Path, band: str, day: int, window: Window) -> int:
    """Bytes of the source's blocks under a window, on the levels that the copy has."""
    stem, factor = f"2018-01-{day:02}_{band}", BANDS[band]
    tiff, crop = read_tiff(layer(site, "s2", stem)), read_tiff(layer(copy, "s2", stem))
    assert tiff is not None
    assert crop is not None
    total = 0
    for number in range(len(crop.levels)):
        level = tiff.levels[number]
        own = window.coarsen(factor * 2**number)
        rows = slice(own.row // 64, (own.row + own.height - 1) // 64 + 1)
        columns = slice(own.column // 64, (own.column + own.width - 1) // 64 + 1)
        total += int(level.sizes[0][rows, columns].sum())
    return total


def test_next_crop_fetches_only_what_is_new(nginx: Callable[..., Nginx], tmp_path: Path) -> None:
    """A new date upstream costs its own blocks; what the copy has stays where it is."""
    site = build_fields(tmp_path / "project", (1, 2))
    server = nginx(site)
    roi = region(Window(200, 150, 120, 90))
    pull_into(tmp_path / "copy", f"{server.http}/", collections="s2", roi=roi, crop=True)
    before = {path.name for path in (tmp_path / "copy").glob("s2/2018/*.tif")}
    cuts = read_origin(tmp_path / "copy")
    write_date(tmp_path / "project", 3)
    build_fields(tmp_path / "project", ())
    asked = len(server.requests())
    report = pull_into(tmp_path / "copy", None)
    layers = [one.path for one in server.requests()[asked:] if one.path.endswith(".tif")]
    assert report.fetched.files == 3
    assert all("2018-01-03" in path for path in layers)
    assert before < {path.name for path in (tmp_path / "copy").glob("s2/2018/*.tif")}
    assert cuts is not None
    assert read_origin(tmp_path / "copy").cuts == cuts.cuts
    assert faults(tmp_path / "copy") == ()


def test_layer_without_index_is_cropped_by_its_header(site: Path, tmp_path: Path) -> None:
    """A site whose parts have no tile index is cropped all the same."""
    plain = Path(shutil.copytree(site, tmp_path / "plain"))
    path = plain / "s2" / "collection.json"
    document = json.loads(path.read_text("utf-8"))
    for part in document["shoestring:parts"]:
        del part["index"]
    path.write_text(json.dumps(document), "utf-8")
    republish(plain)
    window = Window(200, 150, 300, 250)
    for name, source in (("one", site), ("other", plain)):
        pull_into(tmp_path / name, source, collections="s2", roi=region(window), crop=True)
    assert faults(tmp_path / "other") == ()
    names = [
        {path.name for path in (tmp_path / name).glob("s2/2018/*.tif")} for name in ("one", "other")
    ]
    assert names[0] == names[1]


def test_vrt_is_not_cropped(tmp_path: Path) -> None:
    """A layer that is put together from other files is refused with a sentence that says so."""
    project = tmp_path / "project"
    for band, dtype in (("B04", "uint16"), ("SCL", "uint8")):
        write_raster(
            project / "site" / "sources" / f"S2_2018-01-01_{band}.tif",
            5,
            dtype=dtype,
            tiled=True,
            nodata=0,
        )
    text = CONFIGURATION.replace("mosaics/", "site/sources/").replace(
        'id = "s2"', 'id = "s2"\nlayout = "vrt"'
    )
    build(write_configuration(project, text))
    roi = Roi(shapely.box(500_010, 3_999_800, 500_200, 3_999_990), "EPSG:32630")
    with pytest.raises(CatalogueError, match="can't be cropped without decoding"):
        pull_into(tmp_path / "copy", project / "site", roi=roi, crop=True)
    pull_into(tmp_path / "whole", project / "site", roi=roi)
    assert faults(tmp_path / "whole") == ()
    assert (tmp_path / "whole" / "sources" / "S2_2018-01-01_B04.tif").is_file()

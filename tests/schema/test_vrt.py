"""Plain VRTs: written, read, and read by GDAL."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_schema.errors import CatalogueError
from shoestring_schema.grid import Grid, Window
from shoestring_schema.vrt import PlainVrt, VrtSource, parse_vrt
from support.site import SINUSOIDAL, UTM, numbers, write_tiff

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc", "Cs", "Zs"]), min_size=1, max_size=20)  # fmt: skip  # noqa: E501
WINDOWS = st.builds(
    Window, st.integers(-99, 99), st.integers(-99, 99), st.integers(1, 99), st.integers(1, 99)
)
NUMBERS = st.none() | st.integers(-(2**31), 2**31).map(float) | st.floats(allow_nan=False)


@st.composite
def sources(draw: st.DrawFn) -> VrtSource:
    """Any source whose rectangles have one shape."""
    window, row, column = draw(WINDOWS), draw(st.integers(-99, 99)), draw(st.integers(-99, 99))
    target = Window(row, column, *window.shape)
    return VrtSource(draw(TEXTS), draw(st.integers(1, 9)), window, target, draw(NUMBERS))


VRTS = st.builds(
    PlainVrt,
    grid=st.builds(Grid, st.sampled_from(["EPSG:32630", SINUSOIDAL]),
                   st.tuples(st.floats(0.1, 99), st.just(0.0), st.floats(-1e7, 1e7),
                             st.just(0.0), st.floats(-99, -0.1), st.floats(-1e7, 1e7)),
                   st.tuples(st.integers(1, 9999), st.integers(1, 9999))),
    data_type=st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]),
    nodata=NUMBERS,
    sources=st.lists(sources(), max_size=3).map(tuple),
    name=TEXTS,
    scale=st.floats(1e-6, 1e6),
    offset=st.floats(-1e6, 1e6),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(VRTS)
def test_what_is_written_is_read_back(vrt: PlainVrt) -> None:
    """Every plain VRT is read back as it was."""
    assert parse_vrt(vrt.to_xml().encode(), "a.vrt") == vrt


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_refused_in_a_sentence(data: bytes) -> None:
    """Whatever bytes come, the error names the file."""
    with pytest.raises(CatalogueError, match=r"^a\.vrt is not a plain VRT"):
        parse_vrt(data, "a.vrt")


def test_gdal_reads_what_is_written(tmp_path: Path) -> None:
    """GDAL reads the written VRT: pixels, CRS, place, nodata, scale and name."""
    grid = Grid(UTM.crs, UTM.transform, (30, 30))
    write_tiff(tmp_path / "a.tif", numbers((30, 30)), grid)
    vrt = PlainVrt(
        grid=UTM, data_type="uint16", nodata=0,
        sources=(VrtSource("a.tif", 1, Window(5, 6, 20, 10), Window(1, 2, 20, 10), nodata=0),),
        name="B04", scale=0.0001, offset=-0.1,
    )  # fmt: skip
    (tmp_path / "a.vrt").write_text(vrt.to_xml(), encoding="utf-8")
    wanted = np.zeros(UTM.shape, "uint16")
    wanted[1:21, 2:12] = numbers((30, 30))[5:25, 6:16]
    with rasterio.open(tmp_path / "a.vrt") as file:
        np.testing.assert_array_equal(file.read(1), wanted)
        assert (file.crs.to_epsg(), tuple(file.transform)[:6]) == (32630, UTM.transform)
        assert (file.nodata, file.scales, file.offsets) == (0, (0.0001,), (-0.1,))
        assert file.descriptions == ("B04",)

"""Masks: classes, probabilities, and what is left out; VRTs as GDAL reads them."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

import shoestring
from shoestring_schema.errors import SelectionError
from shoestring_schema.vrt import parse_vrt
from support.site import UTM, SiteFolder, box_in, numbers, write_tiff

pytestmark = pytest.mark.pixels

CLEAR = [4, 5]
DATES = ["2018-01-01", "2018-01-02", "2018-01-03"]
MASKS = [{"band": "M", "clear": CLEAR}, {"band": "M", "clear_below": 6}]


def is_clear(stored: Any, rule: dict[str, Any]) -> Any:  # noqa: ANN401
    """The rule, computed another way; 0 is the mask's nodata."""
    said = np.vectorize(CLEAR.__contains__)(stored) if "clear" in rule else stored < 6
    return said & (stored != 0)


def masked_site(folder: Path, rule: dict[str, Any], factor: int = 1) -> SiteFolder:
    """Three dates of a band and a mask: half clear, wholly cloudy, and without a mask layer."""
    site = SiteFolder(
        folder,
        {
            "B": {"data_type": "int16", "nodata": -1, "scale": 0.5, "offset": 10.0, "unit": "K"},
            "M": {"data_type": "uint8", "nodata": 0, "factor": factor},
        },
        mask=rule,
    )
    shape = UTM.coarsen(factor).shape
    for number, date in enumerate(DATES):
        pixels = numbers(UTM.shape, "int16", seed=number)
        pixels[::7, ::3] = -1
        site.add(date, "B", pixels)
        if number < 2:
            site.add(date, "M", numbers(shape, "uint8", seed=9) % 9 if number == 0 else np.full(shape, 8, "uint8"))  # fmt: skip  # noqa: E501
    return site.write()


def read(site: SiteFolder, date: str, band: str, factor: int = 1) -> Any:  # noqa: ANN401
    """A layer by rasterio, on the grid."""
    with rasterio.open(site.folder / "fields" / f"{date}_{band}.tif") as file:
        return file.read(1).repeat(factor, 0).repeat(factor, 1)[: UTM.shape[0], : UTM.shape[1]]


@pytest.mark.parametrize("rule", MASKS, ids=["classes", "probability"])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_only_clear_pixels_count(tmp_path: Path, rule: dict[str, Any], factor: int) -> None:
    """Masked pixels are NaN outside, without data, and where the mask says not clear."""
    site = masked_site(tmp_path, rule, factor)
    with shoestring.open(tmp_path) as catalogue:
        stack = catalogue["fields"].extract("B", box_in(UTM, (3, 31), (5, 47)))
    window = slice(3, 31), slice(5, 47)
    stored = read(site, DATES[0], "B")[window]
    keep = is_clear(read(site, DATES[0], "M", factor)[window], rule) & (stored != -1)
    np.testing.assert_array_equal(
        stack["B"][DATES[0]], np.where(keep, stored, np.nan).astype("float32")
    )
    assert stack.clear[stack.dates[0]] == pytest.approx(keep.mean())
    assert {date.isoformat(): share for date, share in stack.left_out.items()} == {
        DATES[1]: 0,
        DATES[2]: 0,
    }


def test_the_mask_band_itself_may_be_extracted(tmp_path: Path) -> None:
    """The mask band is read once, also where it is asked for."""
    site = masked_site(tmp_path, MASKS[0])
    with shoestring.open(tmp_path) as catalogue:
        plan = catalogue["fields"].explain(["B", "M"], box_in(UTM, (0, 9), (0, 9)), dates=DATES[0])
        stack = catalogue["fields"].extract("M", box_in(UTM, (0, 9), (0, 9)), dates=DATES[0])
    assert len(plan.reads) == 2
    stored = read(site, DATES[0], "M")[:9, :9]
    np.testing.assert_array_equal(np.isfinite(stack["M"][DATES[0]]), np.isin(stored, CLEAR))


def test_min_clear_leaves_dates_out(tmp_path: Path) -> None:
    """Dates with a smaller clear share are left out and told; 0 keeps all of them."""
    masked_site(tmp_path, MASKS[0])
    roi = box_in(UTM, (0, 40), (0, 50))
    with shoestring.open(tmp_path) as catalogue:
        collection = catalogue["fields"]
        share = collection.extract("B", roi).clear[collection.dates[0]]
        assert 0.1 < share < 0.9
        for least, kept in ((0, 3), (share, 1), (share + 1e-9, 0), (1, 0)):
            stack = collection.extract("B", roi, min_clear=least)
            assert (len(stack["B"]), len(stack.left_out)) == (kept, 3 - kept)
            assert stack.bands == ("B",)
        unmasked = collection.extract("B", roi, min_clear=share, masked=False)
        assert (len(unmasked["B"]), unmasked["B"][DATES[0]].dtype) == (1, np.dtype("int16"))
        for wrong in (-0.1, 1.1, float("nan")):
            with pytest.raises(SelectionError, match="min_clear is a share from 0 to 1"):
                collection.extract("B", roi, min_clear=wrong)


def test_unmasked_layers_need_no_mask(tmp_path: Path) -> None:
    """Unmasked, no date is left out and the mask is not read."""
    masked_site(tmp_path, MASKS[0])
    with shoestring.open(tmp_path) as catalogue:
        collection = catalogue["fields"]
        plan = collection.explain("B", collection.extent, masked=False)
        assert {read.band.name for read in plan.reads} == {"B"}
        stack = collection.extract("B", collection.extent, masked=False)
    assert len(stack["B"]) == 3
    assert not stack.left_out
    assert not stack.clear


@pytest.mark.parametrize("masked", [False, True])
def test_scaled_values(tmp_path: Path, masked: bool) -> None:
    """Scaled values are stored number times scale plus offset, as float32."""
    site = masked_site(tmp_path, MASKS[1])
    roi = box_in(UTM, (0, 40), (0, 50))
    with shoestring.open(tmp_path) as catalogue:
        layer = catalogue["fields"].extract("B", roi, dates=DATES[0], scaled=True, masked=masked)[
            "B"
        ][DATES[0]]
    stored = read(site, DATES[0], "B")
    keep = is_clear(read(site, DATES[0], "M"), MASKS[1]) & (stored != -1)
    values = (stored * 0.5 + 10.0).astype("float32")
    assert layer.dtype == np.float32
    np.testing.assert_array_equal(layer, np.where(keep if masked else stored != -1, values, np.nan))


def test_unmasked_scaled_pixels_without_data_are_nan(tmp_path: Path) -> None:
    """A stored nodata is no value: scaled, it is NaN and not a number that looks right."""
    site = masked_site(tmp_path, MASKS[1])
    with shoestring.open(tmp_path) as catalogue:
        stack = catalogue["fields"].extract(
            "B", box_in(UTM, (0, 40), (0, 50)), scaled=True, masked=False
        )
    missing = read(site, DATES[0], "B") == -1
    assert missing.any()
    assert np.isnan(stack["B"][DATES[0]][missing]).all()


SOURCE = """  <{kind}><SourceFilename relativeToVRT="1">{name}</SourceFilename><SourceBand>1</SourceBand>
    <SrcRect xOff="{sx}" yOff="{sy}" xSize="{w}" ySize="{h}"/>
    <DstRect xOff="{dx}" yOff="{dy}" xSize="{w}" ySize="{h}"/>{nodata}</{kind}>
"""


@st.composite
def mosaics(
    draw: st.DrawFn,
) -> tuple[str, int | None, list[dict[str, Any]], tuple[int, int, int, int]]:
    """A type, a nodata, some overlapping sources of files of 30 x 30 pixels, and a window."""
    kind = draw(st.sampled_from(["uint8", "uint16", "int16", "float32"]))
    sources = []
    for _ in range(draw(st.integers(0, 4))):
        width, height = draw(st.integers(1, 30)), draw(st.integers(1, 30))
        sources.append({
            "name": f"{draw(st.integers(0, 2))}.tif", "w": width, "h": height,
            "sx": draw(st.integers(0, 30 - width)), "sy": draw(st.integers(0, 30 - height)),
            "dx": draw(st.integers(0, 50 - width)), "dy": draw(st.integers(0, 40 - height)),
            "nodata": draw(st.sampled_from([None, 3])),
        })  # fmt: skip
    row, column = draw(st.integers(0, 39)), draw(st.integers(0, 49))
    window = row, column, draw(st.integers(1, 40 - row)), draw(st.integers(1, 50 - column))
    return kind, draw(st.sampled_from([None, 0, 7])), sources, window


def vrt_text(kind: str, nodata: int | None, sources: list[dict[str, Any]]) -> str:
    """The VRT's text, as gdalbuildvrt writes it."""
    gdal = {"uint8": "Byte", "uint16": "UInt16", "int16": "Int16", "float32": "Float32"}[kind]
    parts = "".join(
        SOURCE.format_map({
            **source,
            "kind": "SimpleSource" if source["nodata"] is None else "ComplexSource",
            "nodata": "" if source["nodata"] is None else f"<NODATA>{source['nodata']}</NODATA>",
        })
        for source in sources
    )  # fmt: skip
    tag = "" if nodata is None else f"<NoDataValue>{nodata}</NoDataValue>"
    return (
        '<VRTDataset rasterXSize="50" rasterYSize="40"><SRS dataAxisToSRSAxisMapping="1,2">EPSG:32630</SRS>'
        "<GeoTransform> 6.0e+05, 1.0e+01, 0, 8.0e+05, 0, -1.0e+01</GeoTransform>"
        f'<VRTRasterBand dataType="{gdal}" band="1">{tag}\n{parts}</VRTRasterBand></VRTDataset>'
    )


@settings(max_examples=40, deadline=None)
@given(case=mosaics())
def test_a_vrt_is_read_as_gdal_reads_it(case: Any) -> None:  # noqa: ANN401
    """Overlapping sources, with and without nodata, give the pixels that GDAL's VRT driver gives."""
    kind, nodata, sources, (row, column, height, width) = case
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grid = type(UTM)(UTM.crs, UTM.transform, (30, 30))
        for number in range(3):
            write_tiff(
                folder / "fields" / f"{number}.tif", numbers((30, 30), kind, seed=number) % 9, grid
            )
        band = {"data_type": kind} | ({} if nodata is None else {"nodata": nodata})
        site = SiteFolder(folder, {"B": band})
        site.link("2018-01-01", "B", "./layer.vrt")
        vrt = folder / "fields" / "layer.vrt"
        vrt.write_text(vrt_text(kind, nodata, sources), encoding="utf-8")
        with rasterio.open(vrt) as file:
            wanted = file.read(1)[row : row + height, column : column + width]
        with shoestring.open(site.write().folder) as catalogue:
            roi = box_in(UTM, (row, row + height), (column, column + width))
            stack = catalogue["fields"].extract("B", roi, masked=False)
        np.testing.assert_array_equal(stack["B"]["2018-01-01"], wanted)
        mosaic = parse_vrt(vrt.read_bytes(), "layer.vrt")
        assert parse_vrt(mosaic.to_xml().encode(), "again") == mosaic

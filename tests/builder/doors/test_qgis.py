"""What QGIS is told of a site: read as the XML that it is; sources are opened with GDAL."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import rasterio

from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.part import DoorPart, DoorSite
from shoestring_builder.doors.qgis import qgis_layers, qgis_project
from shoestring_builder.doors.qgis_layers import LAYERS
from shoestring_builder.doors.qgis_source import QgisFile, index_source, stored_source
from shoestring_builder.doors.qgis_style import Limits, limits_of
from shoestring_schema.configuration import parse_configuration
from shoestring_schema.grid import Grid
from shoestring_schema.site import BandDocument, MaskDocument
from support.mosaics import CONFIGURATION, write_raster

Json = dict[str, Any]

GRID = Grid("EPSG:32630", (10, 0, 500_000, 0, -10, 4_000_000), (30, 40))
NAMES = {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir"}
BANDS = tuple(
    BandDocument(
        name=name, data_type="uint16", nodata=0, scale=0.0001, offset=-0.1, common_name=common
    )
    for name, common in NAMES.items()
)
SCL = BandDocument(name="SCL", data_type="uint8", nodata=0, factor=2)
T2M = BandDocument(name="t2m", data_type="float32", nodata="nan", unit="°C", title="Warmth")
S2 = DoorPart("s2-l2a", "Sentinel-2", "", GRID, (*BANDS, SCL), (), "https://example.org/g/s2-l2a/")
WEATHER = DoorPart("era", "Weather", "", GRID, (T2M,), (), "https://example.org/g/era/")


def item(moment: str, bands: Sequence[BandDocument], **statistics: float) -> Json:
    """A STAC item of these bands."""
    own = {"minimum": 500.0, "maximum": 5000.0, "mean": 2000.0, "stddev": 500.0} | statistics
    layers = {
        band.name: {
            "href": f"{moment[:4]}/{moment}_{band.name}-0011223344556677.tif",
            "raster:bands": [{"statistics": own}],
        }
        for band in bands
    }
    return {"id": moment, "properties": {"shoestring:date": moment}, "assets": layers, "links": []}


def with_dates(part: DoorPart, *moments: str) -> DoorPart:
    """A part of these dates, with all bands."""
    return replace(part, items=tuple(item(moment, part.bands) for moment in moments))


SEASON = with_dates(S2, "2018-01-05", "2018-01-10", "2018-01-20")


def definition(part: DoorPart) -> ET.Element:
    """The layer definition of a collection."""
    (file,) = qgis_layers(part)
    return ET.fromstring(file.data)


def project(*parts: DoorPart, title: str = "Ghana") -> ET.Element:
    """The project of a site."""
    (file,) = qgis_project(DoorSite("ghana", title, "https://example.org/g/", parts))
    return ET.fromstring(file.data)


def names(root: ET.Element) -> list[str]:
    """The layers of a project, from the top to the bottom."""
    return [str(layer.get("name")) for layer in root.iter("layer-tree-layer")]


def layers(root: ET.Element) -> dict[str, ET.Element]:
    """The layers of a project by their names."""
    return {str(layer.findtext("layername")): layer for layer in root.iter("maplayer")}


def texts(root: ET.Element, path: str) -> list[str]:
    """The texts of some elements."""
    return [str(element.text) for element in root.findall(path)]


def ticks(root: ET.Element) -> dict[str, bool]:
    """Which groups are ticked; of those of one name the last."""
    groups = root.findall(".//layer-tree-group[@name]")
    return {str(own.get("name")): own.get("checked") == "Qt::Checked" for own in groups}


def test_files_have_names_and_types() -> None:
    """A collection's file is called as it is, a site's as its catalogue; QGIS knows both suffixes."""
    (layer,) = qgis_layers(SEASON)
    (whole,) = qgis_project(DoorSite("ghana", "Ghana", "https://example.org/g/", (SEASON,)))
    assert (layer.pointer, layer.kind) == ("s2-l2a.qlr", "application/x-qgis-layer-definition")
    assert (whole.pointer, whole.kind) == ("ghana.qgs", "application/x-qgis-project")


def test_same_documents_same_bytes() -> None:
    """Nothing in a file depends on when or where it was written."""
    again = with_dates(S2, "2018-01-05", "2018-01-10", "2018-01-20")
    first, second = (next(qgis_layers(part)) for part in (SEASON, again))
    assert isinstance(first, DoorFile)
    assert first.data == second.data


def test_dates_from_the_newest_on() -> None:
    """A group for each way to draw: the newest date, then the earlier ones, in a group of theirs."""
    root = definition(SEASON)
    assert names(root) == [
        f"{moment} {look}"
        for look in ("Natural colours", "NDVI")
        for moment in ("2018-01-20", "2018-01-10", "2018-01-05")
    ]
    earlier = root.findall(".//layer-tree-group[@name='Earlier dates']")
    assert [len(own) for own in earlier] == [2, 2]


def test_classes_are_left_out() -> None:
    """Of a collection that has nothing but its mask, there is nothing to draw."""
    bare = replace(
        with_dates(replace(S2, bands=(SCL,)), "2018-01-05"), mask=MaskDocument(band="SCL")
    )
    assert list(qgis_layers(bare)) == []
    assert list(qgis_project(DoorSite("ghana", "Ghana", "", (bare,)))) == []


def test_added_layers_show_the_newest_date_alone() -> None:
    """A definition ticks one date, as all that is ticked is drawn where no slider chooses."""
    assert ticks(definition(SEASON)) == {
        "Sentinel-2": True, "Natural colours": True, "NDVI": False, "Earlier dates": False
    }  # fmt: skip


def test_a_project_is_under_the_slider() -> None:
    """A project ticks all dates of its first picture, turns the slider on, and spans the season."""
    root = project(SEASON)
    assert ticks(root)["Earlier dates"]
    assert root.findtext("properties/TemporalControllerWidget/NavigationMode") == "1"
    times = root.find("ProjectTimeSettings")
    assert times is not None
    assert (times.get("timeStep"), times.get("timeStepUnit")) == ("5", "d")
    season = [times.findtext(f"TemporalRange/{end}") for end in ("start", "end")]
    assert season == ["2018-01-05T00:00:00Z", "2018-01-24T23:59:59Z"]


def test_the_season_has_no_gaps() -> None:
    """A date is shown until the next one, the newest as long as most are; but for seconds at the ends."""
    found = layers(definition(SEASON))
    spans = [
        tuple(texts(found[f"{moment} NDVI"], "temporal/fixedRange/*"))
        for moment in ("2018-01-05", "2018-01-10", "2018-01-20")
    ]
    assert spans == [
        ("2018-01-05T00:00:01Z", "2018-01-09T23:59:59Z"),
        ("2018-01-10T00:00:01Z", "2018-01-19T23:59:59Z"),
        ("2018-01-20T00:00:01Z", "2018-01-24T23:59:59Z"),
    ]


@pytest.mark.parametrize(
    ("moments", "step"),
    [
        (["2018-01-05"], ("1", "d")),
        (["2018-01-01", "2018-02-01", "2018-05-01"], ("1", "mon")),
        (["2018-01-01", "2018-01-03", "2018-01-11"], ("2", "d")),
        (["2018-01-01", "2018-01-14", "2018-01-27", "2018-02-28"], ("13", "d")),
        (["2018-01-01T00:00:00Z", "2018-01-01T03:00:00Z"], ("3", "h")),
        (["2018-01-01T00:00:00Z", "2018-01-01T00:10:00Z"], ("10", "min")),
    ],
)
def test_the_slider_steps_by_dates(moments: list[str], step: tuple[str, str]) -> None:
    """A step is what the distances have in common, or the usual one where that were too little."""
    times = project(with_dates(S2, *moments)).find("ProjectTimeSettings")
    assert times is not None
    assert (times.get("timeStep"), times.get("timeStepUnit")) == step


def test_the_view_opens_on_the_data() -> None:
    """Project, view and map have the CRS and the bounds of the first collection with colours."""
    root = project(with_dates(WEATHER, "2018-01-01"), SEASON)
    bounds = ["500000", "3999700", "500400", "4000000"]
    view = root.find("ProjectViewSettings/DefaultViewExtent")
    assert view is not None
    assert [view.get(side) for side in ("xmin", "ymin", "xmax", "ymax")] == bounds
    assert texts(root, "mapcanvas/extent/*") == bounds
    assert root.findtext("projectCrs/spatialrefsys/authid") == "EPSG:32630"
    assert ticks(root)["Weather"] is False
    assert ticks(root)["Sentinel-2"] is True


def test_a_crs_without_a_code() -> None:
    """It is written as WKT."""
    wkt = 'LOCAL_CS["here",UNIT["metre",1]]'
    root = definition(replace(SEASON, grid=replace(GRID, crs=wkt)))
    assert set(texts(root, "maplayers/maplayer/srs/spatialrefsys/wkt")) == {wkt}


def test_no_more_layers_than_a_user_wants() -> None:
    """Of a long archive the newest dates are shown, as many as there may be layers."""
    days = [str(date(2018, 1, 1) + timedelta(days=own)) for own in range(99)]
    found = names(definition(with_dates(S2, *days)))
    assert len(found) == LAYERS
    assert found[0].startswith(days[-1])
    assert found[-1].startswith(days[-LAYERS // 2])


def test_bands_alone_have_their_unit_in_their_name() -> None:
    """A band that is no colour is drawn by a ramp, whose limits are values."""
    root = definition(with_dates(WEATHER, "2018-01-01"))
    assert names(root) == ["2018-01-01 Warmth (°C)"]
    (shader,) = root.iter("colorrampshader")
    values = [float(str(own.get("value"))) for own in shader.iter("item")]
    assert (values[0], values[-1]) == (1000, 3000)
    assert all(high - low == 500 for low, high in pairwise(values))
    assert shader.find("colorramp[@name='[source]']") is not None


def test_false_colours_where_there_is_no_blue() -> None:
    """Near infrared, red and green stand in, each with a stretch of its own."""
    bands = (replaced(BANDS[1]), BANDS[2], BANDS[3])
    root = definition(with_dates(replace(S2, bands=bands), "2018-01-01"))
    assert names(root) == ["2018-01-01 False colours", "2018-01-01 NDVI"]
    assert texts(root, ".//greenContrastEnhancement/maxValue") == ["0.2"]
    assert texts(root, ".//blueContrastEnhancement/maxValue") == ["0.5"]


def replaced(band: BandDocument) -> BandDocument:
    """A band of another scale."""
    return BandDocument(
        name=band.name, data_type="uint16", scale=0.0002, common_name="green", offset=-0.1
    )


def test_a_date_that_lacks_a_band() -> None:
    """It has the pictures that it has bands for."""
    bands = [band for band in BANDS if band.name != "B02"]
    part = replace(SEASON, items=(SEASON.items[0], item("2018-01-10", bands)))
    assert names(definition(part)) == [
        "2018-01-05 Natural colours", "2018-01-10 NDVI", "2018-01-05 NDVI"
    ]  # fmt: skip


def test_one_stretch_for_all_dates() -> None:
    """It is the middle one of the dates' own, in values, rounded: a white date changes nothing."""
    means = [2000.0, 2100.0, 9000.0]
    items = [item("2018-01-01", BANDS, maximum=9900.0, mean=mean) for mean in means]
    assert limits_of(BANDS[0], items) == Limits(0.01, 0.21)


@pytest.mark.parametrize(
    ("band", "statistics", "limits"),
    [
        (T2M, {"mean": 296.34, "stddev": 2.0, "minimum": 200.0}, Limits(292.3, 300.4)),
        (T2M, {"mean": 5.0, "stddev": 0.0, "minimum": 5.0, "maximum": 5.0}, Limits(2.5, 7.5)),
        (T2M, {"mean": 0.0, "stddev": 0.0, "minimum": 0.0, "maximum": 0.0}, Limits(-0.5, 0.5)),
        (BANDS[0], {"mean": 600.0, "minimum": 500.0, "maximum": 700.0}, Limits(-0.05, -0.03)),
    ],
)
def test_limits_lie_within_what_there_is(
    band: BandDocument, statistics: Mapping[str, float], limits: Limits
) -> None:
    """Two deviations around the mean, no further than the data, and never the same two."""
    assert limits_of(band, [item("2018-01-01", [band], **statistics)]) == limits


def test_limits_of_dates_without_pixels() -> None:
    """All that the type can hold stands in for what is not known."""
    empty = item("2018-01-01", [*BANDS, T2M])
    for asset in empty["assets"].values():
        asset["raster:bands"] = [{"statistics": {"valid_percent": 0.0}}]
    assert limits_of(BANDS[0], [empty]) == Limits(-0.1, 6.5)
    assert limits_of(T2M, [empty, {"assets": {}}]) == Limits(0.0, 1.0)


def test_names_that_xml_must_escape() -> None:
    """A title may hold anything: markup is escaped, what XML can't hold is left out."""
    title = 'A <b> & "c"\x01\ud800\nd'
    part = replace(SEASON, title=title)
    root = project(part, title=title)
    assert root.findtext("title") == root.get("projectname") == 'A <b> & "c" d'
    assert 'A <b> & "c" d' in ticks(root)


def test_identifiers_differ() -> None:
    """Collections whose names differ by a sign that identifiers can't have get other ones."""
    twins = [replace(SEASON, collection=name) for name in ("a-b", "a_b")]
    root = project(*twins)
    keys = texts(root, "projectlayers/maplayer/id")
    assert len(keys) == len(set(keys)) == 12
    assert all(key.replace("_", "").isalnum() and key.isascii() for key in keys)
    assert {own.get("id") for own in root.iter("layer-tree-layer")} == set(keys)


def test_sources_are_addresses_of_layers() -> None:
    """Files are named by their public addresses, escaped, and GDAL is told to look for no others."""
    odd = replace(SEASON, address="https://example.org/a%20b&c/s2-l2a/", items=SEASON.items[:1])
    source = layers(definition(odd))["2018-01-05 Natural colours"].findtext("datasource")
    found = [own for own in texts(ET.fromstring(str(source)), ".//SourceFilename") if own[0] == "/"]
    base = "/vsicurl?empty_dir=yes&url=https://example.org/a%2520b%26c/s2-l2a/2018/2018-01-05_B0"
    assert found == [f"{base}{number}-0011223344556677.tif" for number in (4, 3, 2)]


def test_no_other_door_is_needed() -> None:
    """A project leads to the layers themselves, so the VRTs of the dates may be left out."""
    lines = 'base_url = "https://example.org/g"\ndoors = ["qgis"]\nsettle'
    configuration = parse_configuration(CONFIGURATION.replace("settle", lines), "c.toml")
    assert configuration.catalogue.written_doors == ("qgis",)


def test_numbers_without_a_unit() -> None:
    """The unit 1 says nothing, and is left out of names."""
    band = BandDocument(name="fapar", data_type="uint8", unit="1")
    part = with_dates(replace(WEATHER, bands=(band,)), "2018-01-01")
    assert names(definition(part)) == ["2018-01-01 fapar"]


def written(folder: Path, name: str, stored: object, **fields: Any) -> QgisFile:  # noqa: ANN401
    """A layer on the disk, its blocks of another size than the text says."""
    band = BandDocument(**{"name": name, "data_type": "uint16", "nodata": 0, **fields})
    path = folder / f"{name}.tif"
    write_raster(path, stored, dtype=band.data_type, resolution=10.0 * band.factor)
    return QgisFile(band, str(path))


def test_stored_numbers_and_their_meaning(tmp_path: Path) -> None:
    """A text gives the layers' own numbers, with scale, offset and nodata, also of coarser bands."""
    fine = np.arange(1, 1201, dtype="uint16").reshape(30, 40)
    coarse = fine[:15, :20].copy()
    coarse[0, 0] = 0
    files = [
        written(tmp_path, "fine", fine, scale=0.5, offset=-3.0),
        written(tmp_path, "coarse", coarse, factor=2, unit="m"),
        written(tmp_path, "bare", fine, nodata=None),
    ]
    with rasterio.open(stored_source(GRID, files)) as source:
        np.testing.assert_array_equal(source.read(1), fine)
        np.testing.assert_array_equal(source.read(2), np.kron(coarse, np.ones((2, 2), "uint16")))
        np.testing.assert_array_equal(source.read(3), fine)
        assert source.scales == (0.5, 1, 1)
        assert source.offsets == (-3, 0, 0)
        assert source.nodatavals == (0, 0, None)
        assert source.units == (None, "m", None)
        assert source.descriptions == ("fine", "coarse", "bare")
        assert source.transform.to_gdal() == (500_000, 10, 0, 4_000_000, 0, -10)
    with rasterio.open(stored_source(GRID, files[1:2])) as alone:
        np.testing.assert_array_equal(alone.read(1), coarse)
        assert alone.res == (20, 20)


def test_an_index_is_one_of_values(tmp_path: Path) -> None:
    """Scale and offset are applied before it is computed; without one of the bands it is NaN."""
    near = np.arange(2000, 3200, dtype="uint16").reshape(30, 40)
    red = np.full((30, 40), 1500, "uint16")
    near[0, :4], red[0, 2:6] = 0, 0
    meaning = {"scale": 0.0001, "offset": -0.1}
    files = written(tmp_path, "B08", near, **meaning), written(tmp_path, "B04", red, **meaning)
    first, second = (own * 0.0001 - 0.1 for own in (near, red))
    expected = (first - second) / (first + second)
    expected[0, :6] = math.nan
    with rasterio.open(index_source(GRID, "NDVI", files)) as source:
        np.testing.assert_allclose(source.read(1), expected, rtol=1e-5)
        assert math.isnan(source.nodata)
        assert source.descriptions == ("NDVI",)


def test_a_text_is_opened_without_its_layers(tmp_path: Path) -> None:
    """No layer is looked at before it is drawn: also those open that aren't there."""
    bands = BandDocument(name="a", data_type="uint16"), BandDocument(name="b", data_type="uint16")
    gone = QgisFile(bands[0], str(tmp_path / "a.tif")), QgisFile(bands[1], str(tmp_path / "b.tif"))
    for text in (stored_source(GRID, gone), index_source(GRID, "NDVI", gone)):
        with rasterio.open(text) as source:
            assert source.shape == GRID.shape
            assert source.overviews(1) == []
            with pytest.raises(rasterio.errors.RasterioIOError):
                source.read(1)


def test_overviews_are_used_all_the_same(tmp_path: Path) -> None:
    """A coarse picture is made of the layer's overview, not of its pixels."""
    file = written(tmp_path, "B04", np.full((30, 40), 7, "uint16"))
    with rasterio.open(file.path, "r+") as layer:
        layer.build_overviews([2], rasterio.enums.Resampling.nearest)
        layer.write(np.full((30, 40), 9, "uint16"), 1)
    with rasterio.open(stored_source(GRID, [file])) as source:
        assert np.unique(source.read(1, out_shape=(15, 20))).tolist() == [7]
        assert np.unique(source.read(1)).tolist() == [9]

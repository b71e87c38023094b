"""QGIS opens the project and the layers of a site, and draws and tells what the sources hold."""

import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio

from support.door_site import DATES, SHAPE, DoorSite
from support.page_lines import PUBLIC, page_lines
from support.qgis_desktop import Qgis, require_qgis
from support.tools import require_tool

pytestmark = pytest.mark.door("QGIS")

PAGE = "doors/qgis.md"
REFERENCE = Path(__file__).parent / "reference"
LOOKS = ("Natural colours", "NDVI")
SCALE, OFFSET = 0.0001, -0.1
POINTS = ((0, 0), (350, 450), (699, 899), (90, 120), (123, 777))
"""Rows and columns; the first one has no data."""

Pixels = npt.NDArray[Any]


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Which QGIS there is."""
    require_qgis()
    folder = tmp_path_factory.mktemp("version")
    return str(Qgis(folder, folder / "none.pem").run(("version",))[0])


@pytest.fixture
def qgis(
    doors: DoorSite, tmp_path: Path, version: str, record_property: Callable[[str, object], None]
) -> Qgis:
    """QGIS in an empty folder, into which the page's lines have downloaded its files."""
    record_property("version", version)
    require_tool("curl")
    own = Qgis(tmp_path, doors.ca)
    lines = page_lines(PAGE, "sh").replace(PUBLIC, doors.url).replace("curl", "curl -fsS")
    environment = {"CURL_CA_BUNDLE": str(doors.ca)}
    subprocess.run(["sh", "-ec", lines], cwd=tmp_path, env=environment, check=True)
    return own


def console(doors: DoorSite, place: int) -> tuple[str, str]:
    """A step: one of the page's blocks for QGIS's console."""
    blocks = page_lines(PAGE, "python").replace(PUBLIC, doors.url).split("\n\n")
    return "console", blocks[place]


def picture(path: Path) -> Pixels:
    """A picture as rows, columns and colours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        image = rasterio.open(path)
    with image:
        return image.read().transpose(1, 2, 0)[..., :3].astype(int)


def values(doors: DoorSite, date: str, band: str) -> Pixels:
    """A layer's values; NaN where there are none."""
    stored = doors.pixels["s2-l2a", date, band]
    return np.where(stored == 0, np.nan, stored * SCALE + OFFSET)


def test_the_project_opens_without_a_request(doors: DoorSite, qgis: Qgis) -> None:
    """All layers of the project are valid, and none is asked for anything before it is drawn."""
    before = len(doors.server.requests())
    _, layers, about = qgis.run(console(doors, 0), ("layers",), ("about",))
    assert len(doors.server.requests()) == before
    assert set(layers) == {f"{date} {look}" for date in DATES for look in (*LOOKS, "t2m (degC)")}
    assert all(layer["valid"] for layer in layers.values())
    assert about["title"] == "Ghana"
    assert about["crs"] == "EPSG:32630"
    assert about["extent"] == [500_000, 3_993_000, 509_000, 4_000_000]
    assert layers["2018-01-15 NDVI"]["size"] == [SHAPE[1], SHAPE[0]]
    assert layers["2018-01-15 Natural colours"]["bands"] == [
        "Band 1: B04", "Band 2: B03", "Band 3: B02"
    ]  # fmt: skip
    assert layers["2018-01-15 t2m (degC)"]["crs"] == "EPSG:4326"
    assert all(layer["ramp"] for name, layer in layers.items() if LOOKS[0] not in name)


def test_groups_of_collections(doors: DoorSite, qgis: Qgis) -> None:
    """A group a collection; of the first, the natural colours of all dates are ticked."""
    _, tree = qgis.run(console(doors, 0), ("tree",))
    assert [(name, ticked) for name, ticked, _ in tree] == [
        ("Sentinel-2", True),
        ("Weather", False),
    ]
    (colours, on, dates), (index, off, _) = tree[0][2]
    assert (colours, on, index, off) == (*LOOKS[:1], True, "NDVI", False)
    newest, (earlier, ticked, others) = dates
    assert newest == ["2018-03-16 Natural colours", True, None]
    assert (earlier, ticked) == ("Earlier dates", True)
    assert [name for name, _, _ in others] == [f"{date} {LOOKS[0]}" for date in DATES[1::-1]]


def test_the_time_slider_plays_the_season(doors: DoorSite, qgis: Qgis) -> None:
    """It is on, has a frame a date, each shows its own picture and reads that date's files alone."""
    seen = []
    for frame, date in enumerate(DATES):
        before = len(doors.server.requests())
        _, slides, about, errors = qgis.run(
            console(doors, 0), ("slides",), ("about",), ("draw", f"{frame}.png", 300, frame)
        )
        assert errors == []
        assert slides["mode"] == 1
        assert [begin[:10] for begin, _ in slides["frames"]] == list(DATES)
        assert about["span"] == ["2018-01-15T00:00:00Z", "2018-04-14T23:59:59Z"]
        paths = {request.path for request in doors.server.requests()[before:]}
        assert len(paths) == 3
        assert all(date in path for path in paths)
        seen.append(picture(qgis.folder / f"{frame}.png"))
    assert all(np.abs(seen[0] - other).mean() > 5 for other in seen[1:])


@pytest.mark.parametrize("look", LOOKS)
def test_the_picture_is_the_expected_one(doors: DoorSite, qgis: Qgis, look: str) -> None:
    """What QGIS draws of a date is the reference, but for what versions round differently."""
    show = [("tick", own, own == look) for own in LOOKS]
    _, *_, errors = qgis.run(console(doors, 0), *show, ("draw", "drawn.png", 225, 1))
    assert errors == []
    drawn = picture(qgis.folder / "drawn.png")
    expected = picture(REFERENCE / f"qgis-{look.split()[0].lower()}.png")
    assert drawn.shape == expected.shape
    difference = np.abs(drawn - expected)
    assert difference.mean() < 2
    assert (difference.max(axis=2) > 16).mean() < 0.01


def test_identified_values_are_the_sources(doors: DoorSite, qgis: Qgis) -> None:
    """QGIS tells stored number times scale plus offset, the NDVI of these, and nothing of no data."""
    date = DATES[1]
    steps: list[tuple[object, ...]] = []
    for row, column in POINTS:
        place = 500_000 + 10 * (column + 0.5), 4_000_000 - 10 * (row + 0.5)
        steps += [("values", f"{date} {look}", *place) for look in LOOKS]
    _, *told = qgis.run(console(doors, 0), *steps)
    bands = {band: values(doors, date, band) for band in ("B04", "B03", "B02", "B08")}
    index = (bands["B08"] - bands["B04"]) / (bands["B08"] + bands["B04"])
    for number, point in enumerate(POINTS):
        colours, ndvi = told[2 * number], told[2 * number + 1]
        expected = [bands[band][point] for band in ("B04", "B03", "B02")]
        np.testing.assert_allclose(numbers(colours), expected, rtol=1e-5)
        np.testing.assert_allclose(numbers(ndvi), [index[point]], rtol=1e-5)


def numbers(told: dict[str, float | None]) -> list[float]:
    """Values by band; NaN where QGIS has none."""
    return [np.nan if own is None else own for _, own in sorted(told.items())]


def test_identified_weather(doors: DoorSite, qgis: Qgis) -> None:
    """A band of floats in another CRS is told as it is."""
    date = DATES[2]
    steps = [("values", f"{date} t2m (degC)", -3.5 + 0.25 * 7.5, 11 - 0.25 * 5.5)]
    steps += [("values", f"{date} t2m (degC)", -3.5 + 0.1, 11 - 0.1)]
    _, there, nothing = qgis.run(console(doors, 0), *steps)
    assert there == {"1": float(doors.pixels["weather", date, "t2m"][5, 7])}
    assert nothing == {"1": None}


def test_layers_for_other_projects(doors: DoorSite, qgis: Qgis) -> None:
    """The layer definition adds the collection's group; of its dates the newest alone is drawn."""
    _, layers, tree = qgis.run(console(doors, 1), ("layers",), ("tree",))
    assert set(layers) == {f"{date} {look}" for date in DATES for look in LOOKS}
    assert all(layer["valid"] and layer["span"] for layer in layers.values())
    ((title, _, groups),) = tree
    assert title == "Sentinel-2"
    assert [ticked for _, ticked, _ in groups] == [True, False]
    assert [[ticked for _, ticked, _ in dates] for *_, dates in groups] == [[True, False]] * 2
    assert layers[f"{DATES[0]} NDVI"]["span"] == ["2018-01-15T00:00:01Z", "2018-02-13T23:59:59Z"]
    assert layers[f"{DATES[2]} NDVI"]["span"] == ["2018-03-16T00:00:01Z", "2018-04-14T23:59:59Z"]


def test_a_project_that_qgis_saves(doors: DoorSite, qgis: Qgis) -> None:
    """Saved in another folder by QGIS it is what it was."""
    (qgis.folder / "elsewhere").mkdir()
    steps = [("layers",), ("slides",), ("draw", "drawn.png", 100, 0)]
    again = [("save", "elsewhere/own.qgs"), ("open", "elsewhere/own.qgs")]
    told = qgis.run(console(doors, 0), *steps[:2], *again, *steps)
    assert told[3:5] == [True, True]
    assert told[5] == told[1]
    assert told[6]["frames"] == told[2]["frames"]
    assert told[7] == []


def test_a_file_by_its_address(doors: DoorSite, qgis: Qgis) -> None:
    """A band's season opens by its address: a band a date, named by it, in values."""
    place = 500_000 + 4505, 4_000_000 - 3505
    _, layers, told = qgis.run(console(doors, 2), ("layers",), ("values", "Red", *place))
    assert layers["Red"]["valid"]
    assert [band.split(": ")[1] for band in layers["Red"]["bands"]] == list(DATES)
    expected = [values(doors, date, "B04")[350, 450] for date in DATES]
    np.testing.assert_allclose(numbers(told), expected, rtol=1e-5)


def test_the_window(doors: DoorSite, qgis: Qgis) -> None:
    """Layers, map and slider fit into a window, where the map shows the frame that the slider is at."""
    qgis.run(console(doors, 0), ("picture", "window.png", 1, [1000, 640]))
    window = picture(qgis.folder / "window.png")
    assert window.shape == (640, 1000, 3)
    centre = window[300:500, 500:800].reshape(-1, 3)
    assert len(np.unique(centre, axis=0)) > 500

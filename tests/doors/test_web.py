"""A web page: OpenLayers and geotiff.js in headless Chromium, on the very lines of its page."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio

from support.browser import Browser, Seen, Step
from support.door_site import DATES, DoorSite
from support.landscape_site import LandscapeSite
from support.nginx import Nginx
from support.page_lines import DOCS, PUBLIC, page_lines
from support.picture import share_that_differs
from support.tls import PrivateCa

Record = Callable[[str, object], None]
HERE = Path(__file__).parent
TYPES = "types { text/html html; text/css css; text/javascript js; }"

EYE = """
let library;
Object.defineProperty(window, "ol", { get: () => library, set(value) {
  value.Map = class extends value.Map {
    constructor(options) {
      super(options);
      window.map = this;
      window.complete = 0;
      this.on("rendercomplete", () => window.complete++);
    }
  };
  library = value;
} });
"""
"""Lets the test see the page's map; the page itself keeps it to its module."""

READY = "map.getLayers().item(0).getSource().getState() === 'ready'"
REDRAW = "window.complete = 0; map.render()"
DRAWN = "window.complete > 0"
SLIDE = "{ const slider = document.querySelector('input'); slider.value = %d; slider.oninput(); }"
CLICK = "map.dispatchEvent({ type: 'click', coordinate: %s })"
CAPTION = "document.querySelector('figcaption').textContent"
NUMBERS = "Array.from(map.getLayers().item(0).getData(map.getPixelFromCoordinate(place)) ?? [])"
READ = """Promise.all(%s.map(async ([url, window]) => {
  const image = await (await GeoTIFF.fromUrl(url)).getImage();
  const [pixels] = await image.readRasters({ window });
  return Array.from(pixels);
}))"""

NONE = "\N{EN DASH}"
LATE, FIELD = 8, (530, 380)
"""A date of the landscape that is worth a picture, and a place in it."""


@dataclass(frozen=True, slots=True)
class WebPage:
    """The page of the documentation, on a web server of its own.

    Attributes:
        folder: What is served.
        url: Its address.
        browser: What opens it.
    """

    folder: Path
    url: str
    browser: Browser

    def of(self, address: str) -> str:
        """The page for a collection, at its address; all else is as in the documentation."""
        text = page_lines("doors/web.md", "html").replace(f"{PUBLIC}/s2-l2a", address)
        name = re.sub(r"\W", "-", address) + ".html"
        (self.folder / name).write_text(text, "utf-8")
        return f"{self.url}/{name}"

    def version(self, package: str) -> str:
        """Of a library that the page loads."""
        path = self.browser.script.parent / "node_modules" / package / "package.json"
        return str(json.loads(path.read_text("utf-8"))["version"])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, ca: PrivateCa) -> Iterator[WebPage]:
    """The page, not on the server of the site: another origin."""
    browser = Browser.find(HERE / "web")
    folder = tmp_path_factory.mktemp("page")
    (copy,) = (line for line in page_lines("doors/web.md", "sh").splitlines() if line[:2] == "cp")
    for name in copy.split()[1:-1]:
        shutil.copy(browser.script.parent / name, folder)
    with Nginx(folder, ca, extra=TYPES) as server:
        yield WebPage(folder, server.https, browser)


def look(page: WebPage, site: str, address: str, *steps: Step) -> Seen:
    """Open the page on a collection; nothing may go wrong, and nobody else be asked."""
    seen = page.browser.visit(page.of(address), steps, others=[site], before=EYE)
    assert (seen.faults, seen.strangers) == ([], [])
    return seen


@pytest.mark.door("OpenLayers")
def test_the_page_draws_dates(
    page: WebPage, landscape: LandscapeSite, tmp_path: Path, record_property: Record
) -> None:
    """Two dates of the slider are two pictures, the second with the NDVI of what was clicked, as expected."""
    early, late = tmp_path / "early.png", tmp_path / "late.png"
    steps = [
        Step(until=DRAWN, picture=str(early)),
        Step(evaluate=SLIDE % LATE),
        Step(until=READY, evaluate=REDRAW),
        Step(until=DRAWN, click=FIELD),
        Step(until="!document.querySelector('figure').hidden", picture=str(late)),
    ]
    look(page, landscape.url, f"{landscape.url}/s2-demo", *steps)
    record_property("version", page.version("ol"))
    assert share_that_differs(late, DOCS / "doors/web.png") < 0.01
    assert share_that_differs(early, late) > 0.3


@pytest.mark.door("OpenLayers")
def test_openlayers_has_the_stored_numbers(
    page: WebPage, doors: DoorSite, record_property: Record
) -> None:
    """What `getData` tells of a map pixel are the stored numbers of three layers, and alpha 0 where none has data."""
    places = [(20, 30), (89, 119), (90, 120), (250, 333), (511, 512), (512, 511), (699, 899)]
    centres = [_centre(doors, row, column) for row, column in places]
    ask = f"{json.dumps(centres)}.map((place) => {NUMBERS})"
    steps = [
        Step(until=DRAWN, evaluate=f"map.getView().setResolution(10); {REDRAW}"),
        Step(until=DRAWN, evaluate=ask),
    ]
    seen = look(page, doors.url, f"{doors.url}/s2-l2a", *steps)
    record_property("version", page.version("ol"))
    stored = [doors.pixels["s2-l2a", DATES[0], band] for band in ("B04", "B03", "B02")]
    for place, found in zip(places, seen.found[-1], strict=True):
        expected = [int(pixels[place]) for pixels in stored]
        assert found == [*expected, 255 if any(expected) else 0]


@pytest.mark.door("geotiff.js")
def test_geotiff_js_reads_windows(page: WebPage, doors: DoorSite, record_property: Record) -> None:
    """Windows across blocks and at the edges are the source's, of uint16, uint8 and float32 layers of all dates."""
    windows = [
        (key, window) for key, pixels in doors.pixels.items() for window in _windows(pixels.shape)
    ]
    asked = [
        (_url(doors, *key), [columns.start, rows.start, columns.stop, rows.stop])
        for key, (rows, columns) in windows
    ]
    seen = look(
        page, doors.url, f"{doors.url}/s2-l2a", Step(until=DRAWN, evaluate=READ % json.dumps(asked))
    )
    record_property("version", page.version("geotiff"))
    for (key, window), found in zip(windows, seen.found[0], strict=True):
        expected = doors.pixels[key][window]
        np.testing.assert_array_equal(
            np.reshape(found, expected.shape).astype(expected.dtype), expected
        )


@pytest.mark.door("geotiff.js")
def test_a_click_tells_the_season(page: WebPage, doors: DoorSite, record_property: Record) -> None:
    """NDVI of a clicked pixel honours scale and offset, and a date with a cloud there is left out."""
    place = 220, 200
    steps = [
        Step(until=DRAWN, evaluate=CLICK % json.dumps(_centre(doors, *place))),
        Step(until="!document.querySelector('figure').hidden", evaluate=CAPTION),
    ]
    seen = look(page, doors.url, f"{doors.url}/s2-l2a", *steps)
    record_property("version", page.version("geotiff"))
    season = []
    for date in DATES[1:]:
        red, nir = (
            doors.pixels["s2-l2a", date, band][place] * 0.0001 - 0.1 for band in ("B04", "B08")
        )
        season.append(f"{(nir - red) / (nir + red):.2f}")
    assert seen.found[-1] == " ".join(["NDVI", NONE, *season])


@pytest.mark.door("geotiff.js", limit=True)
def test_vrts_are_refused(page: WebPage, doors: DoorSite, record_property: Record) -> None:
    """VRTs are not read, neither by geotiff.js nor by OpenLayers, which reads by it: name the layers."""
    (page.folder / "date.vrt").write_text('<VRTDataset rasterXSize="1" rasterYSize="1"/>')
    ask = f"GeoTIFF.fromUrl('{page.url}/date.vrt').catch((error) => error.message)"
    seen = look(page, doors.url, f"{doors.url}/s2-l2a", Step(until=DRAWN, evaluate=ask))
    record_property("version", page.version("geotiff"))
    assert seen.found == ["Invalid byte order value."]


def _url(doors: DoorSite, collection: str, date: str, band: str) -> str:
    folder = doors.folder / collection / date[:4]
    (path,) = folder.glob(f"{date}_{band}-*.tif")
    return f"{doors.url}/{path.relative_to(doors.folder)}"


def _windows(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Rows and columns: at the corner without data, across the blocks' borders, at the end."""
    for first, last in ((0.1, 0.2), (0.7, 0.8), (0.95, 1.0)):
        rows, columns = (slice(int(side * first), int(side * last)) for side in shape)
        yield rows, slice(max(0, columns.start - 100), columns.stop)


def _centre(doors: DoorSite, row: int, column: int) -> tuple[float, float]:
    """Map coordinates of a pixel's centre."""
    with rasterio.open(doors.sources / f"S2_{DATES[0]}_B04.tif") as source:
        x, y = source.xy(row, column)
    return float(x), float(y)

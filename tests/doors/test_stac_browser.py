"""STAC Browser in headless Chromium, built as its page says."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.browser import Browser, Seen, Step
from support.landscape_site import LandscapeSite
from support.nginx import Nginx
from support.page_lines import DOCS
from support.picture import share_that_differs
from support.stac_browser import built_stac_browser
from support.tls import PrivateCa

Record = Callable[[str, object], None]
HERE = Path(__file__).parent
TYPES = "types { text/html html; text/css css; text/javascript js; image/svg+xml svg; }"
TEXT = "document.body.innerText"
PICTURES = "[...document.images].filter((own) => own.src.endsWith('.png') && own.naturalWidth > 0)"
LATE = "2025-09-21"
ZSTD = "Unknown compression method identifier: 50000"
SIZE = (1200, 900)


@dataclass(frozen=True, slots=True)
class StacBrowser:
    """STAC Browser on a web server of its own.

    Attributes:
        url: Its address.
        version: Which one it is.
        browser: What opens it.
        site: What it shows.
    """

    url: str
    version: str
    browser: Browser
    site: LandscapeSite

    def path(self, pattern: str) -> str:
        """Of a document of the images' collection."""
        (found,) = (self.site.folder / "s2-demo").glob(pattern)
        return found.relative_to(self.site.folder).as_posix()

    def show(self, path: str, *steps: Step, known: str | None = None) -> Seen:
        """Open a document of the site; nothing else may go wrong, and nobody else be asked."""
        settings = {"catalogUrl": f"{self.site.url}/catalog.json"}
        seen = self.browser.visit(
            f"{self.url}/index.html#/{path}",
            steps,
            others=[self.site.url],
            before=f"window.STAC_BROWSER_CONFIG = {json.dumps(settings)}",
            size=SIZE,
        )
        assert [fault for fault in seen.faults if known is None or known not in fault] == []
        assert seen.strangers == []
        return seen


@pytest.fixture(scope="module")
def stac_browser(
    landscape: LandscapeSite, ca: PrivateCa, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StacBrowser]:
    """What was built, not on the server of the site: another origin."""
    built, version = built_stac_browser()
    folder = shutil.copytree(built, tmp_path_factory.mktemp("stac-browser") / "dist")
    (folder / "favicon.ico").touch()  # which browsers ask for, of any server
    with Nginx(folder, ca, extra=TYPES) as server:
        yield StacBrowser(server.https, version, Browser.find(HERE / "web"), landscape)


@pytest.mark.door("STAC Browser")
def test_the_catalogue_is_shown(stac_browser: StacBrowser, record_property: Record) -> None:
    """The catalogue is shown with its title, its description and its collections."""
    seen = stac_browser.show(
        "catalog.json", Step(until=f"{TEXT}.includes('weather')", evaluate=TEXT)
    )
    record_property("version", stac_browser.version)
    for text in (
        "Shoestring demo (synthetic data)",
        "A growing season in northern Ghana.",
        "Synthetic reflectance like Sentinel-2's",
        "Synthetic daily weather",
    ):
        assert text in seen.found[0]


@pytest.mark.door("STAC Browser")
def test_a_collection_lists_its_months(stac_browser: StacBrowser, record_property: Record) -> None:
    """A collection is shown with its title and its parts, by their titles."""
    seen = stac_browser.show(
        "s2-demo/collection.json", Step(until=f"{TEXT}.includes('2025-10')", evaluate=TEXT)
    )
    record_property("version", stac_browser.version)
    months = sorted({date[:7] for date in stac_browser.site.dates})
    for text in ("Synthetic reflectance like Sentinel-2's", *months):
        assert text in seen.found[0]


@pytest.mark.door("STAC Browser")
def test_a_month_shows_its_dates(stac_browser: StacBrowser, record_property: Record) -> None:
    """A part lists its items by their dates, each with its thumbnail."""
    path = stac_browser.path("2025/catalog-2025-09-????????????????.json")
    dates = [date for date in stac_browser.site.dates if date.startswith("2025-09")]
    seen = stac_browser.show(path, Step(until=f"{PICTURES}.length === {len(dates)}", evaluate=TEXT))
    record_property("version", stac_browser.version)
    assert len(dates) == 2
    for date in dates:
        assert date in seen.found[0]


@pytest.mark.door("STAC Browser")
def test_a_date_is_the_expected_picture(
    stac_browser: StacBrowser, tmp_path: Path, record_property: Record
) -> None:
    """An item is shown with its date, its place and its layers by their titles, as expected."""
    drawn = tmp_path / "item.png"
    path = stac_browser.path(f"2025/{LATE}-????????????????.json")
    shown = f"{TEXT}.includes('Near infrared') && document.querySelector('canvas')"
    step = Step(until=shown, heard=ZSTD, evaluate=TEXT, picture=str(drawn))
    seen = stac_browser.show(path, step, known=ZSTD)
    record_property("version", stac_browser.version)
    for text in (LATE, "Blue", "Green", "Red", "Near infrared", "Thumbnail"):
        assert text in seen.found[-1]
    assert share_that_differs(drawn, DOCS / "doors/stac-browser.png") < 0.02


@pytest.mark.door("STAC Browser", limit=True)
def test_layers_are_not_drawn_on_its_map(
    stac_browser: StacBrowser, record_property: Record
) -> None:
    """A layer itself is not drawn on its map: the geotiff.js in it is too old to know ZSTD."""
    path = stac_browser.path(f"2025/{LATE}-????????????????.json")
    seen = stac_browser.show(path, Step(heard=ZSTD), known=ZSTD)
    record_property("version", stac_browser.version)
    assert any(ZSTD in fault for fault in seen.faults)

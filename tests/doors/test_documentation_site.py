"""The documentation as a site, as `make docs` makes it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from support.browser import Browser, Step
from support.nginx import Nginx
from support.page_lines import DOCS
from support.tls import PrivateCa

ROOT = DOCS.parent
TYPES = "types { text/html html; text/css css; text/javascript js; image/svg+xml svg; }"
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a browser fetches without being asked."""

SEARCH = """{
  const words = document.querySelector(".md-search__input");
  words.focus();
  words.value = "geotiff";
  words.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true }));
}"""
FOUND = "document.querySelector('.md-search-result__link')"


class Loaded(HTMLParser):
    """Gathers the addresses of what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the address of an element that loads something."""
        own = dict(attrs)
        if tag in LOADED and own.get("rel") not in {"canonical", "next", "prev"}:
            self.found.add(own.get(LOADED[tag]) or "")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built with ``--strict``: a link that leads nowhere is an error."""
    site = tmp_path_factory.mktemp("documentation") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return site


def test_each_page_is_there(built: Path) -> None:
    """Each page of `docs` is a page of the site, and the README is its home."""
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(ROOT).with_suffix("")
        place = name.parent if name.name == "index" else name
        assert (built / place / "index.html").is_file(), page
    assert "Your own data in five minutes" in (built / "index.html").read_text("utf-8")


def test_nothing_is_fetched_from_elsewhere(built: Path) -> None:
    """Pages and style sheets load nothing from other hosts: no fonts, no scripts, no counters."""
    strangers = {(page.name, address) for page, address in _addresses(built) if "//" in address}
    assert strangers == set()


def test_a_browser_asks_nobody_else(built: Path, ca: PrivateCa, tmp_path: Path) -> None:
    """Chromium shows the table of programs, and finds a page by its words, without another host."""
    browser = Browser.find(Path(__file__).parent / "web")
    with Nginx(built, ca, extra=f"index index.html; {TYPES}") as server:
        steps = [
            Step(until="document.querySelector('table')", picture=str(tmp_path / "table.png")),
            Step(evaluate=SEARCH),
            Step(
                until=FOUND,
                evaluate=f"{FOUND}.pathname",
            ),
        ]
        seen = browser.visit(f"{server.https}/docs/doors/", steps, size=(1200, 900))
    assert (seen.faults, seen.strangers) == ([], [])
    assert seen.found[-1] == "/docs/doors/web/"


def _addresses(site: Path) -> Iterator[tuple[Path, str]]:
    for page in site.rglob("*.html"):
        parser = Loaded()
        parser.feed(page.read_text("utf-8"))
        yield from ((page, address) for address in parser.found)
    for sheet in site.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.S)
        yield from ((sheet, url) for url in re.findall(r"""url\(["']?((?!data:)[^)"']+)""", text))
        yield from ((sheet, url) for url in re.findall(r"""@import\s+["']([^"']+)""", text))

"""A site that is worth a picture: the season of `shoestring demo`, smaller, with a few days of weather."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shoestring_builder.build import build
from shoestring_demo.mosaics import Mosaics
from shoestring_demo.season import Season
from shoestring_demo.site_config import CONFIGURATION
from support.mosaics import write_configuration
from support.nginx import Nginx
from support.server import edit
from support.tls import PrivateCa

SEASON = Season(images=10, days_between=17, size=(700, 1000))
DAYS = 6
"""Of weather."""


@dataclass(frozen=True, slots=True)
class LandscapeSite:
    """A site that is being served.

    Attributes:
        folder: The site.
        url: Its public address, without a slash at its end.
        dates: Dates of the images.
    """

    folder: Path
    url: str
    dates: tuple[str, ...]


@contextmanager
def landscape_site(folder: Path, ca: PrivateCa) -> Iterator[LandscapeSite]:
    """Build and serve it.

    Args:
        folder: An empty folder.
        ca: Who vouches for the server.
    """
    Mosaics(folder / "mosaics", SEASON).write(progress=False)
    for path in sorted((folder / "mosaics/weather").iterdir())[DAYS:]:
        path.unlink()
    site = folder / "site"
    site.mkdir()
    with Nginx(site, ca) as server:
        address = {'# base_url = "https://example.org/demo"': f'base_url = "{server.https}"'}
        text = edit(CONFIGURATION, {**address, "output =": 'settle = "0 seconds"\noutput ='})
        build(write_configuration(folder, text))
        yield LandscapeSite(site, server.https, tuple(map(str, SEASON.dates)))

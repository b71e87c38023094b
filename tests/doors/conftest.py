"""The site that all doors are tried on, and what came of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.door_results import DoorResults
from support.door_site import DoorSite, door_site
from support.landscape_site import LandscapeSite, landscape_site
from support.stac_schemas import write_schemas
from support.tls import PrivateCa

ROOT = Path(__file__).parents[2]


def pytest_configure(config: pytest.Config) -> None:
    """Keep what each consumer was proved to do in `.doors/results.json`."""
    config.pluginmanager.register(DoorResults(ROOT / ".doors/results.json"), "door-results")


@pytest.fixture(scope="session")
def doors(tmp_path_factory: pytest.TempPathFactory, ca: PrivateCa) -> Iterator[DoorSite]:
    """The site, served by nginx over HTTPS with HTTP/2."""
    with door_site(tmp_path_factory.mktemp("doors"), ca) as site:
        yield site


@pytest.fixture(scope="session")
def landscape(tmp_path_factory: pytest.TempPathFactory, ca: PrivateCa) -> Iterator[LandscapeSite]:
    """A site that is worth a picture, served in the same way."""
    with landscape_site(tmp_path_factory.mktemp("landscape"), ca) as site:
        yield site


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where stac-validator finds each schema without a network."""
    return write_schemas(tmp_path_factory.mktemp("schemas"))

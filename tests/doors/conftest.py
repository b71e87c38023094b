"""The site that all doors are tried on."""

from collections.abc import Iterator

import pytest

from support.door_site import DoorSite, door_site
from support.tls import PrivateCa


@pytest.fixture(scope="session")
def doors(tmp_path_factory: pytest.TempPathFactory, ca: PrivateCa) -> Iterator[DoorSite]:
    """The site, served by nginx over HTTPS with HTTP/2."""
    with door_site(tmp_path_factory.mktemp("doors"), ca) as site:
        yield site

"""Fixtures that many tests use."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.examples import build_example, build_weather
from support.nginx import Nginx
from support.tls import PrivateCa, make_ca


@pytest.fixture(scope="session", autouse=True)
def no_authorities_of_the_machine() -> Iterator[None]:
    """Whom the machine trusts is not what the tests are about.

    Where ``SSL_CERT_FILE`` names all of the world's authorities, each client reads them anew.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_cache_of_the_user() -> Iterator[None]:
    """Tests fetch what they fetch, and keep it where they say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SHOESTRING_CACHE", raising=False)
        patch.delenv("SHOESTRING_CACHE_SIZE", raising=False)
        yield


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCa:
    """A private certificate authority, and a server's certificate by it."""
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def nginx(ca: PrivateCa) -> Iterator[Callable[..., Nginx]]:
    """Start a real nginx over a folder: ``nginx(folder).https``; it ends with the test."""
    with ExitStack() as servers:

        def start(folder: Path, *, extra: str = "", listen: str = "") -> Nginx:
            return servers.enter_context(Nginx(folder, ca, extra=extra, listen=listen))

        yield start


@pytest.fixture(scope="session")
def s2_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of two Sentinel-2 tiles and three dates, as its example says."""
    return build_example("s2-tiles", tmp_path_factory.mktemp("s2"))


@pytest.fixture(scope="session")
def modis_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a year of MODIS NDVI, as its example says."""
    return build_example("modis-ndvi", tmp_path_factory.mktemp("modis"))


@pytest.fixture(scope="session")
def era5_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a day of hourly temperatures and some hours more, as its example says."""
    return build_weather(tmp_path_factory.mktemp("era5"))

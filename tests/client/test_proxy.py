"""Behind a proxy, as many universities and offices are."""

from pathlib import Path

import pytest

import shoestring
from shoestring_schema.errors import CatalogueError
from support.faulty_server import FaultyServer, Status
from support.site import simple_site

OPTIONS = shoestring.Options(retries=0, timeout=5)


def test_documents_come_through_the_proxy_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With http_proxy set, a site is asked of the proxy, by its whole address."""
    with FaultyServer(tmp_path, lambda request: Status(404)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(CatalogueError, match=r"site\.test/catalog\.json does not exist"):
            shoestring.open("http://site.test/", options=OPTIONS)
        assert [request.path for request in proxy.requests] == ["http://site.test/catalog.json"]


def test_hosts_named_in_no_proxy_are_asked_themselves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """no_proxy keeps a host's requests from the proxy."""
    simple_site(tmp_path, 1)
    with FaultyServer(tmp_path) as server, FaultyServer(tmp_path) as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with shoestring.open(server.address, options=OPTIONS) as catalogue:
            assert list(catalogue) == ["fields"]
        assert proxy.requests == []

"""Strangers' bytes: bounded, then checked."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_schema import document
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.version import SCHEMA_VERSION, require_readable


class Thing(msgspec.Struct):
    """Something to decode."""

    name: str


def test_what_fits_is_decoded() -> None:
    """A document of the type is decoded; what is not listed passes unread."""
    assert decode(b'{"name": "a", "more": [1, {"x": null}]}', Thing, "x.json") == Thing("a")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_one_of_our_errors(data: bytes) -> None:
    """Whatever bytes come, there is a value or a CatalogueError that names the document."""
    try:
        decode(data, Thing, "https://example.org/x.json")
    except CatalogueError as error:
        assert "https://example.org/x.json" in str(error)  # noqa: PT017 - either way is right


@pytest.mark.parametrize("depth", [32, 33, 100_000])
def test_depth_is_bounded(depth: int) -> None:
    """A document of 32 levels is read, one of more is refused before it is built."""
    data = b"[" * depth + b"]" * depth
    if depth == 32:
        decode(data, list, "x.json")
        return
    with pytest.raises(CatalogueError, match=r"x\.json is nested deeper than 32 levels"):
        decode(data, list, "x.json")


def test_brackets_in_texts_are_harmless_in_pairs() -> None:
    """Texts may hold brackets, as titles do."""
    data = json.dumps([{"name": "a [b] {c}"}] * 1000).encode()
    assert len(decode(data, list[Thing], "x.json")) == 1000


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document over the limit is refused before it is looked at."""
    monkeypatch.setattr(document, "MAX_BYTES", 10)
    with pytest.raises(
        CatalogueError, match="is larger than 10 bytes, which no catalogue document is"
    ):
        decode(b"not even JSON", Thing, "x.json")


@pytest.mark.parametrize("version", ["1.0", "1.99", "0.3", SCHEMA_VERSION])
def test_versions_up_to_ours_are_read(version: str) -> None:
    """Every minor version of our major one is read, and older ones."""
    require_readable(version, "x.json")


@pytest.mark.parametrize("version", ["2.0", "10", "99999999999999999999.0"])
def test_a_newer_major_version_is_refused_with_the_remedy(version: str) -> None:
    """A newer major version is named, with how to update."""
    with pytest.raises(CatalogueError, match=r"update it with `pip install --upgrade shoestring`"):
        require_readable(version, "x.json")


@pytest.mark.parametrize("version", ["", "one", "-1", "²", "1a"])
def test_what_is_no_version_is_refused(version: str) -> None:
    """What is no version is named."""
    with pytest.raises(CatalogueError, match="no schema version that can be read"):
        require_readable(version, "x.json")

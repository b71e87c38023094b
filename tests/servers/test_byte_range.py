"""Which bytes a Range header asks for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_builder.serve.byte_range import parse_range

SIZES = st.integers(0, 300)
POSITIONS = st.integers(0, 400)


@given(size=SIZES, first=POSITIONS, last=POSITIONS)
@settings(deadline=None)
def test_both_ends(size: int, first: int, last: int) -> None:
    """A first and a last byte mean the slice between them, both included."""
    data = bytes(i % 256 for i in range(size))
    found = parse_range(f"bytes={first}-{last}", size)
    if last < first:
        assert found is None
    else:
        assert found is not None
        assert data[found.start : found.stop] == data[first : last + 1]


@given(size=SIZES, first=POSITIONS)
@settings(deadline=None)
def test_open_end(size: int, first: int) -> None:
    """A first byte alone means all from there on."""
    found = parse_range(f"bytes={first}-", size)
    assert found is not None
    assert list(found) == list(range(size))[first:]


@given(size=SIZES, length=POSITIONS)
@settings(deadline=None)
def test_suffix(size: int, length: int) -> None:
    """A number after the dash alone means that many bytes at the end."""
    found = parse_range(f"bytes=-{length}", size)
    assert found is not None
    assert list(found) == (list(range(size))[-length:] if length else [])


@pytest.mark.parametrize(
    "text",
    ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "items=0-1", "bytes=0--1",
     "bytes=+1-2", "bytes=٣-٤", f"bytes=0-{'9' * 5000}"],
)  # fmt: skip
def test_not_a_range(text: str) -> None:
    """What is not one range of bytes is ignored."""
    assert parse_range(text, 100) is None


@given(text=st.text(), size=SIZES)
@settings(deadline=None)
def test_any_text(text: str, size: int) -> None:
    """No text does harm: what comes out lies within the file."""
    for candidate in (text, f"bytes={text}"):
        found = parse_range(candidate, size)
        assert found is None or 0 <= found.start <= found.stop <= size

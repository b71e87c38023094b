"""What is there of a file that is coming in."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring.location import Location
from shoestring.spans import Span
from shoestring_pull.transfer.order import Order, Piece
from shoestring_pull.transfer.staged import SpoiltError, Staged
from shoestring_pull.transfer.units import Unit, units
from support.ordered import multihash

SOURCE = Location("https://example.org/a")
DATA = random.Random(3).randbytes(1000)


def order(data: bytes = DATA, crc32: int | None = None) -> Order:
    """A whole file."""
    piece = Piece(SOURCE, Span(0, len(data)), len(data), crc32)
    return Order(Path("/out"), len(data), multihash(data), (piece,))


def divided(edges: list[int]) -> list[Unit]:
    """Its bytes in several requests."""
    ends = sorted({*edges, len(DATA)})
    starts = [0, *ends[:-1]]
    return [
        Unit(SOURCE, len(DATA), start, (Span(start, end),))
        for start, end in zip(starts, ends, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 999), max_size=5),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 400), st.booleans()), max_size=20),
)
def test_whatever_it_is_interrupted_by_it_goes_on_behind_the_last_byte(
    tmp_path_factory: pytest.TempPathFactory,
    edges: list[int],
    steps: list[tuple[int, int, bool]],
) -> None:
    """Written in any order, dropped and looked at again at any time, it ends as it should be."""
    path = tmp_path_factory.mktemp("staged") / "file"
    parts = divided(edges)
    have = [0] * len(parts)
    staged = Staged(path, order(), parts)
    rest = [(unit, 1000, False) for unit in range(len(parts))]
    for which, most, killed in [*steps, *rest]:
        if killed:
            staged.close()
            staged = Staged(path, order(), parts)
            assert staged.resume() == sum(have)
        assert [staged.have(unit) for unit in range(len(parts))] == have
        unit = which % len(parts)
        if size := min(most, parts[unit].size - have[unit]):
            begin = parts[unit].start + have[unit]
            staged.write(unit, DATA[begin : begin + size])
            have[unit] += size
    assert staged.finish() == multihash(DATA)
    assert path.read_bytes() == DATA


def test_a_process_that_is_killed_has_never_said_too_much(tmp_path: Path) -> None:
    """What tells how much there is is written after the bytes: without it, they come again."""
    parts = divided([500])
    staged = Staged(tmp_path / "file", order(), parts)
    staged.write(1, DATA[500:600])
    with (tmp_path / "file").open("r+b") as file:  # the next ones, killed before the word
        file.seek(600)
        file.write(DATA[600:700])
    staged.close()
    again = Staged(tmp_path / "file", order(), parts)
    assert again.resume() == 100
    assert again.have(1) == 100


def test_bytes_that_a_power_cut_has_spoilt_are_noticed(tmp_path: Path) -> None:
    """Bytes that are said to be there and are others fail the checksum, and can be fetched anew."""
    parts = divided([500])
    staged = Staged(tmp_path / "file", order(), parts)
    staged.write(0, DATA[:500])
    staged.write(1, DATA[500:])
    staged.close()
    with (tmp_path / "file").open("r+b") as file:
        file.write(b"\0" * 64)
    again = Staged(tmp_path / "file", order(), parts)
    assert again.resume() == 1000
    with pytest.raises(SpoiltError):
        again.finish()
    again.reset()
    for unit, part in enumerate(parts):
        again.write(unit, DATA[part.start : part.stop])
    assert again.finish() == multihash(DATA)


def test_what_is_no_such_file_is_begun_anew(tmp_path: Path) -> None:
    """A file of another length, or that says more than there can be, counts for nothing."""
    (tmp_path / "file").write_bytes(b"x" * 77)
    assert Staged(tmp_path / "file", order(), divided([500])).resume() == 0
    (tmp_path / "file").write_bytes(bytes(1000) + b"\xff" * 16)
    assert Staged(tmp_path / "file", order(), divided([500])).resume() == 0
    (tmp_path / "file").write_bytes(b"x" * 1001)
    assert Staged(tmp_path / "file", order(), divided([])).resume() == 0


def test_a_file_that_only_lacks_its_name_is_all_there(tmp_path: Path) -> None:
    """Killed between the last check and the name, nothing is fetched again."""
    (tmp_path / "file").write_bytes(DATA)
    staged = Staged(tmp_path / "file", order(), divided([300, 600]))
    assert staged.resume() == 1000
    assert staged.finish() == multihash(DATA)


def test_a_piece_with_another_checksum_is_noticed(tmp_path: Path) -> None:
    """CRC-32 of a piece counts where the whole file has no checksum."""
    wrong = Order(Path("/out"), 1000, None, order(crc32=1).pieces)
    staged = Staged(tmp_path / "file", wrong, units(wrong))
    staged.write(0, DATA)
    with pytest.raises(SpoiltError):
        staged.finish()
    staged.close()


def test_another_order_has_another_file() -> None:
    """Any change of source, span, size or checksum gives another identity; the path gives none."""
    first = order()
    piece = first.pieces[0]
    others = [
        Order(first.path, 1000, None, (piece,)),
        Order(first.path, 1000, first.checksum, (Piece(SOURCE, Span(1, 1001), 1000),)),
        Order(first.path, 1000, first.checksum, (Piece(SOURCE, Span(0, 1000), 1001),)),
        Order(first.path, 1000, first.checksum, (Piece(SOURCE, Span(0, 1000), 1000, 5),)),
        Order(first.path, 1000, first.checksum, (Piece(DATA, Span(0, 1000), 1000),)),
    ]
    assert len({first.identity, *(other.identity for other in others)}) == 6
    moved = Order(Path("/elsewhere"), 1000, first.checksum, first.pieces)
    assert moved.identity == first.identity


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    """A thread that comes late finds the file closed: the next transfer has it for itself."""
    staged = Staged(tmp_path / "file", order(), divided([500]))
    staged.write(0, DATA[:100])
    staged.close()
    for late in (lambda: staged.write(0, DATA[100:200]), staged.finish):
        with pytest.raises(ValueError, match="file is closed"):
            late()
    assert Staged(tmp_path / "file", order(), divided([500])).resume() == 100

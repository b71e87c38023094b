"""From files to requests."""

from collections.abc import Iterable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shoestring.location import Location
from shoestring.spans import Span
from shoestring_pull.transfer.order import Order, Piece
from shoestring_pull.transfer.units import GAP, UNIT, Unit, units, wanted

SOURCES = [Location("https://example.org/a"), Location("https://example.org/b"), b"x" * 2000]
SIZE = 20 * UNIT

SPANS = st.builds(
    lambda start, size: Span(start, start + size),
    st.integers(0, 15 * UNIT),
    st.one_of(st.integers(0, 2000), st.integers(0, 5 * UNIT)),
)


def piece(source: Location | bytes, span: Span) -> Piece:
    """A piece of a source."""
    if isinstance(source, bytes):
        return Piece(source, Span(0, len(source)), len(source))
    return Piece(source, span, SIZE)


def order(pieces: list[Piece]) -> Order:
    """An order of pieces."""
    return Order(Path("/out"), sum(piece.span.size for piece in pieces), None, tuple(pieces))


ORDERS = st.lists(st.builds(piece, st.sampled_from(SOURCES), SPANS), max_size=12).map(order)


def flat(order: Order) -> list[tuple[Location | bytes, Span]]:
    """Where each byte of an order comes from, neighbours put together."""
    return _joined((piece.source, piece.span) for piece in order.pieces if piece.span.size)


def _joined(parts: Iterable[tuple[Location | bytes, Span]]) -> list[tuple[Location | bytes, Span]]:
    joined: list[tuple[Location | bytes, Span]] = []
    for source, span in parts:
        if joined and joined[-1][0] == source and joined[-1][1].stop == span.start:
            joined[-1] = (source, Span(joined[-1][1].start, span.stop))
        else:
            joined.append((source, span))
    return joined


@given(ORDERS)
def test_units_cover_each_byte_of_the_pieces_once_and_in_order(order: Order) -> None:
    """Put together, the units' spans are those of the pieces; each begins where one has ended."""
    found = units(order)
    assert _joined((unit.source, span) for unit in found for span in unit.spans) == flat(order)
    assert [unit.start for unit in found] == [0, *[unit.stop for unit in found]][: len(found)]
    assert sum(unit.size for unit in found) == order.size


@given(ORDERS)
def test_no_unit_is_much_larger_than_it_should_be(order: Order) -> None:
    """None is over one and a half times the usual size, and gaps in it are short."""
    for unit in units(order):
        assert 0 < unit.spans[-1].stop - unit.spans[0].start <= 1.5 * UNIT
        for one, other in zip(unit.spans, unit.spans[1:], strict=False):
            assert 0 <= other.start - one.stop <= GAP


def test_blocks_with_gdals_words_between_them_come_in_one_request() -> None:
    """Eight bytes between two blocks are not worth a request."""
    blocks = [Span(100, 5000), Span(5008, 9000), Span(9008, 9900)]
    assert len(units(order([piece(SOURCES[0], block) for block in blocks]))) == 1


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 50)), min_size=1, max_size=6),
    st.data(),
)
def test_what_has_come_and_what_is_left_make_the_unit(
    shape: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Wherever it is interrupted and in whatever chunks it comes, each byte arrives once."""
    content = bytes(index % 251 for index in range(1000))
    spans, at = [], 0
    for gap, size in shape:
        spans.append(Span(at + gap, at + gap + size))
        at = spans[-1].stop
    unit = Unit(SOURCES[0], len(content), 0, tuple(spans))
    got = b""
    while left := unit.left(len(got)):
        position, stop = left[0].start, left[-1].stop
        for _ in range(data.draw(st.integers(1, 5))):  # chunks until it is interrupted
            size = data.draw(st.integers(1, 40))
            chunk = content[position : min(position + size, stop)]
            got += wanted(chunk, position, left)
            position += len(chunk)
            if position >= stop:
                break
    assert got == b"".join(content[span.start : span.stop] for span in spans)

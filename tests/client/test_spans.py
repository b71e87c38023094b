"""Spans of bytes are put together where that is cheaper."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from shoestring.excerpts import Excerpts
from shoestring.location import Location
from shoestring.spans import Span, merge

SPANS = st.lists(
    st.builds(
        lambda start, size: Span(start, start + size), st.integers(0, 500), st.integers(1, 60)
    )
)


@given(SPANS, st.integers(0, 40), st.integers(1, 200))
def test_each_span_lies_whole_in_one_request(spans: list[Span], gap: int, most: int) -> None:
    """Requests are in order, apart from each other, begin and end with a span, and hold each one."""
    requests = merge(spans, gap=gap, most=most)
    assert requests == sorted(requests)
    assert all(one.stop <= other.start for one, other in itertools.pairwise(requests))
    assert {request.start for request in requests} <= {span.start for span in spans}
    assert {request.stop for request in requests} <= {span.stop for span in spans}
    for span in spans:
        assert sum(one.start <= span.start and span.stop <= one.stop for one in requests) == 1


@given(SPANS, st.integers(0, 40))
def test_gaps_wider_than_a_request_is_worth_are_not_fetched(spans: list[Span], gap: int) -> None:
    """Bytes that no span asks for come in runs no longer than the gap."""
    asked = {byte for span in spans for byte in range(span.start, span.stop)}
    for request in merge(spans, gap=gap, most=10**6):
        run = 0
        for byte in range(request.start, request.stop):
            run = 0 if byte in asked else run + 1
            assert run <= gap


@given(SPANS, st.integers(0, 40), st.integers(1, 200))
def test_excerpts_come_whole_out_of_the_requests(spans: list[Span], gap: int, most: int) -> None:
    """However requests were put together, each excerpt has its own bytes."""
    file = bytes(number % 251 for number in range(600))
    excerpts = Excerpts(Location("here"), 600, tuple(spans), gap, most, lambda span, data: True)
    requests = excerpts.requests()
    found = excerpts.cut(requests, [file[span.start : span.stop] for span in requests])
    assert found == {span: file[span.start : span.stop] for span in spans}


def test_requests_do_not_grow_beyond_the_limit() -> None:
    """Neighbours stay apart where together they would be too large for one request."""
    spans = [Span(0, 40), Span(40, 80), Span(80, 90)]
    assert merge(spans, gap=8, most=80) == [Span(0, 80), Span(80, 90)]


def test_the_bytes_of_a_span_are_cut_out_of_those_of_its_request() -> None:
    """A span's part of a request starts where the span does."""
    assert bytes(Span(10, 16).part(b"abcdef", Span(12, 14))) == b"cd"

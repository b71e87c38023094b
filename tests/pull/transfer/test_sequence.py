"""In which order requests are sent."""

from hypothesis import given
from hypothesis import strategies as st

from shoestring_pull.transfer.sequence import sequence

SIZES = st.lists(
    st.lists(st.one_of(st.integers(1, 1000), st.integers(1, 3_000_000)), max_size=6), max_size=20
)


@given(SIZES)
def test_each_request_comes_once(sizes: list[list[int]]) -> None:
    """The sequence holds every request of every file, once, and those of a file in order."""
    found = list(sequence(sizes))
    assert sorted(found) == [
        (file, unit) for file, requests in enumerate(sizes) for unit in range(len(requests))
    ]
    for file in range(len(sizes)):
        mine = [unit for other, unit in found if other == file]
        assert mine == sorted(mine)


def test_small_files_are_spread_among_the_bytes_of_large_ones() -> None:
    """Of a thousand small files among 40 large requests, each quarter of the way has a quarter."""
    sizes = [[1000]] * 1000 + [[2_000_000] * 20] * 2
    small = [file < 1000 for file, _ in sequence(sizes)]
    for quarter in range(4):
        part = small[quarter * 260 : (quarter + 1) * 260]
        assert 235 <= sum(part) <= 260


def test_the_largest_file_does_not_come_last() -> None:
    """It begins first, and small files are what the end is made of."""
    sizes = [[1000]] * 50 + [[2_000_000] * 3] + [[2_000_000] * 25]
    found = list(sequence(sizes))
    assert next(file for file, _ in found if file >= 50) == 51
    assert all(file < 50 for file, _ in found[-2:])

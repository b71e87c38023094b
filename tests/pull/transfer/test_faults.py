"""Lines that are cut, servers that lie, and users who have had enough."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from shoestring.spans import Span
from shoestring_pull.transfer import throttle as throttles
from shoestring_pull.transfer.order import Order, Piece
from shoestring_pull.transfer.pace import Pace, parse_hours
from shoestring_pull.transfer.throttle import Throttle
from shoestring_pull.transfer.transfer import transfer
from shoestring_pull.transfer.units import UNIT
from shoestring_schema.errors import CatalogueError, TransferError
from support.faulty_server import (
    Cut,
    Endless,
    Fault,
    FaultyServer,
    NoRanges,
    OtherLength,
    OtherRange,
    OtherSize,
    Packed,
    Request,
    Rule,
    Shifted,
    Spoilt,
    Stall,
    Status,
    redirect,
)
from support.ordered import QUICK, left_in, make_file, whole

NAME = "file.bin"
SMALL, LARGE = 300_000, 3 * UNIT


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a file."""
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


def times(fault: Fault, count: int) -> Rule:
    """A rule: the fault, so often."""
    left = iter(range(count))
    return lambda request: fault if next(left, None) is not None else None


def pull(server: FaultyServer, size: int, tmp_path: Path) -> Order:
    """Transfer a file of a size, and see that it is right."""
    data = make_file(server.folder / NAME, size)
    order = whole(server.address, NAME, data, tmp_path / "out" / NAME)
    try:
        transfer([order], staging=tmp_path / "st", options=QUICK)
    except Exception:
        assert not order.path.exists()
        raise
    assert order.path.read_bytes() == data
    assert left_in(tmp_path / "st") == 0
    return order


PASSING = [
    Cut(),
    Status(503),
    Status(429, {"Retry-After": "0"}),
    Status(408),
    Spoilt(),
]


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_passes_is_passed_over(site: Path, tmp_path: Path, fault: Fault, size: int) -> None:
    """A cut line, a busy server, a byte that was spoilt: the file is right, small or large."""
    with FaultyServer(site, times(fault, 1)) as server:
        pull(server, size, tmp_path)
        assert len(server.requests) > 1


@pytest.mark.parametrize("fault", [Shifted(), OtherRange(), OtherLength(-1), OtherLength(1)], ids=str)  # fmt: skip
def test_wrong_parts_are_fetched_again(site: Path, tmp_path: Path, fault: Fault) -> None:
    """Of a file in parts, one that is another range, or longer or shorter, comes again."""
    with FaultyServer(site, times(fault, 1)) as server:
        pull(server, LARGE, tmp_path)


def test_a_cut_costs_no_byte_that_is_on_the_disk(site: Path, tmp_path: Path) -> None:
    """After a cut in the middle, the next request asks for what is behind the last byte there.

    What was read from the socket and not yet written is lost: 128 kB at most.
    """
    with FaultyServer(site, times(Cut(), 1)) as server:
        pull(server, SMALL, tmp_path)
        first, second = (request.range for request in server.requests)
    assert first is None
    assert second is not None
    assert SMALL // 2 - 2**17 <= second[0] <= SMALL // 2
    assert second[0] > 0
    assert second[1] == SMALL - 1


def test_any_number_of_cuts_is_endured_as_long_as_bytes_come(site: Path, tmp_path: Path) -> None:
    """Answers are cut more often than a request without progress is tried."""
    with FaultyServer(site, times(Cut(), 12)) as server:
        pull(server, SMALL, tmp_path)
        assert len(server.requests) >= 8


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Status(404), CatalogueError, "does not exist on its server"),
        (Status(403), TransferError, "is not allowed to be read"),
        (Status(416), CatalogueError, "is shorter than its catalogue says"),
        (Status(500), TransferError, "answers HTTP 500; try again later"),
        (Status(203), TransferError, "answers HTTP 203; check the address"),
        (Packed(), TransferError, "comes packed by 'gzip', though it was asked for as it is"),
        (Packed("br"), TransferError, "comes packed by 'br'"),
        (Packed("zstd"), TransferError, "comes packed by 'zstd'"),
        (OtherLength(-5), CatalogueError, "has 299995 bytes, and 300000 by its catalogue"),
        (OtherLength(5), CatalogueError, "has 300005 bytes, and 300000 by its catalogue"),
        (Endless(), CatalogueError, "has more than 300000 bytes"),
        (Spoilt(), TransferError, "gives other bytes than its catalogue says, twice"),
        (redirect("ftp://127.0.0.1/x"), CatalogueError, "only http and https addresses are"),
        (redirect("/again"), TransferError, "is redirected more than 5 times"),
    ],
    ids=str,
)
def test_what_does_not_pass_is_a_sentence(
    site: Path, tmp_path: Path, fault: Fault, kind: type[Exception], words: str
) -> None:
    """A small file that can't be had or is another one: the sentence says so, and it is bounded."""
    with FaultyServer(site, lambda _: fault) as server:
        with pytest.raises(kind, match=words) as caught:
            pull(server, SMALL, tmp_path)
        assert type(caught.value) is kind
        assert len(server.requests) < 1000


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (NoRanges(), TransferError, "does not answer requests for a range of bytes"),
        (OtherSize(), CatalogueError, f"has {LARGE + 1} bytes, and {LARGE} by its catalogue"),
        (OtherRange(), TransferError, "answers 'bytes .*' when bytes .* is asked for"),
        (OtherLength(7), TransferError, f"sends {UNIT + 7} bytes when {UNIT} are asked for"),
        (Shifted(), TransferError, "gives other bytes than its catalogue says, twice"),
        (Packed(), TransferError, "comes packed by 'gzip'"),
        (Endless(), CatalogueError, f"has more than {LARGE} bytes"),
        (Status(416), CatalogueError, "is shorter than its catalogue says"),
    ],
    ids=str,
)
def test_parts_that_are_wrong_again_and_again_are_a_sentence(
    site: Path, tmp_path: Path, fault: Fault, kind: type[Exception], words: str
) -> None:
    """A large file whose server answers each range wrongly ends, and leaves no file."""
    with FaultyServer(site, lambda _: fault) as server:
        with pytest.raises(kind, match=words):
            pull(server, LARGE, tmp_path)
        assert len(server.requests) < 1000


def test_a_server_without_ranges_serves_small_files(site: Path, tmp_path: Path) -> None:
    """A whole file comes with 200; where it was cut, it comes again, and its beginning is dropped."""
    faults: Iterator[Fault] = iter([Cut()])
    with FaultyServer(site, lambda _: next(faults, NoRanges())) as server:
        pull(server, SMALL, tmp_path)
        assert len(server.requests) == 2


def test_bytes_that_were_spoilt_twice_are_not_taken_up_again(site: Path, tmp_path: Path) -> None:
    """After the error nothing wrong is left over: once the server is right, so is the file."""
    with FaultyServer(site, times(Spoilt(), 2)) as server:
        with pytest.raises(TransferError, match="twice"):
            pull(server, SMALL, tmp_path)
        pull(server, SMALL, tmp_path)
        assert len(server.requests) == 3


def test_a_server_that_says_nothing_is_given_up(site: Path, tmp_path: Path) -> None:
    """A connection on which nothing comes is cut after the time limit, and used anew."""
    data = make_file(site / NAME, SMALL)
    with FaultyServer(site, times(Stall(half=True), 1)) as server:
        order = whole(server.address, NAME, data, tmp_path / "out" / NAME)
        transfer([order], staging=tmp_path / "st", options=replace(QUICK, timeout=0.3))
        assert order.path.read_bytes() == data
        assert server.requests[1].range == (SMALL // 2, SMALL - 1)  # all of it had time


def test_a_busy_server_is_asked_when_it_said(site: Path, tmp_path: Path) -> None:
    """Retry-After of one answer holds back all requests."""
    seen: list[float] = []

    def rule(request: Request) -> Fault | None:
        seen.append(time.monotonic())
        return Status(503, {"Retry-After": "1"}) if request.number == 1 else None

    with FaultyServer(site, rule) as server:
        pull(server, SMALL, tmp_path)
    assert seen[1] - seen[0] >= 1


def test_the_user_is_told_what_is_waited_for(site: Path, tmp_path: Path) -> None:
    """After three failures in a row a sentence tells why, once."""
    data, said = make_file(site / NAME, SMALL), list[str]()
    with FaultyServer(site, times(Status(503), 6)) as server:
        order = whole(server.address, NAME, data, tmp_path / "out" / NAME)
        options = replace(QUICK, retry_delay=0.02)
        transfer([order], staging=tmp_path / "st", options=options, say=said.append)
    assert len(said) == 1
    assert "answers HTTP 503" in said[0]
    assert "goes on trying for" in said[0]


def test_one_failure_ends_all_and_what_has_come_stays(site: Path, tmp_path: Path) -> None:
    """Where one file is missing, the others' parts are kept for the next time."""
    data = make_file(site / NAME, LARGE)

    def rule(request: Request) -> Fault | None:
        if request.path == f"/{NAME}":
            return Stall(half=True)
        _wait_for(tmp_path / "st", LARGE // 2)
        return None

    with FaultyServer(site, rule) as server:
        large = whole(server.address, NAME, data, tmp_path / "out" / NAME)
        missing = whole(server.address, "missing.bin", data[:9], tmp_path / "out" / "missing.bin")
        with pytest.raises(CatalogueError, match=r"missing\.bin does not exist"):
            transfer([large, missing], staging=tmp_path / "st", options=QUICK)
        server.rule = lambda _: None
        assert transfer([large], staging=tmp_path / "st", options=QUICK).resumed == LARGE // 2


def test_a_file_that_was_replaced_by_a_smaller_one_in_a_folder_is_refused(tmp_path: Path) -> None:
    """Local files are held to their sizes, too."""
    data = make_file(tmp_path / "site" / NAME, SMALL)
    order = whole(tmp_path / "site", NAME, data, tmp_path / "out" / NAME)
    (tmp_path / "site" / NAME).write_bytes(data[:-1])
    with pytest.raises(CatalogueError, match=f"has {SMALL - 1} bytes, and {SMALL} by its"):
        transfer([order], staging=tmp_path / "st", options=QUICK)


def test_an_endless_body_takes_neither_memory_nor_disk(site: Path, tmp_path: Path) -> None:
    """Of a piece without any checksum no more is written than was ordered."""
    data = make_file(site / NAME, SMALL)
    with FaultyServer(site, lambda _: Endless()) as server:
        piece = Piece(
            whole(server.address, NAME, data, tmp_path).pieces[0].source, Span(0, 1000), SMALL
        )
        order = Order(tmp_path / "out" / NAME, 1000, None, (piece,))
        with pytest.raises(CatalogueError, match="has more than"):
            transfer([order], staging=tmp_path / "st", options=QUICK)
    assert sum(path.stat().st_size for path in (tmp_path / "st").iterdir()) <= 1000
    assert not order.path.exists()


def test_a_limit_is_kept(site: Path, tmp_path: Path) -> None:
    """600 kB at 400 kB/s take at least a second and a quarter: a burst of a quarter is free."""
    data = make_file(site / NAME, 2 * SMALL)
    with FaultyServer(site) as server:
        order = whole(server.address, NAME, data, tmp_path / "out" / NAME)
        report = transfer([order], staging=tmp_path / "st", options=QUICK, pace=Pace(rate=400_000))
    assert report.seconds >= 1.25


class Clock:
    """A clock on the wall that a test sets."""

    def __init__(self, now: str) -> None:
        self.now = datetime.fromisoformat(f"2026-11-21T{now}")

    def __call__(self) -> datetime:
        """What it shows."""
        return self.now


def test_the_morning_stops_it_and_the_evening_lets_it_go_on(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At six it stops within the part, says so once, and goes on at the same byte at ten."""
    clock, said = Clock("05:59:59"), list[str]()
    monkeypatch.setattr(throttles, "_LOOK", 0.01)

    def rule(request: Request) -> Fault | None:
        if request.number == 1:
            clock.now = datetime.fromisoformat("2026-11-21T06:00:00")
        return None

    def say(sentence: str) -> None:
        said.append(sentence)
        threading.Timer(0.3, evening).start()

    def evening() -> None:
        before.append(len(server.requests))
        clock.now = datetime.fromisoformat("2026-11-21T22:00:00")

    before: list[int] = []
    monkeypatch.setattr(
        "shoestring_pull.transfer.transfer.Throttle", lambda pace, say: Throttle(pace, say, clock)
    )
    data = make_file(site / NAME, LARGE)
    with FaultyServer(site, rule) as server:
        order = whole(server.address, NAME, data, tmp_path / "out" / NAME)
        pace = Pace(hours=parse_hours("22:00-06:00"))
        options = replace(QUICK, connections=1)
        transfer([order], staging=tmp_path / "st", options=options, pace=pace, say=say)
        assert order.path.read_bytes() == data
        assert before == [1]
        first, second = (request.range for request in server.requests[:2])
    assert first is not None
    assert second is not None
    assert first[0] < second[0] <= first[1]
    assert len(said) == 1
    assert "It is 06:00: this goes on at 22:00 (hours: 22:00-06:00)" in said[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals.")
def test_ctrl_c_ends_it_within_a_second_and_keeps_what_has_come(site: Path, tmp_path: Path) -> None:
    """KeyboardInterrupt passes through while the server says nothing; the next time goes on."""
    data = make_file(site / NAME, LARGE)
    script = """
        import signal, sys
        from pathlib import Path
        from shoestring_pull.transfer.transfer import transfer
        from support.ordered import whole
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
        address, name, folder = sys.argv[1:]
        folder = Path(folder)
        order = whole(address, name, (folder / "site" / name).read_bytes(), folder / "out" / name)
        print("begins", flush=True)
        try:
            transfer([order], staging=folder / "st")
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    with FaultyServer(site, lambda _: Stall(half=True)) as server:
        command = [sys.executable, "-c", textwrap.dedent(script), server.address, NAME, tmp_path]
        tests = Path(__file__).parents[2]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(tests)}
        )
        assert process.stdout is not None
        process.stdout.readline()
        _wait_for(tmp_path / "st", LARGE // 2)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert process.communicate(timeout=20)[0] == "interrupted\n"
        assert time.monotonic() - began < 5  # a second, on a machine that has nothing else to do
        server.rule = lambda _: None
        order = whole(server.address, NAME, data, tmp_path / "out" / NAME)
        report = transfer([order], staging=tmp_path / "st", options=QUICK)
    assert report.resumed == LARGE // 2
    assert order.path.read_bytes() == data


def _wait_for(staging: Path, size: int) -> None:
    """Return when so many bytes of the large file are there."""
    deadline = time.monotonic() + 20
    while _there(staging) < size and time.monotonic() < deadline:
        time.sleep(0.02)


def _there(staging: Path) -> int:
    """Bytes that are there by what a staged file says behind its end."""
    for path in staging.glob("*") if staging.is_dir() else ():
        words = path.read_bytes()[LARGE:]
        return sum(int.from_bytes(words[at : at + 8], "little") for at in range(0, len(words), 8))
    return 0

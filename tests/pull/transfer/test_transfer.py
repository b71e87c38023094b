"""Files arrive whole, under their names."""

import asyncio
import shutil
import subprocess
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shoestring.options import Options
from shoestring.spans import Span
from shoestring_pull.transfer.order import Order, Piece
from shoestring_pull.transfer.staged import staged_path
from shoestring_pull.transfer.transfer import transfer
from shoestring_pull.transfer.units import UNIT
from shoestring_schema.errors import OutputError
from support.disk import mounted
from support.faulty_server import FaultyServer
from support.nginx import Nginx
from support.ordered import QUICK, content, left_in, make_file, multihash, pieced, whole

SIZES = {"a/empty.json": 0, "a/small.json": 1000, "b/unit.tif": UNIT, "b/large.tif": 5 * UNIT + 777}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    """Files of all sizes, in the folder ``site``."""
    return {name: make_file(tmp_path / "site" / name, size, size) for name, size in SIZES.items()}


def orders(place: str | Path, files: dict[str, bytes], out: Path) -> list[Order]:
    """Orders for all of them."""
    return [whole(place, name, data, out / name) for name, data in files.items()]


def check(files: dict[str, bytes], out: Path) -> None:
    """They are there, and nothing else is."""
    found = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*") if path.is_file()
    }  # fmt: skip
    assert found == files


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_files_of_all_sizes_come_over_the_web(
    tmp_path: Path, files: dict[str, bytes], nginx: Callable[..., Nginx], scheme: str
) -> None:
    """Each is there with all of its bytes, the report counts them, and no byte came twice."""
    server, out = nginx(tmp_path / "site"), tmp_path / "out"
    options = replace(QUICK, ca_bundle=server.ca.ca)
    report = transfer(
        orders(getattr(server, scheme), files, out), staging=tmp_path / "st", options=options
    )
    check(files, out)
    size = sum(SIZES.values())
    assert (report.files, report.size, report.fetched, report.resumed) == (4, size, size, 0)
    log = server.requests()
    assert sum(request.bytes_sent for request in log) == size
    assert len({request.range for request in log if "large" in request.path}) == 5
    assert left_in(tmp_path / "st") == 0


def test_files_come_from_a_folder(tmp_path: Path, files: dict[str, bytes]) -> None:
    """A site on a mounted disk is as good as one on the web."""
    out = tmp_path / "out"
    report = transfer(orders(tmp_path / "site", files, out), staging=tmp_path / "st")
    check(files, out)
    assert report.fetched == sum(SIZES.values())


def test_pieces_of_a_file_come_behind_what_was_made_here(
    tmp_path: Path, files: dict[str, bytes], nginx: Callable[..., Nginx]
) -> None:
    """Blocks of a file, near and far, and bytes of our own make a new file, checksum told."""
    data = files["b/large.tif"]
    spans = [Span(100, 5000), Span(5008, 9000), Span(UNIT, 4 * UNIT), Span(7, 20)]
    server = nginx(tmp_path / "site")
    order = pieced(server.http, "b/large.tif", data, spans, tmp_path / "out" / "crop.tif")
    told: list[tuple[Order, str]] = []
    transfer(
        [order], staging=tmp_path / "st", options=QUICK,
        done=lambda *what: told.append(what),
    )  # fmt: skip
    assert order.path.read_bytes() == content(order, data)
    assert told == [(order, multihash(content(order, data)))]
    # Eight bytes between two pieces are fetched and dropped.
    assert sum(request.bytes_sent for request in server.requests()) == order.size - 9 + 8


def test_a_file_is_told_once_it_is_in_its_place(tmp_path: Path, files: dict[str, bytes]) -> None:
    """`done` is called with each order when the file can be read, one at a time."""
    out, seen, inside = tmp_path / "out", [], threading.Lock()

    def done(order: Order, checksum: str) -> None:
        assert inside.acquire(blocking=False)
        assert multihash(order.path.read_bytes()) == checksum
        seen.append(order.path)
        inside.release()

    wanted = orders(tmp_path / "site", files, out)
    transfer(wanted, staging=tmp_path / "st", done=done)
    assert sorted(seen) == sorted(order.path for order in wanted)


def test_what_has_come_is_not_fetched_again(
    tmp_path: Path, files: dict[str, bytes], nginx: Callable[..., Nginx]
) -> None:
    """A file of which 654,321 bytes are there costs the rest of them."""
    server, out = nginx(tmp_path / "site"), tmp_path / "out"
    order = whole(server.http, "b/unit.tif", files["b/unit.tif"], out / "unit.tif")
    (tmp_path / "st").mkdir()
    staged_path(tmp_path / "st", order).write_bytes(files["b/unit.tif"][:654_321])
    report = transfer([order], staging=tmp_path / "st", options=QUICK)
    assert order.path.read_bytes() == files["b/unit.tif"]
    assert report.resumed == 654_321
    assert [request.range for request in server.requests()] == [f"bytes=654321-{UNIT - 1}"]


def test_what_a_power_cut_has_spoilt_is_fetched_again_once(
    tmp_path: Path, files: dict[str, bytes], nginx: Callable[..., Nginx]
) -> None:
    """A part that is there and wrong costs the whole file, and the file is right."""
    server, out = nginx(tmp_path / "site"), tmp_path / "out"
    order = whole(server.http, "b/unit.tif", files["b/unit.tif"], out / "unit.tif")
    (tmp_path / "st").mkdir()
    staged_path(tmp_path / "st", order).write_bytes(bytes(654_321))
    transfer([order], staging=tmp_path / "st", options=QUICK)
    assert order.path.read_bytes() == files["b/unit.tif"]
    assert server.requests()[-1].bytes_sent == UNIT


def test_the_same_bytes_may_go_to_two_places(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Two orders of the same bytes do not write into one file."""
    data, out = files["b/large.tif"], tmp_path / "out"
    twice = [whole(tmp_path / "site", "b/large.tif", data, out / name) for name in "ab"]
    transfer(twice, staging=tmp_path / "st")
    assert (out / "a").read_bytes() == (out / "b").read_bytes() == data


def test_what_lies_there_is_replaced_in_one_step(tmp_path: Path, files: dict[str, bytes]) -> None:
    """A file that has the name already is another one afterwards; whoever has it open keeps it."""
    path = tmp_path / "out" / "small.json"
    make_file(path, 5000, seed=9)
    with path.open("rb") as open_file:
        before = path.read_bytes()
        order = whole(tmp_path / "site", "a/small.json", files["a/small.json"], path)
        transfer([order], staging=tmp_path / "st")
        assert open_file.read() == before
    assert path.read_bytes() == files["a/small.json"]


def test_it_works_inside_a_running_loop(tmp_path: Path, files: dict[str, bytes]) -> None:
    """In a notebook, whose own loop runs, it can be called like anywhere else."""

    async def cell() -> int:
        return transfer(orders(tmp_path / "site", files, tmp_path / "out"), staging=tmp_path / "st").files  # fmt: skip

    assert asyncio.run(cell()) == 4


def test_nothing_to_do_is_soon_done(tmp_path: Path) -> None:
    """No orders, no requests, no files."""
    assert transfer([], staging=tmp_path / "st").files == 0


def test_what_can_never_fit_is_not_begun(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A need that the disk has no room for is refused in a sentence before any request."""
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with FaultyServer(tmp_path / "site") as server:
        with pytest.raises(OutputError, match=r"6\.3 MB are still to come, 1\.0 MB are free; make"):
            transfer(
                orders(server.address, files, tmp_path / "out"),
                staging=tmp_path / "st", options=QUICK,
            )  # fmt: skip
        assert not server.requests


def test_a_disk_that_fills_up_ends_it_and_what_has_come_stays(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence with need and room; with more room it goes on where it was."""
    monkeypatch.setattr("shoestring_pull.transfer.transfer.require_room", lambda *_: None)
    data = files["b/large.tif"]
    room = mounted(tmp_path / "disk", f"size={3 * UNIT}")
    with room as disk, FaultyServer(tmp_path / "site") as server:
        order = whole(server.address, "b/large.tif", data, disk / "large.tif")
        with pytest.raises(OutputError, match=r"no room: .* are still to come, .* are free; make"):
            transfer([order], staging=disk / "st", options=QUICK)
        assert not order.path.exists()
        subprocess.run(["mount", "-o", f"remount,size={20 * UNIT}", disk], check=True)
        report = transfer([order], staging=disk / "st", options=QUICK)
        assert report.resumed > UNIT
        assert order.path.read_bytes() == data


def test_a_place_that_can_t_be_written_is_named(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Where a file stands in the way of a folder, the sentence names the path."""
    (tmp_path / "out").write_bytes(b"")
    order = whole(tmp_path / "site", "a/small.json", files["a/small.json"], tmp_path / "out" / "x")
    with pytest.raises(OutputError, match=r"out/x can't be written \(.*\): set its folder's"):
        transfer([order], staging=tmp_path / "st")


def test_memory_does_not_grow_with_the_file(tmp_path: Path, nginx: Callable[..., Nginx]) -> None:
    """300 MB in one file take less than 40 MB more than a small one does."""
    path = tmp_path / "site" / "huge.bin"
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(300 * 10**6)
    size = path.stat().st_size
    server = nginx(tmp_path / "site")
    piece = Piece(
        whole(server.http, "huge.bin", b"", tmp_path).pieces[0].source, Span(0, size), size
    )
    tracemalloc.start()
    try:
        transfer([Order(tmp_path / "out.bin", size, None, (piece,))], staging=tmp_path / "st",
                 options=Options(connections=32))  # fmt: skip
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40e6

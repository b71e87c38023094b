"""Transfers that are killed at random instants, over lines that are cut."""

import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shoestring_pull.transfer.units import UNIT
from support import killed_pull
from support.cut_line import CutLine
from support.instants import INSTANTS
from support.nginx import Nginx, Request
from support.ordered import left_in, make_file, multihash

KILLS = INSTANTS // 2
CUTS = INSTANTS // 10
CONNECTIONS = 6

pytestmark = [
    pytest.mark.torture,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="This system has no SIGKILL."),
]

SIZES = [*[1000 * (n + 1) ** 2 for n in range(40)], UNIT, UNIT * 3 // 2, UNIT * 7, UNIT * 12 + 1]


def make_book(folder: Path, url: str) -> dict[str, Any]:
    """Whole files of all sizes, and one of which only pieces are wanted."""
    files = []
    for number, size in enumerate(SIZES):
        name = f"{number % 3}/{number}.bin"
        data = make_file(folder / "site" / name, size, number)
        whole = [[0, size, None]]
        files.append({"name": name, "size": size, "checksum": multihash(data), "spans": whole})
    name, size = "pieces.bin", 8 * UNIT
    data = make_file(folder / "site" / name, size, 99)
    spans = [
        [begin, begin + 30_000, zlib.crc32(data[begin : begin + 30_000])]
        for begin in range(0, size - 30_000, 90_000)
    ]
    files.append({"name": name, "size": size, "checksum": None, "spans": spans})
    return {
        "url": url, "folder": str(folder / "out"), "files": files, "connections": CONNECTIONS,
    }  # fmt: skip


def start(folder: Path) -> "subprocess.Popen[str]":
    """A transfer in a process of its own."""
    command = [sys.executable, killed_pull.__file__, str(folder / "book.json"), str(folder / "st")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def check(folder: Path, book: dict[str, Any]) -> None:
    """Each file that has its name is whole and right; nobody looks at what has none."""
    for file in book["files"]:
        path = folder / "out" / file["name"]
        if path.exists():
            data = (folder / "site" / file["name"]).read_bytes()
            assert path.read_bytes() == b"".join(data[a:b] for a, b, _ in file["spans"])


def twice(log: list[Request]) -> dict[tuple[str, int], int]:
    """For each file, and part of it, the bytes that were sent more often than once."""
    sent: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for request in log:
        begin = int(request.range.removeprefix("bytes=").partition("-")[0] or 0)
        sent[request.path].append((begin, begin + request.bytes_sent))
    again: dict[tuple[str, int], int] = defaultdict(int)
    for path, spans in sent.items():
        reach = 0
        for begin, end in sorted(spans):
            if (overlap := min(reach, end) - begin) > 0:
                again[path, begin // UNIT] += overlap
            reach = max(reach, end)
    return again


@dataclass(slots=True)
class Ordeal:
    """A transfer that is killed again and again.

    Attributes:
        folder: Where all lies.
        book: What is transferred.
        dice: When.
        kills: How many there were.
    """

    folder: Path
    book: dict[str, Any]
    dice: random.Random
    kills: int = 0

    def begin(self) -> None:
        """An empty folder, and the book."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        (self.folder / "book.json").write_text(json.dumps(self.book))

    def kill_until_done(self, most: int) -> None:
        """Kill it at random instants, so often at most; then let it end.

        Nothing has a final name that is not whole, after any of them.
        """
        for _ in range(most):
            process = start(self.folder)
            try:
                process.wait(self.dice.uniform(0.25, 1.2))
            except subprocess.TimeoutExpired:
                process.kill()
                self.kills += 1
            said = process.communicate()[1]
            check(self.folder, self.book)
            if process.returncode == 0:
                break
            assert process.returncode == -signal.SIGKILL, said
        else:
            process = start(self.folder)
            said = process.communicate(timeout=300)[1]
            assert process.returncode == 0, said
            check(self.folder, self.book)
        assert all((self.folder / "out" / file["name"]).exists() for file in self.book["files"])
        assert left_in(self.folder / "st") == 0


def test_killed_at_any_instant_it_ends_and_hardly_a_byte_comes_twice(
    tmp_path: Path, nginx: Callable[..., Nginx]
) -> None:
    """After kills at random instants all files are right; a kill costs less than a part on average.

    The log counts what the server hands to its system, however little of it leaves the machine:
    where that takes little ahead, the log tells what was sent.
    """
    server = nginx(tmp_path / "site", extra="limit_rate 1000k;", listen="sndbuf=64k")
    ordeal = Ordeal(tmp_path, make_book(tmp_path, server.http), random.Random(7))
    again = seen = 0
    while ordeal.kills < KILLS:
        ordeal.begin()
        ordeal.kill_until_done(min(15, KILLS - ordeal.kills))
        log = server.requests()
        # All comes anew in the next round: only within one may no byte come twice.
        again, seen = again + sum(twice(log[seen:]).values()), len(log)
    print(f"{ordeal.kills} kills, {again / UNIT:.2f} parts sent twice")
    assert again <= ordeal.kills * UNIT


def test_a_line_that_is_cut_and_restored_costs_time_only(
    tmp_path: Path, nginx: Callable[..., Nginx]
) -> None:
    """Cut 20 times, with a word or without, and killed in between, it ends with all files right."""
    server = nginx(tmp_path / "site", extra="limit_rate 700k;")
    dice = random.Random(11)
    with CutLine(int(server.http.rpartition(":")[2])) as line:
        ordeal = Ordeal(tmp_path, make_book(tmp_path, line.address), dice)
        ended = threading.Event()

        def cut_and_restore() -> None:
            while line.cuts < CUTS and not ended.wait(dice.uniform(0.2, 0.7)):
                line.cut(silently=dice.random() < 0.5)
                ended.wait(dice.uniform(0.05, 0.6))
                line.restore()

        cutter = threading.Thread(target=cut_and_restore)
        cutter.start()
        try:
            while line.cuts < CUTS:
                ordeal.begin()
                ordeal.kill_until_done(CUTS // 4)
        finally:
            ended.set()
            cutter.join()
    print(f"{line.cuts} cuts, {ordeal.kills} kills in between")

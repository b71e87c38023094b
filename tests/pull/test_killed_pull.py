"""Pulls that are killed, and go on."""

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shoestring_pull.origin import read_origin
from shoestring_pull.selection import Selection
from support import killed_copy
from support.instants import INSTANTS
from support.mosaics import timeless
from support.nginx import Nginx
from support.pulled import build_fields, faults, pull_into

REGION = "--roi=-2.99,36.12,-2.97,36.135"

pytestmark = [pytest.mark.torture, pytest.mark.once, pytest.mark.timeout(3600)]


def run(event: int, before: bool, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Pull, and be killed at an event."""
    return subprocess.run(
        [sys.executable, killed_copy.__file__, str(event), str(int(before)), *arguments],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("selection", [(), ("--band", "B04"), (REGION, "--crop")], ids=str)
def test_killed_pull_goes_on(
    nginx: Callable[..., Nginx], tmp_path: Path, selection: tuple[str, ...]
) -> None:
    """Killed at any instant a copy shows what is whole or nothing, and the next pull completes it."""
    site = build_fields(tmp_path / "project", (1, 2))
    address = f"{nginx(site).http}/"
    done = run(0, False, address, str(tmp_path / "expected"), *selection)
    assert done.returncode == 0, done.stderr
    events = int(done.stdout.split()[-1])
    draw = random.Random(INSTANTS)
    for instant in range(max(2, INSTANTS // 8)):
        copy = tmp_path / str(instant)
        for _ in range(2):  # the second pull goes on, and is killed as well
            killed = run(
                draw.randint(1, events), draw.random() < 0.5, address, str(copy), *selection
            )
            assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
            if (copy / "catalog.json").is_file():
                assert faults(copy) == ()
        pull_into(copy, address, selection=_remembered(tmp_path / "expected"))
        assert faults(copy) == ()
        assert content(copy) == content(tmp_path / "expected")


def test_killed_pull_fetches_little_twice(nginx: Callable[..., Nginx], tmp_path: Path) -> None:
    """What a killed pull has fetched whole is not fetched by the next one."""
    site = build_fields(tmp_path / "project", (1, 2))
    server = nginx(site)
    arguments = f"{server.http}/", str(tmp_path / "copy"), REGION, "--crop"
    events = int(
        run(0, False, arguments[0], str(tmp_path / "other"), *arguments[2:]).stdout.split()[-1]
    )
    asked = len(server.requests())
    assert run(events - 6, True, *arguments).returncode == -signal.SIGKILL
    first = len(server.requests())
    assert run(0, False, *arguments).returncode == 0
    blocks = [one for one in server.requests()[first:] if one.path.endswith(".tif")]
    assert first > asked
    assert blocks == []


def _remembered(copy: Path) -> Selection:
    origin = read_origin(copy)
    assert origin is not None
    return origin.selection


def content(site: Path) -> dict[str, str]:
    """What readers see, but for when it was shown."""
    return {name: own for name, own in timeless(site).items() if not name.startswith(".")}

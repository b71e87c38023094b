"""wget, curl and sha256sum make a copy of a year."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.door_site import DATES, DoorSite
from support.foreign import run_lines
from support.page_lines import page_lines
from support.tools import require_tool

LISTS, WGET, CURL, PROOF = page_lines("doors/download.md", "sh").split("\n\n")


def version(name: str) -> str:
    """A program's version, as it says itself."""
    command = [require_tool(name), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"\d+\.\d[\d.]*", done.stdout)
    assert found is not None
    return found.group()


def shell(site: DoorSite, home: Path, *lines: str) -> str:
    """Run lines of the page one after the other; any that fails ends it; curl shows its progress."""
    return run_lines(site, home, "\n".join(lines), ["sh", "-e"], warns=True)


def hardened(lines: str, site: DoorSite) -> str:
    """Lines of wget for the tests' authority: it is the one program that has no variable for it."""
    return lines.replace("wget -nv", f"wget -q --ca-certificate={site.ca}")


@pytest.mark.door("wget")
def test_wget_fetches_a_year(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Every layer of the year is there, byte for byte, and `sha256sum` says so."""
    record_property("version", version("wget"))
    shell(doors, tmp_path, LISTS, hardened(WGET, doors), PROOF)
    _is_whole(doors, tmp_path / "2018")


@pytest.mark.door("curl")
def test_curl_fetches_a_year(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Every layer of the year is there, byte for byte, fetched over HTTP/2."""
    record_property("version", version("curl"))
    before = len(doors.server.requests())
    shell(doors, tmp_path, LISTS, CURL, PROOF)
    _is_whole(doors, tmp_path / "2018")
    requests = doors.server.requests()[before:]
    assert {(own.protocol, own.status) for own in requests} == {("HTTP/2.0", 200)}


@pytest.mark.door("sha256sum")
def test_damage_is_found(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """`sha256sum` names the one file in which a byte is another."""
    record_property("version", version("sha256sum"))
    shell(doors, tmp_path, LISTS, CURL)
    (spoilt,) = (tmp_path / "2018").glob(f"{DATES[0]}_B04-*.tif")
    data = bytearray(spoilt.read_bytes())
    data[-1] ^= 1
    spoilt.write_bytes(data)
    done = subprocess.run(
        ["sh", "-c", PROOF], cwd=tmp_path / "2018", capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.strip() == f"{spoilt.name}: FAILED"


def _is_whole(site: DoorSite, copy: Path) -> None:
    layers = sorted(path.name for path in (site.folder / "s2-l2a/2018").glob("*.tif"))
    assert sorted(path.name for path in copy.glob("*.tif")) == layers
    for name in layers:
        assert (copy / name).read_bytes() == (site.folder / "s2-l2a/2018" / name).read_bytes()

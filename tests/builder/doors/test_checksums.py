"""`SHA256SUMS` and `urls.txt`: what coreutils, wget and curl make of them."""

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from shoestring_builder.doors.checksums import sha256sums, url_list
from shoestring_builder.doors.part import DoorPart
from support.door_parts import BANDS, UTM, item, season, write_part
from support.nginx import Nginx
from support.tools import require_tool

NAMES = (
    "plain.tif",
    "a b.tif",
    "über €.tif",
    "back\\slash.tif",
    "new\nline\r.tif",
    "*?[x]{y}.tif",
    "-.tif",
)


def odd_part(folder: Path, names: tuple[str, ...] = NAMES) -> DoorPart:
    """A part whose files have such names."""
    assets = {}
    for name in names:
        data = name.encode() * 3
        (folder / name).write_bytes(data)
        digest = "1220" + hashlib.sha256(data).hexdigest()
        assets[quote(name)] = {"href": quote(name), "file:checksum": digest}
    return DoorPart("s2", "S2", "2018", UTM, BANDS, (item("2018-01-15", assets),))


def checked(folder: Path, sums: bytes) -> subprocess.CompletedProcess[str]:
    """What `sha256sum --check` says in a folder."""
    (folder / "SHA256SUMS").write_bytes(sums)
    command = [require_tool("sha256sum"), "--check", "--strict", "SHA256SUMS"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={"LC_ALL": "C.UTF-8"}, check=False
    )


def test_sha256sum_accepts_names_of_any_kind(tmp_path: Path) -> None:
    """Spaces, other letters, backslashes and ends of lines: each file is found and whole."""
    done = checked(tmp_path, sha256sums(odd_part(tmp_path)))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(": OK") == len(NAMES)


def test_the_lines_are_those_of_sha256sum(tmp_path: Path) -> None:
    """The program writes the same, byte for byte."""
    sums = sha256sums(odd_part(tmp_path))
    command = [require_tool("sha256sum"), "--", *NAMES]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert sums == done.stdout


def test_a_damaged_layer_is_found(tmp_path: Path) -> None:
    """One byte that differs fails the check, and the file is named."""
    sums = sha256sums(write_part(tmp_path, season()))
    assert checked(tmp_path, sums).returncode == 0
    layer = tmp_path / "2018-02-14_B08.tif"
    layer.write_bytes(layer.read_bytes()[:-1] + b"?")
    done = checked(tmp_path, sums)
    assert done.returncode == 1
    assert "2018-02-14_B08.tif: FAILED" in done.stdout


def test_all_that_items_name_is_listed_once(tmp_path: Path) -> None:
    """Layers, files that VRTs read, and doors that items link to; what has no checksum is not."""
    digest = "1220" + "ab" * 32
    source = {"href": "../../m/a%20b.tif", "size": 3, "checksum": digest}
    layer = {"href": "l.vrt", "file:checksum": digest, "shoestring:sources": [source, source]}
    own = item("2018-01-15", {"B04": layer, "B08": layer})
    own["links"] += [
        {"rel": "alternate", "href": "./d.vrt", "file:checksum": digest},
        {"rel": "parent", "href": "../collection.json"},
    ]
    part = DoorPart("s2", "S2", "2018", UTM, BANDS, (own,), "https://e.org/s2/2018/")
    names = [line.split("  ")[1] for line in sha256sums(part).decode().splitlines()]
    assert names == ["l.vrt", "../../m/a b.tif", "d.vrt"]
    assert url_list(part).decode().splitlines() == [
        "https://e.org/s2/2018/l.vrt", "https://e.org/m/a%20b.tif", "https://e.org/s2/2018/d.vrt"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        ["wget", "-q", "-i", "../urls.txt"],
        ["sh", "-c", "xargs -n 1 curl -sSf --remote-name < ../urls.txt"],
    ],
    ids=["wget", "curl"],
)
def test_programs_fetch_what_is_listed(
    command: list[str], tmp_path: Path, nginx: Callable[..., Nginx]
) -> None:
    """Programs fetch every file by its address, and the checksums fit."""
    require_tool("wget" if command[0] == "wget" else "curl")
    folder = tmp_path / "site ü/2018"
    folder.mkdir(parents=True)
    names = ("plain.tif", "a_b-c.tif")
    server = nginx(tmp_path)
    part = replace(odd_part(folder, names), address=f"{server.http}/site ü/2018/")
    (tmp_path / "urls.txt").write_bytes(url_list(part))
    copy = tmp_path / "copy"
    copy.mkdir()
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    assert checked(copy, sha256sums(part)).stdout.count(": OK") == len(names)

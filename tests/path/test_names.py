"""Names that break careless programs, from the source file to the client's pixels."""

import json
import os
import unicodedata
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely

import shoestring
from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.serve.background import BackgroundServer
from support.command import run_here
from support.mosaics import write_raster

pytestmark = pytest.mark.once

NAMES = [
    "a b  c",
    unicodedata.normalize("NFC", "Älö é 日本 \N{GRINNING FACE}"),
    unicodedata.normalize("NFD", "Älö é"),
    "\"quoted\" and 'so'",
    "100% %41 %2F %",
    "#1 a#b",
    "?x=1&y=<2>",
    "one\nline\r\nmore",
    "back\\slash; $HOME `id` *[a-z] |",
    "-rf --x=y",
    "zip!a:b,c,=d",
]
"""One sort of trouble each; none holds a slash, a brace or a zero byte."""

CONFIGURATION = """
[catalogue]
id = "test"
settle = "0 seconds"
output = {output}

[[collections]]
id = "cogs"
source = {source}
[collections.bands.B04]
nodata = 0

[[collections]]
id = "vrts"
source = {inside}
layout = "vrt"
[collections.bands.B04]
nodata = 0
"""


@pytest.mark.parametrize("name", NAMES, ids=[f"{number}" for number in range(len(NAMES))])
def test_a_name_of_any_kind(tmp_path: Path, name: str) -> None:
    """It may be a source's, a folder's and the site's: every pixel is read over a real server.

    But sources of a VRT have addresses, which can't have them all: those are refused.
    """
    linkable = name.isprintable() and "\\" not in name
    project = tmp_path / f"project {name}"
    folders = name.replace("\\", "")  # which divides folders in a pattern, as on Windows
    outside, site = project / f"mosaics {folders}", project / f"site {folders}"
    inside = site / f"sources {folders}"
    pixels = {}
    for number, folder in enumerate((outside, inside)):
        for day in (1, 2):
            own = np.random.default_rng(10 * number + day).integers(1, 5000, (40, 50))
            folder.mkdir(parents=True, exist_ok=True)
            plain = write_raster(tmp_path / "plain.tif", own, nodata=0, tiled=True)
            plain.rename(folder / f"2018-01-0{day}_B04 {name}.tif")
            pixels["vrts" if number else "cogs", date(2018, 1, day)] = own
    (project / "site.toml").write_text(
        CONFIGURATION.format(
            output=quoted(site.name),
            source=quoted(f"{outside.name}/{{date}}_{{band}} {{*}}.tif"),
            inside=quoted(f"{site.name}/{inside.name}/{{date}}_{{band}} {{*}}.tif"),
        ),
        "utf-8",
    )
    report = build(project / "site.toml", progress=False)
    assert [bool(own.failed) for own in report.collections] == [False, not linkable]
    assert check(site).faults == ()
    if linkable:
        assert check(site).notes == ()
        assert run_here("build", project / "site.toml").out.count("nothing new") == 2
    else:
        assert all("rename it, or state" in own for own in report.failed)
        pixels = {key: own for key, own in pixels.items() if key[0] == "cogs"}
    with BackgroundServer(site) as server:
        for address in (server.address.catalogue, site):
            assert read(address) == {key: own.tolist() for key, own in pixels.items()}


def read(address: str | Path) -> dict[tuple[str, date], object]:
    """All pixels of a site."""
    found: dict[tuple[str, date], object] = {}
    for reader in ("auto", "vsicurl"):
        options = shoestring.Options(reader=reader)  # type: ignore[arg-type]
        with shoestring.open(address, options=options) as catalogue:
            for name, collection in catalogue.items():
                grid = collection.grid
                roi = shoestring.Roi(shapely.box(*grid.bounds), grid.crs)
                stack = collection.extract(["B04"], roi, masked=False)
                for day, layer in stack["B04"].items():
                    own = np.asarray(layer).tolist()
                    assert found.setdefault((name, day), own) == own
    return found


def quoted(text: str) -> str:
    """A string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """A file with a name of an old system's bytes is set aside and named, and stops nobody."""
    mosaics = tmp_path / "mosaics"
    for day in (1, 2):
        write_raster(mosaics / f"2018-01-0{day}_B04 x.tif", day)
    odd = os.fsencode(mosaics / "2018-01-03_B04 ") + b"\xe9.tif"
    (mosaics / "2018-01-02_B04 x.tif").rename(os.fsdecode(odd))
    text = CONFIGURATION.partition('[[collections]]\nid = "vrts"')[0]
    source = quoted("mosaics/{date}_{band}{*}.tif")
    (tmp_path / "site.toml").write_text(text.format(output='"site"', source=source))
    ran = run_here("build", tmp_path / "site.toml")
    assert (ran.code, ran.out) == (1, "cogs: 1 layer rendered, 0 kept, 1 failure\n")
    assert "2018-01-03_B04 \\xe9.tif has a name that is not UTF-8" in ran.err


def test_a_name_that_xml_can_not_hold(tmp_path: Path) -> None:
    """A VRT can't name a file by a control character: it is set aside, and the remedy is told."""
    inside = tmp_path / "site" / "in"
    write_raster(inside / "2018-01-01_B04 x.tif", 1, tiled=True)
    write_raster(tmp_path / "plain.tif", 2, tiled=True).rename(inside / "2018-01-02_B04 \x01.tif")
    text = CONFIGURATION.partition("[[collections]]")[0].format(output='"site"')
    text += (
        '[[collections]]\nid = "vrts"\nlayout = "vrt"\nsource = "site/in/{date}_{band} {*}.tif"\n'
    )
    (tmp_path / "site.toml").write_text(text + "bands.B04 = { nodata = 0 }\n")
    ran = run_here("build", tmp_path / "site.toml")
    assert (ran.code, ran.out) == (1, "vrts: 1 layer rendered, 0 kept, 1 failure\n")
    assert (
        "its path in the site holds a backslash or a control character; rename it, or state layout"
        in ran.err
    )

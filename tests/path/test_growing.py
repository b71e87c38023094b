"""The page "From casual to dedicated" runs, step by step, and each step gives the same curves."""

import re
import shutil
import textwrap
from collections.abc import Iterator
from datetime import date
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

from shoestring_builder.build import build
from support.command import run_here
from support.dask_cluster import DaskCluster
from support.faulty_server import FaultyServer
from support.mosaics import write_configuration, write_raster
from support.python import python

pytestmark = pytest.mark.once
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "growing.md").read_text("utf-8")
URL = "http://127.0.0.1:8000/"
COPY = "/shared/ghana"
SCHEDULER = "tcp://head-node:8786"
CONFIGURATION = """\
[catalogue]
id = "ghana"
settle = "0 seconds"
[[collections]]
id = "s2-l2a"
source = "mosaics/{date}_{band}.tif"
[collections.bands.B04]
nodata = 0
[collections.bands.B08]
nodata = 0
"""


def blocks(language: str) -> list[str]:
    """The page's code blocks in a language, in order."""
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    return [textwrap.dedent(block) for block in found]


FIRST, CACHED, OFFLINE, COPIED, CLUSTER = blocks("python")


def changed(program: str, line: str) -> str:
    """The program with one of the page's lines in the place of that which does the same."""
    start = line.strip().partition(" = ")[0] + " = "
    place = [own for own in program.splitlines() if own.lstrip().startswith(start)]
    assert len(place) == 1, place
    indent = place[0][: len(place[0]) - len(place[0].lstrip())]
    return program.replace(place[0], indent + line.strip())


def spread(program: str) -> str:
    """The program on a cluster: the page's last block in the place of its last line but one."""
    *more, last = CLUSTER.strip().splitlines()
    return changed(program, "\n".join([last])).replace(last, "\n".join([*more, last]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dates and two bands where the page's fields lie."""
    folder = tmp_path_factory.mktemp("ghana")
    for day in (1, 2):
        for band, low in (("B04", 200), ("B08", 2000)):
            pixels = np.random.default_rng(day + low).integers(low, 2 * low, (150, 150))
            name = folder / "mosaics" / f"{date(2018, 4, day)}_{band}.tif"
            write_raster(name, pixels, origin=(735_800.0, 1_040_500.0))
    assert not build(write_configuration(folder, CONFIGURATION), progress=False).failed
    return folder / "site"


@pytest.fixture
def server(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """The site on a server; and a home of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SHOESTRING_CACHE", raising=False)
    with FaultyServer(site) as server:
        yield server


def run(program: str, folder: Path, server: FaultyServer, copy: str = COPY) -> tuple[str, int]:
    """What a program prints, and how many requests it made."""
    before = len(server.requests)
    script = folder / "program.py"
    script.write_text(program.replace(URL, server.address).replace(COPY, copy), "utf-8")
    ran = python(folder, "-W", "error::UserWarning", script)
    assert ran.code == 0, ran.err
    return ran.out, len(server.requests) - before


def test_each_step_changes_one_line_and_gives_the_same(
    server: FaultyServer, tmp_path: Path
) -> None:
    """From the URL over the cache to no line at all: the same curves, and requests as the page says."""
    plain, _ = run(FIRST, tmp_path, server)
    assert plain.count("datetime.date(2018, 4, 2)") == 2
    assert run(changed(FIRST, CACHED), tmp_path, server)[0] == plain
    again, requests = run(changed(FIRST, CACHED), tmp_path, server)
    assert (again, requests) == (plain, 2)  # each field opens the catalogue
    assert run(changed(FIRST, OFFLINE), tmp_path, server) == (plain, 0)
    assert (tmp_path / ".cache" / "shoestring").is_dir()


def test_a_copy_is_read_by_the_same_program_here_and_on_a_cluster(
    server: FaultyServer, site: Path, tmp_path: Path
) -> None:
    """A copy on a disk, and a cluster beside it: the same curves, and no request."""
    copy = str(shutil.copytree(site, tmp_path / "shared"))
    plain, _ = run(FIRST, tmp_path, server)
    here = changed(FIRST, COPIED)
    assert run(here, tmp_path, server, copy) == (plain, 0)
    with DaskCluster(2) as cluster:
        program = spread(here).replace(SCHEDULER, cluster.address)
        assert cluster.address in program
        assert run(program, tmp_path, server, copy) == (plain, 0)


def test_the_page_of_the_cache_runs(server: FaultyServer, tmp_path: Path) -> None:
    """Its two examples, as they stand there, of which the second one saves what the first one fetched."""
    page = (ROOT / "docs" / "cache.md").read_text("utf-8")
    first, second = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    given = f"import shoestring\nurl, folder = {URL!r}, '~/.cache/shoestring'\n"
    region = (-0.850, 9.400, -0.842, 9.404)
    program = given + first.replace("https://example.org/ghana", URL) + second
    program = program.replace('"fields.geojson"', repr(region))
    assert run(program, tmp_path, server)[1] > 2
    assert run(program, tmp_path, server)[1] == 2


@pytest.mark.skipif(
    not entry_points(group="shoestring.commands", name="pull"),
    reason="`shoestring pull` is missing.",
)
def test_the_line_that_pulls_makes_the_copy(server: FaultyServer, tmp_path: Path) -> None:
    """`shoestring pull URL DIR` brings what the program then reads."""
    (line,) = blocks("sh")
    words = line.replace(URL, server.address).replace(COPY, str(tmp_path / "shared")).split()
    assert words[:2] == ["shoestring", "pull"]
    ran = run_here(*words[1:])
    assert ran.code == 0, ran.err
    plain, _ = run(FIRST, tmp_path, server)
    assert run(changed(FIRST, COPIED), tmp_path, server, str(tmp_path / "shared")) == (plain, 0)

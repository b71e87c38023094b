"""The page on pulling runs, as it stands there."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shoestring_builder.build import build
from support.mosaics import write_configuration
from support.nginx import Nginx
from support.pulled import CONFIGURATION, faults, write_date

pytestmark = pytest.mark.once
PAGE = Path(__file__).parents[2] / "docs" / "pull.md"
ADDRESS = "https://example.org/ghana/"
DISTRICT = {
    "type": "Polygon",
    "coordinates": [[[-2.99, 36.12], [-2.975, 36.121], [-2.976, 36.135], [-2.99, 36.12]]],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where somebody works who has a district and no site."""
    folder = tmp_path / "work"
    (folder / "stick").mkdir(parents=True)
    (folder / "district.geojson").write_text(json.dumps(DISTRICT), "utf-8")
    return folder


@pytest.fixture
def address(nginx: Callable[..., Nginx], tmp_path: Path) -> str:
    """The page's site."""
    project = tmp_path / "project"
    for day in (1, 2, 3):
        write_date(project, day)
    text = CONFIGURATION.replace('id = "s2"', 'id = "s2-l2a"')
    assert not build(write_configuration(project, text), progress=False).failed
    return f"{nginx(project / 'site').http}/"


def test_page_runs(folder: Path, address: str) -> None:
    """All commands and programs of the page run, in their order, and leave whole sites behind."""
    for language, block in re.findall(
        r"^```(sh|python)\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S
    ):
        text = block.replace(ADDRESS, address)
        if language == "sh":
            for line in text.splitlines():
                run(line, folder)
        else:
            (folder / "program.py").write_text("import shoestring\n" + text, "utf-8")
            run(f'"{sys.executable}" -W error program.py', folder)
    copies = {path.parent.name for path in folder.rglob("catalog.json")}
    assert copies == {"ghana", "ghana-red", "district", "field"}
    for name in ("ghana", "ghana-red", "district", "field", "stick/district"):
        assert faults(folder / name) == ()


def run(line: str, folder: Path) -> None:
    """Run a command line in a folder, with this environment's programs."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        line, shell=True, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stderr}"

"""R reads the site by terra, stars and sf."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from support.door_site import DATES, SHAPE, DoorSite
from support.foreign import run_lines
from support.page_lines import page_lines
from support.tools import require_tool

QUIET = """
options(conflicts.policy = list(warn = FALSE))
for (name in c("terra", "stars", "sf", "jsonlite"))
  suppressPackageStartupMessages(library(name, character.only = TRUE))
"""
AFTER = """
write <- function(values, name) writeBin(as.double(as.vector(values)), name)
write(values(red), "red.bin")
write(values(field), "field.bin")
write(season[[1]], "season.bin")
cat(toJSON(list(names = names(red), dates = items$shoestring.date, clear = clear$shoestring.date)))
"""
VERSIONS = """
cat(as.character(getRversion()), paste(c("terra", "stars", "sf"), sapply(
  c("terra", "stars", "sf"), function(name) as.character(packageVersion(name)))), sep = ", ")
"""


@pytest.fixture
def rscript(record_property: Callable[[str, object], None]) -> list[str]:
    """R's program for scripts, without anybody's settings."""
    program = [require_tool("Rscript"), "--vanilla"]
    command = [*program, "-e", VERSIONS.replace("\n", " ")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    record_property("version", done.stdout.strip())
    return program


def read(path: Path, *shape: int) -> npt.NDArray[np.float64]:
    """Numbers as R wrote them."""
    return np.fromfile(path, "f8").reshape(shape)


@pytest.mark.door("R")
def test_the_page_reads_a_season(doors: DoorSite, tmp_path: Path, rscript: list[str]) -> None:
    """Values of terra and stars, and the table of sf are the source's."""
    lines = QUIET + page_lines("doors/r.md", "r") + AFTER
    found = json.loads(run_lines(doors, tmp_path, lines, rscript))
    assert found["names"] == list(DATES)
    assert sorted(found["dates"]) == list(DATES)
    stored = np.stack([doors.pixels["s2-l2a", date, "B04"] for date in DATES])
    values = np.where(stored == 0, np.nan, stored * 0.0001 - 0.1)
    window = (slice(None), slice(100, 400), slice(200, 500))
    red = read(tmp_path / "red.bin", len(DATES), *SHAPE)
    np.testing.assert_allclose(red, values, rtol=0, atol=1e-7)
    field = read(tmp_path / "field.bin", len(DATES), 300, 300)
    np.testing.assert_allclose(field, values[window], rtol=0, atol=1e-7)
    season = read(tmp_path / "season.bin", len(DATES), 300, 300)
    np.testing.assert_allclose(season, values[window], rtol=0, atol=1e-7)
    clear = {
        date for date in DATES if (doors.pixels["s2-l2a", date, "SCL"] == 4).mean() > 0.5
    }  # fmt: skip
    assert set(found["clear"]) == clear

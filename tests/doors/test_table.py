"""The table of programs: made from what the tests found, and true to them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.page_lines import DOCS

TOOL = DOCS.parent / "tools/doors_table.py"
PAGE = """\
# Programs

<!-- table: make docs -->
<!-- end of the table -->

Words.
"""
RESULTS = [
    {"consumer": "terra", "version": "1.7", "test": "tests/doors/test_r.py::test_a",
     "fact": "Reads | writes.", "outcome": "passed", "reason": "", "limit": False},
    {"consumer": "terra", "version": "1.7", "test": "tests/doors/test_r.py::test_b",
     "fact": "GTI is refused.", "outcome": "passed", "reason": "", "limit": True},
    {"consumer": "GDAL", "version": "", "test": "tests/doors/test_gdal.py::test_a",
     "fact": "Reads.", "outcome": "skipped", "reason": "gdalinfo is not installed.", "limit": False},
]  # fmt: skip
TABLE = """\
| program | version tried | works | does not |
|---|---|---|---|
| GDAL |  |  | Not tried: gdalinfo is not installed. |
| [terra](r.md) | 1.7 | Reads \\| writes. | GTI is refused. |
"""


def make(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the tool on a folder's page and results."""
    own = ["--page", str(folder / "index.md"), "--results", str(folder / "results.json")]
    command = [sys.executable, str(TOOL), *own, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page without a table yet, a program's page, and what tests found."""
    (tmp_path / "index.md").write_text(PAGE)
    (tmp_path / "r.md").write_text("# R\n")
    (tmp_path / "results.json").write_text(json.dumps(RESULTS))
    return tmp_path


def test_a_row_is_a_program(folder: Path) -> None:
    """Programs are rows by name, with their pages, versions, and what does and does not work."""
    assert make(folder).returncode == 0
    text = (folder / "index.md").read_text()
    assert TABLE in text
    assert text.endswith("<!-- end of the table -->\n\nWords.\n")


def test_the_table_is_checked_but_for_versions(folder: Path) -> None:
    """Another version passes the check; another fact does not, and the sentence tells the remedy."""
    make(folder)
    results = [{**result, "version": "9"} for result in RESULTS]
    (folder / "results.json").write_text(json.dumps(results))
    assert make(folder, "--check").returncode == 0
    results[0]["fact"] = "Reads all."
    (folder / "results.json").write_text(json.dumps(results))
    done = make(folder, "--check")
    assert done.returncode == 1
    assert "run `make docs` and commit it" in done.stderr


def test_a_failed_test_makes_no_table(folder: Path) -> None:
    """Where a test failed the page stays as it is, and the test is named."""
    results = [*RESULTS, {**RESULTS[0], "outcome": "failed"}]
    (folder / "results.json").write_text(json.dumps(results))
    done = make(folder)
    assert "tests/doors/test_r.py::test_a" in done.stderr
    assert (folder / "index.md").read_text() == PAGE


def test_the_committed_table_holds_each_fact(request: pytest.FixtureRequest) -> None:
    """Each test of a program in this run is in the documentation's table, by its program and fact."""
    lines = (DOCS / "doors/index.md").read_text("utf-8").splitlines()
    rows = [line.replace("\\|", "|") for line in lines if line.startswith("| ")]
    missing = []
    for item in request.session.items:
        marker = item.get_closest_marker("door")
        fact = " ".join((getattr(item, "function", item).__doc__ or "").split())
        if marker and not any(marker.args[0] in row and _told(item, fact, row) for row in rows):
            missing.append((marker.args[0], fact))
    assert missing == []


def _told(item: pytest.Item, fact: str, row: str) -> bool:
    """Whether a row tells what a test proves; what can't work yet is told by its reason."""
    expected = item.get_closest_marker("xfail")
    return fact in row or "Not tried" in row or bool(expected and expected.kwargs["reason"] in row)

"""Two stages of tests: every test belongs to one, and the second one tells what it found."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFTEST = """
from pathlib import Path
import pytest
from support.door_results import DoorResults

def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "door(consumer): a tool")
    config.pluginmanager.register(DoorResults(Path("results.json")))
"""
TESTS = '''
import pytest

@pytest.mark.door("R")
def test_good(record_property):
    """It reads."""
    record_property("version", "4.2")

@pytest.mark.door("R")
def test_bad():
    """It writes."""
    raise ValueError("no")

@pytest.mark.door("QGIS")
def test_absent():
    """It draws,
    and well."""
    pytest.skip("QGIS is not installed.")

@pytest.mark.door("QGIS")
@pytest.mark.xfail(reason="its GDAL is too old")
def test_weak():
    """It opens a tile index."""
    raise ValueError("no")

@pytest.mark.door("R", limit=True)
def test_limit():
    """It refuses."""

def test_other():
    """It is about no tool."""
'''


def _run(folder: Path, *tests: str) -> list[dict[str, str]]:
    program = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    subprocess.run(program, cwd=folder, env=environment, capture_output=True, check=False)
    found: list[dict[str, str]] = json.loads((folder / "results.json").read_text("utf-8"))
    return found


def test_every_folder_of_tests_is_run_by_a_stage() -> None:
    """`make test` runs all folders of tests but `doors`, which `make test-doors` runs."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    first = {Path(path).name for path in settings["tool"]["pytest"]["ini_options"]["testpaths"]}
    folders = {path.name for path in (ROOT / "tests").iterdir() if any(path.rglob("test_*.py"))}
    assert first | {"doors"} == folders
    assert "pytest -q --timeout 600 $(DOORS)" in (ROOT / "Makefile").read_text("utf-8")


def test_the_outcome_of_each_door_is_kept(tmp_path: Path) -> None:
    """Consumer, version, fact, outcome and reason of each marked test are in the results."""
    (tmp_path / "conftest.py").write_text(CONFTEST, "utf-8")
    (tmp_path / "test_tools.py").write_text(TESTS, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    keys = "consumer", "version", "fact", "outcome", "reason", "limit"
    assert [tuple(own[key] for key in keys) for own in _run(tmp_path)] == [
        ("QGIS", "", "It draws, and well.", "skipped", "QGIS is not installed.", False),
        ("QGIS", "", "It opens a tile index.", "xfailed", "its GDAL is too old", False),
        ("R", "", "It writes.", "failed", "", False),
        ("R", "4.2", "It reads.", "passed", "", False),
        ("R", "", "It refuses.", "passed", "", True),
    ]


def test_a_run_of_some_files_keeps_what_others_told(tmp_path: Path) -> None:
    """What tests of other files found stays; what a file no longer holds goes."""
    (tmp_path / "conftest.py").write_text(CONFTEST, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    for name in ("a", "b"):
        (tmp_path / f"test_{name}.py").write_text(TESTS, "utf-8")
    assert len(_run(tmp_path)) == 10
    (tmp_path / "test_b.py").write_text(TESTS.replace("test_good", "test_fine"), "utf-8")
    tests = [own["test"] for own in _run(tmp_path, "test_b.py")]
    assert len(tests) == 10
    assert "test_b.py::test_fine" in tests
    assert "test_b.py::test_good" not in tests
    assert "test_a.py::test_good" in tests

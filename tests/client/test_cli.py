"""The command line: results on standard output, all else on standard error."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import rasterio

from support.command import run_here
from support.site import UTM, SiteFolder, box_in, numbers


@pytest.fixture
def site(tmp_path: Path) -> SiteFolder:
    """Three dates of a band with a mask; the second date is cloudy."""
    bands = {"B04": {"data_type": "uint16", "nodata": 0}, "SCL": {"data_type": "uint8"}}
    made = SiteFolder(tmp_path / "site", bands, mask={"band": "SCL", "clear": [4]})
    for number in range(3):
        made.add(f"2018-01-0{number + 1}", "B04", numbers(UTM.shape, seed=number))
        cloud = numbers(UTM.shape, "uint8") * 0 + (9 if number == 1 else 4)
        made.add(f"2018-01-0{number + 1}", "SCL", cloud)
    (tmp_path / "field.json").write_text(json.dumps(box_in(UTM, (2, 9), (3, 9))), encoding="utf-8")
    return made.write()


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    done = run_here(*arguments)
    return done.code, done.out, done.err


def test_info_tells_what_a_catalogue_holds(site: SiteFolder) -> None:
    """`shoestring info` shows the catalogue and its collections on standard output."""
    code, out, err = run("info", site.folder)
    assert (code, err) == (0, "")
    assert "3, from 2018-01-01 to 2018-01-03" in out
    assert "B04 (uint16), SCL (uint8)" in out


def test_extract_lists_files_and_tells_what_was_left_out(site: SiteFolder, tmp_path: Path) -> None:
    """`shoestring extract` lists the files; the dates left out go to standard error."""
    code, out, err = run("extract", site.folder, "fields", "--band", "B04", "--roi", tmp_path / "field.json",
                         "--out", tmp_path / "out")  # fmt: skip
    assert code == 0
    names = ["fields_B04_2018-01-01.tif", "fields_B04_2018-01-03.tif"]
    assert out.splitlines() == [str(tmp_path / "out" / name) for name in names]
    assert err == "Left out, not clear enough: 2018-01-02 (0% clear)\n"
    with rasterio.open(tmp_path / "out" / names[0]) as file:
        assert file.shape == (7, 6)


def test_extract_takes_dates_bands_and_kinds(site: SiteFolder, tmp_path: Path) -> None:
    """Dates, several bands, a bounding box and unmasked windows can be asked for."""
    code, out, err = run("extract", site.folder, "fields", "--band", "B04", "--band", "SCL",
                         "--roi", "-2.09,7.232,-2.087,7.2345", "--from", "2018-01-02", "--to", "2018-01-02",
                         "--unmasked", "--out", tmp_path / "out")  # fmt: skip
    assert (code, err) == (0, "")
    assert [Path(line).name for line in out.splitlines()] == [
        "fields_B04_2018-01-02.tif",
        "fields_SCL_2018-01-02.tif",
    ]
    code, out, err = run("extract", site.folder, "fields", "--roi", "-2.09,7.232,-2.087,7.2345", "--from", "2018-01-03",
                         "--scaled", "--min-clear", "0.5", "--out", tmp_path / "out2")  # fmt: skip
    assert (code, len(out.splitlines()), err) == (0, 2, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["info", "nowhere"], "nowhere does not exist: give a site's folder"),
        (["info", "ftp://host/"], "only http and https addresses are"),
        (["extract", "SITE", "filds", "--roi", "0,0,1,1", "--out", "out"], "did you mean 'fields'"),
        (["extract", "SITE", "fields", "--roi", "0,0,1,1", "--out", "out"], "lies outside of the collection's grid"),
        (["extract", "SITE", "fields", "--roi", "none.json", "--out", "out"], "none.json does not exist"),
        (["extract", "SITE", "fields", "--band", "B4", "--roi", "0,0,1,1", "--out", "out"], "did you mean 'B04'"),
        (["extract", "SITE", "fields", "--from", "soon", "--roi", "0,0,1,1", "--out", "out"], "is not a date"),
    ],
)  # fmt: skip
def test_a_failure_is_one_sentence(site: SiteFolder, arguments: list[str], says: str) -> None:
    """A failure is one plain sentence on standard error, with exit code 1 and no traceback."""
    code, out, err = run(
        *(site.folder if argument == "SITE" else argument for argument in arguments)
    )
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert says in err
    assert err.count("\n") == 1


def test_verbose_adds_the_traceback(site: SiteFolder) -> None:
    """With --verbose the traceback is shown, and the sentence still comes last."""
    code, _, err = run("--verbose", "info", "nowhere")
    assert code == 1
    assert "Traceback (most recent call last)" in err
    assert err.splitlines()[-1].startswith("Error: nowhere does not exist")


@pytest.mark.parametrize(
    "arguments",
    [["extract"], ["info"], ["nonsense"], ["info", "a", "b"], ["info", "--nonsense", "a"],
     ["extract", "a", "b", "--roi", "x", "--out", "y", "--min-clear", "7"],
     ["info", "a", "--ca-bundle", "/none.pem"]],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    """Wrong usage says how it is meant, with exit code 2."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Usage:" in err


def test_help_lists_all_verbs() -> None:
    """The verbs of all packages are listed, each with its sentence."""
    code, out, _ = run("--help")
    assert code == 0
    for verb in ("build", "check", "demo", "extract", "info", "serve"):
        assert f"\n  {verb} " in out


def test_the_module_runs_as_the_command(site: SiteFolder) -> None:
    """`python -m shoestring` is the command."""
    command = [sys.executable, "-m", "shoestring", "info", str(site.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "Collection fields" in done.stdout
    assert done.stderr == ""

"""What `shoestring build` says while it works, and its exit codes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shoestring_builder.build import build
from shoestring_builder.cli import EXIT_CODES
from shoestring_schema import errors
from shoestring_schema.errors import ShoestringError
from support.command import run_here, shoestring
from support.mosaics import write_configuration, write_season

ROOT = Path(__file__).parents[2]
STEPS = [
    "s2: inventory", "s2: plan", "clean-up", "s2: render", "s2: index", "s2: describe", "publish",
]  # fmt: skip
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of three dates of sources."""
    return write_configuration(write_season(tmp_path))


def test_no_news_is_no_mail(config: Path) -> None:
    """Where nobody looks, nothing goes to standard error: cron mails whatever is printed."""
    ran = shoestring("build", config)
    assert (ran.code, ran.err) == (0, "")


def test_a_line_a_step(config: Path) -> None:
    """With --log each step says what it did and how long it took, in order."""
    ran = run_here("build", config, "--log")
    lines = ran.err.splitlines()
    found = [re.fullmatch(rf"{TIME} (.+): (.+) \([0-9]+\.[0-9] s\)", line) for line in lines]
    assert [match[1] for match in found if match] == STEPS
    assert [match[2] for match in found if match] == [
        "6 layers, 0 bad", "6 to render, 0 kept", "0 files, 0 bytes", "6 rendered, 0 used again",
        "6 layers, 0 failed", f"{_documents(config)} documents", "1 new",
    ]  # fmt: skip
    assert ran.out == "s2: 6 layers rendered, 0 kept\n"


def _documents(config: Path) -> int:
    site = config.parent / "site/s2/2018"
    return sum(1 for path in site.iterdir() if path.suffix not in (".tif", ".png", ".bin"))


def test_lines_for_programs(config: Path) -> None:
    """With --log-json each line is a JSON object: numbers of a step, or a sentence."""
    (config.parent / "mosaics/S2_2018-01-02_B04.tif").write_bytes(b"")
    ran = run_here("build", config, "--log-json")
    assert ran.code == 1
    *steps, failure = [json.loads(line) for line in ran.err.splitlines()]
    assert all(re.fullmatch(TIME, entry.pop("time")) for entry in (*steps, failure))
    assert [entry["step"] for entry in steps] == [own.rpartition(" ")[2] for own in STEPS]
    assert {entry["level"] for entry in steps} == {"info"}
    assert all(entry["seconds"] >= 0 for entry in steps)
    assert (steps[3]["collection"], steps[3]["rendered"], steps[3]["used_again"]) == ("s2", 5, 0)
    assert failure["level"] == "warning"
    assert "S2_2018-01-02_B04.tif" in failure["message"]


def test_an_error_for_programs(tmp_path: Path) -> None:
    """With --log-json an error is a JSON object too, and the exit code is the error's."""
    ran = run_here("build", tmp_path / "none.toml", "--log-json")
    (entry,) = [json.loads(line) for line in ran.err.splitlines()]
    assert (ran.code, entry["level"]) == (78, "error")
    assert "none.toml can't be read" in entry["message"]


def test_the_log_ends_with_the_run(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A build by the library after one with --log says nothing."""
    run_here("build", config, "--log")
    build(config)
    assert capsys.readouterr().err == ""


def documented(text: str) -> Iterator[tuple[int, str]]:
    """Exit codes in a text, and what they mean."""
    for code, meaning in re.findall(
        r"^\|? *`?([0-9]+)`? *\|? +([a-z].*?)[ |]*$", text, re.MULTILINE
    ):
        yield int(code), meaning


def test_every_exit_code_is_documented() -> None:
    """The codes that errors of the builder end with stand in --help and in the documentation, in one wording."""
    by_help = dict(documented(EXIT_CODES))
    assert by_help == dict(documented((ROOT / "docs/unattended.md").read_text("utf-8")))
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, ShoestringError)}
    assert codes | {0, 2} == by_help.keys()


def test_help_tells_the_exit_codes() -> None:
    """They stand in the help, a line each."""
    ran = run_here("build", "--help")
    assert len(list(documented(ran.out))) == len(list(documented(EXIT_CODES)))

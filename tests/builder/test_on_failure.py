"""The command that tells the owner of a failure."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from shoestring_builder.publish.site_folder import open_site
from shoestring_builder.watch import on_failure
from shoestring_builder.watch.on_failure import Command, call, command_of
from shoestring_schema.errors import PublishError
from support.command import run_here, start
from support.mosaics import CONFIGURATION, write_configuration, write_season

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="The commands are of a POSIX shell."
)

NOTE = "env | grep ^SHOESTRING_ | sort > facts; cat > reasons"


def project(folder: Path, command: str = NOTE, text: str = CONFIGURATION) -> Path:
    """Sources of one date, and a configuration with a command; the configuration."""
    write_season(folder, dates=1)
    line = f"id = \"test\"\non_failure = '{command}'"
    return write_configuration(folder, text.replace('id = "test"', line))


def facts(folder: Path) -> dict[str, str]:
    """What the command noted of its environment; nothing where it was not called."""
    path = folder / "facts"
    return (
        dict(line.split("=", 1) for line in path.read_text().splitlines()) if path.exists() else {}
    )


def test_a_source_that_can_not_be_used(tmp_path: Path) -> None:
    """The command gets the sentences on its standard input, and the facts as variables."""
    config = project(tmp_path)
    bad = tmp_path / "mosaics/S2_2018-01-01_B04.tif"
    bad.write_bytes(b"")
    ran = run_here("build", config)
    assert ran.code == 1
    assert (tmp_path / "reasons").read_text() == ran.err
    assert facts(tmp_path) == {
        "SHOESTRING_CATALOGUE": "test",
        "SHOESTRING_CONFIG": str(config),
        "SHOESTRING_EXIT": "1",
        "SHOESTRING_SITE": str(tmp_path / "site"),
    }


def test_no_failure_is_not_told(tmp_path: Path) -> None:
    """Neither a run that publishes nor one that finds nothing new calls it."""
    config = project(tmp_path)
    assert [run_here("build", config).code for _ in range(2)] == [0, 0]
    assert facts(tmp_path) == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [("bands.B04]", "bands.B05]"), ("nodata = 0\nscale", "no_data = 0\nscale")],
)
def test_a_wrong_configuration(tmp_path: Path, old: str, new: str) -> None:
    """A mistake anywhere else in the configuration does not keep the command from being called."""
    ran = run_here("build", project(tmp_path, text=CONFIGURATION.replace(old, new)))
    assert ran.code == 78
    assert ran.err == f"Error: {(tmp_path / 'reasons').read_text()}"
    assert facts(tmp_path)["SHOESTRING_EXIT"] == "78"


def test_a_site_that_can_not_be_written(tmp_path: Path) -> None:
    """A run that stops altogether is told, with its own exit code."""
    config = project(tmp_path)
    (tmp_path / "site").write_text("mine: a file where a folder should be")
    assert run_here("build", config).code == 73
    assert "is a file" in (tmp_path / "reasons").read_text()
    assert facts(tmp_path)["SHOESTRING_EXIT"] == "73"


def test_a_mistake_of_the_builder_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody thought of is told as well."""

    def broken(*_: object, **__: object) -> None:
        raise ArithmeticError("no such number")

    monkeypatch.setattr("shoestring_builder.build.take_inventory", broken)
    with pytest.raises(ArithmeticError, match="no such number"):
        run_here("build", project(tmp_path))
    assert (tmp_path / "reasons").read_text() == (
        "The builder itself failed: ArithmeticError: no such number\n"
    )
    assert facts(tmp_path)["SHOESTRING_EXIT"] == "1"


def test_another_builder_at_work_is_no_failure(tmp_path: Path) -> None:
    """Exit code 75 is not told."""
    config = project(tmp_path)
    (tmp_path / "site").mkdir()
    with open_site(tmp_path / "site"):
        assert run_here("build", config).code == 75
    assert facts(tmp_path) == {}


def test_what_the_caller_tries_again_is_no_failure_yet(tmp_path: Path) -> None:
    """An exit code that is named by --retried is not told; any other is."""
    config = project(tmp_path)
    (tmp_path / "site").write_text("mine")
    assert run_here("build", config, "--retried", "71", "--retried", "73").code == 73
    assert facts(tmp_path) == {}
    assert run_here("build", config, "--retried", "71").code == 73
    assert facts(tmp_path)["SHOESTRING_EXIT"] == "73"


def test_a_command_that_fails_is_one_sentence(tmp_path: Path) -> None:
    """Its own failure is told, and changes neither the run's exit code nor its reason."""
    config = project(tmp_path, "echo no such user >&2; exit 7")
    (tmp_path / "mosaics/S2_2018-01-01_B04.tif").write_bytes(b"")
    ran = run_here("build", config)
    assert ran.code == 1
    assert ran.err.splitlines()[-1] == (
        "on_failure = 'echo no such user >&2; exit 7' ended with exit code 7 (no such user): try "
        "it by hand."
    )
    assert ran.err.count("\n") == 2


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time it is ended, with all that it has started."""
    monkeypatch.setattr(on_failure, "SECONDS", 0.2)
    config = project(tmp_path, "echo $$ > shell; sleep 600 & echo $! > child; wait")
    (tmp_path / "site").write_text("mine")
    begun = time.monotonic()
    ran = run_here("build", config)
    assert ran.code == 73
    assert "took longer than 0 seconds and was ended" in ran.err
    assert time.monotonic() - begun < 60
    for name in ("shell", "child"):
        assert _is_gone(int((tmp_path / name).read_text()))


def _is_gone(process: int) -> bool:
    """Whether a process has ended, or is about to."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_a_command_that_reads_nothing(tmp_path: Path) -> None:
    """It need not read the reasons, however many there are."""
    command = Command("true", tmp_path, {})
    assert call(command, 1, ["x" * 1000] * 1000, 60) is None


def test_a_reason_of_any_bytes(tmp_path: Path) -> None:
    """A file name that is no UTF-8 can be told."""
    command = Command("cat > reasons", tmp_path, {})
    assert call(command, 1, [os.fsdecode(b"\xff.tif")], 60) is None
    assert (tmp_path / "reasons").read_text() == "?.tif\n"


@pytest.mark.parametrize("text", ["", "[catalogue", "catalogue = 3", "[catalogue]\non_failure = 3"])
def test_a_file_that_names_no_command(tmp_path: Path, text: str) -> None:
    """From what is no configuration at all no command is called."""
    assert command_of(write_configuration(tmp_path, text)) is None
    assert command_of(tmp_path / "none.toml") is None


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="This system has no SIGTERM to catch.")
def test_a_run_that_is_ended_by_a_signal(tmp_path: Path) -> None:
    """SIGTERM, as of a time limit, is a failure with exit code 143, in the status as well."""
    config = project(tmp_path)
    assert run_here("build", config).code == 0
    write_season(tmp_path, dates=40)
    config.write_text(config.read_text().replace('"0 seconds"', '"10 minutes"'))
    with start("build", config) as process:  # which will wait for the new files to settle
        journal = tmp_path / "site/.staging/journal"
        while process.poll() is None and not journal.exists():
            time.sleep(0.01)
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, "")
    assert facts(tmp_path)["SHOESTRING_EXIT"] == "143"
    assert '"exit":143' in (tmp_path / "site/status.json").read_text()


def test_ctrl_c_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who presses Ctrl-C knows."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shoestring_builder.build.take_inventory", interrupted)
    run_here("build", project(tmp_path))
    assert facts(tmp_path) == {}


def test_sigterm_is_as_it_was_afterwards(tmp_path: Path) -> None:
    """A build within a program leaves what that program does on SIGTERM alone."""
    before = signal.getsignal(signal.SIGTERM)
    assert run_here("build", project(tmp_path)).code == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_publish_errors_have_their_code() -> None:
    """What the environment tells is what the command ends with."""
    assert on_failure.exit_code(PublishError("x")) == 73
    assert on_failure.exit_code(SystemExit("x")) == 1
    assert on_failure.exit_code(SystemExit(None)) == 0
    assert on_failure.exit_code(KeyboardInterrupt()) == 130

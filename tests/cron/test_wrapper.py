"""`shoestring-cron`, run for real: what it does with builds that fail, hang and succeed."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.command import Ran
from support.mosaics import write_configuration, write_season
from support.tools import require_tool

ROOT = Path(__file__).parents[2]
WRAPPER = ROOT / "cron/shoestring-cron"
SHELLS = ("dash", "bash", "busybox")

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform == "win32", reason="The wrapper is for POSIX systems."),
]


def wrapper(config: Path, *more: str, command: str | None = None, **settings: str) -> Ran:
    """Run the wrapper over a command, by default the real one, in an environment like cron's."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(config.parent), "SHELL": "/bin/sh"}
    program = command or str(Path(sys.executable).with_name("shoestring"))
    environment |= {"SHOESTRING": program, "SHOESTRING_PAUSE": "0"}
    named = {f"SHOESTRING_{key}": own for key, own in settings.items()}
    done = subprocess.run(
        [WRAPPER, config, *more], env=environment | named, cwd="/", stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


def stand_in(folder: Path, text: str) -> str:
    """A command that stands in for ``shoestring``, a shell script; it notes how it was called."""
    path = folder / "stand-in"
    path.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/calls"\n{text}\n')
    path.chmod(0o755)
    return str(path)


def calls(folder: Path) -> list[str]:
    """With what the stand-in was called."""
    return (folder / "calls").read_text().splitlines()


def log(folder: Path, name: str = "site") -> str:
    """The log where it is by default."""
    return (folder / f".local/state/shoestring/{name}.log").read_text()


def test_shellcheck_finds_nothing() -> None:
    """The scripts of cron/ have none of the mistakes that shellcheck knows."""
    scripts = [WRAPPER, ROOT / "cron/slurm.sh"]
    done = subprocess.run([require_tool("shellcheck"), *scripts], capture_output=True, check=False)
    assert done.stdout.decode() == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_it_is_plain_sh(shell: str) -> None:
    """Several shells can read it."""
    command = [require_tool(shell)] + (["sh"] if shell == "busybox" else [])
    done = subprocess.run([*command, "-n", WRAPPER], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_build_that_succeeds_says_nothing(tmp_path: Path) -> None:
    """A real build: the site is there, nothing is printed, and the log has a line a step."""
    config = write_configuration(write_season(tmp_path, dates=1))
    ran = wrapper(config)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert (tmp_path / "site/catalog.json").is_file()
    assert "s2: 2 layers rendered, 0 kept" in log(tmp_path)
    assert re.search("s2: render: 2 rendered", log(tmp_path))
    assert log(tmp_path).endswith("--- exit code 0\n")


def test_a_build_that_fails_is_printed_and_not_tried_again(tmp_path: Path) -> None:
    """A real build of a bad source: cron gets the sentence, and the run is made once."""
    config = write_configuration(write_season(tmp_path, dates=1))
    (tmp_path / "mosaics/S2_2018-01-01_B04.tif").write_bytes(b"")
    ran = wrapper(config)
    assert (ran.code, ran.err) == (1, "")
    assert "S2_2018-01-01_B04.tif" in ran.out
    assert "exit code 1 after 1 tries" in ran.out
    assert log(tmp_path).count("--- exit code") == 1


@pytest.mark.parametrize("code", [2, 78])
def test_what_trying_again_does_not_change(tmp_path: Path, code: int) -> None:
    """Wrong usage and a wrong configuration are failures at once."""
    ran = wrapper(tmp_path / "site.toml", command=stand_in(tmp_path, f"exit {code}"))
    assert (ran.code, len(calls(tmp_path))) == (code, 1)


@pytest.mark.parametrize("code", [71, 73])
def test_what_may_pass_is_tried_again(tmp_path: Path, code: int) -> None:
    """A run that succeeds at its second try is a success, of which nothing is said."""
    once = f"[ -e '{tmp_path}/again' ] || {{ touch '{tmp_path}/again'; exit {code}; }}"
    ran = wrapper(tmp_path / "site.toml", "--workers", "2", command=stand_in(tmp_path, once))
    assert (ran.code, ran.out) == (0, "")
    told = "--retried 71 --retried 73 --retried 143 "
    assert calls(tmp_path) == [f"build --log {told}{tmp_path}/site.toml --workers 2"] * 2
    assert log(tmp_path).count(f"--- exit code {code}") == 1


def test_tries_come_to_an_end(tmp_path: Path) -> None:
    """After the last try it fails; only that one lets the builder call on_failure."""
    command = stand_in(tmp_path, "echo The disk is full.; exit 73")
    ran = wrapper(tmp_path / "site.toml", TRIES="4", command=command)
    assert ran.code == 73
    assert ran.out.splitlines()[0] == "The disk is full."
    assert "exit code 73 after 4 tries" in ran.out
    assert ["--retried" in call for call in calls(tmp_path)] == [True, True, True, False]


def test_another_builder_at_work_is_no_failure(tmp_path: Path) -> None:
    """Exit code 75 is none of the wrapper, which neither tries again nor says anything."""
    ran = wrapper(tmp_path / "site.toml", command=stand_in(tmp_path, "exit 75"))
    assert (ran.code, ran.out, len(calls(tmp_path))) == (0, "", 1)


def test_a_build_that_hangs_is_ended(tmp_path: Path) -> None:
    """After its time a run is ended, tried again, and told in the end."""
    command = stand_in(tmp_path, "sleep 600")
    ran = wrapper(tmp_path / "site.toml", TIMEOUT="0.2s", TRIES="2", command=command)
    assert (ran.code, len(calls(tmp_path))) == (124, 2)
    assert "was ended after 0.2s: the next run goes on from there" in ran.out


def test_logs_are_bounded(tmp_path: Path) -> None:
    """However often it runs and however much it says, there are two files of bounded size."""
    command = stand_in(tmp_path, "yes 0123456789 | head -c 5000")
    for _ in range(12):
        assert wrapper(tmp_path / "site.toml", command=command, LOG_SIZE="9000").code == 0
    folder = tmp_path / ".local/state/shoestring"
    assert sorted(path.name for path in folder.iterdir()) == ["site.log", "site.log.1"]
    assert all(path.stat().st_size < 9000 + 5000 + 500 for path in folder.iterdir())
    noisy = stand_in(tmp_path, "yes 0123456789 | head -c 500000; exit 1")
    ran = wrapper(tmp_path / "site.toml", command=noisy, LOG_SIZE="9000")
    assert len(ran.out) < 21_000
    assert all(path.stat().st_size < 9000 + 9000 + 500 for path in folder.iterdir())


def test_a_log_that_can_not_be_written_is_no_failure(tmp_path: Path) -> None:
    """The site matters more than the log."""
    (tmp_path / "file").write_text("mine")
    command = stand_in(tmp_path, "exit 0")
    ran = wrapper(tmp_path / "site.toml", command=command, LOG=f"{tmp_path}/file/x/site.log")
    assert ran.code == 0


def test_names_with_anything_in_them(tmp_path: Path) -> None:
    """Spaces, quotes, % and $ in paths are no matter."""
    folder = tmp_path / "a b'c\"d%e$f"
    folder.mkdir()
    config = write_configuration(write_season(folder, dates=1))
    assert wrapper(config).code == 0
    assert (folder / "site/catalog.json").is_file()


def test_it_finds_its_builder(tmp_path: Path) -> None:
    """Without SHOESTRING it runs the command beside it, as pip installs them, or says so."""
    config = write_configuration(write_season(tmp_path, dates=1))
    installed = Path(sys.executable).with_name("shoestring-cron")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([installed, config], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    assert installed.read_bytes() == WRAPPER.read_bytes()


def test_without_a_configuration_it_says_how_it_is_used() -> None:
    """Wrong usage is exit code 2."""
    done = subprocess.run([WRAPPER], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: shoestring-cron CONFIG")


def test_who_ends_the_wrapper_ends_the_build(tmp_path: Path) -> None:
    """SIGTERM to the wrapper is handed on, and leaves no process and no temporary file."""
    note = 'trap "echo ended >> calls; exit 143" TERM; echo $$ > pid; sleep 600 & wait'
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    environment["SHOESTRING"] = stand_in(tmp_path, f"cd '{tmp_path}'; {note}")
    with subprocess.Popen([WRAPPER, "x.toml"], env=environment) as process:
        while process.poll() is None and not (tmp_path / "pid").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 143
    assert calls(tmp_path)[1:] == ["ended"]
    assert os.listdir(tmp_path / "tmp") == []


# --- slurm.sh ------------------------------------------------------------------------------


def slurm(folder: Path, command: str, **more: str) -> "subprocess.Popen[bytes]":
    """Start the job as SLURM does, beside an scontrol that takes note."""
    (folder / "bin").mkdir()
    (folder / "bin/scontrol").write_text(f'#!/bin/sh\necho "$@" >> "{folder}/scontrol"\n')
    (folder / "bin/scontrol").chmod(0o755)
    environment = {"PATH": f"{folder}/bin:/usr/bin:/bin", "SHOESTRING": stand_in(folder, command)}
    environment |= {"SLURM_CPUS_PER_TASK": "8", "SLURM_JOB_ID": "17", **more}
    return subprocess.Popen([ROOT / "cron/slurm.sh", folder / "a b.toml"], env=environment)


@pytest.mark.parametrize(("code", "ended"), [(0, 0), (1, 1), (73, 73), (75, 0), (78, 78)])
def test_a_job_ends_as_its_build(tmp_path: Path, code: int, ended: int) -> None:
    """All cores of the job render; its exit code is the build's, but for one that found another."""
    with slurm(tmp_path, f"exit {code}") as job:
        assert job.wait(timeout=60) == ended
    assert calls(tmp_path) == [f"build --log --workers 8 {tmp_path}/a b.toml"]
    assert not (tmp_path / "scontrol").exists()


def test_a_job_whose_time_is_over_goes_back_into_the_queue(tmp_path: Path) -> None:
    """SLURM's signal ends the build in order, and the job is queued again."""
    with slurm(
        tmp_path, f'trap "exit 143" TERM; echo > "{tmp_path}/began"; sleep 600 & wait'
    ) as job:
        while job.poll() is None and not (tmp_path / "began").exists():
            time.sleep(0.01)
        job.terminate()
        assert job.wait(timeout=60) == 0
    assert (tmp_path / "scontrol").read_text() == "requeue 17\n"


def test_a_job_is_not_queued_for_ever(tmp_path: Path) -> None:
    """After some times it is a failure."""
    with slurm(tmp_path, "exit 71", SLURM_RESTART_COUNT="5") as job:
        assert job.wait(timeout=60) == 71
    assert not (tmp_path / "scontrol").exists()

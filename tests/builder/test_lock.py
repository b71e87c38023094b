"""One builder at a time."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.publish.site_folder import open_site
from shoestring_schema.errors import BusyError, PublishError
from support.command import run_here, start
from support.mosaics import times, write_configuration, write_season

HOLDER = """\
import sys, time
from pathlib import Path
from shoestring_builder.publish.site_folder import open_site
with open_site(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_second_builder_says_so_and_leaves(tmp_path: Path) -> None:
    """While one works, another ends with exit code 75 and one sentence, and touches nothing."""
    config = write_configuration(write_season(tmp_path, dates=1))
    build(config)
    before = times(tmp_path / "site")
    with open_site(tmp_path / "site"):
        ran = run_here("build", config)
    assert (ran.code, ran.out) == (75, "")
    assert ran.err == (
        f"Error: {tmp_path / 'site'} is being worked on by another builder: nothing was done; the "
        "next run will do what is left.\n"
    )
    assert times(tmp_path / "site") == before
    assert run_here("build", config).code == 0


def test_two_builders_started_at_once(tmp_path: Path) -> None:
    """Of several that begin a new site together one builds it; no other harms it."""
    config = write_configuration(write_season(tmp_path, dates=8))
    runs = [start("build", config) for _ in range(3)]
    codes = []
    for run in runs:
        with run:
            out, err = run.communicate(timeout=120)
        assert "Traceback" not in err
        codes.append(run.returncode)
        assert run.returncode in (0, 75), err
        assert (run.returncode == 75) == ("another builder" in err), (out, err)
    assert 0 in codes
    assert check(tmp_path / "site").faults == ()
    assert build(config).changed is False


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="This system has no SIGKILL.")
def test_a_killed_builder_leaves_the_lock_open(tmp_path: Path) -> None:
    """The lock ends with the process that holds it, however that ends."""
    (tmp_path / "site").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "site"], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(BusyError), open_site(tmp_path / "site"):
            pass
        holder.kill()
        holder.wait(timeout=30)
        with open_site(tmp_path / "site"):
            assert (tmp_path / "site" / ".staging" / "lock").is_file()


def test_workers_do_not_hold_the_lock(tmp_path: Path) -> None:
    """Processes that the builder starts do not inherit its lock."""
    (tmp_path / "site").mkdir()
    with open_site(tmp_path / "site"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with open_site(tmp_path / "site"):
            pass
    finally:
        child.kill()
        child.wait()


def test_a_new_site_that_another_builder_has_made_meanwhile(tmp_path: Path) -> None:
    """Who began without a site does not write into one that appeared since."""
    with pytest.raises(BusyError, match="was made by another builder meanwhile"):  # noqa: PT012, SIM117
        with open_site(tmp_path / "site") as site:
            (tmp_path / "site").mkdir()
            (tmp_path / "site" / "catalog.json").write_text("{}")
            site.prepare()


def test_who_comes_second_to_a_new_site_leaves_the_first_alone(tmp_path: Path) -> None:
    """What the builder that holds the lock has staged is not touched by the other."""
    with ExitStack() as ends:
        with pytest.raises(BusyError), open_site(tmp_path / "site") as late:  # noqa: PT012
            (tmp_path / "site").mkdir()
            first = ends.enter_context(open_site(tmp_path / "site"))
            first.prepare()
            (first.staging / "x").write_text("x")
            late.prepare()
        assert (first.staging / "x").is_file()


def test_a_lock_that_can_not_be_made(tmp_path: Path) -> None:
    """Where the lock can't be made, the sentence names it."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / ".staging").write_text("mine: a file where a folder should be")
    with pytest.raises(PublishError, match=r"\.staging"), open_site(tmp_path / "site"):
        pass


def test_the_lock_does_not_wait(tmp_path: Path) -> None:
    """A second builder leaves at once: cron's next run will come."""
    (tmp_path / "site").mkdir()
    with open_site(tmp_path / "site"):
        begun = time.monotonic()
        with pytest.raises(BusyError), open_site(tmp_path / "site"):
            pass
        assert time.monotonic() - begun < 5
    assert os.listdir(tmp_path / "site") == [".staging"]

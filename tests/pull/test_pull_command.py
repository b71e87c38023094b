"""The command `shoestring pull`."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command import run_here, start
from support.faulty_server import Fault, FaultyServer, Request, Stall
from support.nginx import Nginx
from support.pulled import build_fields, faults


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two collections and two dates."""
    return build_fields(tmp_path_factory.mktemp("fields"), (1, 2))


def test_pull_tells_what_it_did(nginx: Callable[..., Nginx], site: Path, tmp_path: Path) -> None:
    """Files, bytes and the snapshot go to standard output, as one sentence."""
    copy = tmp_path / "copy"
    ran = run_here("pull", f"{nginx(site).http}/", copy)
    assert ran.code == 0
    assert re.fullmatch(
        rf"{copy}: fetched \d+ files \(\d\.\d MB\); it is of snapshot [0-9a-f]{{16}}\.\n", ran.out
    )
    again = run_here("pull", copy)
    assert again.out.startswith(f"{copy}: nothing new; it is of snapshot")


def test_options_select(site: Path, tmp_path: Path) -> None:
    """Options of the command select as those of `extract` do."""
    ran = run_here(
        "pull", site, tmp_path / "copy", "--collection", "s2", "--band", "B11", "--from",
        "2018-01-02", "--to", "2018-01-02", "--roi=-2.99,36.12,-2.97,36.135", "--crop", "-q",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert len(list((tmp_path / "copy").glob("*/*/*.tif"))) == 2
    assert faults(tmp_path / "copy") == ()
    ran = run_here("pull", site, tmp_path / "copy", "--all", "-q", "--delete")
    assert ran.code == 0, ran.err
    assert len(list((tmp_path / "copy").glob("*/*/*.tif"))) >= 7


def test_dry_run_tells_how_long(nginx: Callable[..., Nginx], site: Path, tmp_path: Path) -> None:
    """A dry run tells count, bytes and time, and the rate that was asked for counts."""
    address = f"{nginx(site).http}/"
    ran = run_here("pull", address, tmp_path / "copy", "--dry-run", "--limit-rate", "10k")
    assert re.search(r"would fetch \d+ files \(\d\.\d MB\), in about \d+ min, of snapshot", ran.out)
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--crop",), 2, "--crop goes with --roi"),
        (("--all", "--band", "B04"), 2, "--all goes with no selection"),
        (("--keep", "soon"), 1, "keep is a number and a unit"),
        (("--at-night", "late"), 1, "22:00"),
        (("--limit-rate", "much"), 1, "500k"),
        (("--collection", "s3"), 1, "There is no collection 's3'"),
        (("--snapshot", "0123456789abcdef"), 1, "keeps no snapshot"),
    ],
)
def test_wrong_usage_is_one_sentence(
    site: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """What can't be done is told in one sentence, and nothing is written."""
    ran = run_here("pull", site, tmp_path / "copy", *arguments)
    assert ran.code == code
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "copy" / "catalog.json").exists()


def test_folder_alone_must_be_a_copy(tmp_path: Path) -> None:
    """A folder that nothing was pulled into can't be updated: the message tells how to begin."""
    ran = run_here("pull", tmp_path)
    assert ran.code == 1
    assert "`shoestring pull URL DIR`" in ran.err


@pytest.mark.once
def test_interrupted_pull_says_how_to_go_on(site: Path, tmp_path: Path) -> None:
    """Ctrl-C ends a pull with exit code 130 and a sentence; the folder alone goes on."""

    def rule(request: Request) -> Fault | None:
        return Stall(half=True) if request.path.endswith(".tif") else None

    copy = tmp_path / "copy"
    with FaultyServer(site, rule) as server:
        process = start("pull", f"{server.address}/", copy)
        while not server.count(".tif"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        server.rule = lambda request: None
        ran = run_here("pull", copy)
    assert process.returncode == 130
    assert out == ""
    assert f"`shoestring pull {copy}` goes on" in err
    assert "Traceback" not in err
    assert ran.code == 0, ran.err
    assert faults(copy) == ()

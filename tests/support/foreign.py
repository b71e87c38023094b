"""Other programs as processes of their own: they get a page's lines, and trust the tests' authority."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.door_site import DoorSite
from support.page_lines import PUBLIC

ROOT = Path(__file__).parents[2]
APART = ROOT / ".venv-doors-apart/bin/python"
"""A Python whose packages don't go with ours."""

_AUTHORITIES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GDAL_CURL_CA_BUNDLE")


def run_lines(
    site: DoorSite,
    home: Path,
    lines: str,
    program: Sequence[str | Path] = (sys.executable,),
    *,
    warns: bool = False,
) -> str:
    """Run lines against the site, in place of the address that the documentation uses.

    Args:
        site: Where they find their data.
        home: Folder in which they run.
        lines: What stands in the file that is the program's last argument.
        program: The program and what comes before.
        warns: Whether it may warn; a program that does fails the test else.

    Returns:
        What they printed; a program that fails fails the test.
    """
    script = home / "lines"
    script.write_text(lines.replace(PUBLIC, site.url), "utf-8")
    done = subprocess.run(
        [*map(str, program), str(script)],
        cwd=home,
        env=trusting(site),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert warns or done.stderr == "", done.stderr
    return done.stdout


def trusting(site: DoorSite) -> dict[str, str]:
    """The environment of a process that trusts the authority of the site's server."""
    return {**os.environ, **dict.fromkeys(_AUTHORITIES, str(site.ca))}


def apart() -> Path:
    """The Python of `.venv-doors-apart`; a test that needs it is skipped where it is missing."""
    if APART.exists():
        return APART
    sentence = "The environment .venv-doors-apart is not there; `make test-doors` makes it."
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)

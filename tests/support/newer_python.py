"""Tools that need a newer Python than our tests run on: an environment of their own, programs in it."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.door_site import DoorSite

ROOT = Path(__file__).parents[2]
PUBLIC = "https://example.org/ghana"
"""The site's address in the documentation."""


@dataclass(frozen=True, slots=True)
class NewerPython:
    """The environment `.venv-doors-newest`, which `make test-doors` makes where it can.

    Attributes:
        program: Its Python.
        home: Folder in which programs run; what they keep stays in it.
        site: What they read.
    """

    program: Path
    home: Path
    site: DoorSite

    def run(self, lines: str, *arguments: str) -> list[str]:
        """Run a program to its end.

        Args:
            lines: Its lines; the address of the documentation stands for the site's.
            arguments: What it finds in ``sys.argv``.

        Returns:
            The lines that it printed.
        """
        text = lines.replace(PUBLIC, self.site.url).replace(
            PUBLIC.rpartition("/")[0], self.site.url
        )
        environment = {
            **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            "HOME": str(self.home),
            "SSL_CERT_FILE": str(self.site.ca),
        }
        done = subprocess.run(
            [self.program, "-c", text, *arguments],
            cwd=self.home, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def version(self, package: str) -> str:
        """Which version of a package is there."""
        (found,) = self.run(
            "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))", package
        )
        return found


def newer_python(home: Path, site: DoorSite) -> NewerPython:
    """The environment; where it could not be made, the test that asks for it is skipped."""
    program = ROOT / ".venv-doors-newest/bin/python"
    if not program.exists():
        pytest.skip("there is no newer Python on this machine, which this tool needs")
    return NewerPython(program, home, site)


def page_blocks(name: str) -> list[str]:
    """The blocks of Python of a page in ``docs/doors``, in order."""
    text = (ROOT / "docs/doors" / name).read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)

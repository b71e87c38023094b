"""The real command line, as a process of its own or within the test's."""

import contextlib
import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from shoestring.cli import main


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did.

    Attributes:
        code: Exit code.
        out: Standard output.
        err: Standard error.
    """

    code: int
    out: str
    err: str


_BEGIN = """
import signal
from shoestring.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
main(prog_name="shoestring")
"""


def start(*arguments: str | Path) -> "subprocess.Popen[str]":
    """Start ``shoestring ARGUMENTS``, which Ctrl-C can end."""
    return subprocess.Popen(
        [sys.executable, "-c", _BEGIN, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def shoestring(*arguments: str | Path) -> Ran:
    """Run ``shoestring ARGUMENTS`` to its end."""
    with start(*arguments) as process:
        out, err = process.communicate(timeout=120)
    return Ran(process.returncode, out, err)


def run_here(*arguments: str | Path) -> Ran:
    """Run ``shoestring ARGUMENTS`` within this process: quicker, and just as real."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(map(str, arguments)), prog_name="shoestring")
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
    return Ran(code, out.getvalue(), err.getvalue())

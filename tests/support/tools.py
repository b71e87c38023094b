"""What tests need of the machine: programs, real data, ports."""

import os
import shutil
import socket
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
"""Beside the checkout: real input data that the project does not carry."""


def require_tool(name: str) -> str:
    """The path of a program; a test that needs it is skipped where it is missing.

    Under ``CI=true`` the test fails instead: there, a missing program is a
    mistake of the setup and not of the machine.

    Args:
        name: The program, such as ``nginx``.

    Returns:
        Its path.
    """
    # Debian keeps servers in sbin, which is not on everybody's path.
    places = [os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is not None:
        return found
    sentence = f"{name} is not installed, and this test runs the real one."
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def shared_data(name: str) -> Path:
    """A folder of real input data; a test that needs it is skipped where it is missing.

    Args:
        name: Folder under ``../shared/data``, such as ``s2-tiles``.
    """
    folder = SHARED / "data" / name
    if not folder.is_dir():
        pytest.skip(f"The real data ../shared/data/{name} are not on this machine.")
    return folder


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens at just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port

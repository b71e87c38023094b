"""QGIS itself, driven without a screen by `pyqgis.py`."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("pyqgis.py")
BEGIN = "--- results"
"""The line before what the steps gave; QGIS talks before it."""

PYTHON = "/usr/bin/python3"
"""QGIS's modules come with the system's Python and no other."""


@dataclass(frozen=True, slots=True)
class Qgis:
    """A QGIS that has never been started, and trusts an authority of ours.

    Attributes:
        folder: What it works in.
        ca: The authority.
    """

    folder: Path
    ca: Path

    def run(self, *steps: tuple[object, ...]) -> list[Any]:
        """Start QGIS, take some steps, and end it.

        Args:
            steps: Names and arguments of methods of `pyqgis.Desktop`.

        Returns:
            What they gave.
        """
        done = subprocess.run(
            [PYTHON, str(DRIVER)], input=json.dumps(steps), cwd=self.folder, env=self._environment(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        _, found, results = done.stdout.partition(BEGIN)
        assert found, done.stderr
        told: list[Any] = json.loads(results)
        return told

    def _environment(self) -> dict[str, str]:
        """As little as a user has: none of GDAL's settings."""
        self.folder.chmod(0o700)  # Qt asks for that
        own = {"HOME", "XDG_RUNTIME_DIR", "QGIS_CUSTOM_CONFIG_PATH"}
        trust = {"CURL_CA_BUNDLE", "GDAL_CURL_CA_BUNDLE"}
        return (
            {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
            | dict.fromkeys(own, str(self.folder))
            | dict.fromkeys(trust, str(self.ca))
        )


def require_qgis() -> None:
    """Skip a test where there is no QGIS; fail under ``CI=true``."""
    command = [PYTHON, "-c", "import qgis.core, qgis.gui"]
    if Path(PYTHON).exists() and subprocess.run(command, capture_output=True).returncode == 0:
        return
    sentence = "python3-qgis is not installed, and this test runs the real QGIS."
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)

"""The reference page of the configuration is that of the types."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    """`python tools/reference.py > docs/configuration.md` would change nothing, so no key lacks documentation."""
    made = subprocess.run(
        [sys.executable, ROOT / "tools/reference.py"], capture_output=True, check=True
    ).stdout
    assert (ROOT / "docs/configuration.md").read_text("utf-8") == made.decode().replace(
        "\r\n", "\n"
    )

"""The lines of a page of the documentation, to run them as they stand there."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

PUBLIC = "https://example.org/ghana"
"""The address that all pages use."""


def page_lines(page: str, language: str) -> str:
    """All code of a page in a language, one block after the other.

    Args:
        page: Path below ``docs``.
        language: As the page names it, such as ``html``.
    """
    text = (DOCS / page).read_text("utf-8")
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S))

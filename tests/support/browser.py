"""A real browser without a screen: headless Chromium, led by puppeteer-core."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.npm import installed
from support.tools import require_tool

PATIENCE = 90
"""Seconds until a step of a visit is given up."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a visitor does; in this order.

    Attributes:
        until: Wait until this JavaScript is true.
        heard: Wait until the page, or a worker of it, complained in these words.
        click: Click there, x and y from the upper left corner.
        evaluate: JavaScript whose value is told; promises are waited for.
        picture: Where a picture of the window goes.
    """

    until: str = ""
    heard: str = ""
    click: tuple[int, int] | None = None
    evaluate: str = ""
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a visit found.

    Attributes:
        version: The browser's.
        found: The value of each step that evaluates something.
        faults: Errors of the page and its console, and requests that failed.
        strangers: Hosts that were asked for something, and not named.
    """

    version: str
    found: list[Any]
    faults: list[str]
    strangers: list[str]


@dataclass(frozen=True, slots=True)
class Browser:
    """Chromium and what leads it.

    Attributes:
        chromium: The program.
        node: The program that runs `script`.
        script: What leads the browser.
    """

    chromium: str
    node: str
    script: Path

    @classmethod
    def find(cls, packages: Path) -> "Browser":
        """The machine's own, led by the script of a folder with ``puppeteer-core``."""
        node, chromium = require_tool("node"), require_tool("chromium")
        return cls(chromium, node, installed(packages) / "browse.mjs")

    def visit(
        self,
        url: str,
        steps: Sequence[Step],
        *,
        others: Sequence[str] = (),
        before: str = "",
        size: tuple[int, int] = (1000, 700),
    ) -> Seen:
        """Open a page, do the steps, close the browser.

        Args:
            url: The page.
            steps: What to do there.
            others: Addresses of other servers that the page may ask.
            before: JavaScript that runs before that of the page.
            size: Width and height of the window.
        """
        with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
            order = {
                "browser": self.chromium,
                "profile": profile,
                "url": url,
                "steps": [asdict(step) for step in steps],
                "hosts": [urlsplit(address).netloc for address in (url, *others)],
                "before": before,
                "timeout": PATIENCE * 1000,
                "width": size[0],
                "height": size[1],
            }
            return Seen(**json.loads(self._run(json.dumps(order))))

    def _run(self, order: str) -> str:
        command = [self.node, str(self.script)]
        done = subprocess.run(command, input=order, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"The visit failed: {done.stderr}")
        return done.stdout

"""STAC Browser, built as its page says from packages of npm that a lock file pins."""

import json
import shlex
import shutil
from pathlib import Path

from support.npm import INSTALL, kept, run
from support.page_lines import page_lines
from support.tools import require_tool

PACKAGES = Path(__file__).parents[1] / "doors/stac_browser"
NAME = "@radiantearth/stac-browser"


def built_stac_browser() -> tuple[Path, str]:
    """A folder for a web server, and the version; built once, as that takes minutes.

    Only what was built is kept: the packages that build it take half a gigabyte.
    """
    place = kept(PACKAGES, _build_line())
    if not place.exists():
        work = place.with_suffix(".part")
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(PACKAGES, work, ignore=shutil.ignore_patterns("node_modules"))
        run([require_tool("npm"), *INSTALL], work)
        _build(work).rename(place)
        shutil.rmtree(work)
    return place, (place / "version.txt").read_text("utf-8")


def _build(work: Path) -> Path:
    """Build the application; its style sheets look for packages in its own folder."""
    app = shutil.copytree(work / "node_modules" / NAME, work / "app")
    (work / "node_modules").rename(app / "node_modules")
    shutil.copy(work / "basemaps.config.js", app)
    program, *options = shlex.split(_build_line())[1:]
    run([str(app / "node_modules/.bin" / program), *options], app)
    version = json.loads((app / "package.json").read_text("utf-8"))["version"]
    (app / "dist/version.txt").write_text(version, "utf-8")
    return app / "dist"


def _build_line() -> str:
    """The page's line that builds it."""
    lines = page_lines("doors/stac-browser.md", "sh").splitlines()
    (line,) = (line for line in lines if line.startswith("npx "))
    return line


if __name__ == "__main__" and shutil.which("npm"):
    built_stac_browser()

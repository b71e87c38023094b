"""The whole path, one step after the other: mosaics, site, server, numbers, picture."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import shoestring
from shoestring_builder.build import build
from shoestring_builder.serve.background import BackgroundServer
from shoestring_demo.fields import draw_fields, to_text
from shoestring_demo.folder import DemoFolder
from shoestring_demo.mosaics import Mosaics
from shoestring_demo.ndvi import rain_between, table
from shoestring_demo.picture import draw, require_plot
from shoestring_demo.season import SYNTHETIC, Season
from shoestring_demo.site_config import CONFIGURATION
from shoestring_demo.survey import IMAGES, Survey, survey
from shoestring_schema.errors import SourceError

Say = Callable[[str], object]

MAX_WORKERS = 8
"""Processes that render: more would wait for the disk."""


def run_demo(path: Path, *, tell: Say, note: Say, season: Season | None = None) -> Survey:
    """Make mosaics, build a site of them, serve it, read it, show what was read.

    A second run in the same folder makes only what is missing.

    Args:
        path: The demo's folder; made where it does not exist.
        tell: Takes the results, a text at a time.
        note: Takes what is going on.
        season: What to make.

    Returns:
        What was read.

    Raises:
        MissingExtraError: matplotlib, or what serving needs, is not installed.
        OutputError: The folder holds something else, or can't be written.
        ShoestringError: Building, serving or reading failed.
    """
    require_plot()
    folder, season = DemoFolder(path), season or Season()
    folder.claim(season)
    note(SYNTHETIC)
    _make(folder, season, note)
    _build(folder, note)
    read = _read(folder, note)
    rain = rain_between(read.rain, list(read.maps))
    tell(f"\nNDVI of three fields, median of each (synthetic data)\n\n{table(read.fields, rain)}\n")
    draw(read, folder.picture)
    tell(closing_words(folder))
    return read


def closing_words(folder: DemoFolder) -> str:
    """What to do next."""
    return "\n".join(
        [
            f"The picture: {folder.picture}",
            "",
            "Serve the site again:",
            "",
            f"    shoestring serve {_quoted(folder.site)}",
            "",
            "Three lines of Python to try (the URL that `serve` prints will do as well as the folder):",
            "",
            *(f"    {line}" for line in three_lines(folder)),
        ]
    )


def three_lines(folder: DemoFolder) -> tuple[str, str, str]:
    """Three lines of Python that read the site."""
    site, fields = (
        json.dumps(path.as_posix(), ensure_ascii=False) for path in (folder.site, folder.fields)
    )
    return (
        "import shoestring",
        f"catalogue = shoestring.open({site})",
        f'print(catalogue["{IMAGES}"].extract(["B04", "B08"], roi={fields}))',
    )


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)


def _make(folder: DemoFolder, season: Season, note: Say) -> None:
    note(f"1. Synthetic mosaics: {season}; and daily weather.")
    mosaics = Mosaics(folder.mosaics, season)
    written = mosaics.write()
    note(f"   {written} files written to {folder.mosaics}" if written else "   All there already.")
    if not folder.fields.exists():
        fields = draw_fields(mosaics.landscape, mosaics.transform)
        folder.write_text(folder.fields, to_text(fields))
    folder.write_text(folder.config, CONFIGURATION)


def _build(folder: DemoFolder, note: Say) -> None:
    note(f"2. Building the site: shoestring build {folder.config}")
    report = build(folder.config, workers=min(os.cpu_count() or 1, MAX_WORKERS))
    for collection in report.collections:
        note(f"   {collection}")
    if report.failed:
        raise SourceError(report.failed[0])


def _read(folder: DemoFolder, note: Say) -> Survey:
    features = json.loads(folder.fields.read_text("utf-8"))["features"]
    with BackgroundServer(folder.site) as server, shoestring.open(server.url) as catalogue:
        note(f"3. Serving it at {server.url}")
        note(f"4. Extracting {len(features)} fields of {folder.fields} over HTTP")
        return survey(catalogue, features)

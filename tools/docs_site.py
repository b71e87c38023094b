"""What mkdocs must know of this repository: its pages are where they belong, not all in one folder.

`mkdocs.yml` names this file as a hook. Pages and the files that they link to keep their places, so
a link between them is right in a clone, on a forge's web pages and on the documentation's site.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]

SOURCES = (
    "*.md",
    "CITATION.cff",
    "LICENSE",
    "benchmarks/*.md",
    "benchmarks/results/*.jsonl",
    "catalogue_schema/shoestring_schema/schemas/**/*.json",
    "cron/*",
    "docs/**/*.*",
    "examples/*.*",
    "examples/cluster/*",
    "examples/servers/*",
)
"""What the site holds, as patterns from the repository's root."""

FOLDER_LINK = re.compile(r"\]\(([^):#]*)/\)")
"""A link to a folder: whoever serves the repository shows its README there."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Where the navigation names a folder, name its pages."""
    config.nav = [_unfolded(entry) for entry in config.nav or ()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take the repository's pages instead of those of one folder; the theme's files stay."""
    folder = Path(config.docs_dir)
    kept = [file for file in files if not _lies_in(file, folder)]
    return Files([*kept, *(_file(path, config) for path in sources(ROOT))])


def on_page_markdown(markdown: str, **_: object) -> str:
    """Links to folders lead to their READMEs."""
    return FOLDER_LINK.sub(r"](\1/README.md)", markdown)


def sources(root: Path) -> list[Path]:
    """All files of a repository that belong to its documentation."""
    found = {path for pattern in SOURCES for path in root.glob(pattern) if path.is_file()}
    return sorted(found)


def pages(folder: Path) -> list[Path]:
    """Pages of a folder: its index, then by title."""
    return sorted(folder.glob("*.md"), key=lambda path: (path.stem != "index", title(path).lower()))


def title(page: Path) -> str:
    """The first heading of a page."""
    return next(_headings(page.read_text("utf-8")), page.stem)


def _headings(text: str) -> Iterator[str]:
    return (line[2:].strip() for line in text.splitlines() if line.startswith("# "))


def _unfolded(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    ((name, value),) = entry.items()
    if not (isinstance(value, str) and value.endswith("/")):
        return entry
    return {name: [path.relative_to(ROOT).as_posix() for path in pages(ROOT / value)]}


def _lies_in(file: File, folder: Path) -> bool:
    return file.abs_src_path is not None and Path(file.abs_src_path).is_relative_to(folder)


def _file(path: Path, config: MkDocsConfig) -> File:
    name = path.relative_to(ROOT).as_posix()
    return File.generated(config, name, abs_src_path=str(path))

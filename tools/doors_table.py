"""The table of what other programs do with a site, from what the tests of them found.

    python tools/doors_table.py             # writes it into docs/doors/index.md
    python tools/doors_table.py --check     # fails where the page tells other than the tests

`make test-doors` leaves the outcomes in `.doors/results.json`. Each sentence of the table is the
docstring of a test. What a program can't do is proved too: by a test that asserts the refusal,
whose marker says `limit=True`, or that is expected to fail.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

BEGIN, END = "<!-- table: make docs -->", "<!-- end of the table -->"
HEAD = "| program | version tried | works | does not |\n|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Row:
    """A program in the table.

    Attributes:
        consumer: Its name.
        page: Its page, relative to the table's; empty where it has none.
        versions: Versions that were tried, sorted.
        works: What was proved to work.
        fails: What was proved not to work, and what was not tried.
    """

    consumer: str
    page: str
    versions: tuple[str, ...]
    works: tuple[str, ...]
    fails: tuple[str, ...]

    def __str__(self) -> str:
        name = f"[{self.consumer}]({self.page})" if self.page else self.consumer
        cells = (name, ", ".join(self.versions), _sentences(self.works), _sentences(self.fails))
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def rows(results: Iterable[dict[str, Any]], pages: Path) -> list[Row]:
    """A row a program, by name.

    Args:
        results: What the tests found, a record a test.
        pages: Folder of the programs' pages, which are called as their tests are.
    """

    def name(result: dict[str, Any]) -> str:
        return str(result["consumer"])

    ordered = sorted(results, key=lambda result: (name(result).lower(), result["test"]))
    return [_row(consumer, list(own), pages) for consumer, own in groupby(ordered, name)]


def table(found: Sequence[Row]) -> str:
    """The table in Markdown."""
    return "\n".join([HEAD, *map(str, found)])


def put(page: str, text: str) -> str:
    """The page with another table between its two markers."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def without_versions(page: str) -> str:
    """The page, but for the versions, which depend on the machine and the day."""
    return re.sub(r"^(\| [^|]+ \|)[^|]*\|", r"\1 |", page, flags=re.M)


def failed(results: Iterable[dict[str, Any]]) -> list[str]:
    """Tests that failed: no table can be made of these."""
    return [result["test"] for result in results if result["outcome"] == "failed"]


def _row(consumer: str, results: list[dict[str, Any]], pages: Path) -> Row:
    told = {result["version"] for result in results}
    versions = tuple(
        sorted(own for own in told if not any(_says_more(other, own) for other in told))
    )
    works = [result["fact"] for result in results if _works(result)]
    fails = [_shortcoming(result) for result in results if not _works(result)]
    return Row(consumer, _page(results[0]["test"], pages), versions, _once(works), _once(fails))


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    """Each text once: a test with several parameters is one fact."""
    return tuple(dict.fromkeys(texts))


def _says_more(version: str, than: str) -> bool:
    """Whether it tells the same version and another one beside."""
    return version != than and version.startswith(than)


def _works(result: dict[str, Any]) -> bool:
    return result["outcome"] == "passed" and not result["limit"]


def _shortcoming(result: dict[str, Any]) -> str:
    if result["outcome"] == "skipped":
        return f"Not tried: {result['reason']}"
    return str(result["reason"] or result["fact"])


def _page(test: str, pages: Path) -> str:
    """The page that is called as the test is; else the first one with that name in a heading."""
    own = Path(test.split("::")[0]).stem.removeprefix("test_").replace("_", "-")
    if (pages / f"{own}.md").exists():
        return f"{own}.md"
    heading = re.compile(rf"^#.*\b{re.escape(own)}\b", re.MULTILINE | re.IGNORECASE)
    others = (path for path in sorted(pages.glob("*.md")) if path.name != "index.md")
    return next((path.name for path in others if heading.search(path.read_text("utf-8"))), "")


def _sentences(texts: Iterable[str]) -> str:
    return "<br>".join(texts)


def main(check: bool, results: Path, page: Path) -> str:
    """Write or check the table.

    Args:
        check: Leave the page alone, and compare.
        results: What the tests found.
        page: The page; those of the programs lie beside it.

    Returns:
        What is wrong; empty where nothing is.
    """
    if not results.exists():
        return f"{results} is missing: run `make test-doors` first."
    found = json.loads(results.read_text("utf-8"))
    if lost := failed(found):
        return f"The table needs all tests to pass, and these failed: {', '.join(lost)}."
    old = page.read_text("utf-8")
    new = put(old, table(rows(found, page.parent)))
    if not check:
        page.write_text(new, "utf-8")
    elif without_versions(new) != without_versions(old):
        return f"{page} tells other than the tests: run `make docs` and commit it."
    return ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The table of programs, from the tests of them.")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--results", type=Path, default=ROOT / ".doors/results.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/doors/index.md")
    sys.exit(main(**vars(parser.parse_args())) or None)

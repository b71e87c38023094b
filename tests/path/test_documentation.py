"""What the documentation says of the repository is so."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "catalogue_schema/shoestring_schema",
    "builder/shoestring_builder",
    "client/shoestring",
    "pull/shoestring_pull",
)
PAGES = [
    path
    for path in ROOT.glob("**/*.md")
    if not any(
        part.startswith(".") or part == "node_modules" for part in path.relative_to(ROOT).parts
    )
]


@pytest.mark.parametrize("package", PACKAGES)
def test_architecture_names_every_module(package: str) -> None:
    """Each module of these packages has its place in ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = {name.split("/")[-1] for name in re.findall(r"`([a-z_/0-9]+)`", text)}
    modules = {
        path.stem for path in (ROOT / package).rglob("*.py") if not path.stem.startswith("__")
    }
    assert modules - named == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link of a page names a file of the repository."""
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []

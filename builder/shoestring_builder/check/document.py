"""Is a document valid STAC, and do its links lead to files of the site?"""

from collections.abc import Iterator
from typing import Any

from shoestring_builder.check.site_reader import SiteReader
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import Link

Faults = Iterator[str]
Json = dict[str, Any]

_ELSEWHERE = {
    "self",
    "license",
    "about",
    "via",
    "latest-version",
    "cite-as",
    "describedby",
    "derived_from",
}
"""Relations of links that may leave the site."""


def document_faults(reader: SiteReader, name: str, raw: Json) -> Faults:
    """Check a STAC document's links, and in a deep check the document against STAC's schemas."""
    for link in links_of(raw):
        if link.rel in _ELSEWHERE and link.href.startswith(("https://", "http://")):
            continue
        try:
            reader.follow(name, link.href)
        except CatalogueError as error:
            yield str(error)
    for problem in _stac_problems(raw) if reader.deep else ():
        yield f"{name} is not valid STAC: {problem}"


def children_of(reader: SiteReader, name: str, raw: Json) -> Iterator[str]:
    """Names of the documents that a document has as children."""
    for link in links_of(raw):
        if link.rel == "child":
            try:
                yield reader.follow(name, link.href)
            except CatalogueError:  # told by document_faults
                continue


def links_of(raw: Json) -> list[Link]:
    """The links of a document that has some; others of it are the schema's matter."""
    found = raw.get("links")
    links = found if isinstance(found, list) else []
    return [
        Link(rel=link["rel"], href=link["href"])
        for link in links
        if isinstance(link, dict)
        and isinstance(link.get("rel"), str)
        and isinstance(link.get("href"), str)
    ]


def _stac_problems(raw: Json) -> list[str]:
    from shoestring_builder.check.stac import validate

    extensions = raw.get("stac_extensions", [])
    if not isinstance(extensions, list) or not all(isinstance(name, str) for name in extensions):
        return ["stac_extensions is not a list of addresses."]
    return validate(raw)

"""Names of files, as a stranger's catalogue has them, before they become paths; pure.

Whatever a catalogue says, a copy writes into its own folder, and there only where a site keeps
its files: no hidden ones, no pointers, nothing that another operating system takes for something
else.
"""

import posixpath
import re
import unicodedata
from collections.abc import Iterable
from pathlib import PureWindowsPath
from urllib.parse import quote, unquote, urlsplit

from shoestring.location import MAX_LENGTH
from shoestring_builder.media import is_hashed
from shoestring_schema.errors import CatalogueError

LONGEST = 240
"""Bytes of a part of a name: file systems take 255, and some is added while a file is made."""

_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
"""What some file system can't hold, or takes for something else."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_DOCUMENTS = (".json", ".html", ".xml")


def is_relative(href: str) -> bool:
    """Whether an href leads to a file beside its document, whatever host that is on."""
    try:
        parts = urlsplit(href)
    except ValueError:
        return False
    return not (parts.scheme or parts.netloc or href.startswith(("/", "\\")))


def name_of(href: str, document: str) -> str:
    """The name of a file, relative to its site, from a relative href.

    Args:
        href: Percent-encoded.
        document: Name of the document that says so.

    Raises:
        CatalogueError: It leads out of the site, or is no name that a copy may have.
    """
    if len(href) > MAX_LENGTH or not is_relative(href):
        raise _refused(document, href, "which is no relative link")
    path = unquote(href)
    name = posixpath.normpath(posixpath.join(posixpath.dirname(document), path))
    if name.startswith(("../", "/")) or name in ("..", "."):
        raise _refused(document, href, "which lies outside of the site")
    problem = problem_of(name)
    if problem:
        raise _refused(document, href, problem)
    return name


def asset_of(href: str, document: str) -> str:
    """The same for a file that is no document: it must not be called like one.

    Raises:
        CatalogueError: See `name_of`.
    """
    name = name_of(href, document)
    if name.lower().endswith(_DOCUMENTS):
        raise _refused(document, href, "which is called like a document of the site and is none")
    return name


def document_of(href: str, document: str, folder: str) -> str:
    """The same for a document of a collection: its name stands for its content.

    Args:
        href: Percent-encoded.
        document: Name of the document that says so.
        folder: The collection's; nothing for the site's own.

    Raises:
        CatalogueError: See `name_of`.
    """
    name = name_of(href, document)
    inside = name.startswith(f"{folder}/") if folder else "/" not in name
    if not is_hashed(name) or not inside:
        raise _refused(document, href, "which is not where a site keeps its documents")
    return name


def problem_of(name: str) -> str:
    """Why a name can't be that of a file of a copy; nothing where it can."""
    if len(name) > MAX_LENGTH or not name.isprintable():
        return "which is no name of a file"
    for part in name.split("/"):
        if not part or part.startswith("."):
            return "which is a hidden file or none"
        if _UNFIT.search(part) or part != part.rstrip(" .") or PureWindowsPath(part).name != part:
            return "which is no name of a file everywhere"
        if _RESERVED.fullmatch(part) or len(part.encode()) > LONGEST:
            return "which is no name of a file everywhere"
    return ""


def require_distinct(names: Iterable[str], where: str) -> None:
    """Refuse names of files that can't stand side by side on every file system.

    Raises:
        CatalogueError: Two of them differ by nothing but case or spelling, or one is a folder of another.
    """
    seen: dict[str, str] = {}
    files, folders = set(), set()
    for name in names:
        files.add(name)
        parts = name.split("/")
        for count in range(1, len(parts) + 1):
            own = "/".join(parts[:count])
            if count < len(parts):
                folders.add(own)
            known = seen.setdefault(unicodedata.normalize("NFC", own).casefold(), own)
            if known != own:
                raise CatalogueError(
                    f"{where} names {known[:200]!r} and {own[:200]!r}, which are one file on some disks: nothing "
                    "was written; tell its publisher."
                )
    for name in sorted(files & folders):
        raise CatalogueError(
            f"{where} names {name[:200]!r} as a file, and files in it: nothing was written; tell its publisher."
        )


def href_to(name: str) -> str:
    """The relative reference to a file of a site, from the site's folder."""
    return "./" + quote(name)


def _refused(document: str, href: str, problem: str) -> CatalogueError:
    return CatalogueError(
        f"{document} names {href[:200]!r}, {problem}: it is not followed, and nothing was written; tell its "
        "publisher."
    )

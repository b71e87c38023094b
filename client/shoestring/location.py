"""Where a document or file lies, and where its hrefs lead.

A catalogue is a stranger's text. What it names must stay on the web, or, for
a site in a folder, inside that folder: no other protocol, no local file from
a web catalogue, none of GDAL's virtual file systems.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from shoestring_schema.errors import CatalogueError

MAX_LENGTH = 4096
"""Characters. No address is longer."""


@dataclass(frozen=True, slots=True)
class Location:
    """The address of a document or file.

    Attributes:
        address: An http(s) URL, or a path.
        root: The folder that a local site must not leave; None on the web.
    """

    address: str
    root: Path | None = None

    @property
    def is_local(self) -> bool:
        """Whether this is a path."""
        return self.root is not None

    @property
    def path(self) -> Path:
        """The local path."""
        return Path(self.address)

    @property
    def suffix(self) -> str:
        """The file name's extension in lower case, such as ``.vrt``."""
        path = self.address if self.is_local else urlsplit(self.address).path
        return Path(path).suffix.lower()

    def resolve(self, href: str) -> "Location":
        """Follow an href of the document that lies here.

        Args:
            href: A relative or absolute URL reference, percent-encoded.

        Raises:
            CatalogueError: It leads to another protocol, or out of the folder.
        """
        if len(href) > MAX_LENGTH or not href.isprintable():
            raise CatalogueError(
                f"{self.address} names an address that can't be one: {href[:80]!r}."
            )
        try:
            if not self.is_local:
                return Location(web_address(urljoin(self.address, href)))
            if urlsplit(href).scheme or href.startswith("//"):
                return Location(web_address(href))
        except ValueError as error:
            raise CatalogueError(f"{self.address} names {href[:200]!r}: {error}.") from None
        except CatalogueError as error:
            raise CatalogueError(f"{self.address}: {error}") from None
        return self._inside(unquote(href))

    def _inside(self, path: str) -> "Location":
        # A backslash parts folders on Windows, where it can begin the name of a network drive:
        # it must be refused before anything looks whether that is there.
        if "\\" in path or not path.isprintable():
            raise CatalogueError(
                f"{self.address} names {path[:200]!r}, which is no path of a site."
            )
        root = Path(self.root or ".").resolve()
        target = (self.path.parent / path).resolve()
        if not target.is_relative_to(root):
            raise CatalogueError(
                f"{self.address} names {path!r}, which lies outside of the site's folder; only files inside are read."
            )
        return Location(str(target), root)


def web_address(url: str) -> str:
    """Check that a URL is one that may be fetched.

    Raises:
        CatalogueError: Not http or https, or no host.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in url):
        raise CatalogueError(f"{url[:200]!r} is not read: only http and https addresses are.")
    return url


def locate(address: str | Path) -> Location:
    """Find the document that a user's address means.

    Args:
        address: A URL of a catalogue, collection or `database.json`, or of a site's
            folder; or a local path of the same.

    Raises:
        CatalogueError: There is no such file or folder.
    """
    text = str(address)
    if "://" in text:
        url = web_address(text)
        if urlsplit(url).path.endswith(".json"):
            return Location(url)
        return Location(urljoin(url.rstrip("/") + "/", "catalog.json"))
    path = Path(text).expanduser()
    if path.is_dir():
        path = path / "catalog.json"
    if not path.is_file():
        raise CatalogueError(
            f"{path} does not exist: give a site's folder, its catalog.json, or its URL."
        )
    return Location(str(path.resolve()), _folder_of_site(path.resolve()))


def _folder_of_site(document: Path) -> Path:
    """The site's folder, also where one of its collections is opened."""
    above = document.parent.parent
    return above if (above / "catalog.json").is_file() else document.parent

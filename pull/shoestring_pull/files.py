"""Files that a copy shall hold, and where they come from. Pure."""

import posixpath
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shoestring.location import Location
from shoestring.spans import Span
from shoestring_builder.describe.doors import ALTERNATE
from shoestring_builder.layer import LayerKey
from shoestring_builder.media import hash_of
from shoestring_builder.record import ItemRecord, LayerRecord, ThumbnailRecord, layer_name, year_of
from shoestring_pull.names import asset_of, document_of, href_to, is_relative
from shoestring_pull.transfer.order import Order, Piece
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import AssetDocument, Link


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file that a copy shall hold.

    Attributes:
        name: Relative to the copy.
        location: Where it lies upstream.
        size: Its bytes.
        checksum: Its multihash.
    """

    name: str
    location: Location
    size: int
    checksum: str

    def order(self, copy: Path) -> Order:
        """The order to fetch it."""
        piece = Piece(self.location, Span(0, self.size), self.size)
        return Order(copy / self.name, self.size, self.checksum, (piece,))


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the files of a site's items may lie.

    Attributes:
        catalogue: Where its `catalog.json` lies.
        follow: Other hosts whose files are fetched too.
    """

    catalogue: Location
    follow: Collection[str] = ()

    def of(self, href: str, part: str) -> Location:
        """Where a file lies that an item names.

        Args:
            href: As the item says.
            part: Name of the document that holds the item.

        Raises:
            CatalogueError: Out of the site, or at a host that is not to be followed.
        """
        if is_relative(href):
            return self.catalogue.resolve(href_to(asset_of(href, part)))
        location = self.catalogue.resolve(href)
        host = "" if location.is_local else urlsplit(location.address).hostname or ""
        if location.is_local or host not in self.follow:
            remedy = f"--follow {host}" if host else "a catalogue whose links are relative"
            raise CatalogueError(
                f"{part} names {href[:200]!r}, which lies elsewhere than the site: it is not fetched, and nothing was "
                f"written; what would do is {remedy}."
            )
        return location


def require_stated(layer: LayerRecord | ThumbnailRecord, part: str) -> None:
    """A file's checksum is stated, else nobody knows whether it has arrived.

    Raises:
        CatalogueError: It is not.
    """
    if not layer.checksum:
        raise _unstated(layer.href, part)


def files_of(item: ItemRecord, part: str, origins: Origins) -> Iterator[WantedFile]:
    """All files of an item, under the names that they have upstream.

    Args:
        item: The item.
        part: Name of the document that holds it.
        origins: Where they may lie.

    Raises:
        CatalogueError: One may not be fetched, or lies elsewhere than beside its documents.
    """
    for layer in item.layers.values():
        yield _file(layer, layer.href, part, origins)
        yield from sources_of(layer, part, origins)
    if item.thumbnail is not None:
        yield _file(item.thumbnail, item.thumbnail.href, part, origins)


def assets_of(
    assets: Iterable[AssetDocument], document: str, origins: Origins
) -> Iterator[WantedFile]:
    """The files of a collection itself.

    Raises:
        CatalogueError: One may not be fetched, or its size or checksum is not stated.
    """
    for asset in assets:
        if asset.size is None or asset.checksum is None:
            raise _unstated(asset.href, document)
        location = origins.of(asset.href, document)
        yield WantedFile(asset_of(asset.href, document), location, asset.size, asset.checksum)


def doors_of(
    links: Iterable[Link], document: str, folder: str, origins: Origins
) -> Iterator[WantedFile]:
    """The files for other tools that a document links to.

    Args:
        links: Its links.
        document: Its name.
        folder: The collection's; nothing for the site's own document.
        origins: Where they may lie.

    Raises:
        CatalogueError: One may not be fetched, or is not what its name says, or its size or
            checksum is not stated.
    """
    for link in links:
        if link.rel == ALTERNATE:
            if link.size is None or link.checksum is None:
                raise _unstated(link.href, document)
            name = document_of(link.href, document, folder)
            if hash_of(name) != link.checksum[4:20]:
                raise _unstated(link.href, document)
            location = origins.catalogue.resolve(href_to(name))
            yield WantedFile(name, location, link.size, link.checksum)


def sources_of(layer: LayerRecord, part: str, origins: Origins) -> Iterator[WantedFile]:
    """The files that a VRT reads, under the names that they have upstream."""
    for source in layer.sources:
        location = origins.of(source.href, part)
        yield WantedFile(asset_of(source.href, part), location, source.size, source.checksum)


def own_file(
    key: LayerKey, layer: LayerRecord, collection: str, part: str, origins: Origins
) -> WantedFile:
    """A layer under the name that it has in a copy with documents of its own.

    That is the name that it has upstream, where it lies beside its documents, as a builder puts it.

    Raises:
        CatalogueError: It may not be fetched; or it is a VRT that would read other files from
            another place.
    """
    require_stated(layer, part)
    folder, location = f"{collection}/{year_of(key.moment)}", origins.of(layer.href, part)
    suffix = location.suffix
    built = layer_name(key, layer.checksum, suffix)
    if is_relative(layer.href):
        name = asset_of(layer.href, part)
        if name == f"{folder}/{layer.href.removeprefix('./')}" and "/" not in posixpath.relpath(
            name, folder
        ):
            return WantedFile(name, location, layer.size, layer.checksum)
    if layer.sources or suffix not in (".tif", ".tiff"):
        raise CatalogueError(
            f"{part} names {layer.href[:200]!r}, which does not lie where a site keeps its layers: only GeoTIFFs are "
            "taken over from elsewhere."
        )
    return WantedFile(f"{folder}/{built}", location, layer.size, layer.checksum)


def own_picture(
    picture: ThumbnailRecord, folder: str, part: str, origins: Origins
) -> WantedFile | None:
    """An item's picture; None where it does not lie beside its documents."""
    if not is_relative(picture.href) or not picture.checksum:
        return None
    name = asset_of(picture.href, part)
    if name != f"{folder}/{picture.href.removeprefix('./')}":
        return None
    return WantedFile(name, origins.of(picture.href, part), picture.size, picture.checksum)


def by_name(files: Iterable[WantedFile], where: str) -> dict[str, WantedFile]:
    """Files by their names.

    Raises:
        CatalogueError: Two of one name are not the same.
    """
    found: dict[str, WantedFile] = {}
    for file in files:
        known = found.setdefault(file.name, file)
        if (known.size, known.checksum) != (file.size, file.checksum):
            raise CatalogueError(
                f"{where} states two contents of {file.name[:200]}: nothing was written; tell its publisher."
            )
    return found


def _file(
    record: LayerRecord | ThumbnailRecord, href: str, part: str, origins: Origins
) -> WantedFile:
    require_stated(record, part)
    location = origins.of(href, part)
    return WantedFile(asset_of(href, part), location, record.size, record.checksum)


def _unstated(href: str, document: str) -> CatalogueError:
    return CatalogueError(
        f"{document} states no checksum of {href[:200]!r}: what arrives can't be told from anything else, so nothing "
        "was written; its site must be built by Shoestring."
    )

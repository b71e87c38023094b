"""Files into the site, in the order that keeps every reader's snapshot whole.

First what never changes and nobody knows of yet: layers, thumbnails, items,
parts, years' catalogues. Then the pointers, the innermost first.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from shoestring_builder.describe.documents import (
    CollectionDocuments,
    children_of,
    describe_catalogue,
)
from shoestring_builder.layer import LayerKey, RenderedLayer
from shoestring_builder.publish.published import names_of
from shoestring_builder.publish.site_folder import SiteFolder, is_past_grace
from shoestring_builder.record import LayerRecord, record_of, year_of
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import CatalogDocument


def place_layers(
    site: SiteFolder, collection: str, layers: Sequence[RenderedLayer]
) -> dict[LayerKey, LayerRecord]:
    """Put rendered layers where they will be published; no document names them yet.

    Raises:
        PublishError: They can't be put there.
    """
    records = {layer.key: record_of(layer) for layer in layers}
    for layer in layers:
        year = year_of(layer.key.moment)
        site.place(layer.path, f"{collection}/{year}/{records[layer.key].href}")
    return records


def publish_collection(site: SiteFolder, collection: str, documents: CollectionDocuments) -> bool:
    """Write a collection's documents, then swap its pointers.

    Returns:
        Whether anything changed for readers.

    Raises:
        PublishError: The site can't be written; before the pointers are swapped,
            readers see it as it was.
    """
    for file in documents.files:
        site.write(f"{collection}/{file.name}", file.data)
    changed = site.swap(f"{collection}/collection.json", documents.collection)
    database = f"{collection}/database.json"
    if documents.database is None:
        return site.remove(database) or changed
    return site.swap(database, documents.database) or changed


def publish_catalogue(
    site: SiteFolder, catalogue: CatalogueTable, titles: Mapping[str, str]
) -> bool:
    """Swap `catalog.json`: the configured collections, then others that the site holds.

    Args:
        site: The site.
        catalogue: Its configuration.
        titles: Configured collections and their titles; those never built are left out.

    Returns:
        Whether it changed.

    Raises:
        PublishError: It can't be written.
    """
    listed = dict(titles) | {
        name: title for name, title in _listed(site.path).items() if name not in titles
    }
    there = {
        name: title
        for name, title in listed.items()
        if (site.path / name / "collection.json").is_file()
    }
    if not there:
        return False
    return site.swap("catalog.json", describe_catalogue(catalogue, there))


def sweep_collection(site: SiteFolder, collection: str) -> None:
    """Remove what no snapshot that a reader may hold can name any more."""
    folder = site.path / collection
    if is_past_grace(folder / "collection.json"):
        # A damaged document hides what it names: then nothing is removed.
        with suppress(CatalogueError):
            site.sweep(collection, names_of(folder))


def _listed(site: Path) -> dict[str, str]:
    path = site / "catalog.json"
    if not path.is_file():
        return {}
    return children_of(decode(path.read_bytes(), CatalogDocument, str(path)).links)

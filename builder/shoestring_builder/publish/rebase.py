"""Moving a site to another address: what holds absolute addresses is written anew."""

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from shoestring_builder.clock import now
from shoestring_builder.describe.collection import CollectionDocuments, describe_collection
from shoestring_builder.describe.geoparquet import require_writer
from shoestring_builder.describe.part import settings_mark
from shoestring_builder.describe.told import told_catalogue, told_frame
from shoestring_builder.parts import PartRecord
from shoestring_builder.publish.current import Current, read_current
from shoestring_builder.publish.names import collection_data
from shoestring_builder.publish.published import PublishedCollection, PublishedPart, read_published
from shoestring_builder.publish.site_folder import SiteFolder, open_site
from shoestring_builder.publish.snapshot import (
    WrittenCollection,
    mend_documents,
    publish,
    write_collection,
)
from shoestring_schema.configuration import CatalogueTable, check_base_url
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.grid import Grid
from shoestring_schema.site import CollectionEntry


@dataclass(frozen=True, slots=True)
class Rebased:
    """What was done.

    Attributes:
        snapshot: The snapshot that the site shows now.
        changed: Whether it showed another before.
    """

    snapshot: str
    changed: bool


def rebase(site: Path, base_url: str | None) -> Rebased:
    """Let a site tell another public address, as if it had been built with it.

    Neither the configuration nor a source file is needed, and nothing is rendered. Readers see
    the site as it was until all is there, then a new snapshot.

    Args:
        site: The site's folder.
        base_url: Its public address; None for none: then the files for other tools that can't be
            without one go.

    Raises:
        CatalogueError: The folder is no site, or not whole; it is as it was.
        ConfigError: The address is none.
        BusyError: A builder is at work on the site.
        PublishError: The site can't be written.
    """
    check_base_url(base_url)
    _require_site(site)
    with open_site(site) as folder:
        current = read_current(site)
        mend_documents(folder, current)
        document = current.document
        if document is None or current.mark is None:
            raise CatalogueError(
                f"{site} was built by an earlier version and has no snapshots: build it again."
            )
        table = msgspec.structs.replace(told_catalogue(document), base_url=base_url or None)
        require_writer(table)
        written = {own.id: _write(folder, own, table) for own in current.entries.values()}
        titles = _titles(current)
        snapshot, changed = publish(folder, table, titles, written, current, now())
    return Rebased(snapshot or "", changed)


def _require_site(site: Path) -> None:
    if not (site / "catalog.json").is_file():
        raise CatalogueError(
            f"{site} is not a site: name the folder that `shoestring build` wrote, with catalog.json."
        )


def _titles(current: Current) -> dict[str, str]:
    return {name: current.titles.get(name, name) for name in current.entries}


def _write(site: SiteFolder, entry: CollectionEntry, table: CatalogueTable) -> WrittenCollection:
    """Write a collection's documents anew, from the ones that are there."""
    name = posixpath.basename(entry.href)
    published = read_published(site.path / entry.id, name)
    if published is None or published.damaged:
        problem = f"{entry.id}/{name} is missing." if published is None else published.damaged[0]
        raise CatalogueError(
            f"{site.path} is no longer whole, and stays as it is ({problem.rstrip('.')}): build it "
            "again first."
        )
    table = msgspec.structs.replace(table, database=entry.database is not None)
    documents = _describe(site, entry, published, table)
    return write_collection(site, entry.id, documents, None)


def _describe(
    site: SiteFolder, entry: CollectionEntry, published: PublishedCollection, table: CatalogueTable
) -> CollectionDocuments:
    document = published.document
    raw = decode(collection_data(site.path, entry), dict[str, Any], entry.href)
    grid = Grid(document.grid.crs, document.grid.transform, document.grid.shape)
    frame = told_frame(document, raw, document.bands, grid)
    settings = (published.parts[0].document.source or "").partition(".")[0]
    mark = settings_mark(frame, table, settings)
    parts = [_record(part) for part in published.parts]
    indexes = {
        own.document.period: own.document.index
        for own in published.parts
        if own.document.period is not None and own.document.index is not None
    }
    home = site.path / entry.id
    return describe_collection(frame, parts, table, indexes, home=home, mark=mark)


def _record(part: PublishedPart) -> PartRecord:
    """A part as one that is written anew."""
    return PartRecord(part.document.period or "", part.items)

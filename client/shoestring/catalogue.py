"""Opening a catalogue: from an address to its collections. Asynchronous."""

import os
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, Unpack

import msgspec

from shoestring import database
from shoestring.access import ONLINE, Access, choose_access, transports
from shoestring.cache_settings import CacheLike
from shoestring.collection import AsyncCollection, CollectionFacts, CollectionInfo, Session
from shoestring.crs import parse_crs
from shoestring.event_loop import in_thread
from shoestring.location import Location, locate
from shoestring.options import Options
from shoestring.parts import PartsIndex
from shoestring.pulling import Pulled, puller
from shoestring.selection import pick
from shoestring.show import catalogue_html, catalogue_text
from shoestring.site_reader import SiteReader
from shoestring.snapshots import fetch_collection, fetch_snapshot
from shoestring.together import together
from shoestring.workers import Workers
from shoestring_schema.document import MAX_BYTES, decode
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.grid import Grid
from shoestring_schema.moments import unpack_moments
from shoestring_schema.site import CatalogDocument, CollectionDocument, CollectionEntry
from shoestring_schema.version import require_readable

CORES = min(4, os.cpu_count() or 1)
"""Threads that compute: a core decodes hundreds of megabytes a second."""

FIRST_CONNECTIONS = 3
"""Opened beside that of the first document, as there will soon be several requests."""

C = TypeVar("C", bound=CollectionFacts)


@dataclass(frozen=True, slots=True)
class CatalogueInfo:
    """What a catalogue says of itself.

    Attributes:
        id: Identifier.
        title: A name for people.
        description: A paragraph for people.
        address: Where it lies.
        snapshot: Which snapshot of the site it is: what to hold on to with ``snapshot=``. None
            where that is not known.
    """

    id: str
    title: str
    description: str
    address: str
    snapshot: str | None = None


class CatalogueFacts(Mapping[str, C]):
    """Collections by their identifiers, for both kinds: `AsyncCatalogue` and `Catalogue`.

    Args:
        info: What the catalogue says of itself.
        collections: In its order.
    """

    def __init__(self, info: CatalogueInfo, collections: Sequence[C]) -> None:
        self.info = info
        self._collections = {collection.id: collection for collection in collections}

    @property
    def snapshot(self) -> str | None:
        """Which snapshot of the site this is; None where that is not known."""
        return self.info.snapshot

    def __getitem__(self, name: str) -> C:
        return pick(name, self._collections, "collection")

    def __iter__(self) -> Iterator[str]:
        return iter(self._collections)

    def __len__(self) -> int:
        return len(self._collections)

    def __repr__(self) -> str:
        return catalogue_text(self)

    def _repr_html_(self) -> str:
        return catalogue_html(self)


class AsyncCatalogue(CatalogueFacts[AsyncCollection]):
    """An open catalogue: ``catalogue["s2-l2a"]``. Made by `connect`.

    Args:
        info: What the catalogue says of itself.
        collections: In its order.
        options: How it behaves towards servers.
    """

    def __init__(
        self, info: CatalogueInfo, collections: Sequence[AsyncCollection], options: Options
    ) -> None:
        super().__init__(info, collections)
        self.options = options

    async def pull(
        self,
        folder: str | Path,
        *,
        delete: bool = False,
        terms: Any = None,  # noqa: ANN401 (of a package that the client does not know)
        progress: bool | None = None,
        **selected: Unpack[Pulled],
    ) -> Any:  # noqa: ANN401
        """Copy the site's snapshot to a folder, or what is new in it since the last time.

        What arrives is a site: `shoestring.open(folder)` reads it without a network. All of it is
        bit for bit the same; a selection is described anew. What was interrupted goes on where it
        stopped.

        Args:
            folder: Where to.
            delete: Drop what the site has dropped, and what is selected no more.
            terms: A `shoestring_pull.options.PullOptions`: rate, hours, and more.
            progress: Show progress; by default on a terminal or in a notebook.
            selected: What is selected; without it, the whole site. `collections` and `bands` are
                names (the mask's band comes along). Of `dates`, a pair is a closed interval, a list
                is just those. With `roi`, only collections that this region touches: see
                `AsyncCollection.extract`. With `crop`, of each layer only the blocks that the
                region's window touches.

        Returns:
            A report of what was done.

        Raises:
            SelectionError: There is nothing that was selected, or no such snapshot any more.
            CatalogueError: The site is not what it should be.
            TransferError: Bytes did not arrive; what did is kept for the next time.
            OutputError: The folder holds something else, has no room, or can't be written.
        """
        work = partial(
            puller(), self.info, self.options, folder,
            delete=delete, terms=terms, progress=progress, **selected,
        )  # fmt: skip
        return await in_thread(work)


@asynccontextmanager
async def connect(
    address: str | Path,
    *,
    snapshot: str | None = None,
    bands: Sequence[str] | None = None,
    options: Options | None = None,
    cache: CacheLike = None,
    offline: bool = False,
) -> AsyncIterator[AsyncCatalogue]:
    """Open a catalogue for as long as the context lasts.

    Args:
        address: URL or path of a site's folder, its `catalog.json`, one of its
            `collection.json`, or a plain `database.json`.
        snapshot: Which snapshot of a site to read, as `AsyncCatalogue.snapshot` told it; without
            it, the current one.
        bands: Names for the bands of a `database.json`, in its order.
        options: How to behave towards servers.
        cache: A folder that keeps what is fetched, so that it is not fetched again; by default
            the one that ``SHOESTRING_CACHE`` names, if any. True is ``~/.cache/shoestring``,
            False none. Data of a site in a folder are not kept again.
        offline: Open no connection: read what the cache holds, and tell what it lacks.

    Raises:
        CatalogueError: Nothing is there, or not a catalogue that this client reads.
        SelectionError: The site does not keep this snapshot.
        TransferError: Its bytes did not arrive.
        OfflineError: The cache does not hold it.
    """
    options = options or Options()
    access = choose_access(cache, options, offline=offline)
    session, catalogue = await open_session(
        address, snapshot=snapshot, bands=bands, options=options, access=access
    )
    try:
        yield catalogue
    finally:
        await session.close()


async def open_session(
    address: str | Path,
    *,
    snapshot: str | None,
    bands: Sequence[str] | None,
    options: Options,
    access: Access = ONLINE,
) -> tuple[Session, AsyncCatalogue]:
    """Open a catalogue; the caller closes the session."""
    location = locate(address)
    transport, cached = transports(access, options, location)
    workers = Workers(CORES)
    reader = SiteReader(options, transport, workers, offline=access.offline)
    session = Session(transport, reader, workers, options, cached if access.offline else None)
    try:
        transport.prepare(location, FIRST_CONNECTIONS)
        if snapshot is not None:
            data = await fetch_snapshot(location, snapshot, transport)
            return session, await _load_catalog(data, location, session, snapshot)
        return session, await _load(location, bands, session)
    except BaseException:
        await session.close()
        raise


class _Kind(msgspec.Struct):
    """As much of a document as tells what it is."""

    type: Any = None


async def _load(
    location: Location, names: Sequence[str] | None, session: Session
) -> AsyncCatalogue:
    data = await session.transport.fetch(location, max_bytes=MAX_BYTES)
    kind = decode(data, _Kind, location.address).type
    if kind == "Catalog":
        return await _load_catalog(data, location, session)
    if kind == "Collection":
        collection = _collection(data, location, session)
        info = CatalogueInfo(
            collection.id, collection.title, collection.description, location.address
        )
        return AsyncCatalogue(info, [collection], session.options)
    if kind is None:
        return await _load_database(data, location, names, session)
    raise CatalogueError(
        f"{location.address} is a {str(kind)[:40]} and no catalogue: give the address of a catalog.json, "
        "collection.json or database.json."
    )


async def _load_catalog(
    data: bytes, location: Location, session: Session, snapshot: str | None = None
) -> AsyncCatalogue:
    document = decode(data, CatalogDocument, location.address)
    if document.version is None:
        raise CatalogueError(
            f"{location.address} is a STAC catalogue that was not made by Shoestring: open it with pystac-client and "
            "odc-stac."
        )
    require_readable(document.version, location.address)
    collections = await together(_load_collections(document, location, session))
    if snapshot is None and document.snapshot is not None:
        snapshot = document.snapshot.id
    info = CatalogueInfo(
        document.id, document.title or document.id, document.description, location.address, snapshot
    )
    return AsyncCatalogue(info, collections, session.options)


def _load_collections(
    document: CatalogDocument, location: Location, session: Session
) -> list[Coroutine[Any, Any, AsyncCollection]]:
    """What loads the collections: of its snapshot, or those that an older site links to."""
    if document.collections is None:
        links = [location.resolve(own.href) for own in document.links if own.rel == "child"]
        return [_load_collection(place, None, session) for place in links]
    places = [(location.resolve(entry.href), entry) for entry in document.collections]
    return [_load_collection(place, entry, session) for place, entry in places]


async def _load_collection(
    location: Location, entry: CollectionEntry | None, session: Session
) -> AsyncCollection:
    if entry is None:
        data = await session.transport.fetch(location, max_bytes=MAX_BYTES)
    else:
        data = await fetch_collection(location, entry, session.transport)
    return _collection(data, location, session)


def _collection(data: bytes, location: Location, session: Session) -> AsyncCollection:
    where = location.address
    document = decode(data, CollectionDocument, where)
    require_readable(document.version, where)
    bands = {band.name: band for band in document.bands}
    _check_mask(document, where)
    try:
        parse_crs(document.grid.crs)
        grid = Grid(document.grid.crs, document.grid.transform, document.grid.shape)
        words = (word for part in document.parts for word in part.dates)
        dates = tuple(sorted(unpack_moments(words)))
    except (ValueError, TypeError, SelectionError) as error:
        reason = str(error).rstrip(".")
        raise CatalogueError(f"{where} is not a collection that can be read: {reason}.") from None
    info = CollectionInfo(
        id=document.id,
        title=document.title or document.id,
        description=document.description,
        license=document.license,
        address=where,
        grid=grid,
        bands=bands,
        mask=document.mask,
        dates=dates,
    )
    indexed = session.options.reader == "auto"
    index = PartsIndex(location, document.parts, session.transport, indexed=indexed)
    return AsyncCollection(info, index, session)


def _check_mask(document: CollectionDocument, where: str) -> None:
    mask = document.mask
    if mask is None:
        return
    if mask.band not in {band.name for band in document.bands}:
        raise CatalogueError(f"{where} masks by {mask.band!r}, which is not one of its bands.")
    if (mask.clear is None) == (mask.clear_below is None):
        raise CatalogueError(f"{where} must say of its mask either clear or clear_below.")


async def _load_database(
    data: bytes, location: Location, names: Sequence[str] | None, session: Session
) -> AsyncCatalogue:
    where = location.address
    files = database.index_database(decode(data, database.Database, where), location, names)
    grid, bands = await database.inspect_bands(files, session.reader, location)
    try:
        parse_crs(grid.crs)
    except ValueError as error:
        raise CatalogueError(f"{where} names files that can't be read: {error}.") from None
    info = CollectionInfo(
        id="database",
        title=where,
        description="Dates and files of a plain database.json.",
        license="other",
        address=where,
        grid=grid,
        bands=bands,
        mask=None,
        dates=tuple(sorted(files)),
    )
    collection = AsyncCollection(info, database.DatabaseIndex(files), session)
    about = CatalogueInfo("database", where, info.description, where)
    return AsyncCatalogue(about, [collection], session.options)

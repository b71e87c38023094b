"""A copy of all of a site: the same documents to the last bit, and the same snapshot."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from shoestring.together import together
from shoestring_builder.clock import now
from shoestring_builder.doors.names import pointer_of
from shoestring_builder.media import hash_of
from shoestring_builder.publish.clean_up import Freed, clean_up
from shoestring_builder.publish.history import Snapshots, read_history, with_current
from shoestring_builder.publish.names import SnapshotNames, snapshot_name
from shoestring_builder.publish.snapshot import DATABASE, make_database, show
from shoestring_pull.arrivals import check_door, check_index, check_vrt
from shoestring_pull.context import Run, Shown, wait
from shoestring_pull.documents import Documents
from shoestring_pull.files import (
    Origins,
    WantedFile,
    assets_of,
    by_name,
    doors_of,
    files_of,
    sources_of,
)
from shoestring_pull.holdings import holds, require_room
from shoestring_pull.names import asset_of, document_of, require_distinct
from shoestring_pull.upstream import (
    UpstreamCollection,
    UpstreamPart,
    read_collection,
    read_part,
    require_hash,
)
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import CatalogDocument, IndexDocument, Link

_CATALOGUE = "catalog.json"


class _RawPart(msgspec.Struct, frozen=True):
    features: tuple[msgspec.Raw, ...]


class _LinkedItem(msgspec.Struct, frozen=True):
    links: tuple[Link, ...] = ()


class _LinkedPart(msgspec.Struct, frozen=True):
    features: tuple[_LinkedItem, ...]


@dataclass(frozen=True, slots=True)
class WholeCollection:
    """A collection of which all is wanted.

    Attributes:
        collection: The collection.
        parts: All of its parts.
        catalogues: The STAC catalogues of its parts: name to the names of its items' files.
        links: All links of these, and of the items: document to its links.
    """

    collection: UpstreamCollection
    parts: tuple[UpstreamPart, ...]
    catalogues: Mapping[str, tuple[str, ...]]
    links: Mapping[str, tuple[Link, ...]]

    @property
    def indexes(self) -> Iterator[tuple[str, IndexDocument]]:
        """The tile indexes of its parts, by their names."""
        for part in self.parts:
            if part.document.index is not None:
                index = part.document.index
                name = document_of(index.href, self.collection.name, self.collection.id)
                require_hash(name, index.checksum)
                yield name, index

    def files(self, documents: Documents, origins: Origins) -> Iterator[WantedFile]:
        """All of its files but the documents."""
        for name, index in self.indexes:
            yield WantedFile(name, documents.location(name), index.size, index.checksum)
        collection = self.collection
        yield from assets_of(collection.document.assets.values(), collection.name, origins)
        for part in self.parts:
            for item in part.items:
                yield from files_of(item, part.name, origins)
        yield from self.doors(origins)

    def doors(self, origins: Origins) -> Iterator[WantedFile]:
        """The files for other tools, but for those that the collection itself names."""
        for name, links in self.links.items():
            yield from doors_of(links, name, self.collection.id, origins)

    def readers(self, origins: Origins) -> Iterator[tuple[str, frozenset[str]]]:
        """Its VRTs, and the files that each may read."""
        for part in self.parts:
            for item in part.items:
                for layer in item.layers.values():
                    if layer.href.lower().endswith(".vrt"):
                        own = (file.name for file in sources_of(layer, part.name, origins))
                        yield asset_of(layer.href, part.name), frozenset(own)


@dataclass(frozen=True, slots=True)
class WholePlan:
    """All that a copy of a whole site shall hold.

    Attributes:
        collections: Its collections.
        files: All files but documents, by name.
        missing: Those that the copy lacks.
    """

    collections: tuple[WholeCollection, ...]
    files: Mapping[str, WantedFile]
    missing: tuple[WantedFile, ...]

    @property
    def places(self) -> Iterator[str]:
        """Names of the documents that will be written."""
        return (name for own in self.collections for name in _documents(own))

    @property
    def documents(self) -> list[int]:
        """Bytes of the documents, for what room they need: those of items count twice."""
        return [
            size
            for own in self.collections
            for size in (2 * own.collection.entry.size,
                         *(2 * part.document.size for part in own.parts))
        ]  # fmt: skip


def plan_whole(run: Run) -> WholePlan:
    """Find out what a copy of the whole site lacks.

    Raises:
        CatalogueError: The site can't be copied as it is.
        TransferError: A document did not arrive.
    """
    collections = wait(_read(run))
    where = run.upstream.location.address
    own_doors = doors_of(run.upstream.document.links, _CATALOGUE, "", run.origins)
    of_collections = (file for own in collections for file in own.files(run.documents, run.origins))
    files = by_name((*own_doors, *of_collections), where)
    documents = [name for own in collections for name in _documents(own)]
    documents += [pointer for pointer in map(pointer_of, files) if pointer is not None]
    require_distinct((*files, *documents), where)
    missing = tuple(file for file in files.values() if not holds(run.copy, file))
    return WholePlan(tuple(collections), files, missing)


def finish_whole(run: Run, plan: WholePlan) -> Shown:
    """Show what has arrived.

    Args:
        run: The pull.
        plan: What the copy lacked; it is there now.

    Returns:
        What the copy shows.

    Raises:
        CatalogueError: What arrived is not what was stated.
        PublishError: The copy can't be written.
    """
    _check(run, plan)
    run.site.prepare()
    for own in plan.collections:
        _write(run, own)
    run.site.mend(snapshot_name(run.upstream.mark.id), run.upstream.data)
    changed = show(run.site, run.upstream.mark, _snapshots(run), _databases(run, plan))
    freed = Freed()
    if run.delete:
        freed = clean_up(run.site, run.upstream.mark, run.keep, now())
    return Shown(run.upstream.mark.id, changed, freed)


def _snapshots(run: Run) -> Snapshots:
    """The list of the copy's snapshots once it shows this one, which is as old as upstream."""
    mark = run.upstream.mark
    before = read_history(run.copy, run.current.mark, now())
    known = [msgspec.structs.replace(own, time=mark.time) if own.id == mark.id else own
             for own in before]  # fmt: skip
    ordered = tuple(sorted(known, key=lambda own: own.time))
    after = with_current(ordered, mark, (), now())
    return tuple(sorted(after, key=lambda own: own.time))


async def _read(run: Run) -> list[WholeCollection]:
    documents = run.documents
    found = await together(read_collection(entry, documents) for entry in run.upstream.entries)
    sizes = [part.size for own in found for part in own.document.parts]
    documents.require_few(sum(sizes))
    require_room(run.copy, sizes)
    return [await _whole(own, documents) for own in found]


async def _whole(collection: UpstreamCollection, documents: Documents) -> WholeCollection:
    found = await together(
        _part(collection, number, documents) for number in range(len(collection.document.parts))
    )
    names = list(dict.fromkeys(collection.catalogues))
    linked = await together(_links(name, documents) for name in names)
    links = dict(zip(names, linked, strict=True))
    items = {
        name: tuple(
            document_of(link.href, name, collection.id) for link in own if link.rel == "item"
        )
        for name, own in links.items()
    }
    of_items = {part.name: links for part, links in found}
    return WholeCollection(collection, tuple(part for part, _ in found), items, links | of_items)


async def _part(
    collection: UpstreamCollection, number: int, documents: Documents
) -> tuple[UpstreamPart, tuple[Link, ...]]:
    """A part, and the links of its items."""
    part, data = await read_part(collection, collection.document.parts[number], documents)
    items = decode(data, _LinkedPart, part.name).features
    return part, tuple(link for item in items for link in item.links)


async def _links(name: str, documents: Documents) -> tuple[Link, ...]:
    """The links of a part's STAC catalogue."""
    return decode(await documents.read(name), CatalogDocument, name).links


def _documents(own: WholeCollection) -> Iterator[str]:
    yield own.collection.name
    for part in own.parts:
        yield part.name
    for name, items in own.catalogues.items():
        yield name
        yield from items


def _check(run: Run, plan: WholePlan) -> None:
    """What is about to be shown leads to nothing that was not stated."""
    shown: frozenset[str] = frozenset()
    if run.current.mark is not None:
        with suppress(CatalogueError):  # damaged: then all is looked at again
            shown = SnapshotNames(run.copy).of(run.current.mark.id)
    new = plan.files.keys() - shown
    layers = {name for own in plan.collections for name, _ in own.readers(run.origins)}
    for name in sorted(new - layers):
        if name.lower().endswith(".vrt"):
            check_door(run.copy, name, plan.files.keys())
    for own in plan.collections:
        for name, index in own.indexes:
            if name in new:
                check_index(run.copy, name, index, plan.files.keys())
        for name, sources in own.readers(run.origins):
            if name in new:
                check_vrt(run.copy, name, sources)


def _write(run: Run, own: WholeCollection) -> None:
    """Write a collection's documents, from its items to its own; no pointer leads to them yet."""
    left = dict(own.catalogues)
    for part in own.parts:
        data = wait(run.documents.read(part.name, part.document.checksum, part.document.size))
        known = _features(data, part.name)
        run.site.write(part.name, data)
        for name, items in own.catalogues.items():
            if name in left and all(hash_of(item) in known for item in items):
                _write_catalogue(run, name, left.pop(name), known)
    for name, items in left.items():
        _write_catalogue(run, name, items, {})
    run.site.mend(own.collection.name, own.collection.data)


def _write_catalogue(run: Run, name: str, items: Sequence[str], known: Mapping[str, bytes]) -> None:
    """Write a part's STAC catalogue, and before it the files of its items."""
    lacking = [item for item in items if hash_of(item) not in known
               and not (run.copy / item).is_file()]  # fmt: skip
    fetched = wait(together(run.documents.read(item) for item in lacking))
    for item, data in zip(lacking, fetched, strict=True):
        run.site.write(item, data)
    for item in items:
        if hash_of(item) in known:
            run.site.write(item, known[hash_of(item) or ""])
    run.site.write(name, wait(run.documents.read(name)))


def _features(data: bytes, where: str) -> dict[str, bytes]:
    """The files of a part's items, by the hash in their names: they need not travel."""
    files = (bytes(raw) + b"\n" for raw in decode(data, _RawPart, where).features)
    return {hashlib.sha256(file).hexdigest()[:16]: file for file in files}


def _databases(run: Run, plan: WholePlan) -> dict[str, bytes]:
    """Each `database.json` that the copy lacks: made of the items, or else fetched.

    Raises:
        CatalogueError: Upstream has another one by now.
    """
    found = {}
    for own in plan.collections:
        entry = own.collection.entry
        if entry.database is None:
            continue
        data = make_database(run.copy, entry, run.upstream.document)
        if "1220" + hashlib.sha256(data).hexdigest() != entry.database:
            data = wait(run.documents.pointer(f"{entry.id}/{DATABASE}"))
        if "1220" + hashlib.sha256(data).hexdigest() != entry.database:
            raise CatalogueError(
                f"{run.documents.location(f'{entry.id}/{DATABASE}').address} is not that of snapshot "
                f"{run.upstream.mark.id}: its publisher was at work meanwhile; pull again."
            )
        found[entry.id] = data
    return found

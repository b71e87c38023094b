"""A copy of a selection: a site of its own, described by the builder's own functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shoestring.tile_index import TileIndex
from shoestring.together import together
from shoestring_builder.clock import now
from shoestring_builder.describe.collection import describe_collection
from shoestring_builder.describe.item import Frame
from shoestring_builder.describe.part import settings_mark
from shoestring_builder.index.collection import index_parts
from shoestring_builder.layer import LayerKey, RenderedLayer
from shoestring_builder.parts import sort_parts
from shoestring_builder.publish.changes import change_of
from shoestring_builder.publish.clean_up import clean_up
from shoestring_builder.publish.current import read_current
from shoestring_builder.publish.published import read_published
from shoestring_builder.publish.snapshot import (
    WrittenCollection,
    place_layers,
    publish,
    write_collection,
)
from shoestring_builder.record import year_of
from shoestring_builder.render.picture import add_thumbnails
from shoestring_pull.arrivals import check_pixels, check_vrt
from shoestring_pull.context import Run, Shown, wait
from shoestring_pull.crop.cut import Cut, make_cut
from shoestring_pull.crop.layer import CropTask, describe_crop
from shoestring_pull.crop.look import Looked, look_at, pieces
from shoestring_pull.crop.stored import LayerSource
from shoestring_pull.documents import Documents
from shoestring_pull.files import WantedFile, by_name
from shoestring_pull.foreign_indexes import foreign_indexes, index_files
from shoestring_pull.frame import catalogue_table, make_frame
from shoestring_pull.holdings import holds
from shoestring_pull.names import document_of, require_distinct
from shoestring_pull.own_collection import (
    WantedCollection,
    WantedLayer,
    chosen,
    crop_path,
    read_parts,
    usable,
    want,
)
from shoestring_pull.selection import Choice, choose
from shoestring_pull.transfer.order import Order
from shoestring_pull.upstream import UpstreamCollection, UpstreamPart, read_collection
from shoestring_schema.errors import CatalogueError, SourceError
from shoestring_schema.grid import Window


@dataclass(frozen=True, slots=True)
class OwnPlan:
    """All that a copy of a selection shall hold.

    Attributes:
        collections: What it shall hold of each collection.
        cuts: Where they are cut.
        missing: Whole files that it lacks.
        crops: Orders for those that are made of blocks.
        notes: What is worth knowing.
    """

    collections: tuple[WantedCollection, ...]
    cuts: Mapping[str, Cut]
    missing: tuple[WantedFile, ...]
    crops: tuple[Order, ...]
    notes: tuple[str, ...]

    @property
    def places(self) -> Iterator[str]:
        """A name in each folder that will be written into."""
        for own in self.collections:
            name = own.collection.id
            moments = {key.moment for key in own.layers} | {item.moment for item in own.stays}
            yield f"{name}/collection.json"
            yield from sorted({f"{name}/{year_of(moment)}/items.json" for moment in moments})

    @property
    def documents(self) -> list[int]:
        """Bytes of the documents upstream, for what room those of the copy need."""
        return [2 * part.document.size for own in self.collections for part in own.parts]


def plan_own(run: Run) -> OwnPlan:
    """Find out what a copy of a selection lacks.

    Raises:
        CatalogueError: The site can't be copied as it is.
        SelectionError: There is nothing that was selected.
        OutputError: The copy holds what can't stand beside it.
        TransferError: A document did not arrive.
    """
    collections = wait(_collections(run))
    choices, left_out = choose(collections, run.selection)
    parts = wait(read_parts(choices, run))
    planned = [_plan(run, *pair) for pair in zip(choices, parts, strict=True)]
    wanted = tuple(own for own, _, _ in planned)
    files = by_name(
        (file for own, _, _ in planned for file in _files(run, own)), run.upstream.location.address
    )
    require_distinct(files, run.upstream.location.address)
    return OwnPlan(
        collections=wanted,
        cuts={own.collection.id: cut for own, cut, _ in planned if cut is not None},
        missing=tuple(file for file in files.values() if not holds(run.copy, file)),
        crops=tuple(order for _, _, orders in planned for order in orders),
        notes=tuple(left_out),
    )


def finish_own(run: Run, plan: OwnPlan) -> Shown:
    """Describe what has arrived, and show it.

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
    table = catalogue_table(run.upstream, database=True)
    notes = list(plan.notes)
    written = {
        own.collection.id: _write(run, own, plan.cuts.get(own.collection.id), notes)
        for own in plan.collections
    }
    titles = {name: run.upstream.titles.get(name, name) for name in written}
    current = run.current
    if run.delete:  # collections that nobody asked for
        current = replace(current, titles={})
    snapshot, changed = publish(run.site, table, titles, written, current, now())
    freed = clean_up(run.site, read_current(run.copy).mark, run.keep, now())
    return Shown(snapshot or "", changed, freed, tuple(notes))


async def _collections(run: Run) -> list[UpstreamCollection]:
    entries = run.upstream.entries
    return await together(read_collection(entry, run.documents) for entry in entries)


def _plan(
    run: Run, choice: Choice, parts: Sequence[UpstreamPart]
) -> tuple[WantedCollection, Cut | None, list[Order]]:
    """What a copy shall hold of a collection, where it is cut, and what is to be cropped."""
    collection = choice.collection
    published = read_published(run.copy / collection.id, run.current.document_of(collection.id))
    layers = chosen(choice, parts, run.origins)
    if not run.selection.crop or choice.window is None:
        own = usable(published, collection.grid, choice, run)
        return want(choice, parts, layers, own, run, None), None, []
    looked: dict[LayerKey, Looked] = {}
    cut = _known_cut(run, choice.window, choice)
    if cut is None:
        looked = _look(run, choice, list(layers.values()))
        shapes = list(dict.fromkeys(own.shape for own in looked.values()))
        cut = make_cut(choice.window, collection.grid, shapes)
    own = usable(published, cut.grid(collection.grid), choice, run)
    wanted = want(choice, parts, layers, own, run, cut)
    new = [
        layer
        for layer in wanted.layers.values()
        if layer.record is None and not crop_path(run.hidden, layer).is_file()
    ]
    looked = looked or _look(run, choice, new)
    return wanted, cut, _orders(run, new, [looked[layer.key] for layer in new], cut)


def _known_cut(run: Run, window: Window, choice: Choice) -> Cut | None:
    """Where the copy is cut already, if that was for the same region."""
    known = run.cuts.get(choice.collection.id)
    if known is None:
        return None
    same = known.region == (window.row, window.column, window.height, window.width)
    rows, columns = choice.collection.grid.shape
    row, column, height, width = known.window
    return known if same and row + height <= rows and column + width <= columns else None


def _look(run: Run, choice: Choice, layers: Sequence[WantedLayer]) -> dict[LayerKey, Looked]:
    """How layers are stored."""
    bands = {band.name: band for band in choice.collection.document.bands}
    grid = choice.collection.grid
    indexes = {id(part): _index(run.documents, choice, part)
               for part in {id(own.part): own.part for own in layers}.values()}  # fmt: skip
    sources = []
    for own in layers:
        if own.sources or own.file.location.suffix == ".vrt":
            raise CatalogueError(
                f"{own.file.location.address} is put together from other files (a VRT), and can't be cropped without "
                "decoding: pull it whole, without --crop, or leave its collection out."
            )
        band = bands[own.key.band]
        source = LayerSource(
            own.key, own.file.location, own.upstream.href, own.file.size, own.file.checksum,
            own.upstream.header_size, band.factor, grid.coarsen(band.factor).shape,
            whole=band.nodata is None,
        )  # fmt: skip
        sources.append((source, indexes[id(own.part)]))
    found = wait(look_at(sources, run.documents))
    return {source.key: own for (source, _), own in zip(sources, found, strict=True)}


def _index(documents: Documents, choice: Choice, part: UpstreamPart) -> TileIndex | None:
    index = part.document.index
    if index is None:
        return None
    name = document_of(index.href, choice.collection.name, choice.collection.id)
    return TileIndex(documents.location(name), index, documents.transport)


def _orders(
    run: Run, new: Sequence[WantedLayer], looked: Sequence[Looked], cut: Cut
) -> list[Order]:
    found = wait(pieces(looked, cut, run.documents)) if looked else []
    return [
        Order(crop_path(run.hidden, layer), size, None, own)
        for layer, (size, own) in zip(new, found, strict=True)
    ]


def _files(run: Run, wanted: WantedCollection) -> Iterator[WantedFile]:
    """The whole files that a copy shall hold of a collection, and indexes that tell of them."""
    whole = [own for own in wanted.layers.values() if not own.fingerprint]
    for own in whole:
        yield own.file
        yield from own.sources
    for _, file in wanted.pictures.values():
        yield file
    new = [own for own in whole if not holds(run.copy, own.file)]
    yield from index_files(wanted, new, run.documents)


def _check(run: Run, plan: OwnPlan) -> None:
    """What is about to be read is what can be, and leads to nothing that was not stated."""
    for own in plan.collections:
        shown = own.published.layers if own.published else {}
        for key, layer in own.layers.items():
            if key in shown and layer.record == shown[key]:
                continue  # it was looked at before it was shown
            if layer.fingerprint:
                check_pixels(crop_path(run.hidden, layer))
                continue
            if layer.file.name.lower().endswith(".vrt"):
                check_vrt(run.copy, layer.file.name, {file.name for file in layer.sources})
            for file in (layer.file, *layer.sources):
                check_pixels(run.copy / file.name)


def _write(
    run: Run, wanted: WantedCollection, cut: Cut | None, notes: list[str]
) -> WrittenCollection:
    """Write all of a collection but the pointers; what is worth knowing is added to `notes`."""
    name, grid = wanted.collection.id, wanted.collection.grid
    frame = make_frame(wanted.collection, wanted.bands, grid if cut is None else cut.grid(grid))
    made = [] if cut is None else _crops(run, wanted, frame)
    items = wanted.items(place_layers(run.site, name, made))
    published = wanted.published
    table = catalogue_table(run.upstream, database=wanted.collection.entry.database is not None)
    parts = list(sort_parts(items, published, settings_mark(frame, table)))
    if cut is not None:
        parts = add_thumbnails(frame, parts, run.site, run.pool)
    stale = [part for part in parts if part.kept is None]
    others = [foreign_indexes(wanted, run.hidden)] if cut is None else []
    indexes = index_parts(frame, stale, made, published, run.site, run.pool, others=others)
    notes += indexes.failed
    documents = describe_collection(frame, parts, table, indexes.periods, home=run.copy / name)
    before = published.layers if published else {}
    after = {
        LayerKey(item.moment, band): layer for item in items for band, layer in item.layers.items()
    }
    return write_collection(run.site, name, documents, change_of(name, before, after))


def _crops(run: Run, wanted: WantedCollection, frame: Frame) -> list[RenderedLayer]:
    """The crops that have arrived, ready to be placed."""
    bands = {band.name: band for band in wanted.bands}
    new = [own for own in wanted.layers.values() if own.record is None]
    tasks = [
        CropTask(own.key, crop_path(run.hidden, own), bands[own.key.band],
                 frame.survey.recipes[own.key.band], own.fingerprint, run.site.staging)
        for own in new
    ]  # fmt: skip
    made: list[RenderedLayer] = []
    for own, result in zip(
        new, run.pool.run(describe_crop, tasks, f"{wanted.collection.id} crops"), strict=True
    ):
        if isinstance(result, SourceError):
            crop_path(run.hidden, own).unlink(missing_ok=True)
            raise CatalogueError(f"{own.file.location.address}: {result}")
        made.append(result)
    return made

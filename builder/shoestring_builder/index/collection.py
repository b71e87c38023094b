"""The indexes of a collection's parts: what is known is taken over, the rest is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import msgspec

from shoestring_builder.describe.item import Frame
from shoestring_builder.index.assemble import FileEntry, LayerEntry, write_index
from shoestring_builder.index.clear import Geometry, MaskLayer, geometry_of
from shoestring_builder.index.index_file import Slots
from shoestring_builder.index.layer_files import LayerFiles, one_file
from shoestring_builder.index.previous import Previous
from shoestring_builder.index.tasks import BlocksTask, ClearTask, Pile, find_blocks, find_clear
from shoestring_builder.layer import LayerKey, RenderedLayer
from shoestring_builder.parts import PartRecord
from shoestring_builder.pool import Pool
from shoestring_builder.publish.published import PublishedCollection
from shoestring_builder.publish.site_folder import SiteFolder
from shoestring_builder.record import ItemRecord, hashed_name, year_of
from shoestring_schema.errors import SourceError
from shoestring_schema.moment import Moment
from shoestring_schema.site import IndexDocument
from shoestring_schema.tile_index import RECORD


@dataclass(frozen=True, slots=True)
class Indexes:
    """The indexes of parts, in their places in the site.

    Attributes:
        periods: What the collection says of each, by the part's period.
        failed: Sentences on layers that can't be read; they are not in an index.
    """

    periods: Mapping[str, IndexDocument]
    failed: tuple[str, ...] = ()


def index_parts(
    frame: Frame,
    parts: Sequence[PartRecord],
    made: Sequence[RenderedLayer],
    published: PublishedCollection | None,
    site: SiteFolder,
    pool: Pool,
    *,
    others: Sequence[Previous] = (),
) -> Indexes:
    """Make the indexes of the parts of a collection that are written anew.

    Args:
        frame: The collection.
        parts: These parts; their layers lie in the site.
        made: The layers that were made in this run.
        published: The collection as readers see it now.
        site: The site.
        pool: Reads what no index tells yet.
        others: Indexes of elsewhere that may tell of layers that the collection's own do not.

    Raises:
        PublishError: The site can't be written.
    """
    if not parts:
        return Indexes({})
    site.prepare()
    factors = {band.name: band.factor for band in frame.survey.bands}
    previous = Previous(site.path / frame.table.id, published, factors)
    work = _Work(frame, factors, (previous, *others), site, pool)
    entries = work.entries([item for part in parts for item in part.items], made)
    periods = {part.period: work.write(part, entries) for part in parts}
    return Indexes(periods, tuple(dict.fromkeys(work.failed)))


@dataclass(frozen=True, slots=True)
class _Clear:
    """How clear blocks are at a moment.

    Attributes:
        anywhere: By where they lie.
        own: Those of the mask, where it is one file.
    """

    anywhere: Mapping[Geometry, Slots]
    own: Mapping[Geometry, Slots]

    def of(self, *, is_mask: bool) -> Mapping[Geometry, Slots]:
        """How clear those of the mask are, or those of another band."""
        return {**self.anywhere, **self.own} if is_mask else self.anywhere


class _Work:
    """The part of it that reads and writes."""

    def __init__(
        self,
        frame: Frame,
        factors: Mapping[str, int],
        previous: Sequence[Previous],
        site: SiteFolder,
        pool: Pool,
    ) -> None:
        self._frame, self._factors, self._previous = frame, factors, previous
        self._site, self._pool = site, pool
        self._pile = Pile(self._new_file())
        self.failed: list[str] = []

    def entries(
        self, items: Sequence[ItemRecord], made: Sequence[RenderedLayer]
    ) -> dict[LayerKey, LayerEntry]:
        """All that is to be told of the layers of items."""
        keys = {LayerKey(item.moment, band): item for item in items for band in item.layers}
        known = {key: self._known(item, key.band) for key, item in keys.items()}
        new = {key: item for key, item in keys.items() if known[key] is None}
        entries = self._read(new, made) | {key: own for key, own in known.items() if own}
        return self._with_clear(items, entries)

    def write(self, part: PartRecord, entries: Mapping[LayerKey, LayerEntry]) -> IndexDocument:
        """Write the index of a part and put it into its place."""
        path = self._new_file()
        keys = [LayerKey(item.moment, band) for item in part.items for band in item.layers]
        document = write_index([entries[key] for key in keys], path)
        stem = f"{part.year}/index-{part.period}"
        name = hashed_name(stem, document.checksum, ".bin")
        self._site.place(path, f"{self._frame.table.id}/{name}")
        return msgspec.structs.replace(document, href=f"./{name}")

    def _known(self, item: ItemRecord, band: str) -> LayerEntry | None:
        """What the first index tells of a layer that tells of it at all."""
        mask = self._frame.survey.mask
        found = (previous.entry(item, band, mask) for previous in self._previous)
        return next((entry for entry in found if entry is not None), None)

    def _read(
        self, new: Mapping[LayerKey, ItemRecord], made: Sequence[RenderedLayer]
    ) -> dict[LayerKey, LayerEntry]:
        """What no index tells yet: the renderer has found it, or workers do."""
        starts: dict[LayerKey, tuple[LayerFiles, int]] = {}
        for layer in made:
            if layer.key in new and layer.stored is not None and layer.records is not None:
                files = one_file(new[layer.key].layers[layer.key.band].href, layer.stored)
                starts[layer.key] = files, self._pile.add(layer.records)
        keys = [key for key in new if key not in starts]
        tasks = [self._blocks_task(key, new[key]) for key in keys]
        label = f"{self._frame.table.id} index"
        for key, task, found in zip(
            keys, tasks, self._pool.run(find_blocks, tasks, label), strict=True
        ):
            if isinstance(found, SourceError):
                self.failed.append(str(found))
                starts[key] = LayerFiles(), 0
            else:
                starts[key] = found, self._pile.add(task.out)
        return {key: self._entry(key, *start) for key, start in starts.items()}

    def _entry(self, key: LayerKey, layer: LayerFiles, start: int) -> LayerEntry:
        factor = self._factors[key.band]
        geometries = [geometry_of(factor, file.place, file.stored.levels) for file in layer.files]
        slots = self._pile.slots(start, geometries, RECORD.itemsize)
        files = tuple(
            FileEntry(file.href, file.stored.size, file.stored.header_size, file.stored.formats,
                      geometry, records)
            for file, geometry, records in zip(layer.files, geometries, slots, strict=True)
        )  # fmt: skip
        return LayerEntry(key.band, key.moment, files, layer.pieces)

    def _blocks_task(self, key: LayerKey, item: ItemRecord) -> BlocksTask:
        recipe = self._frame.survey.recipes[key.band]
        return BlocksTask(self._path(item, key.band), recipe.nodata, self._new_file())

    def _with_clear(
        self, items: Sequence[ItemRecord], entries: Mapping[LayerKey, LayerEntry]
    ) -> dict[LayerKey, LayerEntry]:
        """The entries, with how clear their blocks are."""
        if self._frame.survey.mask is None:
            everywhere = dict.fromkeys(_geometries(entries.values()), 255)
            return {key: _cleared(entry, everywhere) for key, entry in entries.items()}
        lacking = _lacking(entries)
        orders = {}
        for item in items:
            mask = self._mask(item) if item.moment in lacking else None
            if mask is not None:  # else nothing of the date is known to be clear
                lack = {key.band: entries[key] for key in lacking[item.moment]}
                own = _own_geometry(lack.get(mask.rule.band))
                orders[item.moment] = ClearTask(
                    mask, _geometries(lack.values()), own, self._new_file()
                )
        counted = self._count_clear(orders)
        done = dict(entries)
        for key in (key for moment in orders for key in lacking[moment]):
            if key.moment in counted:
                is_mask = key.band == orders[key.moment].mask.rule.band
                done[key] = _cleared(entries[key], counted[key.moment].of(is_mask=is_mask))
            else:  # a reader will open the files, and see what is wrong with the mask too
                done[key] = LayerEntry(key.band, key.moment)
        return done

    def _count_clear(self, orders: Mapping[Moment, ClearTask]) -> dict[Moment, "_Clear"]:
        """How clear blocks are at each moment whose mask can be read."""
        label = f"{self._frame.table.id} clear shares"
        results = self._pool.run(find_clear, list(orders.values()), label)
        failed = {
            moment: str(result)
            for moment, result in zip(orders, results, strict=True)
            if isinstance(result, SourceError)
        }
        self.failed += failed.values()
        starts = {
            moment: self._pile.add(task.out)
            for moment, task in orders.items()
            if moment not in failed
        }
        return {moment: self._clear(orders[moment], start) for moment, start in starts.items()}

    def _clear(self, order: ClearTask, start: int) -> "_Clear":
        own = () if order.own is None else (order.own,)
        slots = self._pile.slots(start, (*order.geometries, *own), 1)
        count = len(order.geometries)
        return _Clear(
            dict(zip(order.geometries, slots[:count], strict=True)),
            dict(zip(own, slots[count:], strict=True)),
        )

    def _mask(self, item: ItemRecord) -> MaskLayer | None:
        """The mask of an item, where it has one."""
        rule = self._frame.survey.mask
        if rule is None or rule.band not in item.layers:
            return None
        return MaskLayer(
            path=self._path(item, rule.band),
            rule=rule,
            nodata=self._frame.survey.recipes[rule.band].nodata,
            factor=self._factors[rule.band],
            shape=self._frame.survey.grid.shape,
        )

    def _path(self, item: ItemRecord, band: str) -> Path:
        folder = self._site.path / self._frame.table.id / year_of(item.moment)
        return folder / item.layers[band].href

    def _new_file(self) -> Path:
        return self._site.staging / uuid4().hex


def _lacking(entries: Mapping[LayerKey, LayerEntry]) -> dict[Moment, list[LayerKey]]:
    """The layers whose blocks are not known to be clear or not, by moment."""
    found: dict[Moment, list[LayerKey]] = {}
    for key, entry in entries.items():
        if any(file.clear is None for file in entry.files):
            found.setdefault(key.moment, []).append(key)
    return found


def _geometries(entries: Iterable[LayerEntry]) -> tuple[Geometry, ...]:
    return tuple(sorted({file.geometry for entry in entries for file in entry.files}))


def _own_geometry(entry: LayerEntry | None) -> Geometry | None:
    """Where the blocks of a layer lie that is one file."""
    whole = entry is not None and [piece.source for piece in entry.pieces] == [None]
    return entry.files[0].geometry if entry is not None and whole else None


def _cleared(entry: LayerEntry, known: Mapping[Geometry, Slots | int]) -> LayerEntry:
    """An entry that tells how clear its blocks are."""
    files = tuple(replace(file, clear=known[file.geometry]) for file in entry.files)
    return replace(entry, files=files)

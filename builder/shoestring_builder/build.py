"""The six steps after each other: inventory, plan, render, index, describe, publish."""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from shoestring_builder.clock import now
from shoestring_builder.describe.collection import describe_collection
from shoestring_builder.describe.geoparquet import require_writer
from shoestring_builder.describe.item import Frame, frame_of
from shoestring_builder.describe.part import settings_mark
from shoestring_builder.index.collection import index_parts
from shoestring_builder.inventory.files import Inventory, NothingFoundError, take_inventory
from shoestring_builder.inventory.first_file import first_files
from shoestring_builder.inventory.header import read_header
from shoestring_builder.inventory.settle import changed, wait
from shoestring_builder.inventory.survey import survey, undecided
from shoestring_builder.layer import LayerKey, RenderedLayer, RenderTask
from shoestring_builder.parts import sort_parts
from shoestring_builder.plan import Places, Plan, make_plan, require_same_kind
from shoestring_builder.pool import Pool, open_pool
from shoestring_builder.publish.changes import change_of
from shoestring_builder.publish.clean_up import Freed, clean_up
from shoestring_builder.publish.current import Current, read_current
from shoestring_builder.publish.history import Snapshots, read_history
from shoestring_builder.publish.journal import Journal, Order, check_finished, finished
from shoestring_builder.publish.memory import Remembered, find_again
from shoestring_builder.publish.published import PublishedCollection, read_published
from shoestring_builder.publish.site_folder import SiteFolder, open_site
from shoestring_builder.publish.snapshot import (
    WrittenCollection,
    mend_documents,
    place_layers,
    publish,
    write_collection,
)
from shoestring_builder.record import ItemRecord, LayerRecord, ThumbnailRecord
from shoestring_builder.render.layer_file import render
from shoestring_builder.render.picture import add_thumbnails
from shoestring_builder.report import BuildReport, CollectionReport
from shoestring_builder.watch.steps import Steps
from shoestring_builder.watch.watcher import watched
from shoestring_builder.workers.cluster import Cluster, Scheduler
from shoestring_schema.configuration import CatalogueTable, CollectionTable, parse_configuration
from shoestring_schema.duration import parse_duration
from shoestring_schema.errors import ConfigError, SourceError
from shoestring_schema.moment import Moment, format_moment


@dataclass(frozen=True, slots=True)
class _Order:
    """A collection that was looked at: all that is needed to build it; and when, by `monotonic`."""

    frame: Frame
    inventory: Inventory
    plan: Plan
    published: PublishedCollection | None
    looked: float


@dataclass(frozen=True, slots=True)
class _Run:
    """What all collections are built with.

    Attributes:
        catalogue: The site's configuration.
        site: The site.
        pool: Does what takes long.
        journal: What earlier runs have finished, and this one does.
        history: The snapshots that the site keeps.
        steps: The log.
    """

    catalogue: CatalogueTable
    site: SiteFolder
    pool: Pool
    journal: Journal
    history: Snapshots
    steps: Steps


@dataclass(frozen=True, slots=True)
class _Made:
    """The layers of a collection that are not published yet.

    Attributes:
        rendered: Those that this run has made.
        finished: Those that a run had made that came to no end.
        again: Those that are in the site, by an earlier snapshot.
        failed: Sentences on sources that can't be used.
        left: Sentences on sources that are still being copied.
    """

    rendered: tuple[RenderedLayer, ...] = ()
    finished: tuple[RenderedLayer, ...] = ()
    again: Remembered = field(default_factory=Remembered)
    failed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Result:
    """A collection that was built, or not.

    Attributes:
        report: What was done.
        written: Its files; None where there is nothing to publish.
    """

    report: CollectionReport
    written: WrittenCollection | None = None


def build(
    config_path: Path,
    *,
    workers: int = 1,
    scheduler: "Scheduler | None" = None,
    progress: bool | None = None,
) -> BuildReport:
    """Bring a site up to date with its source files.

    Args:
        config_path: The configuration file; relative paths in it start from its folder.
        workers: Number of processes that render. The site is the same, byte for byte.
        scheduler: Dask's scheduler, whose workers render instead: its address, the JSON file that
            tells it, or a client that is connected. The site is the same here too.
        progress: True shows progress bars on standard error, False does not, None shows
            them on a terminal, for what takes longer than two seconds.

    Returns:
        What was done, and which source files could not be used.

    Raises:
        ConfigError: The configuration can't be used; nothing was written.
        CatalogueError: The site that is there can't be read; nothing was written.
        PublishError: The site can't be written; readers see it as it was.
        LostWorkerError: Workers were lost; what they have finished stays for the next run.
        BusyError: Another builder is at work on it; nothing was done.
    """
    folder = config_path.resolve().parent
    configuration = parse_configuration(_text(config_path), str(config_path))
    catalogue, tables = configuration.catalogue, configuration.collections
    output = folder / catalogue.output
    require_writer(catalogue)
    with open_site(output) as site, watched(site, configuration, folder) as watch:
        current = read_current(site.path)
        mend_documents(site, current)
        orders = {table.id: _look(table, folder, site, current, watch.steps) for table in tables}
        journal = _journal(site, orders)
        freed = _clean_up(catalogue, orders, site, current, journal)
        watch.steps.done("clean-up", files=freed.files, bytes=freed.size)
        history = read_history(site.path, current.mark, now())
        cluster = None if scheduler is None else _cluster(scheduler, site, orders)
        with open_pool(cluster or workers, progress=progress) as pool:
            run = _Run(catalogue, site, pool, journal, history, watch.steps)
            results = {name: _build_collection(run, order) for name, order in orders.items()}
        titles = {table.id: table.title or table.id for table in tables}
        written = {name: own.written for name, own in results.items() if own.written is not None}
        snapshot, new = publish(site, catalogue, titles, written, current, now())
        journal.published(_looked(orders))
        watch.steps.done("publish", new=int(new))
        reports = tuple(_judged(own, current) for own in results.values())
        watch.done(BuildReport(reports, new, snapshot, freed))
    return watch.report


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{path} can't be read ({error.strerror}): check the path.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text: save it as UTF-8.") from None


def _look(
    table: CollectionTable, folder: Path, site: SiteFolder, current: Current, steps: Steps
) -> _Order | CollectionReport:
    """Inventory and plan: reads only, so that a wrong configuration leaves no trace."""
    read, looked = cache(read_header), time.monotonic()
    published = read_published(site.path / table.id, current.document_of(table.id))
    try:
        inventory = take_inventory(table, folder, read)
    except NothingFoundError as error:
        if published is None:
            raise
        kept = len(published.layers)
        return CollectionReport(table.id, kept=kept, failed=(f"{error} All is kept as it is.",))
    steps.done("inventory", table.id, layers=len(inventory.layers), bad=len(inventory.unusable))
    document = published.document if published else None
    try:
        firsts = first_files(table, inventory, undecided(table, document), read)
    except SourceError as error:
        return CollectionReport(table.id, failed=(*inventory.unusable, str(error)))
    surveyed = survey(table, firsts, document)
    items = published.items if published else iter(())
    require_same_kind(table, inventory.layers, (item.moment for item in items))
    places = Places(folder, site.path, site.path / table.id, site.staging)
    layers = published.layers if published else {}
    plan = make_plan(inventory, surveyed, layers, places, drop=table.on_missing == "drop")
    steps.done("plan", table.id, to_render=len(plan.tasks), kept=len(plan.kept))
    return _Order(frame_of(table, surveyed), inventory, plan, published, looked)


def _clean_up(
    catalogue: CatalogueTable,
    orders: Mapping[str, _Order | CollectionReport],
    site: SiteFolder,
    current: Current,
    journal: Journal,
) -> Freed:
    """Remove what is no longer needed; never a source file, wherever it lies."""
    looked = _looked(orders)
    inside = f"{site.path}{os.sep}"
    sources = {
        source.path.relative_to(site.path).as_posix()
        for order in looked.values()
        for layer in order.inventory.layers.values()
        for source in layer
        if str(source.path).startswith(inside)
    }
    keep, others = parse_duration(catalogue.keep), sources | journal.names()
    return clean_up(site, current.mark, keep, now(), others, orders.keys() - looked.keys())


def _looked(orders: Mapping[str, _Order | CollectionReport]) -> dict[str, _Order]:
    """The collections of which it is known what there is to do."""
    return {name: order for name, order in orders.items() if isinstance(order, _Order)}


def _journal(site: SiteFolder, orders: Mapping[str, _Order | CollectionReport]) -> Journal:
    """What runs that came to no end have finished, and is to be made now."""
    looked = _looked(orders)
    wanted = {own for name, order in looked.items() for own in _wanted(name, order.plan.tasks)}
    return Journal(site, wanted, orders.keys() - looked.keys())


def _wanted(collection: str, tasks: Iterable[RenderTask]) -> list[Order]:
    return [(collection, task.key, task.fingerprint) for task in tasks]


def _cluster(
    scheduler: Scheduler, site: SiteFolder, orders: Mapping[str, _Order | CollectionReport]
) -> Cluster:
    """The workers of a Dask cluster, which must see a source's folder of each collection."""
    firsts = [next(iter(own.inventory.layers.values())) for own in _looked(orders).values()]
    return Cluster(scheduler, site.staging, dict.fromkeys(own[0].path.parent for own in firsts))


def _build_collection(run: _Run, order: _Order | CollectionReport) -> _Result:
    """Render, index, describe, and write all but the pointers."""
    if isinstance(order, CollectionReport):
        return _Result(order)
    name, plan, site = order.frame.table.id, order.plan, run.site
    made = _make(run, order)
    new = (*made.finished, *made.rendered)
    layers = {**plan.outdated, **plan.kept, **made.again.layers, **place_layers(site, name, new)}
    report = _report(order, made)
    run.steps.done("render", name, rendered=report.rendered, used_again=report.reused)
    if not layers:
        return _Result(report)
    items = _items(layers, order.published, made.again.thumbnails)
    parts = list(sort_parts(items, order.published, settings_mark(order.frame, run.catalogue)))
    parts = add_thumbnails(order.frame, parts, site, run.pool)
    stale = [part for part in parts if part.kept is None]
    indexes = index_parts(order.frame, stale, new, order.published, site, run.pool)
    run.steps.done("index", name, layers=len(new), failed=len(indexes.failed))
    documents = describe_collection(
        order.frame, parts, run.catalogue, indexes.periods, home=site.path / name
    )
    before = order.published.layers if order.published else {}
    written = write_collection(site, name, documents, change_of(name, before, layers))
    run.steps.done("describe", name, documents=len(documents.files))
    reasons = tuple(dict.fromkeys((*report.failed, *indexes.failed)))
    return _Result(replace(report, failed=reasons), written)


def _make(run: _Run, order: _Order) -> _Made:
    """Make the layers that are wanted, but those that there are already."""
    name, tasks = order.frame.table.id, order.plan.tasks
    if not tasks:
        return _Made()
    run.site.prepare()
    marks = {task.key: task.fingerprint for task in tasks}
    again = find_again(run.site.path, name, run.history, marks)
    left = [task for task in tasks if task.key not in again.layers]
    checks = run.journal.tasks(_wanted(name, left))
    done = finished(run.pool.run(check_finished, checks, f"{name} finished before"))
    left = [task for task in left if task.key not in done]
    results = run.pool.run(render, left, name, done=run.journal.writer(name))
    sources = [source for task in left for source in task.sources]
    wait(sources, parse_duration(run.catalogue.settle), order.looked)
    moving = changed(sources)
    settled = [
        result
        for task, result in zip(left, results, strict=True)
        if moving.keys().isdisjoint(source.path for source in task.sources)
    ]
    return _Made(
        rendered=tuple(own for own in settled if isinstance(own, RenderedLayer)),
        finished=tuple(done.values()),
        again=again,
        failed=tuple(str(own) for own in settled if isinstance(own, SourceError)),
        left=tuple(moving.values()),
    )


def _judged(result: _Result, current: Current) -> CollectionReport:
    """A report that tells whether readers see anything new."""
    entry = result.written.entry if result.written else None
    new = entry is not None and entry != current.entries.get(entry.id)
    change = result.written.change if result.written else None
    return replace(result.report, changed=new, change=change)


def _items(
    layers: Mapping[LayerKey, LayerRecord],
    published: PublishedCollection | None,
    thumbnails: Mapping[Moment, ThumbnailRecord],
) -> list[ItemRecord]:
    """Layers sorted into items, with the thumbnails that there are."""
    pictures = {item.moment: item.thumbnail for item in published.items} if published else {}
    pictures |= thumbnails
    moments: dict[Moment, dict[str, LayerRecord]] = {}
    for key in sorted(layers, key=lambda key: (key.moment, key.band)):
        moments.setdefault(key.moment, {})[key.band] = layers[key]
    return [ItemRecord(moment, own, pictures.get(moment)) for moment, own in moments.items()]


def _report(order: _Order, made: _Made) -> CollectionReport:
    plan, published = order.plan, order.published
    return CollectionReport(
        id=order.frame.table.id,
        rendered=len(made.rendered),
        reused=len(made.finished) + len(made.again.layers),
        kept=len(plan.kept),
        missing=tuple(f"{format_moment(key.moment)} {key.band}" for key in plan.missing),
        dropped=len(plan.gone),
        left=made.left,
        failed=tuple(dict.fromkeys((*order.inventory.unusable, *made.failed))),
        damaged=published.damaged if published else (),
    )

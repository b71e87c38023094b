"""The six steps after each other: inventory, plan, render, index, describe, publish."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from shoestring_builder.clock import now
from shoestring_builder.describe.documents import describe_collection
from shoestring_builder.describe.item import Frame, frame_of
from shoestring_builder.index.collection import index_collection
from shoestring_builder.inventory.files import Inventory, take_inventory
from shoestring_builder.inventory.first_file import first_files
from shoestring_builder.inventory.header import read_header
from shoestring_builder.inventory.survey import survey, undecided
from shoestring_builder.layer import LayerKey, RenderedLayer
from shoestring_builder.plan import Places, Plan, make_plan, require_same_kind
from shoestring_builder.pool import Pool, open_pool
from shoestring_builder.publish.changes import change_of
from shoestring_builder.publish.clean_up import Freed, clean_up
from shoestring_builder.publish.current import Current, read_current
from shoestring_builder.publish.published import PublishedCollection, read_published
from shoestring_builder.publish.site_folder import SiteFolder, open_site
from shoestring_builder.publish.snapshot import (
    WrittenCollection,
    place_layers,
    publish,
    write_collection,
)
from shoestring_builder.record import ItemRecord, LayerRecord
from shoestring_builder.render.layer_file import render
from shoestring_builder.render.picture import add_thumbnails
from shoestring_builder.report import BuildReport, CollectionReport
from shoestring_schema.configuration import CatalogueTable, CollectionTable, parse_configuration
from shoestring_schema.duration import parse_duration
from shoestring_schema.errors import ConfigError, SourceError
from shoestring_schema.moment import Moment, format_moment


@dataclass(frozen=True, slots=True)
class _Order:
    """A collection that was looked at: all that is needed to build it."""

    frame: Frame
    inventory: Inventory
    plan: Plan
    published: PublishedCollection | None


@dataclass(frozen=True, slots=True)
class _Result:
    """A collection that was built, or not.

    Attributes:
        report: What was done.
        written: Its files; None where there is nothing to publish.
    """

    report: CollectionReport
    written: WrittenCollection | None = None


def build(config_path: Path, *, workers: int = 1, progress: bool | None = None) -> BuildReport:
    """Bring a site up to date with its source files.

    Args:
        config_path: The configuration file; relative paths in it start from its folder.
        workers: Number of processes that render. The site is the same, byte for byte.
        progress: True shows progress bars on standard error, False does not, None shows
            them on a terminal, for what takes longer than two seconds.

    Returns:
        What was done, and which source files could not be used.

    Raises:
        ConfigError: The configuration can't be used; nothing was written.
        CatalogueError: The site that is there can't be read; nothing was written.
        PublishError: The site can't be written; readers see it as it was.
        BusyError: Another builder is at work on it; nothing was done.
    """
    folder = config_path.resolve().parent
    configuration = parse_configuration(_text(config_path), str(config_path))
    catalogue, tables = configuration.catalogue, configuration.collections
    with open_site(folder / catalogue.output) as site:
        current = read_current(site.path)
        orders = {table.id: _look(table, folder, site, current) for table in tables}
        freed = _clean_up(catalogue, orders.values(), site, current)
        with open_pool(workers, progress=progress) as pool:
            results = {name: _build_collection(catalogue, order, site, pool)
                       for name, order in orders.items()}  # fmt: skip
        titles = {table.id: table.title or table.id for table in tables}
        written = {name: own.written for name, own in results.items() if own.written is not None}
        snapshot, changed = publish(site, catalogue, titles, written, current, now())
    reports = tuple(_judged(own, current) for own in results.values())
    return BuildReport(reports, changed, snapshot, freed)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{path} can't be read ({error.strerror}): check the path.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text: save it as UTF-8.") from None


def _look(
    table: CollectionTable, folder: Path, site: SiteFolder, current: Current
) -> _Order | CollectionReport:
    """Inventory and plan: reads only, so that a wrong configuration leaves no trace."""
    read = cache(read_header)
    published = read_published(site.path / table.id, current.document_of(table.id))
    inventory = take_inventory(table, folder, read)
    document = published.document if published else None
    try:
        firsts = first_files(table, inventory, undecided(table, document), read)
    except SourceError as error:
        return CollectionReport(table.id, failed=(*inventory.unusable, str(error)))
    surveyed = survey(table, firsts, document)
    items = published.items if published else ()
    require_same_kind(table, inventory.layers, (item.moment for item in items))
    places = Places(folder, site.path, site.path / table.id, site.staging)
    plan = make_plan(inventory, surveyed, published.layers if published else {}, places)
    return _Order(frame_of(table, surveyed), inventory, plan, published)


def _clean_up(
    catalogue: CatalogueTable,
    orders: Iterable[_Order | CollectionReport],
    site: SiteFolder,
    current: Current,
) -> Freed:
    """Remove what is no longer needed; never a source file, wherever it lies."""
    sources = {
        source.path.relative_to(site.path).as_posix()
        for order in orders
        if isinstance(order, _Order)
        for layer in order.inventory.layers.values()
        for source in layer
        if source.path.is_relative_to(site.path)
    }
    return clean_up(site, current.mark, parse_duration(catalogue.keep), now(), sources)


def _build_collection(
    catalogue: CatalogueTable, order: _Order | CollectionReport, site: SiteFolder, pool: Pool
) -> _Result:
    """Render, index, describe, and write all but the pointers."""
    if isinstance(order, CollectionReport):
        return _Result(order)
    name, plan = order.frame.table.id, order.plan
    rendered, failed = _render(order, site, pool)
    layers = {**plan.outdated, **plan.kept, **place_layers(site, name, rendered)}
    report = _report(order, rendered, failed)
    if not layers:
        return _Result(report)
    items = add_thumbnails(order.frame, _items(layers, order.published), site, pool)
    indexes = index_collection(order.frame, items, rendered, order.published, site, pool)
    documents = describe_collection(order.frame, items, catalogue, indexes.years)
    before = order.published.layers if order.published else {}
    written = write_collection(site, name, documents, change_of(name, before, layers))
    reasons = tuple(dict.fromkeys((*report.failed, *indexes.failed)))
    return _Result(replace(report, failed=reasons), written)


def _judged(result: _Result, current: Current) -> CollectionReport:
    """A report that tells whether readers see anything new."""
    entry = result.written.entry if result.written else None
    changed = entry is not None and entry != current.entries.get(entry.id)
    return replace(result.report, changed=changed)


def _render(order: _Order, site: SiteFolder, pool: Pool) -> tuple[list[RenderedLayer], list[str]]:
    if order.plan.tasks:
        site.prepare()
    results = pool.run(render, order.plan.tasks, order.frame.table.id)
    rendered = [result for result in results if isinstance(result, RenderedLayer)]
    failed = [str(result) for result in results if isinstance(result, SourceError)]
    return rendered, failed


def _items(
    layers: Mapping[LayerKey, LayerRecord], published: PublishedCollection | None
) -> list[ItemRecord]:
    """Layers sorted into items, with the thumbnails that there are."""
    pictures = {item.moment: item.thumbnail for item in published.items} if published else {}
    moments: dict[Moment, dict[str, LayerRecord]] = {}
    for key in sorted(layers, key=lambda key: (key.moment, key.band)):
        moments.setdefault(key.moment, {})[key.band] = layers[key]
    return [ItemRecord(moment, own, pictures.get(moment)) for moment, own in moments.items()]


def _report(order: _Order, rendered: list[RenderedLayer], failed: list[str]) -> CollectionReport:
    plan, published = order.plan, order.published
    return CollectionReport(
        id=order.frame.table.id,
        rendered=len(rendered),
        kept=len(plan.kept),
        missing=tuple(f"{format_moment(key.moment)} {key.band}" for key in plan.missing),
        failed=tuple(dict.fromkeys((*order.inventory.unusable, *failed))),
        damaged=published.damaged if published else (),
    )

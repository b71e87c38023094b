"""Is a collection what the contract says, and do its documents agree with each other?"""

import itertools
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rasterio.crs import CRS
from rasterio.errors import CRSError

from shoestring_builder.check.database import database_faults
from shoestring_builder.check.document import children_of, document_faults, links_of
from shoestring_builder.check.doors import DoorCheck, told
from shoestring_builder.check.geoparquet import geoparquet_faults
from shoestring_builder.check.index import CheckedIndex, open_checked
from shoestring_builder.check.item import Feature, asset_faults, item_faults
from shoestring_builder.check.layer import ExpectedLayer, file_faults, name_faults
from shoestring_builder.check.site_reader import SiteReader
from shoestring_builder.describe.told import told_catalogue
from shoestring_builder.doors.names import pointer_of
from shoestring_builder.publish.names import LinkedCollection
from shoestring_builder.publish.published import mirror_key
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.grid import Grid
from shoestring_schema.moment import format_moment, parse_moment
from shoestring_schema.moments import unpack_moments
from shoestring_schema.site import CatalogDocument, CollectionDocument, Part, PartDocument
from shoestring_schema.version import require_readable

Faults = Iterator[str]
Job = Callable[[], Faults]
"""A piece of the work that takes its time."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CheckedCollection:
    """What the collection's own documents gave.

    Attributes:
        faults: What is wrong with them.
        features: Its items.
        jobs: What is left to check: items and layers, one by one.
    """

    faults: tuple[str, ...]
    features: tuple[Feature, ...] = ()
    jobs: tuple[Job, ...] = ()


def check_collection(
    reader: SiteReader, name: str, catalogue: CatalogDocument | None = None
) -> CheckedCollection:
    """Check a collection's pointers and parts; leave items and layers as jobs.

    Args:
        reader: The site.
        name: Its `collection.json`.
        catalogue: What the site says of its doors; without it, they are only looked for.
    """
    try:
        document = reader.read(name, LinkedCollection)
        layers = _expected(document, name)
        raw = reader.read(name, dict)
    except CatalogueError as error:
        return CheckedCollection((str(error),))
    in_parts, features, indexes = _parts(reader, name, document, layers)
    faults = [*_own_faults(document, name), *document_faults(reader, name, raw), *in_parts]
    faults += _order_faults(name, features)
    faults += database_faults(reader, name, document, features)
    by_id = {feature.typed.id: feature for feature in features}
    jobs: list[Job] = [
        partial(asset_faults, reader, feature, layers, indexes.get(feature.part))
        for feature in features
    ]
    jobs += [index.seal_faults for index in indexes.values()]
    jobs += _mirror_jobs(reader, name, document, features)
    if reader.deep and catalogue is not None:
        doors = DoorCheck(
            reader.root / posixpath.dirname(name), name, document, told_catalogue(catalogue)
        )
        jobs += _door_jobs(reader, doors, features)
    items: list[str] = []
    for child in children_of(reader, name, raw):
        faults += _catalogue_faults(reader, child, items)
    jobs += [partial(item_faults, reader, item, by_id) for item in items]
    faults += _missing_items(name, items, features)
    return CheckedCollection(tuple(faults), tuple(features), tuple(jobs))


def _parts(
    reader: SiteReader,
    name: str,
    document: CollectionDocument,
    layers: Mapping[str, ExpectedLayer],
) -> tuple[list[str], list[Feature], dict[str, CheckedIndex]]:
    """Check the parts and their indexes: faults, all items, and whole indexes by their parts."""
    faults: list[str] = []
    features: list[Feature] = []
    indexes: dict[str, CheckedIndex] = {}
    for part in document.parts:
        own: list[Feature] = []
        faults += _part_faults(reader, name, part, own)
        features += own
        if part.index is not None:
            index, wrong = open_checked(reader, name, document, layers, part.index)
            faults += wrong if index is None else index.head_faults([one.typed for one in own])
            indexes |= {} if index is None else {feature.part: index for feature in own}
    return faults, features, indexes


def _mirror_jobs(
    reader: SiteReader, name: str, document: LinkedCollection, features: list[Feature]
) -> Iterator[Job]:
    """Check the GeoParquet of the parts: of all of them, or of none."""
    mirrors = {
        key: asset for key, asset in document.assets.items()
        if pointer_of(posixpath.normpath(f"{document.id}/{asset.href}")) is None
    }  # fmt: skip
    home = posixpath.dirname(name)
    parts = {mirror_key(part): posixpath.normpath(f"{home}/{part.href}") for part in document.parts}
    items: dict[str | None, list[Json]] = {}
    for feature in features if mirrors else ():
        items.setdefault(feature.part, []).append(feature.raw)
    for key, asset in mirrors.items():
        part = parts.pop(key, None)
        yield partial(geoparquet_faults, reader, name, asset, part, items.get(part, []))
    if mirrors and parts:
        yield lambda: iter([f"{name} names no GeoParquet of {', '.join(parts.values())[:200]}."])


def _door_jobs(reader: SiteReader, doors: DoorCheck, features: list[Feature]) -> Iterator[Job]:
    """Compare the doors with what the items give."""
    home, items = posixpath.dirname(doors.name), list[tuple[str, Json]]()
    catalogues = {link.title: link.href for link in doors.document.links if link.rel == "child"}
    by_part: dict[str, list[Json]] = {}
    for feature in features:
        by_part.setdefault(feature.part, []).append(feature.raw)
        items.append((feature.part.split("/")[-2], feature.raw))
    for part in doors.document.parts:
        own = by_part.get(posixpath.normpath(f"{home}/{part.href}"), [])
        catalogue = catalogues.get(part.period)
        if own and catalogue is not None:
            yield partial(_door_faults, reader, doors, part, own, catalogue)
    yield lambda: told(doors.collection_faults(items), doors.name)


def _door_faults(
    reader: SiteReader, doors: DoorCheck, part: Part, items: list[Json], catalogue: str
) -> Faults:
    try:
        links = reader.read(reader.follow(doors.name, catalogue), CatalogDocument).links
    except CatalogueError:  # told by _catalogue_faults
        return
    yield from told(doors.part_faults(part, items, links), doors.name)


def _expected(document: CollectionDocument, name: str) -> dict[str, ExpectedLayer]:
    """What the layers of each band must be."""
    require_readable(document.version, name)
    own = document.grid
    try:
        CRS.from_user_input(own.crs)
        grid = Grid(own.crs, own.transform, own.shape)
    except (ValueError, CRSError) as error:
        raise CatalogueError(f"{name} has a grid that is none: {error}.") from None
    return {
        band.name: ExpectedLayer(band, grid.coarsen(band.factor) if band.factor > 1 else grid)
        for band in document.bands
    }


def _own_faults(document: CollectionDocument, name: str) -> Faults:
    if document.id != name.rpartition("/")[0]:
        yield f"{name} has the id {document.id!r}, which is not the name of its folder."
    bands = [band.name for band in document.bands]
    if not bands or len(set(bands)) < len(bands):
        yield f"{name} has no bands, or one twice: {', '.join(bands)}."
    if document.mask is not None and document.mask.band not in bands:
        yield f"{name} has a mask by {document.mask.band!r}, which is not one of its bands."


def _part_faults(reader: SiteReader, name: str, part: Part, features: list[Feature]) -> Faults:
    """Check a part, and add its items to `features`."""
    try:
        target = reader.follow(name, part.href)
        yield from file_faults(reader, target, part.size, part.checksum)
        typed = reader.read(target, PartDocument).features
        raw = reader.read(target, dict)["features"]
    except CatalogueError as error:
        yield str(error)
        return
    features += [Feature(target, *both) for both in zip(raw, typed, strict=True)]
    dates = [item.properties.date for item in typed]
    if dates != _dates(part):
        yield f"{target} holds other dates than {name} says of it."


def _dates(part: Part) -> list[str]:
    try:
        return [format_moment(moment) for moment in unpack_moments(part.dates)]
    except SelectionError:
        return []


def _order_faults(name: str, features: list[Feature]) -> Faults:
    """Moments are dates, each there once, in order; identifiers are, too."""
    try:
        moments = [parse_moment(feature.typed.properties.date) for feature in features]
        ordered = all(a < b for a, b in itertools.pairwise(moments))
    except (SelectionError, TypeError):  # a day can't be compared with an instant
        ordered = False
    if not ordered:
        yield f"{name} does not list its moments in order, each once, all days or all instants."
    if len({feature.typed.id for feature in features}) < len(features):
        yield f"{name} has several items of one id."


def _catalogue_faults(reader: SiteReader, name: str, items: list[str]) -> Faults:
    """Check the catalogue of a part, and add the files of its items to `items`."""
    try:
        reader.read(name, CatalogDocument)
        raw = reader.read(name, dict)
    except CatalogueError as error:
        yield str(error)
        return
    yield from name_faults(reader, name)
    yield from document_faults(reader, name, raw)
    for link in links_of(raw):
        if link.rel == "item":
            try:
                items.append(reader.follow(name, link.href))
            except CatalogueError:  # told by document_faults
                continue


def _missing_items(name: str, items: list[str], features: list[Feature]) -> Faults:
    if len(set(items)) != len(items) or len(items) != len(features):
        yield (
            f"{name} leads to {len(items)} items by its parts' catalogues, "
            f"and to {len(features)} by its parts."
        )

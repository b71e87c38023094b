"""Is a collection what the contract says, and do its documents agree with each other?"""

import itertools
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import rasterio
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError

from shoestring_builder.check.doors import DoorCheck, told
from shoestring_builder.check.geoparquet import geoparquet_faults
from shoestring_builder.check.index import CheckedIndex, open_checked
from shoestring_builder.check.layer import ExpectedLayer, file_faults, layer_faults, name_faults
from shoestring_builder.check.site_reader import SiteReader
from shoestring_builder.describe.told import told_catalogue
from shoestring_builder.doors.names import pointer_of
from shoestring_builder.publish.names import LinkedCollection
from shoestring_builder.publish.published import mirror_key
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.grid import Grid
from shoestring_schema.moment import format_moment, parse_moment
from shoestring_schema.moments import unpack_moments
from shoestring_schema.site import (
    AssetDocument,
    CatalogDocument,
    CollectionDocument,
    ItemDocument,
    Link,
    Part,
    PartDocument,
)
from shoestring_schema.version import require_readable

Faults = Iterator[str]
Job = Callable[[], Faults]
"""A piece of the work that takes its time."""

Json = dict[str, Any]

_ELSEWHERE = {
    "self",
    "license",
    "about",
    "via",
    "latest-version",
    "cite-as",
    "describedby",
    "derived_from",
}
"""Relations of links that may leave the site."""


@dataclass(frozen=True, slots=True)
class Feature:
    """An item as it stands in its part.

    Attributes:
        part: Name of the part.
        raw: The item.
        typed: The same, as far as the contract knows it.
    """

    part: str
    raw: Json
    typed: ItemDocument


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
    faults += _database_faults(reader, name, document, features)
    by_id = {feature.typed.id: feature for feature in features}
    jobs: list[Job] = [
        partial(_asset_faults, reader, feature, layers, indexes.get(feature.part))
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
    for child in _children(reader, name, raw):
        faults += _catalogue_faults(reader, child, items)
    jobs += [partial(_item_faults, reader, item, by_id) for item in items]
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


def document_faults(reader: SiteReader, name: str, raw: Json) -> Faults:
    """Check a STAC document's links, and in a deep check the document against STAC's schemas."""
    for link in _links(raw):
        if link.rel in _ELSEWHERE and link.href.startswith(("https://", "http://")):
            continue
        try:
            reader.follow(name, link.href)
        except CatalogueError as error:
            yield str(error)
    for problem in _stac_problems(raw) if reader.deep else ():
        yield f"{name} is not valid STAC: {problem}"


def _stac_problems(raw: Json) -> list[str]:
    from shoestring_builder.check.stac import validate

    extensions = raw.get("stac_extensions", [])
    if not isinstance(extensions, list) or not all(isinstance(name, str) for name in extensions):
        return ["stac_extensions is not a list of addresses."]
    return validate(raw)


def _links(raw: Json) -> list[Link]:
    """The links of a document that has some; others of it are the schema's matter."""
    found = raw.get("links")
    links = found if isinstance(found, list) else []
    return [
        Link(rel=link["rel"], href=link["href"])
        for link in links
        if isinstance(link, dict)
        and isinstance(link.get("rel"), str)
        and isinstance(link.get("href"), str)
    ]


def _children(reader: SiteReader, name: str, raw: Json) -> Iterator[str]:
    for link in _links(raw):
        if link.rel == "child":
            try:
                yield reader.follow(name, link.href)
            except CatalogueError:  # told by document_faults
                continue


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
    for link in _links(raw):
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


def _item_faults(reader: SiteReader, name: str, features: Mapping[str, Feature]) -> Faults:
    """Check the file of an item: it says what the part says."""
    try:
        raw = reader.read(name, dict)
        yield from name_faults(reader, name)
    except CatalogueError as error:
        yield str(error)
        return
    identifier = raw.get("id")
    feature = features.get(identifier) if isinstance(identifier, str) else None
    if feature is None:
        yield f"{name} is an item that is in none of the collection's parts."
    elif feature.raw != raw:
        yield f"{name} does not say what {feature.part} says of {feature.typed.id}."
    yield from document_faults(reader, name, raw)


def _asset_faults(
    reader: SiteReader,
    feature: Feature,
    layers: Mapping[str, ExpectedLayer],
    index: CheckedIndex | None,
) -> Faults:
    """Check all files of an item, and what the index tells of them."""
    sound: set[str] = set()
    for key, asset in feature.typed.assets.items():
        if "thumbnail" in asset.roles:
            yield from _thumbnail_faults(reader, feature.part, asset)
        elif key in layers:
            faults = list(layer_faults(reader, feature.part, asset, layers[key]))
            yield from faults
            sound |= set() if faults else {key}
        else:
            yield f"{feature.part} has an asset {key!r} of a band that the collection lacks."
    if index is not None:
        yield from index.item_faults(feature.part, feature.typed, sound)


def _thumbnail_faults(reader: SiteReader, item: str, asset: AssetDocument) -> Faults:
    try:
        name = reader.follow(item, asset.href)
        whole = list(file_faults(reader, name, asset.size, asset.checksum))
        yield from whole
        if reader.deep and not whole:
            with rasterio.open(reader.path(name), driver="PNG"):
                pass
    except CatalogueError as error:
        yield str(error)
    except (RasterioError, OSError):
        yield f"{name} is not a PNG picture."


def _database_faults(
    reader: SiteReader, name: str, document: CollectionDocument, features: list[Feature]
) -> Faults:
    """Check that `database.json`, where there is one, lists just the items' layers."""
    database = f"{name.rpartition('/')[0]}/database.json"
    try:
        reader.path(database)
    except CatalogueError:  # it can be switched off
        return
    reader.named.add(database)
    try:
        listed = reader.read(database, dict[str, list[str | None]])
    except CatalogueError as error:
        yield str(error)
        return
    expected = {feature.typed.properties.date: feature for feature in features}
    for date in sorted(listed.keys() ^ expected.keys()):
        yield f"{database} and the items disagree on whether there is {date[:40]!r}."
    for date in sorted(listed.keys() & expected.keys()):
        if not _lists(listed[date], expected[date], document):
            yield f"{database} lists other files for {date} than the items."


def _lists(urls: list[str | None], feature: Feature, document: CollectionDocument) -> bool:
    """Whether URLs are those of an item's layers: relative, or absolute with the same end."""
    folder = feature.part.rpartition("/")[0]
    relative = folder.removeprefix(f"{document.id}/")
    if len(urls) != len(document.bands):
        return False
    for url, band in zip(urls, document.bands, strict=True):
        asset = feature.typed.assets.get(band.name)
        if asset is None or url is None:
            if asset is not None or url is not None:
                return False
            continue
        href = asset.href.removeprefix("./")
        absolute = url.startswith(("https://", "http://")) and url.endswith(f"/{folder}/{href}")
        if not absolute and url != f"{relative}/{href}":
            return False
    return True

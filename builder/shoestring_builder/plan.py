"""Which layers must be rendered, which are kept; pure.

A layer is kept where the fingerprint in its asset is that of its sources and
its recipe today. So the site is the only memory that the builder needs.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath

from shoestring_builder.inventory.files import Inventory
from shoestring_builder.inventory.survey import Survey
from shoestring_builder.layer import BandRecipe, LayerKey, RenderTask, SourceBand
from shoestring_builder.record import LayerRecord, year_of
from shoestring_schema.configuration import CollectionTable
from shoestring_schema.errors import ConfigError
from shoestring_schema.moment import Moment, format_moment

RECIPE_VERSION = 2
"""Raised where the builder makes other pixels or files of the same sources and recipe."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie.

    Attributes:
        configuration: The configuration's folder: fingerprints name sources relative to it.
        site: The site's folder.
        collection: The collection's folder in it.
        staging: Folder for files that are not yet published.
    """

    configuration: Path
    site: Path
    collection: Path
    staging: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with each layer.

    Attributes:
        tasks: To be rendered.
        kept: Published, and up to date or without sources that are missed.
        outdated: Published, and to be rendered again: they stay should that fail.
        missing: Those of the kept layers whose sources are no longer there.
        dropped: Published layers of bands that are no longer configured.
        gone: Published layers whose sources are no longer there, which are to go with them.
    """

    tasks: tuple[RenderTask, ...]
    kept: Mapping[LayerKey, LayerRecord]
    outdated: Mapping[LayerKey, LayerRecord]
    missing: tuple[LayerKey, ...]
    dropped: tuple[LayerKey, ...]
    gone: tuple[LayerKey, ...] = ()


def make_plan(
    inventory: Inventory,
    survey: Survey,
    published: Mapping[LayerKey, LayerRecord],
    places: Places,
    *,
    drop: bool = False,
) -> Plan:
    """Compare what there is to build from with what is published.

    Args:
        inventory: The layers and their sources.
        survey: How layers are made.
        published: The layers in the site whose files are there and of the right size.
        places: Where things lie.
        drop: Whether published layers go when their sources do. Where a source can't be opened to
            see what it holds, none goes: it may hold just these.
    """
    tasks = []
    for key, sources in inventory.layers.items():
        recipe = survey.recipes[key.band]
        mark = fingerprint(recipe, sources, places.configuration)
        old = published.get(key)
        if old is None or old.fingerprint != mark:
            tasks.append(_task(key, sources, recipe, mark, places))
    ordered = {task.key for task in tasks}
    wanted = {key: layer for key, layer in published.items() if key.band in survey.recipes}
    missing = tuple(key for key in wanted if key not in inventory.layers)
    gone = missing if drop and inventory.layers and not inventory.unusable else ()
    left_out = ordered.union(gone)
    return Plan(
        tasks=tuple(tasks),
        kept={key: layer for key, layer in wanted.items() if key not in left_out},
        outdated={key: layer for key, layer in wanted.items() if key in ordered},
        missing=() if gone else missing,
        dropped=tuple(key for key in published if key not in wanted),
        gone=gone,
    )


def fingerprint(recipe: BandRecipe, sources: Sequence[SourceBand], folder: Path) -> str:
    """First 32 hex digits of the SHA-256 of all that decides a layer's pixels.

    Args:
        recipe: How it is made.
        sources: What it is made from: names, sizes and modification times count.
        folder: Names are taken relative to it, so that all may move together.
    """
    named = [
        [_relative(source.path, folder), source.band, source.tile, source.size, source.modified]
        for source in sources
    ]
    text = f'{{"recipe":{_recipe(recipe)},"sources":{_text(named)},"version":{RECIPE_VERSION}}}'
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def require_same_kind(
    table: CollectionTable, layers: Iterable[LayerKey], published: Iterable[Moment]
) -> None:
    """A collection holds days or instants, never both.

    Raises:
        ConfigError: The new moments are of the other kind than the published ones.
    """
    old = next(iter(published), None)
    new = next((key.moment for key in layers), None)
    if old is not None and new is not None and type(old) is not type(new):
        raise ConfigError(
            f'collection "{table.id}": its dates were like {format_moment(old)} and would now be '
            f"like {format_moment(new)}; give the collection a new id, or remove its folder from "
            "the site to build it anew."
        )


def _task(
    key: LayerKey, sources: tuple[SourceBand, ...], recipe: BandRecipe, mark: str, places: Places
) -> RenderTask:
    home = places.collection / year_of(key.moment)
    return RenderTask(key, sources, recipe, mark, places.staging, home, places.site)


@lru_cache(64)
def _recipe(recipe: BandRecipe) -> str:
    """A recipe as text; the catalogue's own words on the mask's classes included."""
    facts = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    clear = recipe.clear
    facts["grid"] = [recipe.grid.crs, recipe.grid.transform, recipe.grid.shape]
    facts["clear"] = clear and [clear.band, clear.clear, clear.clear_below]
    return _text(facts)


def _text(facts: object) -> str:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _relative(path: Path, folder: Path) -> str:
    home, name = os.path.split(path)
    return f"{_relative_folder(home, str(folder))}{name}"


@lru_cache(4096)
def _relative_folder(path: str, folder: str) -> str:
    try:
        relative = PurePath(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of a Windows machine
        relative = PurePath(path).as_posix()
    return "" if relative == "." else f"{relative.rstrip('/')}/"

"""Which layers are rendered and which are kept."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from shoestring_builder.inventory.files import Inventory
from shoestring_builder.inventory.survey import Survey
from shoestring_builder.layer import BandRecipe, LayerKey, SourceBand, Statistics
from shoestring_builder.plan import Places, Plan, fingerprint, make_plan, require_same_kind
from shoestring_builder.record import LayerRecord
from shoestring_schema.configuration import BandTable, CollectionTable
from shoestring_schema.errors import ConfigError
from shoestring_schema.grid import Grid
from shoestring_schema.site import MaskDocument

FOLDER = Path("/data")
GRID = Grid("EPSG:32630", (10, 0, 0, 0, -10, 0), (5, 5))
RECIPE = BandRecipe(
    name="B04", grid=GRID, data_type="uint16", nodata=0, scale=1, offset=0, unit=None,
    resampling="bilinear", overview_resampling="average", may_reproject=False, layout="cog",
    block_size=256, step=0.0, clear=None,
)  # fmt: skip
SOURCE = SourceBand(FOLDER / "in" / "a.tif", 1, "", 100, 1_000)
KEY = LayerKey(date(2018, 1, 2), "B04")
SURVEY = Survey(GRID, (), {"B04": RECIPE}, None)
PLACES = Places(FOLDER, Path("/site"), Path("/site/s2"), Path("/site/.staging"))


def record(mark: str) -> LayerRecord:
    """A published layer with a fingerprint."""
    return LayerRecord("f.tif", 1, "1220", 1, Statistics(0, 0, 0, 0, 100), None, mark)


def plan(
    *published: tuple[LayerKey, str], layers: dict[LayerKey, tuple[SourceBand, ...]] | None = None
) -> Plan:
    """A plan for one source, against what is published."""
    own = {KEY: (SOURCE,)} if layers is None else layers
    return make_plan(Inventory(own), SURVEY, {key: record(mark) for key, mark in published}, PLACES)


def test_a_new_layer_is_rendered_into_its_year() -> None:
    """What is not published is a task, with its places."""
    (task,) = plan().tasks
    assert (task.key, task.home, task.staging) == (KEY, Path("/site/s2/2018"), PLACES.staging)


def test_an_unchanged_layer_is_kept() -> None:
    """A published layer with today's fingerprint is kept."""
    result = plan((KEY, fingerprint(RECIPE, (SOURCE,), FOLDER)))
    assert (result.tasks, list(result.kept), result.missing) == ((), [KEY], ())


def test_a_changed_layer_is_rendered_and_the_old_one_stays_meanwhile() -> None:
    """A published layer with another fingerprint is rendered; it stays should that fail."""
    result = plan((KEY, "other"))
    assert (len(result.tasks), list(result.outdated), list(result.kept)) == (1, [KEY], [])


def test_a_layer_without_sources_is_kept_and_told() -> None:
    """A published layer whose sources vanished is kept."""
    result = plan((KEY, "old"), layers={})
    assert (list(result.kept), result.missing, result.tasks) == ([KEY], (KEY,), ())


@pytest.mark.parametrize(
    ("layers", "unusable", "goes"),
    [({KEY: (SOURCE,)}, (), True), ({KEY: (SOURCE,)}, ("x is damaged.",), False), ({}, (), False)],
)
def test_a_layer_goes_with_its_sources_only_where_all_others_are_known(
    layers: dict[LayerKey, tuple[SourceBand, ...]], unusable: tuple[str, ...], goes: bool
) -> None:
    """Without any source, or with one that can't be opened, nothing goes."""
    old = LayerKey(date(2017, 1, 1), "B04")
    known = {key: record("x") for key in (old, KEY)}
    result = make_plan(Inventory(layers, unusable), SURVEY, known, PLACES, drop=True)
    assert (old in result.gone, old in result.kept, old in result.missing) == (
        goes,
        not goes,
        not goes,
    )


def test_a_band_that_is_not_configured_is_dropped() -> None:
    """Layers of a band that the configuration no longer has are left out."""
    other = LayerKey(KEY.moment, "B99")
    result = plan((other, "x"))
    assert (list(result.kept), result.dropped) == ([], (other,))


@pytest.mark.parametrize(
    "change",
    [
        {"size": 101},
        {"modified": 1_001},
        {"band": 2},
        {"tile": "T"},
        {"path": FOLDER / "in" / "b.tif"},
    ],
)
def test_each_fact_of_a_source_counts(change: dict[str, Any]) -> None:
    """Another name, size, time, raster band or tile is another fingerprint."""
    before = fingerprint(RECIPE, (SOURCE,), FOLDER)
    assert fingerprint(RECIPE, (replace(SOURCE, **change),), FOLDER) != before


@pytest.mark.parametrize(
    "change",
    [
        {"grid": replace(GRID, shape=(5, 6))},
        {"data_type": "int16"},
        {"nodata": None},
        {"nodata": float("nan")},
        {"scale": 0.1},
        {"offset": 1.0},
        {"unit": "K"},
        {"resampling": "cubic"},
        {"overview_resampling": "nearest"},
        {"may_reproject": True},
        {"layout": "vrt"},
        {"block_size": 128},
        {"step": 8.0},
        {"clear": MaskDocument(band="B04", clear=(1,))},
        {"clear": MaskDocument(band="B04", clear_below=20)},
    ],
)
def test_each_field_of_the_recipe_counts(change: dict[str, Any]) -> None:
    """Another recipe is another fingerprint, whichever field differs."""
    before = fingerprint(RECIPE, (SOURCE,), FOLDER)
    assert fingerprint(replace(RECIPE, **change), (SOURCE,), FOLDER) != before


def test_the_order_of_sources_counts() -> None:
    """Which tile covers which is part of the fingerprint."""
    other = replace(SOURCE, tile="T")
    one, two = (fingerprint(RECIPE, s, FOLDER) for s in ((SOURCE, other), (other, SOURCE)))
    assert one != two


def test_moving_everything_together_changes_nothing() -> None:
    """Names count relative to the configuration's folder."""
    moved = replace(SOURCE, path=Path("/elsewhere/in/a.tif"))
    before = fingerprint(RECIPE, (SOURCE,), FOLDER)
    assert fingerprint(RECIPE, (moved,), Path("/elsewhere")) == before
    assert len(before) == 32


def test_days_and_instants_do_not_mix() -> None:
    """A collection of days can't become one of instants."""
    own = CollectionTable(id="s2", source="x", bands={"B04": BandTable()})
    instant = LayerKey(datetime(2018, 1, 2, 3, tzinfo=UTC), "B04")
    require_same_kind(own, [KEY], [date(2017, 1, 1)])
    require_same_kind(own, [instant], [])
    with pytest.raises(ConfigError, match="2017-01-01 and would now be like 2018-01-02T03:00:00Z"):
        require_same_kind(own, [instant], [date(2017, 1, 1)])

"""``status.json`` from the one before and a run; pure. Everything in it is bounded."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from shoestring_builder.clock import format_instant
from shoestring_schema import SCHEMA_VERSION
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.site import SnapshotDocument
from shoestring_schema.status import (
    CollectionRun,
    CollectionStatus,
    GrowthPoint,
    RunDocument,
    Sentences,
    StatusDocument,
)

MOST_RUNS = 100
MOST_NEWS = 200
MOST_POINTS = 400
FEW_SENTENCES = 3
"""What is told of earlier runs' reasons: a file that stays bad is in every one of them."""


def empty_status(catalogue: CatalogueTable) -> StatusDocument:
    """The status of a site that nothing is known of."""
    title = catalogue.title or catalogue.id
    return StatusDocument(version=SCHEMA_VERSION, catalogue=catalogue.id, title=title)


def with_shown(
    status: StatusDocument,
    snapshot: str | None,
    collections: Sequence[CollectionStatus],
    history: Iterable[SnapshotDocument],
    now: datetime,
) -> StatusDocument:
    """The status with what the site shows now.

    Args:
        status: The one before.
        snapshot: The snapshot that the site shows.
        collections: What this holds.
        history: The snapshots that the site keeps.
        now: The time.
    """
    size, layers = size_of(collections), layers_of(collections)
    point = GrowthPoint(time=format_instant(now), size=size, layers=layers)
    last = status.growth[-1] if status.growth else None
    grown = last is None or (last.size, last.layers) != (size, layers)
    return msgspec.structs.replace(
        status,
        snapshot=snapshot,
        collections=tuple(collections),
        news=_news(status.news, history),
        growth=thinned((*status.growth, point)) if grown and collections else status.growth,
    )


def with_runs(status: StatusDocument, runs: Iterable[RunDocument]) -> StatusDocument:
    """The status with more runs, of which the last one tells its reasons in full."""
    *earlier, last = (*status.runs, *runs)
    kept = [_in_short(run) for run in earlier[-MOST_RUNS + 1 :]]
    return msgspec.structs.replace(status, runs=(*kept, last))


def size_of(collections: Iterable[CollectionStatus]) -> int:
    """Bytes of all layers."""
    return sum(part.size for own in collections for part in own.parts)


def layers_of(collections: Iterable[CollectionStatus]) -> int:
    """Number of all layers."""
    return sum(part.layers for own in collections for part in own.parts)


def thinned(points: tuple[GrowthPoint, ...]) -> tuple[GrowthPoint, ...]:
    """Leave out every other one of the older half, where there are too many; never the first."""
    if len(points) <= MOST_POINTS:
        return points
    half = MOST_POINTS // 2
    return (*points[:half:2], *points[half:])


def _news(
    known: Iterable[SnapshotDocument], history: Iterable[SnapshotDocument]
) -> tuple[SnapshotDocument, ...]:
    """The last snapshots that changed something, whether they are still kept or not."""
    plain = (msgspec.structs.replace(own, until=None) for own in history if own.changes)
    found = {own.id: own for own in known}
    for own in plain:
        found.setdefault(own.id, own)  # behind those of the same second that are known
    return tuple(sorted(found.values(), key=lambda own: own.time)[-MOST_NEWS:])


def _in_short(run: RunDocument) -> RunDocument:
    return msgspec.structs.replace(run, collections=tuple(map(_few, run.collections)))


def _few(run: CollectionRun) -> CollectionRun:
    def cut(own: Sentences) -> Sentences:
        return msgspec.structs.replace(own, first=own.first[:FEW_SENTENCES])

    return msgspec.structs.replace(run, failed=cut(run.failed), left=cut(run.left))

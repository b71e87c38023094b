"""The snapshots that a site keeps: ``snapshots.json``."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from shoestring_builder.clock import format_instant, parse_instant
from shoestring_builder.describe.pointers import SNAPSHOTS, pretty
from shoestring_builder.publish.names import snapshot_name
from shoestring_schema import SCHEMA_VERSION
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import (
    ChangeDocument,
    SnapshotDocument,
    SnapshotMark,
    SnapshotsDocument,
)
from shoestring_schema.version import require_readable

Snapshots = tuple[SnapshotDocument, ...]
"""In the order of their times."""

_SNAPSHOT = re.compile(r"catalog-([0-9a-f]{16})\.json")


def read_history(site: Path, mark: SnapshotMark | None, now: datetime) -> Snapshots:
    """Read which snapshots a site keeps, as far as their documents are there.

    A list that is damaged or lost is made again from these; so is one that names others, as after
    a bit of it has changed.

    Args:
        site: The site's folder.
        mark: The current snapshot; it is among those that are returned, if it is there.
        now: The time.

    Raises:
        CatalogueError: A newer builder wrote it.
    """
    listed = _listed(site / SNAPSHOTS, now)
    there = {own.id: own for own in listed or () if (site / snapshot_name(own.id)).is_file()}
    lacking = listed is None or len(there) < len(listed) or (mark and mark.id not in there)
    if lacking:
        there = {own.id: own for own in _found(site, mark, now)} | there
    return tuple(sorted(there.values(), key=lambda own: own.time))


def history_data(snapshots: Snapshots) -> bytes:
    """``snapshots.json``."""
    document = SnapshotsDocument(version=SCHEMA_VERSION, snapshots=snapshots)
    return pretty(
        msgspec.structs.replace(document, checksum=_checksum(msgspec.to_builtins(document)))
    )


def is_as_written(data: bytes) -> bool:
    """Whether ``snapshots.json`` is what a builder wrote, to the last bit; pure.

    Its times follow from nothing else that is in the site, so it tells its own checksum.

    Raises:
        CatalogueError: It is no document.
    """
    document = decode(data, dict[str, Any], SNAPSHOTS)
    return pretty(document) == data and document.get("checksum") == _checksum(document)


def _checksum(document: Mapping[str, Any]) -> str:
    """Of the list, but for what it says of this."""
    rest = {key: value for key, value in document.items() if key != "checksum"}
    return "1220" + hashlib.sha256(pretty(rest)).hexdigest()


def next_mark(snapshots: Snapshots, snapshot: str, now: datetime) -> SnapshotMark:
    """How pointers to a snapshot are marked: by the time at which it was first published.

    No time is before those that the list has already: a clock that was set back, as by an
    empty battery, does not make snapshots old.
    """
    known = next((own for own in snapshots if own.id == snapshot), None)
    if known is not None:
        return SnapshotMark(id=snapshot, time=known.time)
    return SnapshotMark(id=snapshot, time=format_instant(_not_before(snapshots, now)))


def with_current(
    snapshots: Snapshots, mark: SnapshotMark, changes: Iterable[ChangeDocument], now: datetime
) -> Snapshots:
    """The list with another current snapshot; pure.

    Args:
        snapshots: The list.
        mark: The snapshot that becomes, or stays, the current one.
        changes: What it changes, if it is new.
        now: The time, at which all others that have been current end to be so.
    """
    end = format_instant(_not_before(snapshots, now))
    others = tuple(
        own
        if own.id == mark.id or own.until is not None
        else msgspec.structs.replace(own, until=end)
        for own in snapshots
    )
    if not any(own.id == mark.id for own in snapshots):
        return (*others, SnapshotDocument(id=mark.id, time=mark.time, changes=tuple(changes)))
    return tuple(
        msgspec.structs.replace(own, until=None) if own.id == mark.id else own for own in others
    )


def kept(
    snapshots: Snapshots, mark: SnapshotMark | None, keep: timedelta, now: datetime
) -> Snapshots:
    """The snapshots that must stay readable; pure.

    The current one, those that were current less than `keep` ago, and those of which it is not
    known when they ended.
    """
    return tuple(
        own
        for own in snapshots
        if own.until is None
        or (mark is not None and own.id == mark.id)
        or now - parse_instant(own.until) < keep
    )


def _listed(path: Path, now: datetime) -> Snapshots | None:
    """What the list says; None where it is not there, or damaged."""
    try:
        data = path.read_bytes()
        document = decode(data, SnapshotsDocument, str(path))
        _not_before(document.snapshots, now)  # every time is one
        raw = decode(data, dict[str, Any], str(path))
    except (OSError, CatalogueError, ValueError):
        return None
    require_readable(document.version, str(path))
    whole = document.checksum in (None, _checksum(raw))  # earlier builders wrote none
    return document.snapshots if whole else None


def _found(site: Path, mark: SnapshotMark | None, now: datetime) -> Iterator[SnapshotDocument]:
    """The snapshots whose documents are there; for all one knows, they have ended just now."""
    for path in site.iterdir() if site.is_dir() else ():
        match = _SNAPSHOT.fullmatch(path.name)
        if match and mark is not None and match[1] == mark.id:
            yield SnapshotDocument(id=mark.id, time=mark.time)
        elif match:
            time = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), now)
            ended = format_instant(now)
            yield SnapshotDocument(id=match[1], time=format_instant(time), until=ended)


def _not_before(snapshots: Snapshots, now: datetime) -> datetime:
    times = [time for own in snapshots for time in (own.time, own.until) if time is not None]
    return max([now, *map(parse_instant, times)])

"""What must travel, what must go, and which snapshots a copy keeps; pure."""

import posixpath
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from shoestring_builder.clock import parse_instant
from shoestring_builder.doors.names import pointer_of
from shoestring_builder.media import is_hashed
from shoestring_builder.mirror.pointers import IN_COLLECTIONS
from shoestring_builder.mirror.target import Outgoing, Stored
from shoestring_builder.publish.clean_up import select
from shoestring_builder.publish.history import Snapshots, kept, with_current
from shoestring_schema.site import SnapshotMark


def snapshots_to_keep(
    site: Snapshots, copy: Snapshots, mark: SnapshotMark, keep: timedelta, now: datetime
) -> Snapshots:
    """The list of a copy once it shows a snapshot.

    Those of the site and those of the copy that have ended less than `keep` ago. The copy may
    have shown one for longer than the site: the later end counts.

    Args:
        site: The snapshots of the site.
        copy: Those of the copy.
        mark: The snapshot that the copy will show.
        keep: How long one is kept after it has ended.
        now: The time.
    """
    known = {own.id: own for own in copy}
    for own in site:
        other = known.get(own.id)
        until = own.until if other is None else _later(own.until, other.until)
        known[own.id] = msgspec.structs.replace(own, until=until)
    ordered = tuple(sorted(known.values(), key=lambda own: own.time))
    return kept(with_current(ordered, mark, (), now), mark, keep, now)


def missing(files: Mapping[str, Outgoing], listing: Mapping[str, Stored]) -> list[list[Outgoing]]:
    """What a copy lacks, in waves: what names others comes after these.

    A name that carries a hash stands for its content, so its size is enough; any other (a VRT's
    source) travels as well where it is newer than the copy.
    """
    waves: list[list[Outgoing]] = [[], [], [], []]
    for name in sorted(files):
        file, there = files[name], listing.get(name)
        if there is None or there.size != file.size or (
            not is_hashed(name) and file.time > there.time
        ):  # fmt: skip
            waves[_wave(name)].append(file)
    return [wave for wave in waves if wave]


def outdated(
    listing: Mapping[str, Stored],
    named: Collection[str],
    collections: Collection[str],
    before: float,
) -> list[str]:
    """What goes from a copy, in the order of removal: as the site's own clean-up would have it.

    Args:
        listing: All files of the copy.
        named: Those that are still needed.
        collections: The folders that are ours.
        before: What came later stays.
    """
    ages = {
        name: stored.time
        for name, stored in listing.items()
        if "/" not in name or name.split("/")[0] in collections
    }
    return select(ages, named, before)


def lost_pointers(
    listing: Iterable[str],
    pointers: Collection[str],
    collections: Collection[str],
    doors: Collection[str] = (),
) -> list[str]:
    """Pointers of collections, to databases and to doors, that the snapshot lacks.

    Args:
        listing: All files of the copy.
        pointers: Those of the snapshot.
        collections: The folders that are ours.
        doors: The pointers to doors of all snapshots that are known.
    """
    return sorted(
        name
        for name in listing
        if name not in pointers and (name in doors or _is_pointer(name, collections))
    )


def unlike(files: Iterable[Outgoing], listing: Mapping[str, Stored]) -> list[Outgoing]:
    """Files that a copy does not hold in their size."""
    return [
        file for file in files if file.name not in listing or listing[file.name].size != file.size
    ]


def _later(one: str | None, other: str | None) -> str | None:
    """The later end; none is the latest."""
    return None if one is None or other is None else max(one, other, key=parse_instant)


def _is_pointer(name: str, collections: Collection[str]) -> bool:
    folder, base = posixpath.split(name)
    return folder in collections and base in IN_COLLECTIONS


def _wave(name: str) -> int:
    """Layers, pictures, indexes and sources; then documents and doors, from the deepest up."""
    is_door = pointer_of(name) is not None  # a document in the same folder names it
    if not (is_door or (name.endswith(".json") and is_hashed(name))):
        return 0
    return (2 if is_door else 3) - min(name.count("/"), 2)

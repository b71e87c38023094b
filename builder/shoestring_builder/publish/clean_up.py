"""Removing what no snapshot names that a reader may still hold."""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from shoestring_builder.describe.pointers import SNAPSHOTS
from shoestring_builder.publish.history import Snapshots, history_data, kept, read_history
from shoestring_builder.publish.names import SnapshotNames, read_snapshot
from shoestring_builder.publish.room import in_words
from shoestring_builder.publish.site_folder import SiteFolder
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import SnapshotMark

_CATALOGUE = re.compile(r"catalog-[0-9a-f]{16}\.json")
_COLLECTION = re.compile(r"[^/]+/collection-[0-9a-f]{16}\.json")
_DOOR = re.compile(r"([^/]+/)?[^/]+-[0-9a-f]{16}\.(vrt|gti\.gpkg|qlr|qgs)", re.DOTALL)
_IN_A_YEAR = re.compile(
    r"[^/]+/[0-9]{4}/([^/]+-[0-9a-f]{16}(\.gti)?\.[a-z]+|SHA256SUMS-[0-9-]+-[0-9a-f]{16})",
    re.DOTALL,
)
_KINDS = (_CATALOGUE, _COLLECTION, _DOOR, _IN_A_YEAR)
"""Names of our own making, in the order of removal: what leads to others goes before them."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What a clean-up removed.

    Attributes:
        snapshots: Number of snapshots that can no longer be read.
        files: Number of files.
        size: Their bytes.
        hindrance: Why nothing was removed, although something should have been.
    """

    snapshots: int = 0
    files: int = 0
    size: int = 0
    hindrance: str | None = None

    def __str__(self) -> str:
        of = f"{self.snapshots} old snapshot{'' if self.snapshots == 1 else 's'}"
        files = f"{self.files} file{'' if self.files == 1 else 's'}"
        return f"freed {in_words(self.size)}: {files} of {of}"


def clean_up(
    site: SiteFolder,
    mark: SnapshotMark | None,
    keep: timedelta,
    now: datetime,
    others: Iterable[str] = (),
    spared: Collection[str] = (),
) -> Freed:
    """Forget the snapshots that have ended `keep` ago, and remove what only they name.

    Only files of our own making, that are as old as that, go; never a user's own. The lock
    must be held.

    Args:
        site: The site.
        mark: The current snapshot, which is always kept.
        keep: How long snapshots are kept after they have ended.
        now: The time.
        others: Files to keep that no snapshot names, relative to the site.
        spared: Collections of which nothing is removed: it is not known what sources they have.

    Raises:
        PublishError: The list of snapshots can't be written.
    """
    listed = read_history(site.path, mark, now)
    left = kept(listed, mark, keep, now)
    data = history_data(left)
    if not listed or _holds(site.path / SNAPSHOTS, data):
        return Freed()
    reader = SnapshotNames(site.path)
    try:
        named = frozenset(others).union(*(reader.of(own.id) for own in left))
    except CatalogueError as error:  # a damaged document hides what it names
        return Freed(hindrance=f"Nothing was cleaned up: {error}")
    ages = _ages(site.path, _collections(site.path, listed) - set(spared))
    doomed = select(ages, named, (now - keep).timestamp())
    freed = _remove(site.path, doomed, len(listed) - len(left))
    site.swap(SNAPSHOTS, data)  # last: a run that is killed before is made up for
    return freed


def select(ages: Mapping[str, float], named: Collection[str], before: float) -> list[str]:
    """Which files go, in the order of removal; pure.

    Args:
        ages: Names of files, relative to the site, and their modification times.
        named: Those that are still needed.
        before: Younger files stay.
    """
    return [
        name
        for kind in _KINDS
        for name in sorted(ages)
        if kind.fullmatch(name) and name not in named and ages[name] < before
    ]


def _holds(path: Path, data: bytes) -> bool:
    """Whether the list is as it should be; it is not while a clean-up is due, or was killed."""
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def _collections(site: Path, snapshots: Snapshots) -> set[str]:
    """All collections that snapshots know of, as far as they can be read."""
    found: set[str] = set()
    for own in snapshots:
        with suppress(CatalogueError):
            found |= {entry.id for entry in read_snapshot(site, own.id).collections or ()}
    return found


def _ages(site: Path, collections: Iterable[str]) -> dict[str, float]:
    """Modification times of the files that may be of ours."""
    folders = [site]
    for name in sorted(collections):
        folders += [site / name, *_folders(site / name)]
    return {
        path.relative_to(site).as_posix(): path.stat().st_mtime
        for folder in folders
        for path in _files(folder)
    }


def _folders(folder: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from sorted(Path(entry.path) for entry in entries if entry.is_dir())


def _files(folder: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from sorted(
            Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False)
        )


def _remove(site: Path, names: Iterable[str], snapshots: int) -> Freed:
    files = size = 0
    for name in names:
        path = site / name
        with suppress(OSError):  # it stays, and goes another time
            own = path.stat().st_size
            path.unlink()
            files, size = files + 1, size + own
    return Freed(snapshots, files, size)

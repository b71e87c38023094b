"""What a target holds of a site already."""

import errno
import posixpath
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shoestring_builder.clock import format_instant, parse_instant
from shoestring_builder.describe.pointers import SNAPSHOTS
from shoestring_builder.mirror.target import Stored, Target
from shoestring_builder.publish.current import CATALOG
from shoestring_builder.publish.door_pointers import shown_doors
from shoestring_builder.publish.history import Snapshots
from shoestring_builder.publish.names import Document, read_snapshot, snapshot_name
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError, PublishError
from shoestring_schema.site import CatalogDocument, SnapshotDocument, SnapshotsDocument
from shoestring_schema.version import require_readable

_SNAPSHOT = re.compile(r"catalog-([0-9a-f]{16})\.json")
_DOCUMENT = re.compile(r"(catalog|collection|items)(-[0-9]{4}(-[0-9]{2}){0,2})?-[0-9a-f]{16}\.json")


@dataclass(frozen=True, slots=True)
class Shown:
    """A target before anything is done to it.

    Attributes:
        listing: All files that are there.
        catalogue: The bytes of `catalog.json`, if it is there.
        snapshots: Those that it keeps, in the order of their times.
    """

    listing: Mapping[str, Stored]
    catalogue: bytes | None
    snapshots: Snapshots


def read_shown(target: Target, address: str, own: str, now: datetime) -> Shown:
    """Read what a target shows.

    Args:
        target: The target.
        address: What the user calls it.
        own: Identifier of the catalogue that is to be copied there.
        now: The time.

    Raises:
        PublishError: Another catalogue's site is there, or a `catalog.json` of somebody else.
        CatalogueError: A newer version wrote what is there.
    """
    listing = target.listing()
    there = target.read([name for name in (CATALOG, SNAPSHOTS) if name in listing])
    if CATALOG in there:
        _require_own(there, address, own)
    listed = _listed(there.get(SNAPSHOTS), f"{address}/{SNAPSHOTS}")
    if listed is None:
        listed = tuple(_found(listing, now)) if CATALOG in there else ()
    kept = (known for known in listed if snapshot_name(known.id) in listing)
    return Shown(listing, there.get(CATALOG), tuple(sorted(kept, key=lambda known: known.time)))


class CopiedDocuments:
    """A site's documents, from the site or, where it has them no more, from its copy.

    Args:
        site: The site.
        target: The copy.
        listing: All files of the copy.
    """

    def __init__(self, site: Path, target: Target, listing: Mapping[str, Stored]) -> None:
        self._site, self._target, self._listing = site, target, listing
        self._known: dict[str, bytes] = {}

    def __truediv__(self, name: str, /) -> Document:
        return _Copied(self, posixpath.normpath(name))

    def read(self, name: str) -> bytes:
        """The bytes of a document; an `OSError` where neither has it."""
        path = self._site / name
        if path.is_file():
            return path.read_bytes()
        if name not in self._known and name in self._listing:
            if not self._known:
                self._fetch()
            else:
                self._known |= self._target.read([name])
        if name not in self._known:
            raise FileNotFoundError(errno.ENOENT, "not there", name)
        return self._known[name]

    def _fetch(self) -> None:
        """Read at once all that may be asked for: over SSH each question takes long."""
        self._known = self._target.read(
            [
                name
                for name in self._listing
                if _DOCUMENT.fullmatch(posixpath.basename(name))
                and not (self._site / name).is_file()
            ]
        )


@dataclass(frozen=True, slots=True)
class _Copied:
    documents: CopiedDocuments
    name: str

    def __str__(self) -> str:
        return self.name

    def read_bytes(self) -> bytes:
        return self.documents.read(self.name)


def collections_of(documents: CopiedDocuments, snapshots: Iterable[str]) -> set[str]:
    """All collections that some snapshots know of, as far as they can be read."""
    found: set[str] = set()
    for own in snapshots:
        with suppress(CatalogueError):
            found |= {entry.id for entry in read_snapshot(documents, own).collections or ()}
    return found


def doors_of(documents: CopiedDocuments, snapshots: Iterable[str]) -> set[str]:
    """The names that stay of the doors of some snapshots, as far as these can be read."""
    found: set[str] = set()
    for own in snapshots:
        with suppress(CatalogueError):
            found |= shown_doors(documents, read_snapshot(documents, own)).keys()
    return found


def snapshots_in(listing: Iterable[str]) -> list[str]:
    """The snapshots whose documents are there, also those that were never shown; pure."""
    found = (_SNAPSHOT.fullmatch(name) for name in listing)
    return sorted(match[1] for match in found if match)


def _require_own(there: Mapping[str, bytes], address: str, own: str) -> None:
    try:
        document = decode(there[CATALOG], CatalogDocument, f"{address}/{CATALOG}")
    except CatalogueError:
        if SNAPSHOTS in there:  # of ours, and damaged: it is about to be written again
            return
        raise
    if document.version is None or document.id != own:
        raise PublishError(
            f'{address} holds another catalogue, "{document.id[:64]}", and not "{own}": name a '
            "folder or prefix of its own for this one."
        )
    require_readable(document.version, f"{address}/{CATALOG}")


def _listed(data: bytes | None, where: str) -> Snapshots | None:
    """What the list says; None where it is not there, or damaged."""
    if data is None:
        return None
    try:
        document = decode(data, SnapshotsDocument, where)
        _ = [parse_instant(time) for own in document.snapshots
             for time in (own.time, own.until) if time is not None]  # fmt: skip
    except (CatalogueError, ValueError):
        return None
    require_readable(document.version, where)
    return document.snapshots


def _found(listing: Mapping[str, Stored], now: datetime) -> Iterable[SnapshotDocument]:
    """The snapshots whose documents are there; for all one knows, they have ended just now."""
    for own in snapshots_in(listing):
        stored = listing[snapshot_name(own)]
        time = format_instant(min(datetime.fromtimestamp(stored.time, UTC), now))
        yield SnapshotDocument(id=own, time=time, until=format_instant(now))

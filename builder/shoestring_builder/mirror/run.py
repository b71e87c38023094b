"""`shoestring publish`: a site's snapshot to another place, so that nobody sees it half done.

As the builder does it: first what never changes and nobody is led to yet, to the last file; then
the pointers, `catalog.json` last; then what no kept snapshot names goes.
"""

import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from tqdm import tqdm

from shoestring_builder.clock import now as clock
from shoestring_builder.mirror.address import open_target
from shoestring_builder.mirror.plan import (
    lost_pointers,
    missing,
    outdated,
    snapshots_to_keep,
    unlike,
)
from shoestring_builder.mirror.pointers import Pointers, pointers_to
from shoestring_builder.mirror.report import CopyReport, Volume
from shoestring_builder.mirror.shown import (
    CopiedDocuments,
    Shown,
    collections_of,
    doors_of,
    read_shown,
    snapshots_in,
)
from shoestring_builder.mirror.source import Source, files_of, read_source, vanished
from shoestring_builder.mirror.target import Outgoing, Sent, Target
from shoestring_builder.publish.current import CATALOG
from shoestring_builder.publish.history import Snapshots
from shoestring_builder.publish.names import SnapshotNames
from shoestring_schema.errors import BusyError, CatalogueError, ShoestringError, TransferError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    """All that a copy does.

    Attributes:
        source: The site.
        shown: The target as it was.
        files: All files of the site that the target must hold, by name.
        waves: Those that it lacks; each wave after the one before it.
        pointers: What they shall be, as far as they are not.
        doomed: What goes, in this order.
        hindrance: Why nothing goes.
    """

    source: Source
    shown: Shown
    files: Mapping[str, Outgoing]
    waves: tuple[tuple[Outgoing, ...], ...]
    pointers: tuple[Mapping[str, bytes], ...]
    doomed: tuple[str, ...]
    hindrance: str | None

    @property
    def lacking(self) -> tuple[Outgoing, ...]:
        return tuple(file for wave in self.waves for file in wave)

    def report(self) -> CopyReport:
        sizes = [self.shown.listing[name].size for name in self.doomed]
        return CopyReport(
            snapshot=self.source.mark.id,
            sent=Volume(len(self.lacking), sum(file.size for file in self.lacking)),
            pointers=sum(map(len, self.pointers)),
            removed=Volume(len(sizes), sum(sizes)),
            hindrance=self.hindrance,
        )


def copy_site(
    site: Path,
    address: str,
    *,
    keep: timedelta,
    jobs: int = 8,
    dry_run: bool = False,
    progress: bool | None = None,
) -> CopyReport:
    """Copy a site to a target, and what is new in it the next time.

    Args:
        site: The site's folder. Its builder may be at work.
        address: The target: see `open_target`.
        keep: How long the target keeps a snapshot after it has shown another.
        jobs: How many files travel at once.
        dry_run: Look only what there is to do.
        progress: True shows a progress bar, False does not, None shows one on a terminal.

    Returns:
        What was done.

    Raises:
        CatalogueError: The site can't be copied as it is, or a file of it vanished meanwhile.
        TransferError: The target can't be reached, or refuses.
        PublishError: The target is a folder that can't be used, or holds another catalogue.
        BusyError: Another copy, or a builder, is at work on the target.
    """
    time = clock()
    source = read_source(site, time)
    with open_target(address, site, jobs=jobs, dry_run=dry_run) as target:
        work = _look(source, target, address, keep, time)
        if dry_run:
            return replace(work.report(), dry_run=True)
        with _bar(work, progress) as sent:
            _send(work, target, address, sent)
        _show(work, target, address)
        _remove(work, target, address)
    _log.info("%s: %s", address, work.report())
    return work.report()


def _look(source: Source, target: Target, address: str, keep: timedelta, time: datetime) -> _Work:
    """Find out what there is to do, and do nothing."""
    shown = read_shown(target, address, source.id, time)
    snapshots, named = _named(source, shown, keep, time)
    files = {name: file for own in named.values() for name, file in own.items()}
    pointers = pointers_to(source.path, source.mark, snapshots)
    there = target.read([name for name in sorted(pointers.names) if name in shown.listing])
    documents = CopiedDocuments(source.path, target, shown.listing)
    doomed: list[str] = []
    hindrance = None
    if shown.snapshots:  # else it may be anybody's what is there
        try:
            doomed = _doomed(
                shown, documents, snapshots, named, pointers, (time - keep).timestamp()
            )
        except CatalogueError as error:  # a damaged document hides what it names
            hindrance = f"Nothing was cleaned up in {address}: {error}"
    waves = tuple(map(tuple, missing(files, shown.listing)))
    return _Work(source, shown, files, waves, pointers.but(there), tuple(doomed), hindrance)


def _named(
    source: Source, shown: Shown, keep: timedelta, time: datetime
) -> tuple[Snapshots, dict[str, dict[str, Outgoing]]]:
    """The snapshots that the target will keep, and the files of those that the site has."""
    names = SnapshotNames(source.path)
    ours = {own.id for own in source.snapshots}
    copied = {own.id for own in shown.snapshots}
    snapshots = snapshots_to_keep(source.snapshots, shown.snapshots, source.mark, keep, time)
    named: dict[str, dict[str, Outgoing]] = {}
    for own in snapshots:
        try:
            if own.id in ours:
                named[own.id] = files_of(source, names, own.id)
        except CatalogueError:  # an older one that is no longer whole travels no more
            if own.id == source.mark.id:
                raise
    left = tuple(own for own in snapshots if own.id in named or own.id in copied)
    return left, named


def _doomed(
    shown: Shown,
    documents: CopiedDocuments,
    snapshots: Snapshots,
    named: Mapping[str, Mapping[str, Outgoing]],
    pointers: Pointers,
    before: float,
) -> list[str]:
    reader = SnapshotNames(documents)
    others = [reader.of(own.id) for own in snapshots if own.id not in named]
    needed = frozenset[str]().union(*named.values(), *others)
    known = {*snapshots_in(shown.listing), *(own.id for own in snapshots)}
    ours, doors = collections_of(documents, known), doors_of(documents, known)
    lost = lost_pointers(shown.listing, pointers.names, ours, doors)
    return lost + outdated(shown.listing, needed, ours, before)


def _send(work: _Work, target: Target, address: str, sent: Sent) -> None:
    """Send what is missing, and look whether it arrived."""
    try:
        for wave in work.waves:
            target.send(wave, sent)
    except (ShoestringError, OSError):
        error = vanished(work.lacking)
        if error is not None:
            raise error from None
        raise
    if not work.waves:
        return
    unfit = unlike(work.files.values(), target.listing())
    if unfit:
        raise vanished(work.lacking) or TransferError(
            f"{address}/{unfit[0].name} did not arrive as it was sent, or was removed meanwhile: the "
            "target shows what it did before; publish again."
        )


def _show(work: _Work, target: Target, address: str) -> None:
    """Replace the pointers, if nobody else did so meanwhile."""
    if any(work.pointers):
        _require_alone(target, address, work.shown.catalogue)
    for group in work.pointers:
        if group:
            target.show(group)


def _remove(work: _Work, target: Target, address: str) -> None:
    """Take away what is needed no more, if nobody else may need it now."""
    if work.doomed:
        _require_alone(target, address, work.pointers[-1].get(CATALOG, work.shown.catalogue))
        target.remove(work.doomed)


def _require_alone(target: Target, address: str, catalogue: bytes | None) -> None:
    """`catalog.json` tells whether another copy has been at work: it has other bytes then."""
    if target.read([CATALOG]).get(CATALOG) != catalogue:
        raise BusyError(
            f"{address} was changed by another copy meanwhile: it shows what that has written; "
            "publish again."
        )


@contextmanager
def _bar(work: _Work, progress: bool | None) -> Iterator[Sent]:
    hidden = None if progress is None else not progress
    total = sum(file.size for file in work.lacking)
    lock = threading.Lock()
    with tqdm(total=total, desc="copied", unit="B", unit_scale=True, delay=2, disable=hidden,
              file=sys.stderr) as bar:  # fmt: skip

        def sent(file: Outgoing) -> None:
            with lock:
                bar.update(file.size)

        yield sent

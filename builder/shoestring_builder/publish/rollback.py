"""Making an older snapshot the current one again."""

import posixpath
from pathlib import Path

from shoestring_builder.clock import now
from shoestring_builder.publish.current import read_current
from shoestring_builder.publish.history import Snapshots, read_history, with_current
from shoestring_builder.publish.names import read_snapshot
from shoestring_builder.publish.published import read_published
from shoestring_builder.publish.site_folder import open_site
from shoestring_builder.publish.snapshot import show
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.site import SnapshotDocument, SnapshotMark


def list_snapshots(site: Path) -> tuple[Snapshots, SnapshotMark | None]:
    """The snapshots that a site keeps, in the order of their times, and the current one.

    Raises:
        CatalogueError: The folder is no site.
    """
    if not (site / "catalog.json").is_file() and not (site / "snapshots.json").is_file():
        raise CatalogueError(
            f"{site} is not a site: name the folder that `shoestring build` wrote, with catalog.json."
        )
    mark = _mark(site)
    return read_history(site, mark, now()), mark


def rollback(site: Path, snapshot: str) -> SnapshotDocument:
    """Let a site show an older snapshot, in one step.

    It is also what mends pointers that were damaged. The next build goes on from there: it
    publishes what the sources say, and uses again what is still there.

    Args:
        site: The site's folder.
        snapshot: One that it keeps.

    Returns:
        What the list says of the snapshot.

    Raises:
        CatalogueError: The folder is no site, or the snapshot is no longer whole; the site is as
            it was.
        SelectionError: The site keeps no such snapshot.
        BusyError: A builder is at work on the site.
        PublishError: The site can't be written.
    """
    list_snapshots(site)
    with open_site(site) as folder:
        listed, _ = list_snapshots(site)
        found = next((own for own in listed if own.id == snapshot), None)
        if found is None:
            raise SelectionError(
                f"{site} keeps no snapshot {snapshot[:40]!r}: `shoestring history {site}` lists "
                "those that there are."
            )
        _require_whole(site, snapshot)
        mark = SnapshotMark(id=found.id, time=found.time)
        show(folder, mark, with_current(listed, mark, (), now()))
    return found


def _mark(site: Path) -> SnapshotMark | None:
    try:
        return read_current(site).mark
    except CatalogueError:  # that is what a rollback can mend
        return None


def _require_whole(site: Path, snapshot: str) -> None:
    """Each file of a snapshot must be there in its size; its content is `check`'s business."""
    for entry in read_snapshot(site, snapshot).collections or ():
        published = read_published(site / entry.id, posixpath.basename(entry.href))
        missing = f"{site / posixpath.normpath(entry.href)} is missing."
        damaged = (missing,) if published is None else published.damaged
        if damaged:
            raise CatalogueError(
                f"Snapshot {snapshot} is no longer whole, and the site stays as it is: {damaged[0]}"
            )

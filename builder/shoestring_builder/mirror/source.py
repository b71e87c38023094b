"""What a site holds for its copies, read without keeping its builder out.

Names that carry a hash never change, so what follows from the identifier of a snapshot is the
same whatever a builder does meanwhile; only a clean-up can take files away, and that is noticed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shoestring_builder.media import is_hashed
from shoestring_builder.mirror.target import Outgoing
from shoestring_builder.publish.current import read_current
from shoestring_builder.publish.history import Snapshots, read_history
from shoestring_builder.publish.names import SnapshotNames
from shoestring_builder.site_path import find_file
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import SnapshotMark


@dataclass(frozen=True, slots=True)
class Source:
    """A site as it was when `catalog.json` was read.

    Attributes:
        path: Its folder.
        id: The catalogue's identifier.
        mark: The snapshot that it shows.
        snapshots: Those that it keeps.
    """

    path: Path
    id: str
    mark: SnapshotMark
    snapshots: Snapshots


def read_source(site: Path, now: datetime) -> Source:
    """Read what a site shows.

    Raises:
        CatalogueError: The folder is no site, or one of an earlier builder without snapshots.
    """
    current = read_current(site)
    if current.document is None:
        raise CatalogueError(
            f"{site} is not a site: name the folder that `shoestring build` wrote, with catalog.json."
        )
    if current.mark is None:
        raise CatalogueError(
            f"{site} was built by an earlier version and has no snapshots: build it again."
        )
    snapshots = read_history(site, current.mark, now)
    return Source(site, current.document.id, current.mark, snapshots)


def files_of(source: Source, names: SnapshotNames, snapshot: str) -> dict[str, Outgoing]:
    """All files of a snapshot, by name.

    Args:
        source: The site.
        names: What reads its documents.
        snapshot: One that it keeps.

    Raises:
        CatalogueError: A document of it is damaged, or a file is not there.
    """
    root = source.path.resolve()
    return {name: _file(source.path, root, name) for name in names.of(snapshot)}


def vanished(files: Iterable[Outgoing]) -> CatalogueError | None:
    """What to say where files that were to travel are no longer as they were; None if they are."""
    for file in files:
        try:
            if file.path.stat().st_size == file.size:
                continue
        except OSError:
            pass
        return CatalogueError(
            f"{file.path} was removed or changed while it was copied: the target shows what it did "
            "before; publish again."
        )
    return None


def _file(site: Path, root: Path, name: str) -> Outgoing:
    """A file of the site. A VRT's sources are their owner's: they may have any name."""
    path = site / name
    try:
        if _is_inside(name) and (is_hashed(name) or find_file(root, name) is not None):
            status = path.stat()
            return Outgoing(name, path, status.st_size, status.st_mtime)
    except OSError:
        pass
    raise CatalogueError(
        f"{path} is named by a snapshot and is no file of the site: build again, and publish then."
    )


def _is_inside(name: str) -> bool:
    """Whether a name leads to no hidden file, nor out of the site."""
    return all(part and not part.startswith(".") for part in name.split("/"))

"""A copy in another folder: a disk, a share, a web server's root."""

import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shoestring_builder.mirror.target import Outgoing, Sent, Stored
from shoestring_builder.publish.journal import JOURNAL
from shoestring_builder.publish.room import require_room
from shoestring_builder.publish.site_folder import STAGING, SiteFolder, open_site, told
from shoestring_schema.errors import PublishError


@dataclass(frozen=True, slots=True)
class FolderTarget:
    """A folder that is written as a builder writes its own: beside, flushed, renamed.

    Attributes:
        folder: The folder, locked.
    """

    folder: SiteFolder

    def listing(self) -> dict[str, Stored]:
        """See `Target`."""
        root = self.folder.path
        found: dict[str, Stored] = {}
        for place, folders, files in os.walk(root):
            if Path(place) == root:
                folders[:] = [name for name in folders if not name.startswith(".")]
            for path in (Path(place, name) for name in files):
                with suppress(OSError):
                    status = path.stat()
                    name = path.relative_to(root).as_posix()
                    found[name] = Stored(status.st_size, status.st_mtime)
        return found

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        """See `Target`."""
        found: dict[str, bytes] = {}
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                try:
                    found[name] = (self.folder.path / name).read_bytes()
                except PermissionError:
                    raise PublishError(
                        f"{self.folder.path / name} can't be read: set its rights right."
                    ) from None
        return found

    def send(self, files: Sequence[Outgoing], sent: Sent) -> None:
        """See `Target`."""
        if not files:
            return
        require_room(self.folder.path, [file.size for file in files], "the copy")
        self.folder.prepare()
        for file in files:
            staged = self.folder.staging / "copy"
            with told(self.folder.path / file.name):
                # Not its times: the clean-up counts from when a file came here.
                shutil.copyfile(file.path, staged)
            self.folder.place(staged, file.name, again=True)
            sent(file)

    def show(self, pointers: Mapping[str, bytes]) -> None:
        """See `Target`."""
        self.folder.flush()
        self.folder.commit()
        for name, data in pointers.items():
            self.folder.swap(name, data)
        self.folder.flush()

    def remove(self, names: Sequence[str]) -> None:
        """See `Target`."""
        for name in names:
            self.folder.remove(name)


@contextmanager
def open_folder(path: Path, site: Path, *, dry_run: bool) -> Iterator[FolderTarget]:
    """Open a folder as a target, and keep other builders out of it.

    Args:
        path: The folder; it is made when something is to be written.
        site: The site that is copied.
        dry_run: Whether nothing will be written: then nobody is kept out.

    Raises:
        PublishError: It is the site's own folder, lies in it or around it, or can't be locked.
        BusyError: A builder, or another copy, is at work on it.
    """
    own, other = site.resolve(), path.resolve()
    if own.is_relative_to(other) or other.is_relative_to(own):
        raise PublishError(
            f"{path} can't be a copy of {site}: one lies in the other; name a folder elsewhere."
        )
    if dry_run:
        yield FolderTarget(SiteFolder(path, path / STAGING))
        return
    with open_site(path) as folder:
        if not (folder.hidden / JOURNAL).is_file():  # what a killed copy has left is of no use
            folder.lasting.clear()
        yield FolderTarget(folder)

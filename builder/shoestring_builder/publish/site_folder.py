"""Writing into a site so that a reader never sees half a file."""

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from shoestring_builder.publish.lock import SiteLock
from shoestring_schema.errors import BusyError, CatalogueError, LostWorkerError, PublishError

STAGING = ".staging"
"""The hidden folder of a site in which the builder works."""

LOCK = "lock"
"""In it: see `SiteLock`."""

BEGAN = "began"
"""In it while a run is at work: when it began. A run that was killed leaves it."""

_OLD_STAGING = ".staging-"  # of builders that knew no lock: each had a folder of its own,
_ABANDONED = 24 * 3600  # which is nobody's after so many seconds
_NOT_FOR_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF)


@dataclass(slots=True, eq=False)
class SiteFolder:
    """A site's folder, open for writing.

    Attributes:
        path: The folder.
        staging: A folder of this run, in the same file system, for files that are being
            made. It exists from the first `prepare` on.
        lasting: Files in the hidden folder that the next run may use: they stay at the end. At
            first all that earlier runs have left.
    """

    path: Path
    staging: Path
    lasting: set[Path] = field(default_factory=set)
    _lock: SiteLock | None = None
    _touched: set[Path] = field(default_factory=set)
    _new: set[Path] = field(default_factory=set)

    @property
    def hidden(self) -> Path:
        """The hidden folder, of all runs."""
        return self.path / STAGING

    def lock(self) -> None:
        """Keep other builders out.

        Raises:
            BusyError: One is at work.
            PublishError: The hidden folder can't be made or locked.
        """
        with told(self.hidden):
            self.hidden.mkdir(parents=True, exist_ok=True)
        self._lock = SiteLock(self.hidden / LOCK)
        self.lasting |= {path for path in self.hidden.rglob("*") if path.is_file()}

    def release(self) -> None:
        """Let other builders in."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def prepare(self) -> None:
        """Make the site's folder and the staging folder.

        Raises:
            BusyError: Another builder is making the same new site.
            PublishError: They can't be made.
        """
        if self._lock is None:
            self.lock()
            if (self.path / "catalog.json").exists():
                raise BusyError(f"{self.path} was made by another builder meanwhile: build again.")
        with told(self.staging):
            self.staging.mkdir(parents=True, exist_ok=True)

    def place(self, staged: Path, target: str, *, again: bool = False) -> None:
        """Give a finished file its name in the site.

        Args:
            staged: The file, in the staging folder; it is no longer there afterwards.
            target: Its name, relative to the site; it carries a hash of the content.
            again: Whether to replace a file that has this name and size already.

        Raises:
            PublishError: The file can't be put there.
        """
        path = self.path / target
        with told(path):
            if staged == path:
                return
            if not again and has_size(path, staged.stat().st_size):
                staged.unlink()
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with staged.open("r+b") as file:
                os.fsync(file.fileno())
            self._rename(staged, path)
            self._new.add(path)

    def write(self, target: str, data: bytes) -> None:
        """Write a file whose name carries a hash of its content, unless it is there.

        Raises:
            PublishError: The file can't be written.
        """
        if not has_size(self.path / target, len(data)):
            self._replace(self.path / target, data)
            self._new.add(self.path / target)

    def mend(self, target: str, data: bytes) -> None:
        """Write a file whose name carries a hash of its content, unless it is there to the last bit.

        For the few files that all others are found by.

        Raises:
            PublishError: The file can't be written.
        """
        if not has_size(self.path / target, len(data)):
            self.write(target, data)
        else:
            self.swap(target, data)

    def swap(self, target: str, data: bytes) -> bool:
        """Replace a pointer in one step, if it changes.

        Returns:
            Whether it changed.

        Raises:
            PublishError: The file can't be written.
        """
        path = self.path / target
        with told(path):
            if path.is_file() and path.read_bytes() == data:
                return False
        self._replace(path, data)
        return True

    def remove(self, target: str) -> bool:
        """Take a file away; tell whether it was there."""
        path = self.path / target
        with told(path):
            there = path.is_file()
            path.unlink(missing_ok=True)
        return there

    def commit(self) -> None:
        """From now on pointers lead to what was placed and written: it is there to stay."""
        self._new.clear()

    def withdraw(self) -> None:
        """Remove what was placed and written, where no pointer leads to it yet; also all staged."""
        for path in self._new:
            with suppress(OSError):
                path.unlink()
        self._new.clear()
        self.lasting.clear()
        self.clear()

    def flush(self) -> None:
        """Wait until the disk holds all names that were given so far.

        Files are flushed before they get their names; this does the same for the folders, so
        that after a power cut no pointer is newer than what it points to.

        Raises:
            PublishError: The disk reports an error.
        """
        folders = {above for path in self._touched for above in _up_to(path, self.path)}
        self._touched.clear()
        for folder in sorted(folders):
            with told(folder):
                flush_folder(folder)

    def clear(self) -> None:
        """Remove what is left in the hidden folder, but the lock, the note and `lasting` files.

        Without the lock it may be another builder's.
        """
        for entry in _entries(self.hidden):
            if entry.name not in (LOCK, BEGAN) and self._lock is not None:
                _remove_but(entry, self.lasting)

    def _replace(self, path: Path, data: bytes) -> None:
        self.prepare()
        staged = self.staging / secrets.token_hex(8)
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with staged.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._rename(staged, path)

    def _rename(self, staged: Path, path: Path) -> None:
        os.replace(staged, path)
        self._touched.add(path.parent)


@contextmanager
def open_site(path: Path) -> Iterator[SiteFolder]:
    """Work on a site, and let nobody else do so meanwhile.

    At the end all is removed that was staged, but `SiteFolder.lasting` files. Where the site
    can't be written, these go as well; where the run was interrupted, the next one sorts it out.

    Args:
        path: The site's folder. It is made when something is to be written.

    Raises:
        BusyError: Another builder is at work on it.
        PublishError: There is a file where the folder should be, or it can't be locked.
        CatalogueError: What is there can't be read.
    """
    if path.exists() and not path.is_dir():
        raise PublishError(f"{path} is a file: set output to a folder, or move the file away.")
    site = SiteFolder(path, path / STAGING / f"run-{secrets.token_hex(4)}")
    if path.is_dir():
        site.lock()
        _remove_abandoned(path)
    try:
        yield site
    except (BusyError, LostWorkerError):  # what lies there is another's, or the next run's
        raise
    except PublishError:  # no room, most likely: leave none of it taken
        site.withdraw()
        raise
    except OSError as error:  # where something is written, that is told there
        raise CatalogueError(
            f"{error.filename or path} can't be read ({error.strerror or error}): see that its disk is "
            "well and its rights are right, and build again; the site is as it was."
        ) from error
    else:
        site.clear()
    finally:
        site.release()


def has_size(path: Path, size: int) -> bool:
    """Whether a file is there and has so many bytes."""
    try:
        return path.is_file() and path.stat().st_size == size
    except OSError:
        return False


def _remove_abandoned(path: Path) -> None:
    """Remove staging folders of earlier builders' runs that were killed."""
    for entry in _entries(path):
        if entry.name.startswith(_OLD_STAGING) and entry.is_dir():
            with suppress(OSError):
                if entry.stat().st_mtime < time.time() - _ABANDONED:
                    shutil.rmtree(entry, ignore_errors=True)


def _remove_but(path: Path, lasting: Iterable[Path]) -> None:
    """Remove a file, or a folder but for some files in it."""
    if not path.is_dir():
        if path not in lasting:
            with suppress(OSError):
                path.unlink()
        return
    if not any(kept.is_relative_to(path) for kept in lasting):
        shutil.rmtree(path, ignore_errors=True)
        return
    for entry in _entries(path):
        _remove_but(entry, lasting)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _up_to(folder: Path, site: Path) -> Iterator[Path]:
    """A folder of the site, and all above it to the one that holds the site."""
    while folder != site.parent:
        yield folder
        folder = folder.parent
    yield folder


def flush_folder(folder: Path) -> None:
    """Wait until the disk holds all names in a folder, where the system can be told so."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows can't, and writes names through
        return
    try:
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # the folder that holds the site may be somebody else's
        return
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise
    finally:
        os.close(file)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal into a sentence."""
    try:
        yield
    except OSError as error:
        raise PublishError(
            f"{path} can't be written ({error.strerror or error}): make room or set its rights "
            "right and try again; the site is as it was."
        ) from None

"""Writing into a site so that a reader never sees half a file."""

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shoestring_schema.errors import PublishError

GRACE = 20 * 3600
"""Seconds. A reader has this long to fetch what the snapshot that it has read names."""

_ABANDONED = 24 * 3600
_STAGING = ".staging-"
_OURS = re.compile(r".+-[0-9a-f]{16}\.[a-z]+")
_YEAR = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True)
class SiteFolder:
    """A site's folder, open for writing.

    Attributes:
        path: The folder.
        staging: A folder of this run, in the same file system, for files that are being
            made. It exists from the first `prepare` on.
    """

    path: Path
    staging: Path

    def prepare(self) -> None:
        """Make the site's folder and the staging folder.

        Raises:
            PublishError: They can't be made.
        """
        with _told(self.staging):
            self.staging.mkdir(parents=True, exist_ok=True)

    def place(self, staged: Path, target: str) -> None:
        """Give a finished file its name in the site.

        Args:
            staged: The file, in the staging folder; it is no longer there afterwards.
            target: Its name, relative to the site; it carries a hash of the content.

        Raises:
            PublishError: The file can't be put there.
        """
        path = self.path / target
        with _told(path):
            if _has_size(path, staged.stat().st_size):
                staged.unlink()
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with staged.open("r+b") as file:
                os.fsync(file.fileno())
            os.replace(staged, path)

    def write(self, target: str, data: bytes) -> None:
        """Write a file whose name carries a hash of its content, unless it is there.

        Raises:
            PublishError: The file can't be written.
        """
        if not _has_size(self.path / target, len(data)):
            self._replace(self.path / target, data)

    def swap(self, target: str, data: bytes) -> bool:
        """Replace a pointer in one step, if it changes.

        Returns:
            Whether it changed.

        Raises:
            PublishError: The file can't be written.
        """
        path = self.path / target
        with _told(path):
            if path.is_file() and path.read_bytes() == data:
                return False
        self._replace(path, data)
        return True

    def remove(self, target: str) -> bool:
        """Take a pointer away; tell whether it was there."""
        path = self.path / target
        with _told(path):
            there = path.is_file()
            path.unlink(missing_ok=True)
        return there

    def sweep(self, collection: str, named: frozenset[str]) -> None:
        """Remove files of earlier snapshots that no reader can need any more.

        Only files in the folders of years, named as ours are, and as old as the grace
        period; never a user's own.

        Args:
            collection: The collection's folder.
            named: What its snapshot names, relative to that folder.
        """
        before = time.time() - GRACE
        for year in _entries(self.path / collection):
            for path in _entries(year) if _YEAR.fullmatch(year.name) else ():
                ours = _OURS.fullmatch(path.name) and f"{year.name}/{path.name}" not in named
                with suppress(OSError):
                    if ours and path.is_file() and path.stat().st_mtime < before:
                        path.unlink()

    def _replace(self, path: Path, data: bytes) -> None:
        self.prepare()
        staged = self.staging / secrets.token_hex(8)
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with staged.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(staged, path)


@contextmanager
def open_site(path: Path) -> Iterator[SiteFolder]:
    """Work on a site; whatever is left in the staging folder is removed at the end.

    Args:
        path: The site's folder. It is made when something is to be written.

    Raises:
        PublishError: There is a file where the folder should be.
    """
    if path.exists() and not path.is_dir():
        raise PublishError(f"{path} is a file: set output to a folder, or move the file away.")
    _remove_abandoned(path)
    site = SiteFolder(path, path / f"{_STAGING}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        yield site
    finally:
        shutil.rmtree(site.staging, ignore_errors=True)


def is_past_grace(path: Path) -> bool:
    """Whether a pointer was replaced so long ago that nobody uses the one before it."""
    return path.is_file() and path.stat().st_mtime < time.time() - GRACE


def _remove_abandoned(path: Path) -> None:
    """Remove staging folders of runs that were killed."""
    for entry in _entries(path):
        if entry.name.startswith(_STAGING) and entry.is_dir():
            with suppress(OSError):
                if entry.stat().st_mtime < time.time() - _ABANDONED:
                    shutil.rmtree(entry, ignore_errors=True)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal into a sentence."""
    try:
        yield
    except OSError as error:
        raise PublishError(
            f"{path} can't be written ({error.strerror or error}): make room or set its rights "
            "right and build again; the site is as it was."
        ) from None

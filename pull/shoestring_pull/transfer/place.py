"""A finished file gets its name."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shoestring_builder.publish.room import in_words
from shoestring_builder.publish.site_folder import flush_folder
from shoestring_schema.errors import OutputError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def make_folder(folder: Path) -> set[Path]:
    """Make a folder and those above it.

    Returns:
        Folders that hold a new name, and that the disk must be told of.
    """
    missing = [above for above in (folder, *folder.parents) if not above.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return {path.parent for path in missing}


def place(staged: Path, path: Path) -> set[Path]:
    """Give a file its final name.

    Returns:
        Folders that hold a new name.
    """
    folders = make_folder(path.parent)
    os.replace(staged, path)
    return folders | {path.parent}


def flush(folders: set[Path]) -> None:
    """Wait until the disk holds all names in some folders."""
    for folder in sorted(folders):
        flush_folder(folder)


def require_room(folder: Path, need: int) -> None:
    """Refuse to begin what can't be finished.

    Args:
        folder: Where it will be written; it exists.
        need: Bytes that are still to come.

    Raises:
        OutputError: There is less room than that.
    """
    if need > shutil.disk_usage(folder).free:
        raise no_room(folder, need)


def no_room(folder: Path, need: int) -> OutputError:
    """The error for a disk that is full."""
    room = shutil.disk_usage(folder).free
    return OutputError(
        f"{folder} has no room: {in_words(need)} are still to come, {in_words(room)} are free; make room on its "
        "disk and go on: what has come is kept."
    )


@contextmanager
def told(path: Path, folder: Path, need: int) -> Iterator[None]:
    """Turn the system's refusal to write into a sentence.

    Args:
        path: What is written.
        folder: One that exists on its disk.
        need: Bytes that are still to come.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise no_room(folder, need) from None
        raise OutputError(
            f"{path} can't be written ({error.strerror or error}): set its folder's rights or its disk right and go "
            "on: what has come is kept."
        ) from None

"""A folder that is its user's alone, and a file in it that appears whole."""

import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shoestring_schema.errors import CacheError

_UNFINISHED = re.compile(r"new-[0-9a-f]{16}(-wal|-shm|-journal)?")

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def private_file(path: Path, make: Callable[[], None]) -> None:
    """See that a file is there, and that nobody else can have written it.

    What a cache holds of documents that change is proven by nothing, so another user who may write
    there could show this one another catalogue.

    Args:
        path: The file.
        make: Makes it.

    Raises:
        CacheError: It, or its folder, is another user's, or others may write there.
        OSError: It can't be made.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check(path.parent, stat.S_ISDIR)
    if not os.path.lexists(path):
        make()
    _check(path, stat.S_ISREG)


@contextmanager
def new_beside(path: Path) -> Iterator[Path]:
    """An empty file to be filled, which then gets a name if nobody else's has it meanwhile.

    Args:
        path: The name.
    """
    beside = path.with_name(f"new-{secrets.token_hex(8)}")
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        yield beside
        try:
            with suppress(FileExistsError):
                os.link(beside, path)
        except OSError:  # no links there
            if not path.exists():
                beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _check(path: Path, is_kind: Callable[[int], bool]) -> None:
    found = path.stat() if is_kind is stat.S_ISDIR else path.lstat()
    if not is_kind(found.st_mode):
        raise CacheError(f"{path} is not what a cache makes there: name another folder.")
    if not hasattr(os, "geteuid"):
        return  # on Windows, a user's folders are theirs unless they give them away
    if found.st_uid != os.geteuid():
        raise CacheError(f"{path} belongs to another user: name a folder of your own.")
    if found.st_mode & _OTHERS_WRITE:
        raise CacheError(f"{path} may be written by others: `chmod go-w` it, or name another one.")


def sweep(folder: Path) -> None:
    """Remove files that processes were killed at making."""
    for path in folder.glob("new-*"):
        if _UNFINISHED.fullmatch(path.name):
            path.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a cache's file and its log.

    Raises:
        CacheError: It is another user's, or can't be removed.
    """
    try:
        _check(path.parent, stat.S_ISDIR)
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
    except OSError as error:
        raise CacheError(f"{path} can't be removed: {error.strerror}.") from None

"""One builder at a time: a lock that the operating system opens when its holder ends."""

import errno
import os
import sys
from pathlib import Path

from shoestring_schema.errors import BusyError, PublishError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)


class SiteLock:
    """The right to write into a site, held until `release` or the end of the process.

    The file stays: what counts is who has locked it, so a run that was killed leaves it open.

    Args:
        path: The lock's file, in an existing folder.

    Raises:
        BusyError: Another process, or another run of this one, holds it.
        PublishError: It can't be made, or the file system knows no locks.
    """

    def __init__(self, path: Path) -> None:
        site = path.parent.parent
        try:
            self._file = _open(path)
            try:
                _lock(self._file)
            except OSError:
                os.close(self._file)
                raise
        except OSError as error:
            if error.errno in _TAKEN:
                raise BusyError(
                    f"{site} is being worked on by another builder: nothing was done; "
                    "the next run will do what is left."
                ) from None
            raise PublishError(
                f"{path} can't be locked ({error.strerror or error}): set its rights right, or put "
                "the site on a file system that knows locks; the site is as it was."
            ) from None

    def release(self) -> None:
        """Let others write."""
        os.close(self._file)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:  # where nothing may be written, there may be nothing to write
        if error.errno not in (errno.EROFS, errno.EACCES) or not path.is_file():
            raise
        return os.open(path, os.O_RDONLY)


def _lock(file: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

"""What a copy's folder holds already, and whether it may be written into."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from shoestring_builder.media import hash_of
from shoestring_builder.publish.room import in_words
from shoestring_builder.publish.site_folder import STAGING
from shoestring_pull.files import WantedFile
from shoestring_schema.errors import CatalogueError, OutputError

HIDDEN = ".pull"
"""The hidden folder of a copy: its memory, and what is on its way."""

PARTS = "parts"
"""In it: files of which a part has come."""

CROPS = "crops"
"""In it: crops that have come and are not published."""

INDEXES = "indexes"
"""In it: tile indexes that tell of whole layers of a selection."""

DOCUMENTS = "documents"
"""In it: documents that a selection was made from."""

FOLDERS = (PARTS, CROPS, INDEXES, DOCUMENTS)

_BLOCK = 4096
"""Bytes that even the smallest file takes on most file systems."""


def holds(copy: Path, file: WantedFile) -> bool:
    """Whether a copy has a file already.

    A name that carries the hash of the content stands for it; any other is read and compared.
    """
    path = copy / file.name
    try:
        status = path.lstat()
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode) or status.st_size != file.size:
        return False
    if hash_of(file.name) == file.checksum[4:20]:
        return True
    with path.open("rb") as opened:
        return "1220" + hashlib.file_digest(opened, "sha256").hexdigest() == file.checksum


def require_own(copy: Path, names: Iterable[str]) -> None:
    """See that files that are to be written lie in the copy, whatever links there are.

    Args:
        copy: Its folder.
        names: Of the files.

    Raises:
        CatalogueError: A folder of theirs is a link that leads out of it, or a file.
    """
    root = Path(os.path.realpath(copy))
    own = (STAGING, HIDDEN, *(f"{HIDDEN}/{folder}" for folder in FOLDERS))
    for folder in sorted({*own, *(str(Path(name).parent) for name in names)}):
        path = copy / folder
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(root):
            raise CatalogueError(
                f"{path} is a link that leads to {real}, out of the copy: nothing is written there; remove it."
            )
        for above in (path, *path.parents):
            if above.is_relative_to(copy) and above.exists() and not above.is_dir():
                raise CatalogueError(
                    f"{above} is a file where the copy needs a folder: move it away."
                )


def require_room(copy: Path, sizes: Iterable[int]) -> None:
    """Refuse to begin what can't be finished.

    Args:
        copy: The copy's folder; it, or a folder above it, exists.
        sizes: Bytes of each file that is to come.

    Raises:
        OutputError: There is less room than that.
    """
    need = sum(-(size // -_BLOCK) * _BLOCK for size in sizes)
    need -= min(need, _on_the_way(copy / HIDDEN / PARTS))
    place = next(above for above in (copy, *copy.absolute().parents) if above.is_dir())
    room = shutil.disk_usage(place).free
    if need > room:
        raise OutputError(
            f"{copy} has no room for what is to be pulled: {in_words(need)} are needed, {in_words(room)} are free; "
            "make room, or pull less of it."
        )


def _on_the_way(folder: Path) -> int:
    """Bytes that an earlier pull has left; a file that is not whole has holes, which take none."""
    found = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            found += min(status.st_size, 512 * getattr(status, "st_blocks", 0))
    return found

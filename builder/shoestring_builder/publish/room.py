"""Is there room for what is about to be written?"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from shoestring_schema.errors import PublishError

_BLOCK = 4096
"""Bytes that even the smallest file takes on most file systems."""


def require_room(folder: Path, sizes: Iterable[int], what: str) -> None:
    """Refuse to begin what can't be finished.

    Args:
        folder: Where it will be written; it, or a folder above it, exists.
        sizes: Bytes of each file.
        what: What is written, for the message.

    Raises:
        PublishError: There is less room than that.
    """
    need = sum(-(size // -_BLOCK) * _BLOCK for size in sizes)
    place = next(above for above in (folder, *folder.parents) if above.is_dir())
    room = shutil.disk_usage(place).free
    if need > room:
        raise PublishError(
            f"{folder} has no room for {what}: {in_words(need)} are needed, {in_words(room)} are "
            "free; make room on its disk and build again; the site is as it was."
        )


def in_words(size: float) -> str:
    """Bytes for people: ``1.2 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"

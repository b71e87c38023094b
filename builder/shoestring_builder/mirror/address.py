"""From what a user calls a target to the target."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shoestring_builder.mirror.target import Target
from shoestring_schema.errors import PublishError

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_OBJECTS = ("s3", "gs", "az")
_REMOTE = re.compile(r"[^/\\:]{2,}:")
"""``host:`` or ``user@host:``; one letter before the colon is a drive of Windows."""


@contextmanager
def open_target(address: str, site: Path, *, jobs: int, dry_run: bool) -> Iterator[Target]:
    """Open a target, and close it.

    Args:
        address: A folder; ``s3://bucket/prefix``, ``gs://…`` or ``az://…``; ``user@host:/path`` or
            ``rsync://host/module/path``.
        site: The site that is copied; the target must be elsewhere.
        jobs: How many files travel at once, where the target lets us say so.
        dry_run: Whether nothing will be written.

    Raises:
        PublishError: The address is none, or a folder that can't be used.
        BusyError: Another builder is at work on the folder.
        MissingExtraError: obstore is not installed.
    """
    scheme = _SCHEME.match(address)
    if scheme and scheme[1].lower() in _OBJECTS:
        from shoestring_builder.mirror.object_target import ObjectTarget

        yield ObjectTarget(address, jobs)
    elif (scheme and scheme[1].lower() == "rsync") or (not scheme and _REMOTE.match(address)):
        from shoestring_builder.mirror.rsync_target import RsyncTarget

        yield RsyncTarget(address)
    elif scheme:
        raise PublishError(
            f"{address} can't be a target: name a folder, s3://, gs:// or az:// and a bucket, or "
            "user@host:/path."
        )
    else:
        from shoestring_builder.mirror.folder_target import open_folder

        with open_folder(Path(address), site, dry_run=dry_run) as folder:
            yield folder

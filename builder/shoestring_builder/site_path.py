"""Which files of a folder are the site's."""

import stat
from pathlib import Path, PurePath


def find_file(root: Path, path: str) -> Path | None:
    """The file that a path names, if it is one of the site.

    Args:
        root: The site's folder, resolved.
        path: Names joined by slashes, relative to the folder; decoded, where it is of a URL.

    Returns:
        A regular file inside the folder, by a name without hidden parts; else None, whether
        it is missing, hidden, a folder, or elsewhere (by dots, links or a device's name).
    """
    parts = path.split("/")
    # A part that is more than a name is one of Windows: C:, \\host\share.
    if any(not part or part.startswith(".") or PurePath(part).name != part for part in parts):
        return None
    try:
        found = root.joinpath(*parts).resolve(strict=True)
        inside = found.is_relative_to(root) and stat.S_ISREG(found.stat().st_mode)
    except (OSError, RuntimeError, ValueError):  # missing; links in a circle; not a path at all
        return None
    # Again for what it really is: links, and the short names of Windows, have two.
    if not inside or any(part.startswith(".") for part in found.relative_to(root).parts):
        return None
    return found

"""Names of doors that stay: copies of files whose names stand for their content; pure."""

import posixpath
import re

_HASHED = re.compile(r"(.+)-[0-9a-f]{16}(\.vrt|\.gti\.gpkg|\.qlr|\.qgs)", re.DOTALL)


def pointer_of(name: str) -> str | None:
    """The name under which a door always shows the newest; None for any other file.

    Args:
        name: The door's own, relative to the site: ``s2-l2a/B04-<hash>.vrt``, ``ghana-<hash>.qgs``.
    """
    folder, base = posixpath.split(name)
    match = _HASHED.fullmatch(base)
    if match is None or "/" in folder or (match[2] == ".qgs") != (folder == ""):
        return None
    return posixpath.join(folder, match[1] + match[2])

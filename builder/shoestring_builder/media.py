"""What servers say of a site's files: their kinds, and for how long they may be kept."""

import re
from pathlib import PurePosixPath

MEDIA_TYPES = {
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".parquet": "application/vnd.apache.parquet",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".vrt": "application/xml",
    ".xml": "application/xml",
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}

FOR_EVER = "public, max-age=31536000, immutable"
"""``Cache-Control`` of a name that stands for its content."""

_HASHED = re.compile(r"-[0-9a-f]{16}\.[A-Za-z0-9]+$")


def media_type(name: str) -> str:
    """``Content-Type`` of a file, by its name."""
    return MEDIA_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


def is_hashed(name: str) -> bool:
    """Whether a name carries a hash of the content: what is called so never changes."""
    return _HASHED.search(name) is not None

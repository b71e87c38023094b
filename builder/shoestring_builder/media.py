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
    ".gpkg": "application/geopackage+sqlite3",
    ".qgs": "application/x-qgis-project",
    ".qlr": "application/x-qgis-layer-definition",
    ".xml": "application/xml",
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}

FOR_EVER = "public, max-age=31536000, immutable"
"""``Cache-Control`` of a name that stands for its content."""

_HASHED = re.compile(r"-([0-9a-f]{16})(\.gti)?\.[A-Za-z0-9]+$")
_SUMS = re.compile(r"(?:^|/)SHA256SUMS-[0-9-]+-([0-9a-f]{16})$")


def media_type(name: str) -> str:
    """``Content-Type`` of a file, by its name."""
    if _SUMS.search(name):
        return MEDIA_TYPES[".txt"]
    return MEDIA_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


def is_hashed(name: str) -> bool:
    """Whether a name carries a hash of the content: what is called so never changes."""
    return hash_of(name) is not None


def hash_of(name: str) -> str | None:
    """The part of a name that stands for the content; None where it has none."""
    match = _HASHED.search(name) or _SUMS.search(name)
    return match[1] if match else None

"""Reading a CRS that a stranger wrote down.

GDAL takes nearly any text for a CRS: it opens a file of that name, and fetches
what looks like a URL. So only texts of the known forms reach it.
"""

import re

from rasterio.crs import CRS
from rasterio.errors import CRSError

_CODE = re.compile(r"[A-Za-z_0-9]{1,20}:[A-Za-z0-9_.]{1,40}|urn:ogc:def:crs:[A-Za-z0-9_.:]{1,80}")
_WKT = re.compile(r"\s*[A-Za-z0-9_]{1,20}\s*\[")
_PROJ = re.compile(r"\s*\+proj=(?!.*(?:init|grids|file)=)")

_LONGEST = 100_000


def parse_crs(text: str) -> CRS:
    """A CRS from ``EPSG:32630``, a URN, WKT, or a PROJ string that names no files.

    Raises:
        ValueError: None of them, or nothing that PROJ knows.
    """
    known = _CODE.fullmatch(text) or _WKT.match(text) or _PROJ.match(text)
    if not known or len(text) > _LONGEST:
        raise ValueError(f"{text[:80]!r} is no CRS: write it like EPSG:32630, or as WKT")
    try:
        crs = CRS.from_user_input(text)
    except CRSError:
        raise ValueError(f"the CRS {text[:80]!r} can't be understood") from None
    if not crs:
        raise ValueError(f"the CRS {text[:80]!r} is empty")
    return crs

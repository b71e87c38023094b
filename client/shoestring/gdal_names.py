"""The names by which GDAL opens files of the web.

GDAL remembers for as long as the process lives that a file was missing, broken
or cut short, and by its name. After a failure a file is given a new one: a
fragment behind its URL, which GDAL takes for another file and no server sees.
"""

import itertools
import threading
from urllib.parse import quote

_VSICURL = "/vsicurl?use_redirect_url_if_no_query_string_params=yes&url="
"""Without this option GDAL 3.12 asks a redirect's target anew, in any protocol that curl knows."""


class GdalNames:
    """Names for URLs, new ones for those that failed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._fragments: dict[str, str] = {}

    def name_of(self, url: str) -> str:
        """What GDAL is given to open now."""
        with self._lock:
            fragment = self._fragments.get(url, "")
        return _VSICURL + quote(url + fragment, safe="")

    def renew(self, url: str, failed: str) -> None:
        """Give a URL a new name after the one that it had has failed.

        Args:
            url: The URL.
            failed: The name; if there is a newer one already, that one stays.
        """
        if self.name_of(url) == failed:
            with self._lock:
                self._fragments[url] = f"#{next(self._numbers)}"


NAMES = GdalNames()
"""One for the process, as GDAL's memory is."""

"""icechunk: a repository of references to the layers of a site, on a web server itself."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.door_site import DATES, DoorSite
from support.newer_python import newer_python, page_blocks
from support.nginx import Nginx

AFTER = """
import numpy
numpy.save("red.npy", red.values)
print([str(time)[:10] for time in red.time.values])
"""


@pytest.mark.door("xarray, through icechunk")
def test_the_lines_of_the_page(
    doors: DoorSite,
    tmp_path: Path,
    nginx: Callable[..., Nginx],
    record_property: Callable[[str, object], None],
) -> None:
    """A season's repository is made from the layers' headers, served as files, and read from there."""
    newer = newer_python(tmp_path, doors)
    record_property("version", newer.version("icechunk"))
    served = nginx(tmp_path).https
    make, read = page_blocks("icechunk.md")
    read = read.replace("https://example.org/season", f"{served}/season")
    (dates,) = newer.run(make + read + AFTER)
    assert dates == str(list(DATES))
    found = np.load(tmp_path / "red.npy")
    for number, date in enumerate(DATES):
        stored = doors.pixels["s2-l2a", date, "B04"]
        np.testing.assert_array_equal(found[number], np.where(stored == 0, np.nan, stored))

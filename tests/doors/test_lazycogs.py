"""lazycogs: the items' GeoParquet as a lazy array."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.door_site import DATES, DoorSite
from support.newer_python import newer_python, page_blocks

EXTENSIONS = """
import importlib, shutil
from pathlib import Path

for name in ("spatial", "icu", "parquet", "httpfs"):  # as if they had been fetched before
    (folder,) = importlib.import_module(f"duckdb_extension_{name}").__path__
    for file in Path(folder, "extensions").glob("v*/*"):
        home = Path.home() / ".duckdb/extensions" / file.parent.name / "linux_amd64"
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, home)
"""
AFTER = """
import numpy
numpy.save("red.npy", red)
print([str(time)[:10] for time in season.time.values])
for band in ("B04", "B08"):
    numpy.save(f"{band}.npy", season.sel(band=band).values)
coarse = lazycogs.open(
    "items/*.parquet", bbox=(500000, 3993000, 509000, 4000000), crs="EPSG:32630", resolution=20,
    bands=["SCL"],
)
numpy.save("SCL.npy", coarse.values[0])
"""


@pytest.mark.door("lazycogs")
def test_the_lines_of_the_page(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """All dates from the tables that STAC names, pixel for pixel; a coarser band by itself."""
    newer = newer_python(tmp_path, doors)
    record_property("version", newer.version("lazycogs"))
    (dates,) = newer.run(EXTENSIONS + page_blocks("lazycogs.md")[0] + AFTER)
    assert dates == str(list(DATES))
    red = doors.pixels["s2-l2a", "2018-02-14", "B04"]
    np.testing.assert_array_equal(np.load(tmp_path / "red.npy"), red)
    for band in ("B04", "B08", "SCL"):
        expected = np.stack([doors.pixels["s2-l2a", date, band] for date in DATES])
        np.testing.assert_array_equal(np.load(tmp_path / f"{band}.npy"), expected)

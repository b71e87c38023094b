"""DuckDB searches the tables of items over HTTPS, by its own extension."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from support.door_site import DATES, DoorSite
from support.foreign import apart, run_lines
from support.page_lines import page_lines

BEFORE = """
import duckdb, importlib.metadata
from pathlib import Path
files = importlib.metadata.files("duckdb-extension-httpfs")
(extension,) = [own.locate() for own in files if own.name == "httpfs.duckdb_extension"]
duckdb.execute(f"load '{extension}'")  # instead of the one that would be downloaded
duckdb.execute("set ca_cert_file = 'CA'")
"""
AFTER = """
print(json.dumps({"found": found, "version": duckdb.__version__}))
"""


@pytest.mark.door("DuckDB")
def test_the_page_finds_layers(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The clear dates since February, with addresses at which the source's pixels are."""
    before = BEFORE.replace("CA", str(doors.ca))
    lines = before + page_lines("doors/duckdb.md", "python") + AFTER
    told = json.loads(run_lines(doors, tmp_path, lines, [apart()]))
    record_property("version", told["version"])
    assert [date for date, _ in told["found"]] == list(DATES[1:])
    with rasterio.Env(GDAL_CURL_CA_BUNDLE=str(doors.ca)):
        for date, href in told["found"]:
            with rasterio.open(f"/vsicurl/{href}") as layer:
                np.testing.assert_array_equal(layer.read(1), doors.pixels["s2-l2a", date, "B04"])

"""The page on the tables of items: its lines run against a web server, as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shoestring_builder.build import build
from shoestring_builder.serve.background import BackgroundServer
from support.mosaics import CONFIGURATION, write_configuration, write_raster

pytestmark = pytest.mark.once
PAGE = Path(__file__).parents[2] / "docs/geoparquet.md"
BEFORE = """
import datetime, duckdb
from fsspec.implementations.http import HTTPFileSystem


class Http(HTTPFileSystem):  # instead of httpfs, which would be downloaded
    def modified(self, path):
        return datetime.datetime(2018, 1, 1)


duckdb.register_filesystem(Http())
"""
AFTER = """
import rasterio
print([day for day, _ in found])
for _, href in found:
    with rasterio.open(f"/vsicurl/{href}") as layer:
        print(int(layer.read(1).max()))
print([item.id for item in items])
"""
CLEAR = {"2017-06-01": 4, "2018-02-03": 4, "2018-03-04": 1, "2018-04-05": 4}
"""Classes of the dates' masks; 4 is clear."""


def test_the_lines_of_the_page_find_layers(tmp_path: Path) -> None:
    """DuckDB finds the clear dates of the season and layers that open; rows become STAC items."""
    for number, (day, kind) in enumerate(CLEAR.items()):
        write_raster(tmp_path / f"mosaics/S2_{day}_B04.tif", np.full((40, 50), 100 + number))
        write_raster(tmp_path / f"mosaics/S2_{day}_SCL.tif", kind, dtype="uint8")
    text = CONFIGURATION.replace('id = "s2"', 'id = "s2-l2a"')
    build(write_configuration(tmp_path, text))
    with BackgroundServer(tmp_path / "site") as server:
        public = text.replace("settle", f'base_url = "{server.url.rstrip("/")}"\nsettle')
        build(write_configuration(tmp_path, public))
        lines = "\n".join(
            re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
        )
        lines = lines.replace("https://example.org/ghana", server.url.rstrip("/"))
        program = [sys.executable, "-W", "error", "-c", BEFORE + lines + AFTER]
        done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["['2018-04-05']", "103", "['s2-l2a_2018-04-05']"]

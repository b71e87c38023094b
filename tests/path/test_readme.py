"""The README's examples run, as they stand there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from shoestring_builder.serve.background import BackgroundServer
from support.tools import require_tool

README = Path(__file__).parents[2] / "README.md"
ADDRESS = "http://127.0.0.1:8000/"
PREAMBLE = """
import matplotlib.pyplot, warnings  # old matplotlib warns when it is imported beside new pyparsing
matplotlib.use("Agg")
warnings.simplefilter("error")
warnings.simplefilter("ignore", PendingDeprecationWarning)  # rasterio on affine 3
"""
FIELD = """{"type": "Polygon", "coordinates": [[[-0.8500, 9.4000], [-0.8420, 9.4010], [-0.8430, 9.4090],
            [-0.8510, 9.4080], [-0.8500, 9.4000]]]}"""


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language, in order."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S
    )


def commands(*verbs: str) -> list[str]:
    """The README's command lines that begin with one of these."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith(verbs)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mosaics named as in the README's configuration, a field in them, and the site built by its commands."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "mosaics").mkdir()
    rng = np.random.default_rng(0)
    for day in range(70, 170, 16):
        for band, low, high, kind in (
            ("B04", 200, 900, "uint16"),
            ("B08", 2000, 4000, "uint16"),
            ("SCL", 4, 6, "uint8"),
        ):
            profile = {"driver": "GTiff", "height": 300, "width": 300, "count": 1, "dtype": kind, "crs": "EPSG:32630",
                       "transform": from_origin(735000, 1041000, 10, 10)}  # fmt: skip
            with rasterio.open(
                folder / f"mosaics/S2_L2A_2018{day:03}_{band}.tif", "w", **profile
            ) as file:
                file.write(rng.integers(low, high, (300, 300)).astype(kind), 1)
    (folder / "field.geojson").write_text(FIELD)
    (folder / "shoestring.toml").write_text(blocks("toml")[0], encoding="utf-8")
    for line in commands("shoestring build", "shoestring check"):
        run(line, folder)
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The site, served as the README says, on a free port."""
    assert commands("shoestring serve") == ["shoestring serve site"]
    with BackgroundServer(folder / "site") as server:
        yield server.url.rstrip("/") + "/"


def run(line: str, folder: Path) -> str:
    """Run a command line in a folder, with this environment's programs; its output."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        line,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path, "HOME": str(folder)},  # the usual cache lies at home
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


def test_python_examples_run(folder: Path, address: str) -> None:
    """The README's Python, run from top to bottom, draws the curve and prints layers, without a warning."""
    code = "\n".join(blocks("python")).replace(ADDRESS, address)
    assert address in code
    program = folder / "example.py"
    program.write_text(PREAMBLE + code, encoding="utf-8")
    output = run(f'"{sys.executable}" example.py', folder)
    assert output.count("<Layer B08 2018-") == 7
    assert (folder / "ndvi.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((folder / "out").glob("s2-l2a_B0?_2018-*.tif"))) == 14


def test_command_line_examples_run(folder: Path, address: str) -> None:
    """The README's info, extract and curl lines run and tell what they should."""
    require_tool("curl")
    info, extract, curl = (
        line.replace(ADDRESS, address)
        for line in commands("shoestring info", "shoestring extract", "curl")
    )
    assert "Ghana crop monitoring" in run(info, folder)
    written = run(extract, folder).splitlines()
    assert len(written) == 14
    assert all((folder / path).is_file() for path in written)
    assert '"2018-04-12"' in run(curl, folder)


def test_layer_opens_by_its_url_in_gdal(folder: Path, address: str) -> None:
    """Debian's GDAL, which QGIS uses, opens a layer by the URL that database.json tells, scale included."""
    gdalinfo = require_tool("gdalinfo")
    with (folder / "site/s2-l2a/database.json").open() as file:
        name = re.findall(r'"([^"]+\.tif)"', file.read())[0]
    told = run(f"{gdalinfo} /vsicurl/{address}s2-l2a/{name}", folder)
    assert "LAYOUT=COG" in told
    assert "Offset: 0,   Scale:0.0001" in told

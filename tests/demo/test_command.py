"""The demo as a user runs it: one run, in a folder of its own."""

import json
import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from matplotlib.image import imread

import shoestring
from shoestring_demo.crop import GROUNDNUT, MAIZE, RICE
from shoestring_demo.season import Season
from support.command import run_here
from support.demo_run import DemoRun
from support.mosaics import times
from support.python import python

pytestmark = pytest.mark.once

EXAMPLE = Path(__file__).parents[2] / "examples" / "ndvi.py"
DATES = Season().dates


def _rows(out: str) -> dict[date, list[str]]:
    """The table: date to its cells."""
    found = re.findall(r"^(\d{4}-\d\d-\d\d) (.*)$", out, re.MULTILINE)
    return {date.fromisoformat(day): cells.split() for day, cells in found}


def test_the_table_has_a_row_for_each_date_and_a_column_for_each_field(demo: DemoRun) -> None:
    """Each of the 12 dates has the rain before it and an NDVI, or a dash, of all three fields."""
    rows = _rows(demo.ran.out)
    assert tuple(rows) == DATES
    for rain, *cells in rows.values():
        assert rain.isdigit()
        assert len(cells) == 3
        assert all(re.fullmatch(r"-|0\.\d\d", cell) for cell in cells)


def test_each_field_peaks_at_its_crops_time(demo: DemoRun) -> None:
    """The highest NDVI of a field stands at the clear date that is nearest to its crop's peak."""
    rows = _rows(demo.ran.out)
    for number, crop in enumerate((GROUNDNUT, MAIZE, RICE), start=1):
        series = {day: float(cells[number]) for day, cells in rows.items() if cells[number] != "-"}
        nearest = min(series, key=lambda day: abs(day - crop.peak_date(day.year)))
        assert series[nearest] == max(series.values()) > 0.75
        assert min(series.values()) < 0.3


def test_dates_under_clouds_are_left_out(demo: DemoRun) -> None:
    """Dashes in the table are the dates on which an independent look finds a cloudy field."""
    rows = _rows(demo.ran.out)
    features = json.loads(demo.folder.joinpath("fields.geojson").read_text("utf-8"))["features"]
    with shoestring.open(demo.folder / "site") as catalogue:
        for number, feature in enumerate(features, start=1):
            red = catalogue["s2-demo"].extract("B04", feature, min_clear=0)["B04"]
            everything = catalogue["s2-demo"].extract("B04", feature, masked=False)["B04"]
            size = max(np.isfinite(pixels).sum() for pixels in red.values())
            clear = {day: np.isfinite(pixels).sum() / size for day, pixels in red.items()}
            assert {day for day, cells in rows.items() if cells[number] == "-"} == {
                day for day, share in clear.items() if share < 0.5
            }
            assert len(everything) == len(clear) == 12
            assert sum(share >= 0.5 for share in clear.values()) >= 7
            assert min(clear.values()) < 0.5


def test_a_field_is_read_across_both_tiles(demo: DemoRun) -> None:
    """The site's images show what the two tiles show, where only one of them reaches."""
    name = f"S2_{DATES[2]:%Y%j}_%s_B08.tif"
    with (
        rasterio.open(demo.folder / "mosaics" / "s2" / (name % "west")) as west,
        rasterio.open(demo.folder / "mosaics" / "s2" / (name % "east")) as east,
    ):
        assert east.bounds.left < west.bounds.right < east.bounds.right
        left, right = west.read(1), east.read(1)
    with shoestring.open(demo.folder / "site") as catalogue:
        images = catalogue["s2-demo"]
        area = shoestring.Roi(shapely.box(*images.grid.bounds), images.grid.crs)
        stack = images.extract("B08", area, dates=[DATES[2]], masked=False)
        whole = stack["B08"][DATES[2]]
    assert np.array_equal(whole[:, : left.shape[1]], left)
    assert np.array_equal(whole[:, -right.shape[1] :], right)


def test_the_picture_is_a_png_that_is_not_blank(demo: DemoRun) -> None:
    """ndvi.png is a PNG of over a megapixel whose lower and upper halves both show colours."""
    path = demo.folder / "ndvi.png"
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = imread(path)[..., :3]
    assert 800 < pixels.shape[0] < 2000
    assert 1200 < pixels.shape[1] < 2500
    for half in np.array_split(pixels, 2):
        colourful = half.max(axis=-1) - half.min(axis=-1) > 0.25
        assert 0.003 < colourful.mean() < 0.9


def test_everything_says_that_it_is_synthetic(demo: DemoRun) -> None:
    """Rasters, outlines, catalogue, collections, table and messages all say "synthetic"."""
    for path in demo.folder.glob("mosaics/*/*.tif"):
        with rasterio.open(path) as dataset:
            assert "Synthetic" in dataset.tags()["TIFFTAG_IMAGEDESCRIPTION"]
    for feature in json.loads(demo.folder.joinpath("fields.geojson").read_text("utf-8"))[
        "features"
    ]:
        assert "Synthetic" in feature["properties"]["note"]
    documents = list(demo.folder.glob("site/**/c*.json"))
    for path in documents:
        if path.name in {"catalog.json", "collection.json"}:
            document = json.loads(path.read_text("utf-8"))
            assert "ynthetic" in document["title"]
            assert "ynthetic" in document["description"]
    assert "Synthetic" in demo.folder.joinpath("README.txt").read_text("utf-8")
    assert "synthetic" in demo.ran.out
    assert "ynthetic" in demo.ran.err


def test_the_three_lines_run_as_printed(demo: DemoRun) -> None:
    """The three indented lines of Python at the end run in the folder where the demo ran."""
    closing = demo.ran.out.partition("Three lines of Python")[2]
    lines = [line.strip() for line in closing.splitlines() if line.startswith("    ")]
    assert len(lines) == 3
    ran = python(demo.home, "-W", "error", "-c", "\n".join(lines))
    assert ran.code == 0, ran.err
    assert "s2-demo" in ran.out
    assert "B08" in ran.out


def test_the_command_to_serve_works_as_printed(demo: DemoRun) -> None:
    """`shoestring serve` with the printed arguments serves the site at the URL that it prints."""
    (line,) = re.findall(r"^    shoestring (serve .*)$", demo.ran.out, re.MULTILINE)
    command = [sys.executable, "-m", "shoestring", *shlex.split(line), "--port", "0"]
    with subprocess.Popen(
        command, cwd=demo.home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            with shoestring.open(server.stdout.readline().strip()) as catalogue:
                assert list(catalogue) == ["s2-demo", "weather-demo"]
        finally:
            server.terminate()


def test_a_second_run_makes_nothing_new(demo: DemoRun) -> None:
    """Run again, the demo says that nothing is new, says the same, and leaves the site as it is."""
    site = demo.folder / "site"
    before = _times(site)
    again = python(demo.home, "-m", "shoestring", "demo", "my demo")
    assert again.code == 0, again.err
    assert again.out == demo.ran.out
    assert "s2-demo: nothing new" in again.err
    assert "weather-demo: nothing new" in again.err
    assert _times(site) == before


def _times(site: Path) -> dict[str, int]:
    """Modification times of a site's files."""
    found = times(site)
    return {name: own for name, own in found.items() if (site / name).is_file()}


def test_check_finds_no_fault_in_the_site(demo: DemoRun) -> None:
    """`shoestring check` exits with 0: each file is whole, and the catalogue is valid STAC."""
    ran = python(demo.home, "-m", "shoestring", "check", "my demo/site")
    assert (ran.code, ran.out.count("\n")) == (0, 1), ran.out


def test_the_example_script_prints_and_draws_ndvi(demo: DemoRun, tmp_path: Path) -> None:
    """examples/ndvi.py finds red and nir by their common names and agrees with the demo's table."""
    features = json.loads(demo.folder.joinpath("fields.geojson").read_text("utf-8"))["features"]
    tmp_path.joinpath("field.geojson").write_text(json.dumps(features[1]), "utf-8")
    ran = python(
        tmp_path,
        "-W",
        "error::RuntimeWarning",
        EXAMPLE,
        demo.folder / "site",
        "s2-demo",
        "field.geojson",
    )
    assert ran.code == 0, ran.err
    found = dict(re.findall(r"^(\S+)  NDVI (\S+)", ran.out, re.MULTILINE))
    table = {str(day): cells[2] for day, cells in _rows(demo.ran.out).items() if cells[2] != "-"}
    assert found == table
    assert tmp_path.joinpath("ndvi.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("content", ["mine.txt", "README.txt"])
def test_a_folder_that_is_not_the_demos_is_left_alone(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder that holds other files the demo writes nothing and says what to do."""
    tmp_path.joinpath(content).write_text("mine", "utf-8")
    monkeypatch.chdir(tmp_path)
    ran = run_here("demo", ".")
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.startswith("Error: . holds files that this demo did not make: name a folder")
    assert [path.name for path in tmp_path.iterdir()] == [content]

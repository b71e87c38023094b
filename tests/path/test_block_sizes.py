"""Sites of every block size, exact and rounded: both readers give what the builder stored."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely

import shoestring
from shoestring import Options
from shoestring_builder.build import build
from shoestring_builder.check.site import check
from support.faulty_server import FaultyServer
from support.mosaics import write_configuration, write_raster

CONFIGURATION = """\
[catalogue]
id = "test"
settle = "0 seconds"
[[collections]]
id = "s2"
source = "mosaics/S2_{date}_{band}.tif"
block_size = BLOCK
[collections.bands.B04]
nodata = 65535
scale = 0.0001
max_error = ERROR
[collections.bands.SCL]
nodata = 0
resampling = "nearest"
[collections.mask]
band = "SCL"
clear = [4, 5, 6, 7]
"""
ORIGIN = 500_000.0, 4_000_000.0
BOX = 500_000 + 1_310, 4_000_000 - 4_990, 500_000 + 3_330, 4_000_000 - 2_010
ROI = shoestring.Roi(shapely.box(*BOX), "EPSG:32630")
WINDOW = slice(201, 499), slice(131, 333)
DAY = date(2018, 1, 1)


def prepared(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Write the sources of one date, of which a part is cloud and another without data."""
    random = np.random.default_rng(5)
    red = random.integers(400, 2400, (700, 600)).astype("uint16")
    red[300:420, 100:250] = 65535
    red[random.random(red.shape) < 0.001] = 65534
    classes = np.full((350, 300), 4, "uint8")
    classes[:180] = 9
    places = {"origin": ORIGIN, "crs": "EPSG:32630"}
    write_raster(folder / "mosaics/S2_2018-01-01_B04.tif", red, nodata=65535, **places)
    write_raster(folder / "mosaics/S2_2018-01-01_SCL.tif", classes, dtype="uint8", resolution=20.0,
                 nodata=0, **places)  # fmt: skip
    return red, classes.repeat(2, 0).repeat(2, 1)


def configured(folder: Path, block: int, error: float) -> Path:
    """The configuration file."""
    text = CONFIGURATION.replace("BLOCK", str(block)).replace("ERROR", str(error))
    return write_configuration(folder, text)


@pytest.mark.parametrize("block", [64, 128, 256, 512])
@pytest.mark.parametrize("error", [0, 0.0005])
def test_both_readers_give_what_was_stored(block: int, error: float, tmp_path: Path) -> None:
    """Masked or not: the source's pixels, as exact as was asked for, and "no data" exactly."""
    red, classes = prepared(tmp_path)
    build(configured(tmp_path, block, error))
    assert check(tmp_path / "site").faults == ()
    got = {}
    with FaultyServer(tmp_path / "site") as server:
        for reader in ("auto", "vsicurl"):
            options = Options(reader=reader)  # type: ignore[arg-type]
            with shoestring.open(server.address, options=options) as catalogue:
                raw = catalogue["s2"].extract("B04", ROI, masked=False)["B04"][DAY]
                got[reader] = raw, catalogue["s2"].extract("B04", ROI)["B04"][DAY]
        assert server.count(".bin") > 0
    raw, masked = got["auto"]
    source = red[WINDOW]
    assert np.array_equal(raw, got["vsicurl"][0])
    assert np.array_equal(masked, got["vsicurl"][1], equal_nan=True)
    assert np.abs(raw.astype(int) - source).max() == (4 if error else 0)
    assert np.array_equal(raw == 65535, source == 65535)
    kept = (source != 65535) & (classes[WINDOW] == 4)
    assert np.array_equal(np.isfinite(masked), kept)
    assert np.array_equal(masked[kept], raw[kept])


def test_another_block_size_or_error_makes_the_layers_anew(tmp_path: Path) -> None:
    """Each change renders what it concerns, once."""
    prepared(tmp_path)
    steps = [(256, 0.0, 2), (128, 0.0, 2), (128, 0.0005, 1), (128, 0.0005, 0), (128, 0.002, 1)]
    for block, error, layers in steps:
        (report,) = build(configured(tmp_path, block, error)).collections
        assert report.rendered == layers
    database = json.loads((tmp_path / "site/s2/database.json").read_text("utf-8"))
    with rasterio.open(tmp_path / "site/s2" / database[str(DAY)][0]) as dataset:
        assert dataset.block_shapes == [(128, 128)]
        assert dataset.tags(1)["rounded_to_multiples_of"] == "32"

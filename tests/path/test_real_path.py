"""The whole path on real data: JPEG 2000 tiles to a site, over HTTPS, to masked arrays."""

import subprocess
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.features
from rasterio.transform import Affine
from rasterio.warp import transform_geom

import shoestring
from support.examples import GRIB
from support.nginx import Nginx
from support.tools import require_tool, shared_data

DATES = (date(2023, 8, 10), date(2023, 8, 13), date(2023, 8, 15))
CLEAR = (4, 5, 6, 7)

# Across the edge between the two tiles (y = 5 100 000), slanted, with a hole.
ROI = {
    "type": "Polygon",
    "coordinates": [
        [[15.40, 45.98], [15.62, 45.95], [15.66, 46.12], [15.47, 46.14], [15.40, 45.98]],
        [[15.50, 46.02], [15.55, 46.02], [15.53, 46.06], [15.50, 46.02]],
    ],
}


@pytest.fixture(scope="module")
def warped(
    tmp_path_factory: pytest.TempPathFactory, s2_site: Path
) -> Callable[[str, date], np.ndarray]:
    """What GDAL's own gdalwarp makes of the source files on the site's grid."""
    gdalwarp = require_tool("gdalwarp")
    data = shared_data("s2-tiles")
    folder = tmp_path_factory.mktemp("warped")
    with shoestring.open(s2_site) as catalogue:
        grid = catalogue["s2-l2a"].grid

    @cache
    def read(band: str, day: date) -> np.ndarray:
        target = folder / f"{band}-{day}.tif"
        tiles = sorted(
            data.glob(f"*_{day:%Y%m%d}_*/{band}.tif"), key=lambda path: path.parent.name[4:9]
        )
        assert len(tiles) == 2
        method = "near" if band == "SCL" else "bilinear"
        command = [
            gdalwarp,
            "-q",
            "-overwrite",
            "-et",
            "0",
            "-r",
            method,
            "-srcnodata",
            "0",
            "-dstnodata",
            "0",
            "-t_srs",
            grid.crs,
        ]
        command += ["-te", *map(str, grid.bounds), "-ts", str(grid.shape[1]), str(grid.shape[0])]
        subprocess.run([*command, *map(str, tiles), str(target)], check=True)
        with rasterio.open(target) as file:
            return file.read(1)

    return read


def independent_window(grid: shoestring.Grid) -> tuple[slice, slice]:
    """Rows and columns of the ROI's bounding box, from its corners in the grid's CRS."""
    ring = transform_geom("EPSG:4326", grid.crs, ROI)["coordinates"][0]
    columns, rows = zip(*(~Affine(*grid.transform) @ point for point in ring), strict=True)
    return (
        slice(int(np.floor(min(rows))), int(np.ceil(max(rows)))),
        slice(int(np.floor(min(columns))), int(np.ceil(max(columns)))),
    )


@pytest.mark.parametrize(("reader", "protocol"), [("auto", "HTTP/1.1"), ("vsicurl", "HTTP/2.0")])
def test_roi_over_two_tiles_equals_independent_computation(
    s2_site: Path,
    nginx: Callable[..., Nginx],
    warped: Callable[[str, date], np.ndarray],
    reader: Any,  # noqa: ANN401
    protocol: str,
) -> None:
    """Masked arrays over HTTPS equal gdalwarp's mosaic of the sources, masked by NumPy; no file is read whole.

    GDAL reads over HTTP/2, ranges are fetched over many connections of HTTP/1.1.
    """
    server = nginx(s2_site)
    options = shoestring.Options(ca_bundle=server.ca.ca, reader=reader)
    with shoestring.open(f"{server.https}/", options=options) as catalogue:
        collection = catalogue["s2-l2a"]
        stack = collection.extract(["B04", "B08"], ROI)
    assert collection.dates == DATES
    window = independent_window(collection.grid)
    assert (
        stack.grid.transform
        == collection.grid.crop(
            shoestring.Window(
                window[0].start,
                window[1].start,
                window[0].stop - window[0].start,
                window[1].stop - window[1].start,
            )
        ).transform
    )
    inside = rasterio.features.geometry_mask(
        [transform_geom("EPSG:4326", collection.grid.crs, ROI)],
        stack.grid.shape,
        Affine(*stack.grid.transform),
        invert=True,
    )
    compared = 0
    for day in DATES:
        clear = inside & np.isin(warped("SCL", day)[window], CLEAR)
        for band in ("B04", "B08"):
            expected = warped(band, day)[window]
            counts = clear & (expected != 0)
            if not counts.any():
                assert day in stack.left_out
                continue
            found = stack[band][day]
            # GDAL 3.6 and 3.10 round differently at most by one count, and so may differ on nodata's edge.
            assert np.mean(np.isfinite(found) != counts) < 1e-3
            both = np.isfinite(found) & counts
            assert np.abs(found[both] - expected[both]).max() <= 1
            assert np.mean(found[both] != expected[both]) < 0.01
            compared += int(both.sum())
    assert compared > 10_000
    _check_log(server, s2_site, protocol)


def _check_log(server: Nginx, site: Path, protocol: str) -> None:
    requests = server.requests()
    layers = [request for request in requests if request.path.endswith(".tif")]
    assert layers
    assert {request.protocol for request in layers} == {protocol}
    assert all(request.range for request in layers if request.method == "GET")
    sent: dict[str, int] = defaultdict(int)
    for request in layers:
        sent[request.path] += request.bytes_sent
    for path, count in sent.items():
        assert count < (site / path.lstrip("/")).stat().st_size, path


def test_modis_and_era5_open_and_extract(modis_site: Path, era5_site: Path) -> None:
    """A custom sinusoidal CRS and hourly GRIB bands come out as the files hold them, pixel for pixel."""
    with shoestring.open(modis_site) as modis, shoestring.open(era5_site) as era5:
        ndvi = modis["mod13q1"].extract(
            "NDVI", modis["mod13q1"].extent, masked=False, dates="2014-04-23"
        )
        name = "TERRA_MODIS_012010_NDVI_2014-04-23.jp2"
        with rasterio.open(shared_data("modis-ndvi") / name) as file:
            np.testing.assert_array_equal(ndvi["NDVI"][date(2014, 4, 23)], file.read(1))
        hours = era5["era5"].extract(
            "t2m", (-3, 53, -1, 54), masked=False, dates=("2019-03-01", "2019-03-01")
        )
        assert len(hours.dates) == 24
        with rasterio.open(shared_data("era5") / GRIB) as file:
            # Origin -10.125 E, 58.125 N, steps of 0.25 degrees: rows 16.5 to 20.5, columns 28.5 to 36.5.
            expected = file.read(1 + 13, window=((16, 21), (28, 37)))
        np.testing.assert_array_equal(
            hours["t2m"]["2019-03-01T13:00:00Z"], expected.astype("float32")
        )

"""A site with all that other tools may stumble over, served as a publisher would."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shoestring_builder.build import build
from support.mosaics import write_configuration, write_raster
from support.nginx import Nginx
from support.tls import PrivateCa

DATES = ("2018-01-15", "2018-02-14", "2018-03-16")
REFLECTANCE = ("B02", "B03", "B04", "B08")
SHAPE = 700, 900
"""Of the grid of `s2-l2a`: several blocks, the last ones cut, and overviews."""

CONFIGURATION = """\
[catalogue]
id = "ghana"
title = "Ghana"
base_url = "{url}"
doors = ["vrt", "stacit", "gti", "qgis", "parquet", "checksums", "kerchunk"]
settle = "0 seconds"

[[collections]]
id = "s2-l2a"
title = "Sentinel-2"
source = "mosaics/S2_{{date}}_{{band}}.tif"
[collections.bands.B02]
common_name = "blue"
scale = 0.0001
offset = -0.1
nodata = 0
[collections.bands.B03]
common_name = "green"
scale = 0.0001
offset = -0.1
nodata = 0
[collections.bands.B04]
common_name = "red"
scale = 0.0001
offset = -0.1
nodata = 0
[collections.bands.B08]
common_name = "nir"
scale = 0.0001
offset = -0.1
nodata = 0
[collections.bands.SCL]
resampling = "nearest"
nodata = 0
[collections.mask]
band = "SCL"
clear = [4, 5, 6, 7]

[[collections]]
id = "weather"
title = "Weather"
source = "mosaics/T2M_{{date}}.tif"
[collections.bands.t2m]
unit = "degC"
nodata = -9999
"""


@dataclass(frozen=True, slots=True)
class DoorSite:
    """A site that is being served.

    Attributes:
        folder: The site.
        sources: Folder of the mosaics that it was made from.
        server: What serves it, with its log.
        url: Its public address, HTTPS and HTTP/2, without a slash at its end.
        ca: The authority that clients must trust.
        pixels: Stored numbers by collection, date and band, at the resolution in which they are stored.
    """

    folder: Path
    sources: Path
    server: Nginx
    url: str
    ca: Path
    pixels: dict[tuple[str, str, str], npt.NDArray[Any]]


@contextmanager
def door_site(folder: Path, ca: PrivateCa, settings: str = "") -> Iterator[DoorSite]:
    """Build and serve it.

    Args:
        folder: An empty folder.
        ca: Who vouches for the server.
        settings: More lines for ``[catalogue]``.
    """
    pixels = _mosaics(folder / "mosaics")
    site = folder / "site"
    site.mkdir()
    with Nginx(site, ca) as server:
        text = CONFIGURATION.format(url=server.https)
        build(write_configuration(folder, text.replace("settle", f"{settings}\nsettle", 1)))
        yield DoorSite(site, folder / "mosaics", server, server.https, ca.ca, pixels)


def _mosaics(folder: Path) -> dict[tuple[str, str, str], npt.NDArray[Any]]:
    """Reflectance that rises from date to date, a corner without data, clouds, and weather."""
    random = np.random.default_rng(11)
    rows, columns = np.indices(SHAPE)
    found = {}
    for number, date in enumerate(DATES):
        for place, band in enumerate(REFLECTANCE):
            wave = 600 * np.sin(rows / (40 + 10 * place)) * np.cos(columns / (60 + 10 * number))
            image = 1800 + 500 * place + 400 * number + wave + random.integers(0, 50, SHAPE)
            image = image.astype("uint16")
            image[:90, :120] = 0
            found["s2-l2a", date, band] = image
            write_raster(folder / f"S2_{date}_{band}.tif", image)
        classes = np.full((SHAPE[0] // 2, SHAPE[1] // 2), 4, "uint8")
        classes[100 + 40 * number : 180 + 40 * number, 50:250] = 9
        classes[:45, :60] = 0
        found["s2-l2a", date, "SCL"] = classes
        write_raster(folder / f"S2_{date}_SCL.tif", classes, dtype="uint8", resolution=20.0)
        warmth = (20 + number + random.normal(0, 2, (30, 40))).astype("float32")
        warmth[0, :3] = -9999
        found["weather", date, "t2m"] = warmth
        write_raster(
            folder / f"T2M_{date}.tif", warmth, dtype="float32", origin=(-3.5, 11.0), resolution=0.25,
            crs="EPSG:4326",
        )  # fmt: skip
    return found

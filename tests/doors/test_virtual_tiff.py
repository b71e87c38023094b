"""xarray through virtual-tiff: a layer from its own header."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.door_site import DoorSite
from support.newer_python import newer_python, page_blocks

ALL = """
import sys
import numpy as np
import xarray as xr
from obspec_utils.registry import ObjectStoreRegistry
from obstore.store import HTTPStore
from virtual_tiff import VirtualTIFF

site = "https://example.org/"
registry = ObjectStoreRegistry({site: HTTPStore.from_url(site)})
for name in sys.argv[1:]:
    store = VirtualTIFF(ifd=0)(url=site + name, registry=registry)
    how = {"engine": "zarr", "consolidated": False, "zarr_format": 3, "mask_and_scale": False}
    np.save(name.replace("/", "_") + ".npy", xr.open_dataset(store, **how)["0"].values)
"""


@pytest.mark.door("xarray, through virtual-tiff")
def test_the_lines_of_the_page(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A date's layer, found by STAC, with NaN where there is no data."""
    newer = newer_python(tmp_path, doors)
    record_property("version", newer.version("virtual-tiff"))
    newer.run(
        page_blocks("virtual-tiff.md")[0] + "\nimport numpy\nnumpy.save('red.npy', red.values)\n"
    )
    stored = doors.pixels["s2-l2a", "2018-02-14", "B04"]
    expected = np.where(stored == 0, np.nan, stored)
    np.testing.assert_array_equal(np.load(tmp_path / "red.npy"), expected)


@pytest.mark.door("xarray, through virtual-tiff")
def test_all_layers_are_their_mosaics(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Stored numbers of each band of each date of both collections."""
    newer = newer_python(tmp_path, doors)
    record_property("version", newer.version("virtual-tiff"))
    names = {}
    for collection, date, band in doors.pixels:
        (path,) = (doors.folder / collection / date[:4]).glob(f"{date}_{band}-*.tif")
        names[collection, date, band] = path.relative_to(doors.folder).as_posix()
    newer.run(ALL, *names.values())
    for key, name in names.items():
        found = np.load(tmp_path / (name.replace("/", "_") + ".npy"))
        np.testing.assert_array_equal(found, doors.pixels[key], strict=True)

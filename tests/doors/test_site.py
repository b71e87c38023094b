"""What all doors lead to."""

import numpy as np
import rasterio

from shoestring_builder.check.site import check
from support.door_site import DoorSite


def test_the_site_is_whole(doors: DoorSite) -> None:
    """`check` finds nothing wrong with the site that other tools are tried on."""
    assert check(doors.folder).faults == ()


def test_gdal_reads_every_layer_over_http_2(doors: DoorSite) -> None:
    """Stored numbers of each layer are its mosaic's, read through /vsicurl by one HTTP/2 server."""
    settings = {
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_CURL_CA_BUNDLE": str(doors.ca),
        "CPL_VSIL_CURL_NON_CACHED": f"/vsicurl/{doors.url}",  # other tests of this process read them too
    }
    before = len(doors.server.requests())
    with rasterio.Env(**settings):
        for (collection, date, band), pixels in doors.pixels.items():
            (path,) = (doors.folder / collection / date[:4]).glob(f"{date}_{band}-*.tif")
            with rasterio.open(f"/vsicurl/{doors.url}/{path.relative_to(doors.folder)}") as layer:
                np.testing.assert_array_equal(layer.read(1), pixels)
    asked = doors.server.requests()[before:]
    assert {one.protocol for one in asked if one.status == 206} == {"HTTP/2.0"}

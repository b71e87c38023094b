"""odc-stac makes a dataset of the items."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from support.door_site import DATES, DoorSite
from support.foreign import run_lines
from support.page_lines import page_lines

AFTER = """
import numpy
numpy.savez("data.npz", B04=data.B04.values, SCL=data.SCL.values, time=data.time.values,
            x=data.x.values, y=data.y.values)
print(data.odc.crs.epsg)
"""


@pytest.mark.door("odc-stac")
def test_the_page_loads_pixels(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """All dates of a band, and of a coarser one with each pixel repeated, are the source's."""
    record_property("version", version("odc-stac"))
    assert (
        run_lines(doors, tmp_path, page_lines("doors/odc-stac.md", "python") + AFTER) == "32630\n"
    )
    data = np.load(tmp_path / "data.npz")
    stack = np.stack([doors.pixels["s2-l2a", date, "B04"] for date in DATES])
    classes = np.stack([doors.pixels["s2-l2a", date, "SCL"] for date in DATES])
    np.testing.assert_array_equal(data["B04"], stack)
    np.testing.assert_array_equal(data["SCL"], classes.repeat(2, axis=1).repeat(2, axis=2))
    assert data["time"].astype("datetime64[D]").astype(str).tolist() == list(DATES)


@pytest.mark.door("odc-stac")
def test_all_is_read_over_http_2(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Layers are read in ranges over HTTP/2, and nothing is asked for that is not there."""
    record_property("version", version("odc-stac"))
    before = len(doors.server.requests())
    run_lines(doors, tmp_path, page_lines("doors/odc-stac.md", "python"))
    requests = doors.server.requests()[before:]
    layers = [own for own in requests if own.path.endswith(".tif") and own.method == "GET"]
    assert {(request.protocol, request.status) for request in layers} == {("HTTP/2.0", 206)}
    assert {request.status for request in requests} <= {200, 206}

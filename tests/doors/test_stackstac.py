"""stackstac makes an array of the items' layers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.door_site import DATES, DoorSite
from support.foreign import apart, run_lines
from support.page_lines import page_lines

AFTER = """
numpy_stack = stack.values[:, 0]
np.savez("stack.npz", stack=numpy_stack, time=stack.time.values)
print(stackstac.__version__, stack.attrs["crs"])
"""


@pytest.mark.door("stackstac")
def test_the_page_stacks_pixels(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The stored numbers of all dates are the source's, in its CRS."""
    lines = page_lines("doors/stackstac.md", "python") + AFTER
    version, crs = run_lines(doors, tmp_path, lines, [apart()], warns=True).split()
    record_property("version", version)
    assert crs == "epsg:32630"
    data = np.load(tmp_path / "stack.npz")
    stack = np.stack([doors.pixels["s2-l2a", date, "B04"] for date in DATES])
    np.testing.assert_array_equal(data["stack"], stack)
    assert data["time"].astype("datetime64[D]").astype(str).tolist() == list(DATES)

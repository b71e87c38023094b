"""openEO works on an item, on one's own machine."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.door_site import DoorSite
from support.foreign import apart, run_lines
from support.page_lines import page_lines

BEFORE = """
import logging, warnings
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from stac_validator import stac_validator

class Offline(stac_validator.StacValidate):  # the same rules, from files
    def __init__(self, file):
        super().__init__(file, schema_config="SCHEMAS")

stac_validator.StacValidate = Offline
"""
AFTER = """
import numpy, openeo
numpy.save("red.npy", array.values.squeeze())
print(json.dumps({"version": openeo.__version__, "date": item["properties"]["shoestring:date"]}))
"""


@pytest.mark.door("openEO")
def test_the_page_loads_an_item(
    doors: DoorSite, schemas: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A band of an item is the source's, pixel for pixel."""
    before = BEFORE.replace("SCHEMAS", str(schemas))
    lines = before + page_lines("doors/openeo.md", "python") + AFTER
    told = json.loads(run_lines(doors, tmp_path, lines, [apart()], warns=True).splitlines()[-1])
    record_property("version", f"{told['version']} (client)")
    red = np.load(tmp_path / "red.npy")
    np.testing.assert_array_equal(red, doors.pixels["s2-l2a", told["date"], "B04"])

"""pystac and pystac-client walk the static catalogue."""

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from support.door_site import DATES, DoorSite
from support.foreign import run_lines
from support.page_lines import page_lines

AFTER = """
import json, numpy, rasterio
with rasterio.open(address) as layer:
    numpy.save("layer.npy", layer.read(1))
print(json.dumps({"dates": dates, "items": [item.id for item in items],
                  "layer": items[0].properties["shoestring:date"]}))
"""
SEARCH = """
import pystac_client
client = pystac_client.Client.open("https://example.org/ghana/catalog.json")
try:
    list(client.search(collections=["s2-l2a"]).items())
except pystac_client.warnings.DoesNotConformTo as error:
    print(type(error).__name__)
"""


@pytest.mark.door("pystac")
def test_the_page_walks_to_a_layer(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The page's lines find each date, and a layer that holds the source's pixels."""
    record_property("version", f"{version('pystac')}, pystac-client {version('pystac-client')}")
    printed = run_lines(
        doors, tmp_path, page_lines("doors/pystac.md", "python") + AFTER, warns=True
    )
    found = json.loads(printed)
    assert sorted(found["items"]) == [f"s2-l2a_{date}" for date in DATES]
    names = {f"{collection}_{date}" for collection, date, _ in doors.pixels}
    assert set(found["dates"]) == names
    expected = doors.pixels["s2-l2a", found["layer"], "B04"]
    np.testing.assert_array_equal(np.load(tmp_path / "layer.npy"), expected)


@pytest.mark.door("pystac", limit=True)
def test_a_search_is_refused(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """`search()` of pystac-client asks for an API, which a folder of files is not."""
    record_property("version", f"{version('pystac')}, pystac-client {version('pystac-client')}")
    assert run_lines(doors, tmp_path, SEARCH, warns=True).strip() == "DoesNotConformTo"

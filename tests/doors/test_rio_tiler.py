"""rio-tiler reads windows of items, TiTiler serves them to maps."""

import io
import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from support.door_site import DATES, DoorSite
from support.foreign import run_lines, trusting
from support.page_lines import page_lines
from support.server import listens
from support.tools import free_port

AFTER = """
import json, numpy
numpy.savez("window.npz", data=window.array.data, mask=window.array.mask)
print(json.dumps({"item": item.get_self_href(), "date": item.properties["shoestring:date"],
                  "bands": window.band_names, "point": point.array.data.tolist()}))
"""


@contextmanager
def titiler(site: DoorSite, home: Path) -> Iterator[str]:
    """The page's service; its address."""
    (home / "tiles.py").write_text(page_lines("doors/rio-tiler.md", "py"), "utf-8")
    port = free_port()
    program = [sys.executable, "-m", "uvicorn", "tiles:app", "--port", str(port)]
    with (home / "uvicorn.log").open("w+") as log:
        process = subprocess.Popen(program, cwd=home, env=trusting(site), stderr=log)
        while not listens(port):  # importing takes long where much else is done
            assert process.poll() is None, (home / "uvicorn.log").read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        process.wait()


def item_address(site: DoorSite, date: str) -> str:
    """The address of a date's item."""
    (path,) = (
        path
        for path in (site.folder / "s2-l2a" / date[:4]).glob(f"{date}-*.json")
        if json.loads(path.read_text("utf-8"))["type"] == "Feature"
    )
    return f"{site.url}/{path.relative_to(site.folder).as_posix()}"


def get(address: str, **query: object) -> bytes:
    """What a service answers."""
    with urllib.request.urlopen(f"{address}?{urllib.parse.urlencode(query)}") as answer:
        body: bytes = answer.read()
    return body


@pytest.mark.door("rio-tiler")
def test_the_page_reads_a_window(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A window of two bands holds the source's pixels; no data is masked, just that."""
    record_property("version", version("rio-tiler"))
    printed = run_lines(
        doors, tmp_path, page_lines("doors/rio-tiler.md", "python") + AFTER, warns=True
    )
    found = json.loads(printed)
    assert found["item"] == item_address(doors, found["date"])
    window = np.load(tmp_path / "window.npz")
    for number, band in enumerate(("B04", "B08")):
        source = doors.pixels["s2-l2a", found["date"], band]
        np.testing.assert_array_equal(window["data"][number], source)
        np.testing.assert_array_equal(window["mask"][number], source == 0)
        assert found["point"][number] in source


@pytest.mark.door("TiTiler")
def test_the_service_of_the_page_gives_pixels(
    doors: DoorSite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A window as an array holds the source's pixels; a map's tile is a picture."""
    record_property("version", version("titiler.core"))
    url = item_address(doors, DATES[1])
    source = doors.pixels["s2-l2a", DATES[1], "B04"]
    crs = {"coord_crs": "epsg:32630", "dst_crs": "epsg:32630"}
    with titiler(doors, tmp_path) as service:
        box = f"{service}/bbox/500000,3993000,509000,4000000.npy"
        array = np.load(io.BytesIO(get(box, url=url, assets="B04", max_size=4096, **crs)))
        tile = get(
            f"{service}/tiles/WebMercatorQuad/12/2014/1606.png",
            url=url, assets="B04", rescale="1000,3500",
        )  # fmt: skip
    np.testing.assert_array_equal(array[0], source)
    assert tile.startswith(b"\x89PNG")

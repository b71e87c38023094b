"""How long a catalogue stays open."""

import gc
import json
import threading
from datetime import date
from pathlib import Path

import pytest

import shoestring
from shoestring_schema.errors import TransferError
from support.site import UTM, numbers, write_tiff

DAY = date(2020, 1, 1)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A `database.json` of one layer."""
    write_tiff(tmp_path / "a.tif", numbers(UTM.shape), UTM)
    path = tmp_path / "database.json"
    path.write_text(json.dumps({str(DAY): ["a.tif"]}))
    return path


def test_a_collection_keeps_its_catalogue_open(database: Path) -> None:
    """A collection goes on working when nobody holds the catalogue that it came from."""
    collection = shoestring.open(database)["database"]
    gc.collect()
    assert DAY in collection.extract("1", collection.extent, masked=False)["1"]


def test_a_closed_catalogue_says_so(database: Path) -> None:
    """Reading after close is one sentence that tells the remedy."""
    with shoestring.open(database) as catalogue:
        collection = catalogue["database"]
    with pytest.raises(TransferError, match="closed: open it again"):
        collection.extract("1", collection.extent)


def test_an_abandoned_catalogue_lets_go_of_its_threads(database: Path) -> None:
    """A catalogue that nobody holds any more ends its reading threads by itself."""
    before = {
        thread for thread in threading.enumerate() if thread.name.startswith("shoestring-read")
    }
    catalogue = shoestring.open(database)
    catalogue["database"].extract("1", catalogue["database"].extent)
    reading = {t for t in threading.enumerate() if t.name.startswith("shoestring-read")} - before
    assert reading
    del catalogue
    gc.collect()
    for thread in reading:
        thread.join(10)
    assert not any(thread.is_alive() for thread in reading)

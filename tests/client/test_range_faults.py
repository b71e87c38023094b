"""Indexes that lie and servers that misbehave: right data or a clear error, never wrong pixels."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shoestring
from shoestring import Options
from shoestring_schema.errors import CatalogueError, SelectionError, ShoestringError, TransferError
from shoestring_schema.grid import Grid
from shoestring_schema.tile_index import Records
from support.faulty_server import (
    Cut,
    Fault,
    FaultyServer,
    NoRanges,
    OtherRange,
    OtherSize,
    Request,
    Rule,
    Shifted,
    Stall,
    Status,
)
from support.indexed import NAME, Change, add_index, edit_index
from support.site import UTM, SiteFolder, box_in, numbers

OPTIONS = Options(retries=2, retry_delay=0.01, timeout=0.5, connections=4)
GRID = Grid(UTM.crs, UTM.transform, (200, 300))
WINDOW = ((10, 150), (20, 200))
PIXELS = {day: numbers(GRID.shape, seed=day) for day in (1, 2)}


def make(folder: Path, change: Change | None = None, **creation: Any) -> SiteFolder:  # noqa: ANN401
    """A site of two dates with an index."""
    site = SiteFolder(folder, {"B04": {"data_type": "uint16", "nodata": 0}}, grid=GRID)
    for day, pixels in PIXELS.items():
        site.add(f"2018-01-{day:02}", "B04", pixels, blocksize=64, **creation)
    site.write()
    add_index(site, change)
    return site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    """A site that is right."""
    return make(tmp_path_factory.mktemp("site"))


def extract(address: str | Path, options: Options = OPTIONS) -> Any:  # noqa: ANN401
    """The window as stored."""
    with shoestring.open(address, options=options) as catalogue:
        return catalogue["fields"].extract("B04", box_in(GRID, *WINDOW), masked=False)


def is_right(stack: Any) -> bool:  # noqa: ANN401
    """Whether all pixels are those that were written."""
    (top, bottom), (left, right) = WINDOW
    return all(
        np.array_equal(array, PIXELS[date.day][top:bottom, left:right])
        for date, array in stack["B04"].items()
    )


def on(ending: str, fault: Fault, times: int = 10**6) -> Rule:
    """A rule: so often this fault for paths that end so."""
    left = [times]

    def rule(request: Request) -> Fault | None:
        if request.path.endswith(ending) and left[0] > 0:
            left[0] -= 1
            return fault
        return None

    return rule


def failure(address: str | Path, kind: type[ShoestringError], says: str) -> None:
    """The extraction ends with one sentence or two on one line that says this."""
    with pytest.raises(kind, match=says) as caught:
        extract(address)
    assert "\n" not in str(caught.value)


PASSING = {
    "500": Status(500),
    "429": Status(429, {"Retry-After": "0"}),
    "cut": Cut(),
    "stalled": Stall(),
    "half": Stall(half=True),
    "other range": OtherRange(),
}


@pytest.mark.parametrize(
    ("ending", "fault"),
    [
        (".tif", Shifted()),
        *((end, fault) for end in (".tif", ".bin") for fault in PASSING.values()),
    ],
)
def test_what_passes_is_tried_again(site: SiteFolder, ending: str, fault: Fault) -> None:
    """A range that fails once for a reason that may pass is asked for again, and is right."""
    with FaultyServer(site.folder, on(ending, fault, 1)) as server:
        assert is_right(extract(server.address))


def test_an_index_whose_bytes_are_shifted_is_noticed(site: SiteFolder) -> None:
    """A server that sends other bytes of the index than it says can't mislead."""
    with FaultyServer(site.folder, on(".bin", Shifted())) as server:
        failure(server.address, CatalogueError, "index|damaged")


LASTING = {
    "ranges ignored": (NoRanges(), TransferError, "does not answer requests for a range"),
    "other range": (OtherRange(), TransferError, "answers 'bytes .*' when bytes .* is asked for"),
    "shifted": (Shifted(), CatalogueError, "is not the file that its catalogue names"),
    "other size": (OtherSize(), CatalogueError, "it is another file, or was replaced"),
    "gone": (Status(404), CatalogueError, "does not exist on its server"),
    "forbidden": (Status(403), TransferError, "not allowed to be read"),
    "too short": (Status(416), CatalogueError, "shorter than its catalogue says"),
    "cut": (Cut(), TransferError, "cut"),
    "stalled": (Stall(), TransferError, "no answer within"),
    "500": (Status(500), TransferError, "HTTP 500"),
}


@pytest.mark.parametrize(("fault", "kind", "says"), LASTING.values(), ids=LASTING)
def test_what_lasts_is_one_sentence(
    site: SiteFolder, fault: Fault, kind: type[ShoestringError], says: str
) -> None:
    """A layer that can't be had in ranges is named with the reason, and soon."""
    start = time.monotonic()
    with FaultyServer(site.folder, on("2018-01-02_B04.tif", fault)) as server:
        failure(server.address, kind, f"2018-01-02_B04.tif .*{says}")
    assert time.monotonic() - start < 10


def test_a_busy_server_is_left_alone_by_all_requests(site: SiteFolder) -> None:
    """After 429 with Retry-After, nobody asks before that time is over."""
    times: list[float] = []

    def rule(request: Request) -> Fault | None:
        if not request.path.endswith(".tif"):
            return None
        times.append(time.monotonic())
        return Status(429, {"Retry-After": "1"}) if len(times) == 1 else None

    with FaultyServer(site.folder, rule) as server:
        assert is_right(extract(server.address, Options(connections=1, retry_delay=0.01)))
    assert times[1] - times[0] >= 0.95


def _beyond(records: Records) -> None:
    records["offset_high"] = 7


def _longer(records: Records) -> None:
    records["size"] += 9


def _other_sum(records: Records) -> None:
    records["crc"] ^= 1


LIES = {
    "offset beyond the file": (_beyond, "contradicts itself"),
    "wrong count": (_longer, "is not the file that its catalogue names|contradicts itself"),
    "wrong checksum": (_other_sum, "is not the file that its catalogue names"),
}


@pytest.mark.parametrize(("lie", "says"), LIES.values(), ids=LIES)
def test_an_index_that_lies_is_noticed(tmp_path: Path, lie: Change, says: str) -> None:
    """Whatever an index says wrongly of where a block lies, no wrong pixel comes out."""
    failure(make(tmp_path, lie).folder, CatalogueError, says)


def test_the_index_of_another_file_is_noticed(tmp_path: Path) -> None:
    """Two dates' files that change places are found out, though each is as large as the other."""
    site = make(tmp_path, compress="none")
    first, second = (site.folder / site.name / f"2018-01-0{day}_B04.tif" for day in (1, 2))
    assert first.stat().st_size == second.stat().st_size
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    failure(site.folder, CatalogueError, "is not the file that its catalogue names")


def test_an_asset_that_was_replaced_is_noticed(tmp_path: Path) -> None:
    """Another file of the same name, of another size or of the same, is not read."""
    site = make(tmp_path)
    path = site.folder / site.name / "2018-01-02_B04.tif"
    data = bytearray(path.read_bytes())
    path.write_bytes(data + b"\0")
    failure(site.folder, CatalogueError, "it is another file, or was replaced")
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    failure(site.folder, CatalogueError, "is not the file that its catalogue names")


def _flip(place: int) -> Callable[[SiteFolder], None]:
    def change(site: SiteFolder) -> None:
        path = site.folder / site.name / NAME
        data = bytearray(path.read_bytes())
        data[place] ^= 1
        path.write_bytes(data)

    return change


def _stack(**changes: Any) -> Callable[[SiteFolder], None]:  # noqa: ANN401
    def change(site: SiteFolder) -> None:
        level = {"shape": list(GRID.shape), "block": [64, 64]}
        edit_index(site, stacks=[{"levels": [level], "files": {"B04": 2}} | changes])

    return change


DAMAGED = {
    "head": (_flip(20), "is no tile index, or damaged"),
    "records": (_flip(-30), None),
    "size": (lambda site: edit_index(site, size=1), "by its stacks"),
    "other files": (_stack(files={"B04": 3}), "by its stacks"),
    "other blocks": (_stack(levels=[{"shape": [200, 300], "block": [64, 65]}]), None),
    "huge blocks": (_stack(levels=[{"shape": [200, 300], "block": [2**31 - 1, 1]}]), "by its stacks"),
    "other place": (_stack(place=[-64, 0]), "contradicts itself"),
    "other shape": (_stack(levels=[{"shape": [199, 300], "block": [64, 64]}]), "its band has"),
    "elsewhere": (lambda site: edit_index(site, href="file:///etc/passwd"), "only http|outside"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "says"), DAMAGED.values(), ids=DAMAGED)
def test_an_index_that_is_damaged_gives_an_error_or_right_pixels(
    tmp_path: Path, change: Callable[[SiteFolder], None], says: str | None
) -> None:
    """Damage is named; where the window needs nothing that is damaged, the pixels are right."""
    site = make(tmp_path)
    change(site)
    with suppress(CatalogueError) if says is None else pytest.raises(CatalogueError, match=says):
        assert is_right(extract(site.folder))


@pytest.mark.parametrize("limit", ["MAX_BYTES", "MAX_RUNS"])
def test_an_index_of_a_huge_window_is_refused(tmp_path: Path, monkeypatch: Any, limit: str) -> None:  # noqa: ANN401
    """More of an index than the limit is not fetched."""
    site = make(tmp_path)
    monkeypatch.setattr(f"shoestring.tile_index.{limit}", 5)
    failure(site.folder, SelectionError, "more than the limit")


def test_a_layer_that_is_not_indexed_is_opened_by_gdal(tmp_path: Path) -> None:
    """A file in strips stands in the index without blocks, and its pixels are right."""
    site = SiteFolder(tmp_path, {"B04": {"data_type": "uint16", "nodata": 0}}, grid=GRID)
    site.add("2018-01-01", "B04", PIXELS[1], blocksize=64)
    site.add("2018-01-02", "B04", PIXELS[2], driver="GTiff", tiled=False)
    site.write()
    add_index(site)
    with FaultyServer(site.folder) as server:
        assert is_right(extract(server.address))
        assert server.count("items.json") == 1

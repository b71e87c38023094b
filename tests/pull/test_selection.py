"""Copies of a selection: sites of their own."""

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

import shoestring
from shoestring import Roi
from shoestring_builder.build import build
from shoestring_builder.media import is_hashed
from shoestring_builder.mirror.run import copy_site
from shoestring_pull.options import PullOptions
from shoestring_pull.origin import read_origin
from shoestring_pull.selection import Selection
from shoestring_schema.duration import parse_duration
from shoestring_schema.errors import CatalogueError, OutputError, RoiError, SelectionError
from shoestring_schema.grid import Grid
from support.mosaics import age, tree, write_configuration
from support.nginx import Nginx
from support.pulled import CONFIGURATION, GRID, build_fields, faults, pull_into, write_date
from support.retold import retell

CORNER = Roi(shapely.box(500_100, 3_998_000, 500_900, 3_998_900), "EPSG:32630")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two collections and three dates."""
    return build_fields(tmp_path_factory.mktemp("fields"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose site has two dates, to go on with."""
    build_fields(tmp_path / "project", (1, 2))
    return tmp_path / "project"


def layers(site: Path) -> set[str]:
    """The names of all layers that a site shows."""
    with shoestring.open(site) as catalogue:
        return {
            f"{name} {moment} {band}"
            for name, collection in catalogue.items()
            for moment in collection.dates
            for band in collection.bands
        }


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        ({"collections": "height"}, {"height 2018-01-01 dem"}),
        ({"bands": "dem"}, {"height 2018-01-01 dem"}),
        ({"bands": "B11", "dates": "2018-01-03"}, {"s2 2018-01-03 B11", "s2 2018-01-03 SCL"}),
        ({"bands": ["SCL"], "dates": ("2018-01-02", None)}, {"s2 2018-01-02 SCL", "s2 2018-01-03 SCL"}),
        ({"dates": [date(2018, 1, 1)], "bands": ["B04", "dem"]},
         {"s2 2018-01-01 B04", "s2 2018-01-01 SCL", "height 2018-01-01 dem"}),
    ],
)  # fmt: skip
def test_copy_has_what_was_selected(
    site: Path, tmp_path: Path, selected: dict[str, Any], expected: set[str]
) -> None:
    """A copy holds the chosen layers, with those of the mask, and is a whole site."""
    pull_into(tmp_path / "copy", site, **selected)
    assert layers(tmp_path / "copy") == expected
    assert faults(tmp_path / "copy") == ()


def test_whole_layers_are_bit_for_bit(site: Path, tmp_path: Path) -> None:
    """Layers and pictures of a selection have the names and bytes that they have upstream."""
    pull_into(tmp_path / "copy", site, bands="B04", dates="2018-01-02")
    for path in (tmp_path / "copy" / "s2" / "2018").iterdir():
        if path.suffix in (".tif", ".png"):
            assert path.read_bytes() == (site / "s2" / "2018" / path.name).read_bytes()


def test_copy_says_what_upstream_says(site: Path, tmp_path: Path) -> None:
    """Grid, bands, licence, statistics and tile index of a selection are those of the site."""
    pull_into(tmp_path / "copy", site, collections="s2")
    documents = [
        json.loads((place / "s2" / "collection.json").read_text("utf-8"))
        for place in (site, tmp_path / "copy")
    ]
    for key in ("title", "license", "providers", "item_assets", "shoestring:grid", "extent",
                "shoestring:bands", "shoestring:mask", "summaries"):  # fmt: skip
        assert documents[1][key] == documents[0][key], key
    indexes = [document["shoestring:parts"][0]["index"]["checksum"] for document in documents]
    assert indexes[0] == indexes[1]


def test_selection_is_remembered(project: Path, tmp_path: Path) -> None:
    """A copy is updated by its folder alone: with what was selected, and at the cost of what is new."""
    site = project / "site"
    pull_into(tmp_path / "copy", site, bands="B11", dates=("2018-01-02", None))
    write_date(project, 3)
    build_fields(project, ())
    report = pull_into(tmp_path / "copy", None)
    assert report.fetched.files == 4  # the band, the mask, the picture, the tile index
    assert layers(tmp_path / "copy") == {
        f"s2 2018-01-{day} {band}" for day in ("02", "03") for band in ("B11", "SCL")
    }
    assert str(pull_into(tmp_path / "copy", None)).startswith("nothing new")
    assert faults(tmp_path / "copy") == ()


def test_kept_documents_are_not_fetched_again(
    nginx: Callable[..., Nginx], project: Path, tmp_path: Path
) -> None:
    """The parts that did not change do not travel again with an update."""
    server = nginx(project / "site")
    pull_into(tmp_path / "copy", f"{server.http}/", bands="dem")
    asked = len(server.requests())
    write_date(project, 3)
    build_fields(project, ())
    pull_into(tmp_path / "copy", None)
    paths = [one.path for one in server.requests()[asked:]]
    assert not [path for path in paths if path.startswith("/height/")]


def test_dropped_dates_stay_without_delete(project: Path, tmp_path: Path) -> None:
    """What upstream has dropped stays in a selection; with --delete it goes."""
    site = project / "site"
    pull_into(tmp_path / "copy", site, collections="s2")
    for path in (project / "mosaics").glob("S2_2018-01-01_*"):
        path.unlink()
    text = CONFIGURATION.replace('id = "s2"', 'id = "s2"\non_missing = "drop"')
    build(write_configuration(project, text))
    pull_into(tmp_path / "copy", None)
    assert {own.split()[1] for own in layers(tmp_path / "copy")} == {"2018-01-01", "2018-01-02"}
    assert faults(tmp_path / "copy") == ()
    age(tmp_path / "copy", 48)
    pull_into(tmp_path / "copy", None, delete=True)
    assert {own.split()[1] for own in layers(tmp_path / "copy")} == {"2018-01-02"}
    age(tmp_path / "copy", 48)
    pull_into(tmp_path / "copy", None, delete=True)
    assert not list((tmp_path / "copy" / "s2" / "2018").glob("2018-01-01*"))
    assert faults(tmp_path / "copy") == ()


def test_wider_selection_adds(site: Path, tmp_path: Path) -> None:
    """Another selection adds to what a copy holds; with --delete it takes its place."""
    pull_into(tmp_path / "copy", site, bands="B04", dates="2018-01-01")
    pull_into(tmp_path / "copy", site, bands="B11", dates="2018-01-02")
    assert faults(tmp_path / "copy") == ()
    with shoestring.open(tmp_path / "copy") as catalogue:
        assert set(catalogue["s2"].bands) == {"B04", "B11", "SCL"}
        assert len(catalogue["s2"].dates) == 2
    pull_into(tmp_path / "copy", site, delete=True, collections="height")
    assert layers(tmp_path / "copy") == {"height 2018-01-01 dem"}
    assert faults(tmp_path / "copy") == ()


def test_selection_becomes_all(site: Path, tmp_path: Path) -> None:
    """A copy of a selection can become one of the whole site, and fetches only what it lacks."""
    pull_into(tmp_path / "copy", site, bands="B04")
    held = set(tree(tmp_path / "copy"))
    report = pull_into(tmp_path / "copy", site, selection=Selection())
    whole = {name for name in tree(site) if is_hashed(name) and not name.endswith(".json")}
    assert report.fetched.files == len(whole - held)
    names = {name for name in tree(site) if name.endswith((".tif", ".json")) and "-" in name}
    assert names <= set(tree(tmp_path / "copy"))
    assert faults(tmp_path / "copy") == ()
    with shoestring.open(site) as one, shoestring.open(tmp_path / "copy") as other:
        assert one.snapshot == other.snapshot


def test_another_region_is_refused(site: Path, tmp_path: Path) -> None:
    """A cropped copy does not change its region without --delete: the layers could not line up."""
    pull_into(tmp_path / "copy", site, collections="s2", roi=CORNER, crop=True)
    before = tree(tmp_path / "copy")
    other = Roi(shapely.box(503_000, 3_996_000, 503_500, 3_996_500), "EPSG:32630")
    with pytest.raises(OutputError, match="holds another region"):
        pull_into(tmp_path / "copy", site, collections="s2", roi=other, crop=True)
    with pytest.raises(OutputError, match="holds another region"):
        pull_into(tmp_path / "copy", site, collections="s2")
    assert {n: h for n, h in tree(tmp_path / "copy").items() if not n.startswith(".")} == {
        n: h for n, h in before.items() if not n.startswith(".")
    }
    pull_into(tmp_path / "copy", site, delete=True, collections="s2", roi=other, crop=True)
    assert faults(tmp_path / "copy") == ()


def test_region_chooses_collections(tmp_path: Path) -> None:
    """A region without a crop chooses the collections that it touches, whole."""
    site = build_fields(tmp_path / "project", (1,))
    pull_into(tmp_path / "copy", site, roi=CORNER)
    assert {own.split()[0] for own in layers(tmp_path / "copy")} == {"s2", "height"}
    with pytest.raises(RoiError, match="outside of the collection's grid"):
        pull_into(tmp_path / "far", site, roi=Roi(shapely.box(100, 10, 101, 11)))


@pytest.mark.parametrize(
    ("selected", "words"),
    [
        ({"collections": "s3"}, "There is no collection 's3'"),
        ({"bands": "B99"}, "There is no band 'B99'"),
        ({"dates": ("2019-01-01", None)}, "There are no dates between"),
        ({"dates": "2019-01-01"}, "There is no date 2019-01-01"),
        ({"dates": "yesterday"}, "is not a date"),
        ({"collections": []}, "Nothing was asked for"),
        ({"crop": True}, "To crop, name a region"),
    ],
)
def test_selection_of_nothing_is_told(
    site: Path, tmp_path: Path, selected: dict[str, Any], words: str
) -> None:
    """What the site does not have is one sentence, and nothing is written."""
    with pytest.raises(SelectionError, match=words):
        pull_into(tmp_path / "copy", site, **selected)
    assert not (tmp_path / "copy" / "catalog.json").exists()


def test_collections_that_are_left_out_are_told(site: Path, tmp_path: Path) -> None:
    """What has nothing of the selection is left out, and that is said."""
    report = pull_into(tmp_path / "copy", site, dates=("2018-01-02", None))
    assert len(report.notes) == 1
    assert report.notes[0].startswith('"height" is left out: There are no dates between')


def test_copy_of_a_copy_and_publishing_it(site: Path, tmp_path: Path) -> None:
    """A cropped copy is published and pulled from like any site."""
    pull_into(tmp_path / "copy", site, collections="s2", roi=CORNER, crop=True)
    copy_site(tmp_path / "copy", str(tmp_path / "published"), keep=parse_duration("1 hour"))
    assert faults(tmp_path / "published") == ()
    pull_into(tmp_path / "again", tmp_path / "published")
    assert faults(tmp_path / "again") == ()
    inner = Roi(shapely.box(500_200, 3_998_100, 500_300, 3_998_300), "EPSG:32630")
    pull_into(tmp_path / "smaller", tmp_path / "published", roi=inner, crop=True)
    assert faults(tmp_path / "smaller") == ()
    stacks = []
    for place in (site, tmp_path / "smaller"):
        with shoestring.open(place) as catalogue:
            stacks.append(catalogue["s2"].extract(None, inner))
    for band in ("B04", "B11", "SCL"):
        for moment in stacks[0].dates:
            np.testing.assert_array_equal(stacks[0][band][moment], stacks[1][band][moment])


def test_damaged_layer_is_fetched_again(site: Path, tmp_path: Path) -> None:
    """A layer of the copy that was lost or cut short comes again."""
    pull_into(tmp_path / "copy", site, bands="B04", dates="2018-01-01")
    pull_into(tmp_path / "cut", site, bands="B04", dates="2018-01-01", roi=CORNER, crop=True)
    for copy in (tmp_path / "copy", tmp_path / "cut"):
        lost, cut = sorted((copy / "s2" / "2018").glob("*.tif"))
        lost.unlink()
        cut.write_bytes(cut.read_bytes()[:100])
        pull_into(copy, None)
        assert faults(copy) == ()
        assert str(pull_into(copy, None)).startswith("nothing new")


def test_dry_run_writes_nothing(nginx: Callable[..., Nginx], site: Path, tmp_path: Path) -> None:
    """A dry run tells the files and bytes that a pull then fetches, and leaves no trace."""
    address = f"{nginx(site).http}/"
    for number, selected in enumerate(({}, {"bands": "B04"}, {"roi": CORNER, "crop": True})):
        copy = tmp_path / str(number)
        looked = pull_into(copy, address, terms=PullOptions(dry_run=True), **selected)
        assert not copy.exists()
        assert looked.seconds is not None
        assert str(looked).startswith("would fetch")
        assert pull_into(copy, address, **selected).fetched == looked.fetched
        assert pull_into(copy, None, terms=PullOptions(dry_run=True)).fetched.files == 0


def test_files_of_another_host_are_not_followed(
    nginx: Callable[..., Nginx], site: Path, tmp_path: Path
) -> None:
    """What a catalogue names at another host is fetched only if that host is to be followed."""
    elsewhere = nginx(site)
    told = Path(shutil.copytree(site, tmp_path / "told"))

    def move(item: dict[str, Any]) -> None:
        for asset in item["assets"].values():
            if asset["roles"] == ["data"]:
                asset["href"] = f"{elsewhere.http}/height/2018/{asset['href']}"

    retell(told, "height", move)
    with pytest.raises(CatalogueError, match=r"--follow 127\.0\.0\.1"):
        pull_into(tmp_path / "copy", told)
    assert not elsewhere.requests()
    terms = PullOptions(follow=("127.0.0.1",))
    pull_into(tmp_path / "copy", told, terms=terms)
    assert faults(tmp_path / "copy") == ()
    assert len(elsewhere.requests()) == 1
    assert read_origin(tmp_path / "copy").follow == ("127.0.0.1",)
    path = next((tmp_path / "copy" / "height" / "2018").glob("*.tif"))
    name = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert path.name == f"2018-01-01_dem-{name}.tif"


def test_grid_of_a_crop_lies_on_the_sites(site: Path, tmp_path: Path) -> None:
    """The grid of a cropped copy is a window of the site's grid."""
    pull_into(tmp_path / "copy", site, collections="s2", roi=CORNER, crop=True)
    with shoestring.open(tmp_path / "copy") as catalogue:
        grid: Grid = catalogue["s2"].grid
    row, column = GRID.row_column(*grid.xy(0, 0))
    assert (row % 64, column % 64) == (0, 0)
    assert grid.resolution == GRID.resolution
    window = CORNER.on(GRID).window
    own = CORNER.on(grid).window
    assert own.shape == window.shape

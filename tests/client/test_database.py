"""A plain database.json, as GomezEngine's servers publish it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shoestring
from shoestring_schema.errors import CatalogueError, SelectionError, UnknownNameError
from shoestring_schema.grid import Grid
from support.faulty_server import FaultyServer
from support.site import UTM, numbers, write_tiff

DATES = ("2018-01-02", "2018-01-07", "2018-01-12")


def write_database(folder: Path, document: Any, name: str = "database.json") -> Path:  # noqa: ANN401
    """Write a database."""
    path = folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture
def layers(tmp_path: Path) -> dict[str, list[str | None]]:
    """Three dates of two bands of files, B8A coarser by 2, in the folder ``files``."""
    database: dict[str, list[str | None]] = {}
    for number, date in enumerate(DATES):
        red, nir = f"files/{date}_red.tif", f"files/{date}_nir.tif"
        write_tiff(tmp_path / red, numbers(UTM.shape, seed=number), UTM, 0)
        coarse = UTM.coarsen(2)
        write_tiff(tmp_path / nir, numbers(coarse.shape, "int16", seed=number), coarse, -1)
        database[date] = [red, nir]
    return database


def test_bands_are_known_by_position(tmp_path: Path, layers: dict[str, Any]) -> None:
    """Without names the bands are 1, 2, …, and their types and nodata are those of the files."""
    with shoestring.open(write_database(tmp_path, layers)) as catalogue:
        collection = catalogue["database"]
        assert list(collection.bands) == ["1", "2"]
        assert [band.data_type for band in collection.bands.values()] == ["uint16", "int16"]
        assert [band.nodata for band in collection.bands.values()] == [0, -1]
        assert collection.bands["2"].factor == 2
        assert [date.isoformat() for date in collection.dates] == list(DATES)
        stack = collection.extract([2, 1], collection.extent, masked=False)
    assert stack.bands == ("2", "1")
    np.testing.assert_array_equal(stack["1"][DATES[1]], numbers(UTM.shape, seed=1))
    stored = numbers(UTM.coarsen(2).shape, "int16", seed=1)
    np.testing.assert_array_equal(stack["2"][DATES[1]], stored.repeat(2, 0).repeat(2, 1))


def test_bands_are_known_by_the_names_that_the_user_gives(
    tmp_path: Path, layers: dict[str, Any]
) -> None:
    """Names that the user gives stand for the lists' places."""
    with shoestring.open(write_database(tmp_path, layers), bands=["red", "nir"]) as catalogue:
        collection = catalogue["database"]
        stack = collection.extract("red", collection.extent, dates=DATES[2], masked=False)
        assert list(collection.bands) == ["red", "nir"]
    np.testing.assert_array_equal(stack["red"][DATES[2]], numbers(UTM.shape, seed=2))


@pytest.mark.parametrize("names", [["red"], ["a", "b", "c"], ["a", "a"]])
def test_too_few_or_many_names_are_refused(
    tmp_path: Path, layers: dict[str, Any], names: list[str]
) -> None:
    """There must be one name for each band."""
    with pytest.raises(SelectionError, match="lists 2 bands a date: give so many different names"):
        shoestring.open(write_database(tmp_path, layers), bands=names)


def test_null_and_short_lists_are_layers_that_are_missing(
    tmp_path: Path, layers: dict[str, Any]
) -> None:
    """A null entry and a list that ends early are layers that are missing."""
    layers[DATES[0]] = [None, layers[DATES[0]][1]]
    layers[DATES[1]] = [layers[DATES[1]][0]]
    with shoestring.open(write_database(tmp_path, layers)) as catalogue:
        collection = catalogue["database"]
        stack = collection.extract(None, collection.extent, masked=False)
    assert [date.isoformat() for date in stack["1"]] == [DATES[1], DATES[2]]
    assert [date.isoformat() for date in stack["2"]] == [DATES[0], DATES[2]]


def test_absolute_addresses_on_another_server(tmp_path: Path, layers: dict[str, Any]) -> None:
    """A database on one server may name files on another; its name need not be database.json."""
    with FaultyServer(tmp_path) as files, FaultyServer(tmp_path) as server:
        elsewhere = {
            date: [f"{files.address}/{href}" for href in hrefs] for date, hrefs in layers.items()
        }
        write_database(tmp_path, elsewhere, "dates.json")
        with shoestring.open(f"{server.address}/dates.json") as catalogue:
            collection = catalogue["database"]
            stack = collection.extract("1", collection.extent, masked=False)
        assert [request.path for request in server.requests] == ["/dates.json"]
    np.testing.assert_array_equal(stack["1"][DATES[0]], numbers(UTM.shape, seed=0))


def test_dates_in_any_order_are_sorted(tmp_path: Path, layers: dict[str, Any]) -> None:
    """The order of the keys does not matter."""
    shuffled = {date: layers[date] for date in (DATES[2], DATES[0], DATES[1])}
    with shoestring.open(write_database(tmp_path, shuffled)) as catalogue:
        assert [date.isoformat() for date in catalogue["database"].dates] == list(DATES)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"soon": ["a.tif"]}, "'soon' is not a date"),
        ({"20180102T": ["a.tif"]}, "is not a date"),
        ({}, "lists no files: it must map dates"),
        ({"2018-01-02": []}, "lists no files: it must map dates"),
        ({"2018-01-02": "a.tif"}, "is not a catalogue that Shoestring can read"),
        ({"2018-01-02": [1]}, "is not a catalogue that Shoestring can read"),
        ([], "is not a catalogue that Shoestring can read"),
        ({"2018-01-02": ["../../etc/passwd"]}, "outside of the site's folder"),
        ({"2018-01-02": ["ftp://host/a.tif"]}, "only http and https addresses are"),
        ({"2018-01-02": [None]}, "lists no files"),
        ({"2018-01-02": ["a.tif"], "2018-01-02T06:00:00Z": ["b.tif"]}, "days and instants"),
    ],
)  # fmt: skip
def test_a_broken_database_is_refused(tmp_path: Path, document: Any, says: str) -> None:  # noqa: ANN401
    """What is wrong with a database is said in one sentence that names it."""
    with pytest.raises(CatalogueError, match=says) as caught:
        shoestring.open(write_database(tmp_path, document))
    assert "database.json" in str(caught.value)


def test_files_of_different_grids_are_refused(tmp_path: Path, layers: dict[str, Any]) -> None:
    """Bands whose files share no grid can't be one collection."""
    other = Grid(UTM.crs, (10.0, 0.0, 600005.0, 0.0, -10.0, 800000.0), UTM.shape)
    write_tiff(tmp_path / layers[DATES[0]][1], numbers(UTM.shape), other)
    with pytest.raises(CatalogueError, match="files of band 2 do not share the grid"):
        shoestring.open(write_database(tmp_path, layers))


def test_a_file_of_another_grid_on_a_later_date_is_refused(
    tmp_path: Path, layers: dict[str, Any]
) -> None:
    """A file that does not lie on the grid is an error that names it, and no pixels."""
    other = Grid(UTM.crs, (10.0, 0.0, 600100.0, 0.0, -10.0, 800000.0), UTM.shape)
    write_tiff(tmp_path / layers[DATES[1]][0], numbers(UTM.shape), other)
    with (
        shoestring.open(write_database(tmp_path, layers)) as catalogue,
        pytest.raises(CatalogueError, match=r"2018-01-07_red\.tif has .* its catalogue says"),
    ):
        catalogue["database"].extract("1", catalogue["database"].extent)


def test_an_unknown_position_is_named(tmp_path: Path, layers: dict[str, Any]) -> None:
    """A position that no list has is named."""
    with (
        shoestring.open(write_database(tmp_path, layers)) as catalogue,
        pytest.raises(UnknownNameError, match="There is no band '3'"),
    ):
        catalogue["database"].extract(3, catalogue["database"].extent)

"""Which files are found, and which layers they make."""

import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shoestring_builder.inventory.files import Inventory, find_files, take_inventory
from shoestring_builder.inventory.header import HeaderReader, RasterBand, SourceHeader, read_header
from shoestring_builder.inventory.pattern import parse_pattern
from shoestring_schema.configuration import BandTable, CollectionTable
from shoestring_schema.errors import ConfigError
from support.mosaics import write_raster


def table(source: str, **fields: Any) -> CollectionTable:  # noqa: ANN401 (its keywords)
    """A collection with bands B04 and B08, unless told otherwise."""
    bands = fields.pop("bands", {"B04": BandTable(), "B08": BandTable()})
    return CollectionTable(id="s2", source=source, bands=bands, **fields)


def touch(folder: Path, *names: str) -> None:
    """Make empty files."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def unread(path: Path) -> SourceHeader:
    """A reader for inventories that need not open files."""
    raise AssertionError(f"{path} was opened")


def summary(inventory: Inventory) -> list[tuple[str, str, list[str]]]:
    """Layers as plain text."""
    return [
        (str(key.moment), key.band, [source.path.name for source in sources])
        for key, sources in inventory.layers.items()
    ]


def test_files_become_layers_in_order_of_time_band_and_tile(tmp_path: Path) -> None:
    """Layers are sorted by date, then as the bands are configured; tiles by name."""
    touch(tmp_path, "2018-01-09_T2_B08.tif", "2018-01-09_T1_B08.tif", "2018-01-09_T1_B04.tif",
          "2018-01-02_T1_B04.tif", "readme.txt", "2018-01-02_T1_B09.tif")  # fmt: skip
    inventory = take_inventory(table("{date}_{tile}_{band}.tif"), tmp_path, unread)
    assert summary(inventory) == [
        ("2018-01-02", "B04", ["2018-01-02_T1_B04.tif"]),
        ("2018-01-09", "B04", ["2018-01-09_T1_B04.tif"]),
        ("2018-01-09", "B08", ["2018-01-09_T1_B08.tif", "2018-01-09_T2_B08.tif"]),
    ]


def test_tiles_are_sorted_by_their_own_name(tmp_path: Path) -> None:
    """Which tile covers which is told by the tile, whatever else stands before it in the path."""
    touch(tmp_path, "z_T1_2018-01-02.tif", "a_T2_2018-01-02.tif")
    wanted = table("{*}_{tile}_{date}.tif", bands={"B04": BandTable()})
    ((_, _, names),) = summary(take_inventory(wanted, tmp_path, unread))
    assert names == ["z_T1_2018-01-02.tif", "a_T2_2018-01-02.tif"]


def test_the_order_of_a_folder_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever order the file system lists entries in, the inventory is the same."""
    names = [
        f"{y}/{t}_{y}-01-02_{b}.tif" for y in (2017, 2018) for t in "ab" for b in ("B04", "B08")
    ]
    touch(tmp_path, *names)
    wanted = table("{date:%Y}/{tile}_{date}_{band}.tif")
    first = take_inventory(wanted, tmp_path, unread)
    monkeypatch.setattr(os, "scandir", _shuffled(os.scandir, random.Random(3)))
    second = take_inventory(wanted, tmp_path, unread)
    assert list(first.layers.items()) == list(second.layers.items())


def _shuffled(scandir: Callable[..., Any], dice: random.Random) -> type:
    class Listing:
        def __init__(self, folder: Path) -> None:
            with scandir(folder) as entries:
                self.entries = list(entries)
            dice.shuffle(self.entries)

        def __enter__(self) -> Iterator[os.DirEntry[str]]:
            return iter(self.entries)

        def __exit__(self, *exception: object) -> None:
            return None

    return Listing


def test_only_folders_that_can_match_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder whose name does not match is not looked into."""
    touch(tmp_path, "mosaics/2018/2018-01-02.tif", "mosaics/old/2018-01-02.tif", "else/x.tif")
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(str(folder)) or scandir(folder))
    find_files(parse_pattern("mosaics/{date:%Y}/{date}.tif", {}), tmp_path)
    assert listed == [str(tmp_path / "mosaics"), str(tmp_path / "mosaics" / "2018")]


def test_an_absolute_pattern_is_not_relative_to_the_configuration(tmp_path: Path) -> None:
    """An absolute pattern finds its files from any folder."""
    touch(tmp_path, "in/2018-01-02.tif")
    found = find_files(parse_pattern(f"{tmp_path}/in/{{date}}.tif", {}), Path("/nowhere"))
    assert [file.path for file in found] == [tmp_path / "in" / "2018-01-02.tif"]


def test_source_names_stand_for_bands(tmp_path: Path) -> None:
    """A band called otherwise in the paths is found by its `source_name`."""
    touch(tmp_path, "2018-01-02_R.tif", "2018-01-02_B04.tif")
    wanted = table("{date}_{band}.tif", bands={"red": BandTable(source_name="R")})
    inventory = take_inventory(wanted, tmp_path, unread)
    assert summary(inventory) == [("2018-01-02", "red", ["2018-01-02_R.tif"])]


def test_many_bands_in_one_file_by_number_and_by_name(tmp_path: Path) -> None:
    """Without {band}, `source_band` says by number or description where each band is."""
    write_raster(tmp_path / "2018-01-02.tif", np.zeros((2, 4, 5)), names=("red", "nir"))
    bands = {"B08": BandTable(source_band="nir"), "B04": BandTable(source_band=1)}
    inventory = take_inventory(table("{date}.tif", bands=bands), tmp_path, read_header)
    numbers = {key.band: sources[0].band for key, sources in inventory.layers.items()}
    assert numbers == {"B08": 2, "B04": 1}


def fake(*times: int | None, name: str = "2T") -> HeaderReader:
    """A reader of headers whose raster bands are valid at these hours."""

    def read(path: Path) -> SourceHeader:
        bands = tuple(
            RasterBand(i, "float64", None, (name,),
                       None if hour is None else datetime(2019, 3, 1, hour, tzinfo=UTC))
            for i, hour in enumerate(times, 1)
        )  # fmt: skip
        return SourceHeader(path, "EPSG:4326", (1, 0, 0, 0, -1, 0), (1, 1), bands)

    return read


def test_times_of_the_files_own_metadata_make_instants(tmp_path: Path) -> None:
    """With time = "metadata" each raster band is a layer of its own valid time."""
    touch(tmp_path, "a.grib")
    wanted = table("a.grib", bands={"t2m": BandTable()}, time="metadata")
    inventory = take_inventory(wanted, tmp_path, fake(13, 1))
    assert [(key.moment, sources[0].band) for key, sources in inventory.layers.items()] == [
        (datetime(2019, 3, 1, 1, tzinfo=UTC), 2),
        (datetime(2019, 3, 1, 13, tzinfo=UTC), 1),
    ]


def test_a_file_without_times_is_named_and_the_others_are_used(tmp_path: Path) -> None:
    """A file that does not say when it is valid is told of, and keeps no other from being built."""
    touch(tmp_path, "a.grib", "b.grib")
    wanted = table("{*}.grib", bands={"t2m": BandTable()}, time="metadata")
    readers = {"a.grib": fake(None), "b.grib": fake(5)}
    inventory = take_inventory(wanted, tmp_path, lambda path: readers[path.name](path))
    assert len(inventory.layers) == 1
    assert "a.grib does not say when" in inventory.unusable[0]


def test_one_time_twice_in_a_file_is_a_mistake(tmp_path: Path) -> None:
    """Two raster bands of one time (two levels, say) are named, with the remedy."""
    touch(tmp_path, "a.grib")
    wanted = table("a.grib", bands={"t2m": BandTable()}, time="metadata")
    with pytest.raises(
        ConfigError, match=r"a\.grib twice, as raster bands 1 and 2: set source_band"
    ):
        take_inventory(wanted, tmp_path, fake(5, 5))


def test_two_files_for_one_layer_are_both_named(tmp_path: Path) -> None:
    """Two files for one band, date and tile stop the build; the sentence names both."""
    touch(tmp_path, "2018-01-02_v1_B04.tif", "2018-01-02_v2_B04.tif", "2018-01-02_v1_B08.tif")
    with pytest.raises(ConfigError) as refused:
        take_inventory(table("{date}_{*}_{band}.tif"), tmp_path, unread)
    assert "_v1_B04.tif and " in str(refused.value)
    assert "_v2_B04.tif" in str(refused.value)


def test_a_band_that_no_file_has(tmp_path: Path) -> None:
    """A configured band without a single file is named, with what was looked for."""
    touch(tmp_path, "2018-01-02_B04.tif")
    with pytest.raises(ConfigError, match='no file has band "B08"'):
        take_inventory(table("{date}_{band}.tif"), tmp_path, unread)


def test_nothing_says_where_a_band_is(tmp_path: Path) -> None:
    """Several bands need {band} in the path or a `source_band` each."""
    touch(tmp_path, "2018-01-02.tif")
    with pytest.raises(ConfigError, match='nothing says where band "B04" is'):
        take_inventory(table("{date}.tif"), tmp_path, unread)


def test_a_pattern_that_matches_nothing_shows_what_is_near(tmp_path: Path) -> None:
    """The sentence has the pattern with its folder, and up to three files like it."""
    touch(tmp_path, "in/S2_20180102_B04.tif", "in/S2_20180103_B04.tif", "in/a.txt", "in/b.txt")
    with pytest.raises(ConfigError) as refused:
        take_inventory(table("in/S2_{date}_{band}.tif"), tmp_path, unread)
    message = str(refused.value)
    assert str(tmp_path / "in" / "S2_{date}_{band}.tif") in message
    assert "S2_20180102_B04.tif" in message
    assert message.count(str(tmp_path / "in")) == 4


def test_a_pattern_whose_folder_is_missing_says_so(tmp_path: Path) -> None:
    """Where the folder itself is missing, that is what is said."""
    with pytest.raises(ConfigError, match=f"there is no folder {tmp_path / 'mosaic'}"):
        take_inventory(table("mosaic/{date}_{band}.tif"), tmp_path, unread)


def test_a_folder_named_like_a_file_is_not_a_source(tmp_path: Path) -> None:
    """Only files are sources."""
    (tmp_path / "2018-01-02.tif").mkdir()
    assert find_files(parse_pattern("{date}.tif", {}), tmp_path) == ()


def test_size_and_time_are_taken_down(tmp_path: Path) -> None:
    """A source knows its file's size and modification time."""
    path = write_raster(tmp_path / "2018-01-02.tif")
    inventory = take_inventory(table("{date}.tif", bands={"B04": BandTable()}), tmp_path, unread)
    ((key, (source,)),) = inventory.layers.items()
    assert key.moment == date(2018, 1, 2)
    assert (source.size, source.modified) == (path.stat().st_size, path.stat().st_mtime_ns)


def test_an_unnamed_raster_band_is_told_for_its_file(tmp_path: Path) -> None:
    """A file without the named raster band is told of; the others are used."""
    write_raster(tmp_path / "2018-01-02.tif", np.zeros((1, 4, 5)), names=("red",))
    write_raster(tmp_path / "2018-01-03.tif", np.zeros((1, 4, 5)))
    wanted = table("{date}.tif", bands={"B04": BandTable(source_band="red")})
    inventory = take_inventory(wanted, tmp_path, read_header)
    assert len(inventory.layers) == 1
    assert 'no raster band named "red"' in inventory.unusable[0]

"""GeoParquet of the items: what other libraries read in it is what the items say."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import util
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import duckdb
import pyarrow.parquet as pq
import pytest
import shapely
from shapely.geometry import shape

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.check.stac import validate
from shoestring_builder.describe.collection import describe_collection
from shoestring_builder.describe.file import File
from shoestring_builder.describe.item import frame_of
from shoestring_builder.inventory.survey import Survey
from shoestring_builder.layer import Statistics
from shoestring_builder.mirror.run import copy_site
from shoestring_builder.parts import sort_parts
from shoestring_builder.publish.rollback import list_snapshots, rollback
from shoestring_builder.record import ItemRecord, LayerRecord, ThumbnailRecord
from shoestring_schema.configuration import BandTable, CatalogueTable, CollectionTable
from shoestring_schema.errors import ConfigError, MissingExtraError
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment
from shoestring_schema.site import BandDocument, MaskDocument, SourceFile
from support.mosaics import (
    CONFIGURATION,
    age,
    republish,
    times,
    tree,
    write_configuration,
    write_raster,
    write_season,
)

Json = dict[str, Any]

BASE = "https://example.org/ghana"
PUBLIC = CatalogueTable(id="ghana", base_url=f"{BASE}/")
UTM = Grid("EPSG:32630", (10, 0, 500_000, 0, -10, 4_000_000), (30, 40))
SINUSOIDAL = Grid("+proj=sinu +R=6371007.181 +units=m", (231.5, 0, -6e6, 0, -231.5, -1e6), (9, 9))
FIJI = Grid("EPSG:32760", (100, 0, 800_000, 0, -100, 8_000_000), (900, 900))
BANDS = (
    BandDocument(name="B04", data_type="uint16", nodata=0, scale=0.0001, common_name="red"),
    BandDocument(name="SCL", data_type="uint8", nodata="nan", factor=2),
)
MASK = MaskDocument(band="SCL", clear=(4, 5))
NOTHING = Statistics(None, None, None, None, 0.0)


def layer(name: str, **fields: Any) -> LayerRecord:  # noqa: ANN401 (its keywords)
    """A layer in the site."""
    checksum = "1220" + hashlib.sha256(name.encode()).hexdigest()
    own: dict[str, Any] = {
        "href": f"{name}-{checksum[4:20]}.tif", "size": len(name), "checksum": checksum,
        "header_size": 5, "statistics": Statistics(1.0, 5.0, 2.5, 0.5, 80.0),
        "clear_percent": 40.0 if name == "SCL" else None, "fingerprint": checksum[4:36],
    }  # fmt: skip
    return LayerRecord(**{**own, **fields})


def item(moment: Moment, **fields: Any) -> ItemRecord:  # noqa: ANN401 (its layers')
    """All layers of a moment, with a thumbnail."""
    picture = ThumbnailRecord("t.png", 3, "1220" + "1" * 64)
    return ItemRecord(moment, {band: layer(band, **fields) for band in ("B04", "SCL")}, picture)


def described(
    *records: ItemRecord,
    grid: Grid = UTM,
    catalogue: CatalogueTable = PUBLIC,
    mask: MaskDocument | None = MASK,
    **fields: Any,  # noqa: ANN401
) -> tuple[File, ...]:
    """The documents of a collection with these items."""
    table = CollectionTable(
        id="s2",
        source="x",
        title="Sentinel-2",
        attribution="Copernicus",
        bands={"B04": BandTable(common_name="red"), "SCL": BandTable()},
        **fields,
    )
    survey = Survey(grid, BANDS, {}, mask)
    parts = list(sort_parts(records, None, ""))
    documents = describe_collection(frame_of(table, survey), parts, catalogue, {})
    return (*documents.files, documents.collection)


def tables(files: tuple[File, ...], folder: Path) -> list[Path]:
    """The GeoParquet among them, written into a folder."""
    paths = []
    for file in files:
        if file.name.endswith(".parquet"):
            paths.append(folder / Path(file.name).name)
            paths[-1].write_bytes(file.data)
    return paths


def features(files: tuple[File, ...]) -> list[Json]:
    """The items of all parts."""
    parts = [file for file in files if "/items-" in file.name and file.name.endswith(".json")]
    return [own for file in parts for own in json.loads(file.data)["features"]]


def items_in(path: Path) -> list[Json]:
    """What the library stac-geoparquet makes of a file; a null is a field that is not there."""
    from stac_geoparquet.arrow import stac_table_to_items

    return [pruned(own) for own in stac_table_to_items(pq.read_table(path))]


def pruned(value: Any) -> Any:  # noqa: ANN401
    """Without nulls, and times to the second."""
    if isinstance(value, dict):
        return {key: pruned(own) for key, own in value.items() if own is not None}
    if isinstance(value, str) and value.endswith(".000000Z"):
        return value.replace(".000000", "")
    return [pruned(own) for own in value] if isinstance(value, list) else value


def public(document: Json, year: str) -> Json:
    """An item with absolute hrefs, whose links have no titles and sizes."""
    folder = f"{BASE}/s2/{year}/"
    whole = json.loads(json.dumps(document))
    for link in whole["links"]:
        for key in ("title", "file:size", "file:checksum"):
            link.pop(key, None)
    sources = [one for own in whole["assets"].values() for one in own.get("shoestring:sources", ())]
    for one in (*whole["links"], *whole["assets"].values(), *sources):
        one["href"] = urljoin(folder, one["href"])
    return dict(pruned(whole))


@pytest.mark.parametrize("grid", [UTM, SINUSOIDAL, FIJI], ids=["UTM", "sinusoidal", "antimeridian"])
@pytest.mark.parametrize(
    "moment", [date(2018, 1, 2), datetime(2018, 1, 2, 13, 30, 1, tzinfo=UTC)], ids=["day", "instant"]
)  # fmt: skip
def test_stac_geoparquet_finds_the_items(grid: Grid, moment: Moment, tmp_path: Path) -> None:
    """The library finds our items, field by field, but with absolute hrefs; and they are valid."""
    files = described(item(moment), item(moment.replace(day=3)), grid=grid)
    (path,) = tables(files, tmp_path)
    found = items_in(path)
    assert found == [public(own, "2018") for own in features(files)]
    assert found[0]["assets"]["B04"]["href"].startswith(f"{BASE}/s2/2018/B04-")
    assert found[0]["links"][0]["href"] == f"{BASE}/catalog.json"
    if grid is UTM:  # STAC wants null where a CRS has no code, and a table has no other null
        assert validate(found[0]) == []


def test_sources_of_vrts_are_absolute(tmp_path: Path) -> None:
    """What a VRT reads has an address too."""
    sources = (SourceFile(href="../raw%20tiles/a.tif", size=1, checksum="1220" + "2" * 64),)
    vrt = item(date(2018, 1, 2), header_size=None, sources=sources)
    files = described(vrt, layout="vrt")
    (path,) = tables(files, tmp_path)
    (found,) = items_in(path)
    assert found == public(features(files)[0], "2018")
    (source,) = found["assets"]["B04"]["shoestring:sources"]
    assert source["href"] == f"{BASE}/s2/raw%20tiles/a.tif"


def test_nothing_is_lost_that_no_layer_should_have(tmp_path: Path) -> None:
    """A VRT that is left over from another layout is told of whole."""
    sources = (SourceFile(href="a.tif", size=1, checksum="1220" + "2" * 64),)
    files = described(item(date(2018, 1, 2), header_size=None, sources=sources))
    (path,) = tables(files, tmp_path)
    assert items_in(path) == [public(features(files)[0], "2018")]


def test_a_collection_without_a_mask(tmp_path: Path) -> None:
    """There is no column for what no item can have."""
    files = described(item(date(2018, 1, 2)), mask=None)
    (path,) = tables(files, tmp_path)
    assert items_in(path) == [public(features(files)[0], "2018")]
    assert "shoestring:clear_percent" not in pq.read_schema(path).names


def test_all_parts_have_the_same_columns(tmp_path: Path) -> None:
    """Parts whose items lack pictures, masks, bands or valid pixels have the columns all the same."""
    whole, bare = item(date(2017, 1, 1)), ItemRecord(
        date(2018, 1, 2), {"B04": layer("B04", statistics=NOTHING)}
    )  # fmt: skip
    first, second = tables(described(whole, bare), tmp_path)
    assert pq.read_schema(first) == pq.read_schema(second)
    (found,) = items_in(second)
    assert found["assets"].keys() == {"B04"}


def test_duckdb_searches_all_parts(tmp_path: Path) -> None:
    """Another program finds dates by time and clear share, and the addresses of their layers."""
    clear, cloudy = item(date(2018, 1, 2)), item(date(2018, 2, 2), clear_percent=3.5)
    paths = tables(described(item(date(2017, 1, 1)), clear, cloudy), tmp_path)
    assert len(paths) == 3
    found = duckdb.execute(
        'select "shoestring:date", assets.B04.href, bbox.xmin from read_parquet(?) '
        "where datetime >= '2018-01-01' and \"shoestring:clear_percent\" > 20",
        [[str(path) for path in paths]],
    ).fetchall()
    assert [row[0] for row in found] == ["2018-01-02"]
    assert found[0][1].startswith(f"{BASE}/s2/2018/B04-")
    assert found[0][2] == pytest.approx(-3, abs=1e-3)


@pytest.mark.parametrize("grid", [UTM, FIJI], ids=["UTM", "antimeridian"])
def test_it_is_geoparquet(grid: Grid, tmp_path: Path) -> None:
    """What geopandas finds are the geometries and their CRS; the metadata tell type, bounds and boxes."""
    import geopandas

    files = described(item(date(2018, 1, 2)), grid=grid)
    (path,) = tables(files, tmp_path)
    frame = geopandas.read_parquet(path)
    (document,) = features(files)
    assert frame.crs == "OGC:CRS84"
    assert shapely.equals(frame.geometry[0], shape(document["geometry"]))
    geo = json.loads(pq.read_metadata(path).metadata[b"geo"])
    column = geo["columns"]["geometry"]
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    assert column["geometry_types"] == [document["geometry"]["type"]]
    assert column["bbox"] == document["bbox"]
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]


def test_it_tells_of_its_collection(tmp_path: Path) -> None:
    """It holds its collection as valid STAC, with the extent of its own items."""
    path, _ = tables(described(item(date(2017, 1, 1)), item(date(2018, 1, 2))), tmp_path)
    facts = json.loads(pq.read_metadata(path).metadata[b"stac-geoparquet"])
    assert facts["version"] == "1.1.0"
    collection = facts["collections"]["s2"]
    assert validate(collection) == []
    assert collection["extent"]["temporal"]["interval"] == [
        ["2017-01-01T00:00:00Z", "2017-01-01T23:59:59Z"]
    ]
    assert collection["links"][1]["href"] == f"{BASE}/s2/collection.json"


def test_a_part_does_not_depend_on_the_others() -> None:
    """What is added to a collection leaves the GeoParquet of its other parts as it is."""
    before = described(item(date(2017, 1, 1)), item(date(2018, 1, 2)))
    after = described(item(date(2017, 1, 1)), item(date(2018, 1, 2)), item(date(2018, 2, 1)))
    first, second = (
        {file for file in files if file.name.endswith(".parquet")} for files in (before, after)
    )
    assert len(first & second) == 2


SAME = """
import hashlib, sys
sys.path[:0] = {path!r}
from datetime import date
from test_geoparquet import described, item
(file,) = [own for own in described(item(date(2018, 1, 2))) if own.name.endswith(".parquet")]
print(file.name, hashlib.sha256(file.data).hexdigest())
"""


def test_the_bytes_are_the_same_in_every_process() -> None:
    """Neither hash seeds nor time zones matter."""
    here = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    script = SAME.format(path=here)
    told = {
        subprocess.check_output(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed, "TZ": zone}, text=True
        )
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(told) == 1


@pytest.mark.parametrize(
    "catalogue",
    [CatalogueTable(id="g"), CatalogueTable(id="g", base_url=BASE, doors=("vrt",))],
    ids=["no address", "switched off"],
)
def test_none_without_an_address_or_a_wish(catalogue: CatalogueTable) -> None:
    """Without `base_url`, or where doors leaves it out, there is no such file and no such asset."""
    files = described(item(date(2018, 1, 2)), catalogue=catalogue)
    assert not any(file.name.endswith(".parquet") for file in files)
    assert not [key for key in json.loads(files[-1].data).get("assets", {}) if "items" in key]


# Whole builds


def public_configuration(base: str | None = BASE, **more: str) -> str:
    """The usual configuration with an address."""
    lines = [f'base_url = "{base}"'] if base else []
    lines += [f"{key} = {value}" for key, value in more.items()]
    return CONFIGURATION.replace("settle", "\n".join(["status = false", *lines, "settle"]))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with GeoParquet, of two parts; not to be changed."""
    folder = write_season(tmp_path_factory.mktemp("geoparquet"))
    for band, dtype in (("B04", "uint16"), ("SCL", "uint8")):
        write_raster(folder / f"mosaics/S2_2017-06-01_{band}.tif", 4, dtype=dtype)
    build(write_configuration(folder, public_configuration()))
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of `built` to work on, modification times included."""
    return Path(shutil.copytree(built, tmp_path / "project"))


def mirrors(site: Path) -> dict[str, Json]:
    """The GeoParquet that the collection names."""
    document = json.loads((site / "s2/collection.json").read_text("utf-8"))
    assets: dict[str, Json] = document.get("assets", {})
    return {key: own for key, own in assets.items() if "collection-mirror" in own["roles"]}


def addresses(site: Path) -> set[str]:
    """Where the layers are, as the GeoParquet that the collection names says."""
    rows = [
        row["assets"]["B04"]["href"].rpartition("/s2/")[0]
        for own in mirrors(site).values()
        for row in pq.read_table(site / "s2" / own["href"]).to_pylist()
    ]
    assert len(rows) == 4 or not rows
    return set(rows)


def test_a_site_with_geoparquet_is_whole(built: Path) -> None:
    """The collection names a file a part, in the role of its mirror; check finds no fault."""
    report = check(built / "site")
    assert (report.faults, report.notes) == ((), ())
    assert check(built / "site", deep=False).faults == ()
    assets = mirrors(built / "site")
    assert assets.keys() == {"items-2017", "items-2018-01"}
    own = assets["items-2018-01"]
    assert own["type"] == "application/vnd.apache.parquet"
    assert "collection-mirror" in own["roles"]
    assert own["href"].startswith("./2018/items-2018-01-")
    assert addresses(built / "site") == {BASE}
    text = (built / "site/s2/collection.json").read_text("utf-8")
    assert sum("parquet" in line for line in text.splitlines()) == 2


def test_a_second_run_writes_nothing(project: Path) -> None:
    """Where nothing is new, no file is written."""
    before = times(project / "site")
    assert not build(project / "site.toml").changed
    assert times(project / "site") == before


def test_a_new_date_writes_the_geoparquet_of_its_part(project: Path) -> None:
    """That of the other part stays as it is."""
    before = times(project / "site")
    for band, dtype in (("B04", "uint16"), ("SCL", "uint8")):
        write_raster(project / f"mosaics/S2_2018-01-09_{band}.tif", 4, dtype=dtype)
    build(project / "site.toml")
    new = [name for name in times(project / "site") if name not in before]
    assert [name[:20] for name in new if name.endswith(".parquet")] == ["s2/2018/items-2018-0"]
    assert check(project / "site").faults == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (public_configuration("https://elsewhere.org/x"), {"https://elsewhere.org/x"}),
        (public_configuration(None), set()),
        (public_configuration(doors="[]"), set()),
    ],
    ids=["another address", "no address", "switched off"],
)
def test_another_address(project: Path, text: str, expected: set[str]) -> None:
    """All parts follow `base_url` at once; nothing is rendered, and the old files go in time."""
    old = set((project / "site").rglob("*.parquet"))
    report = build(write_configuration(project, text))
    assert [own.rendered for own in report.collections] == [0]
    assert addresses(project / "site") == expected
    assert old <= set((project / "site").rglob("*.parquet"))
    assert check(project / "site").faults == ()
    age(project / "site", 40)
    build(project / "site.toml")
    left = set((project / "site").rglob("*.parquet"))
    assert len(left) == 2 * len(expected)
    assert not left & old
    assert check(project / "site").faults == ()


def test_an_address_that_is_set_later(tmp_path: Path, built: Path) -> None:
    """A site that had none becomes the one that had it from the start."""
    shutil.copytree(built / "mosaics", tmp_path / "mosaics")
    build(write_configuration(tmp_path, public_configuration(None)))
    assert list((tmp_path / "site").rglob("*.parquet")) == []
    build(write_configuration(tmp_path, public_configuration()))
    names = {name for name in tree(tmp_path / "site") if name.endswith((".parquet", ".tif"))}
    assert names == {name for name in tree(built / "site") if name.endswith((".parquet", ".tif"))}


def cut(path: Path) -> None:
    """Make a file shorter."""
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [Path.unlink, cut], ids=["missing", "cut"])
def test_a_lost_file_is_told_and_made_again(project: Path, damage: Callable[[Path], None]) -> None:
    """Check tells of it, in little time as well, and the next run writes the same again."""
    before = tree(project / "site")
    (path,) = (project / "site/s2/2017").glob("*.parquet")
    damage(path)
    for deep in (False, True):
        faults = check(project / "site", deep=deep).faults
        assert faults
        assert all(path.name in fault for fault in faults)
    build(project / "site.toml")
    assert tree(project / "site") == before


def test_a_changed_byte_is_found(project: Path) -> None:
    """A deep check reads it, and its name stands for its content."""
    (path,) = (project / "site/s2/2017").glob("*.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    faults = check(project / "site").faults
    assert faults
    assert all(path.name in fault for fault in faults)


def replace_mirror(site: Path, data: bytes) -> None:
    """Publish other bytes as the GeoParquet of 2017, with all sums right."""
    (old,) = (site / "s2/2017").glob("*.parquet")
    checksum = hashlib.sha256(data).hexdigest()
    new = old.with_name(f"items-2017-{checksum[:16]}.parquet")
    old.unlink()
    new.write_bytes(data)
    pointer = site / "s2/collection.json"
    document = json.loads(pointer.read_text("utf-8"))
    document["assets"]["items-2017"] |= {
        "href": f"./2017/{new.name}", "file:size": len(data), "file:checksum": f"1220{checksum}",
    }  # fmt: skip
    pointer.write_text(json.dumps(document), "utf-8")
    republish(site)


def rewritten(path: Path, change: Callable[[Json], object]) -> bytes:
    """A file with other rows and the same words about them."""
    import pyarrow as pa

    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows:
        change(row)
    other = pa.Table.from_pylist(rows, schema=table.schema)
    other = other.replace_schema_metadata(pq.read_metadata(path).metadata)
    sink = pa.BufferOutputStream()
    pq.write_table(other, sink)
    return bytes(sink.getvalue())


def test_rows_that_say_something_else_are_found(project: Path) -> None:
    """A whole file that does not say what the items say is a fault of a deep check."""
    (path,) = (project / "site/s2/2017").glob("*.parquet")
    same = rewritten(path, lambda row: None)
    other = rewritten(path, lambda row: row["assets"]["B04"].update(href=f"{BASE}/s2/2017/x.tif"))
    replace_mirror(project / "site", same)
    assert check(project / "site").faults == ()
    replace_mirror(project / "site", other)
    (fault,) = check(project / "site").faults
    assert "does not say what s2/2017/items-2017-" in fault
    assert fault.endswith("says of s2_2017-06-01.")


def foreign(site: Path) -> Iterator[tuple[bytes, str]]:
    """Files that are none of a part's GeoParquet, and what is said of them."""
    import pyarrow as pa

    (other,) = (site / "s2/2018").glob("*.parquet")
    yield other.read_bytes(), "for 1 items"
    yield b"PAR1 is how it begins", "is not GeoParquet"
    yield b"", "is not GeoParquet"
    for facts in ({}, {"stac-geoparquet": "{"}, {"stac-geoparquet": '{"collections": [1]}'}):
        sink = pa.BufferOutputStream()
        table = pa.table({"id": ["a"]}).replace_schema_metadata(facts)
        pq.write_table(table, sink)
        yield bytes(sink.getvalue()), "is not GeoParquet"


def test_foreign_files_are_told(project: Path) -> None:
    """Whatever is published as GeoParquet and is not, is one sentence."""
    for data, sentence in foreign(project / "site"):
        replace_mirror(project / "site", data)
        (fault,) = check(project / "site").faults
        assert sentence in fault


def test_a_mirror_of_no_part_and_a_part_without_one(project: Path) -> None:
    """GeoParquet is named of each part, and of nothing else."""
    pointer = project / "site/s2/collection.json"
    document = json.loads(pointer.read_text("utf-8"))
    document["assets"]["items-2016"] = document["assets"].pop("items-2017")
    pointer.write_text(json.dumps(document), "utf-8")
    republish(project / "site")
    faults = check(project / "site").faults
    assert any("is of none of its parts" in fault for fault in faults)
    assert any("names no GeoParquet of s2/2017/items-2017-" in fault for fault in faults)


def test_a_copy_has_it_too(built: Path, tmp_path: Path) -> None:
    """`shoestring publish` copies it, and the copy is whole."""
    copy_site(built / "site", str(tmp_path / "copy"), keep=timedelta(hours=20))
    assert tree(tmp_path / "copy") == tree(built / "site")
    assert check(tmp_path / "copy").faults == ()


def test_a_rollback_shows_that_of_its_time(project: Path) -> None:
    """A snapshot of before a move names the files of before; without them there is no way back."""
    snapshots, _ = list_snapshots(project / "site")
    build(write_configuration(project, public_configuration("https://elsewhere.org")))
    rollback(project / "site", snapshots[0].id)
    assert addresses(project / "site") == {BASE}
    assert check(project / "site").faults == ()


def test_without_pyarrow_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is missing, a configuration that needs it is refused, and one that does not is not."""
    write_season(tmp_path, dates=1)
    find = util.find_spec
    monkeypatch.setattr(
        "shoestring_builder.describe.geoparquet.find_spec",
        lambda name: None if name == "pyarrow" else find(name),
    )
    with pytest.raises(ConfigError, match="doors without"):
        build(write_configuration(tmp_path, public_configuration()))
    assert not (tmp_path / "site").exists()
    build(write_configuration(tmp_path, public_configuration(doors="[]")))
    build(write_configuration(tmp_path, public_configuration(None)))


def test_a_check_without_pyarrow(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deep check asks for the missing extra, a quick one does not need it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert check(built / "site", deep=False).faults == ()
    with pytest.raises(MissingExtraError, match="builder"):
        check(built / "site")


LOADED = """
import sys
from pathlib import Path
from shoestring_builder.build import build
build(Path(sys.argv[1]))
print("pyarrow" in sys.modules)
"""


def test_a_run_that_writes_none_does_not_load_pyarrow(project: Path, tmp_path: Path) -> None:
    """Neither one without news, nor any where there is no address."""
    write_season(tmp_path / "other", dates=1)
    other = write_configuration(tmp_path / "other", public_configuration(None))
    for configuration in (project / "site.toml", other):
        command = [sys.executable, "-c", LOADED, str(configuration)]
        assert subprocess.check_output(command, text=True) == "False\n"

"""The documents of a site."""

import json
import posixpath
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from shoestring_builder.check.stac import validate
from shoestring_builder.describe.catalogue import ListedCollection, children_of, describe_catalogue
from shoestring_builder.describe.collection import CollectionDocuments, describe_collection
from shoestring_builder.describe.item import band_fields, frame_of
from shoestring_builder.describe.pointers import catalogue_pointer, collection_pointer
from shoestring_builder.inventory.survey import Survey
from shoestring_builder.layer import Statistics
from shoestring_builder.parts import sort_parts
from shoestring_builder.record import ItemRecord, LayerRecord, ThumbnailRecord
from shoestring_schema.configuration import BandTable, CatalogueTable, CollectionTable
from shoestring_schema.document import decode
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment
from shoestring_schema.site import (
    BandDocument,
    CatalogDocument,
    CollectionDocument,
    CollectionEntry,
    ItemDocument,
    MaskDocument,
    PartDocument,
    SnapshotMark,
    SourceFile,
)

CATALOGUE = CatalogueTable(id="ghana", title="Ghana")
UTM = Grid("EPSG:32630", (10, 0, 500_000, 0, -10, 4_000_000), (30, 40))
SINUSOIDAL = Grid("+proj=sinu +R=6371007.181 +units=m", (231.5, 0, -6e6, 0, -231.5, -1e6), (9, 9))
TABLE = CollectionTable(
    id="s2",
    source="x",
    title="Sentinel-2",
    attribution="Copernicus",
    bands={"B04": BandTable(common_name="red", center_wavelength=0.665), "SCL": BandTable()},
)
BANDS = (
    BandDocument(name="B04", data_type="uint16", nodata=0, scale=0.0001, common_name="red"),
    BandDocument(name="SCL", data_type="uint8", factor=2),
)


def layer(name: str, **fields: Any) -> LayerRecord:  # noqa: ANN401 (its keywords)
    """A layer in the site."""
    own: dict[str, Any] = {
        "href": f"{name}-0123456789abcdef.tif",
        "size": 10,
        "checksum": "1220" + "0" * 64,
        "header_size": 5,
        "statistics": Statistics(1.0, 5.0, 2.5, 0.5, 80.0),
        "clear_percent": None,
        "fingerprint": "f" * 32,
    }
    return LayerRecord(**{**own, **fields})


def items(*moments: Moment, bands: tuple[str, ...] = ("B04", "SCL")) -> list[ItemRecord]:
    """An item a moment, with a thumbnail."""
    picture = ThumbnailRecord("t.png", 3, "1220" + "1" * 64)
    return [
        ItemRecord(m, {b: layer(b, clear_percent=40.0 if b == "SCL" else None) for b in bands}, picture)
        for m in moments
    ]  # fmt: skip


def describe(
    records: list[ItemRecord], *, grid: Grid = UTM, catalogue: CatalogueTable = CATALOGUE
) -> CollectionDocuments:
    """The documents of a collection with these items."""
    survey = Survey(grid, BANDS, {}, MaskDocument(band="SCL", clear=(4, 5)))
    parts = list(sort_parts(records, None, ""))
    return describe_collection(frame_of(TABLE, survey), parts, catalogue, {})


MARK = SnapshotMark(id="0123456789abcdef", time="2018-02-03T04:05:06Z")


def listed(**titles: str) -> list[ListedCollection]:
    """Collections as a catalogue lists them."""
    return [
        ListedCollection(
            CollectionEntry(
                id=name,
                href=f"./{name}/collection-0123456789abcdef.json",
                size=1,
                checksum="1220" + "0" * 64,
            ),
            title,
        )
        for name, title in titles.items()
    ]


def pointer(catalogue: CatalogueTable, **titles: str) -> dict[str, Any]:
    """What `catalog.json` says."""
    document: dict[str, Any] = json.loads(
        catalogue_pointer(describe_catalogue(catalogue, listed(**titles)).data, MARK)
    )
    return document


def file_of(documents: CollectionDocuments, start: str) -> dict[str, Any]:
    """The one document whose name starts so."""
    (data,) = [
        file.data
        for file in documents.files
        if file.name.startswith(start) and file.name.endswith(".json")
    ]
    document: dict[str, Any] = json.loads(data)
    return document


DAYS = (date(2018, 1, 2), date(2018, 1, 9), date(2019, 5, 1))


@pytest.mark.parametrize(
    "grid", [UTM, SINUSOIDAL, Grid("EPSG:4326", (1, 0, 175, 0, -1, 5), (9, 9))]
)
def test_every_document_is_valid_stac(grid: Grid) -> None:
    """Items, parts' items, years, collection and catalogue validate, on any kind of grid."""
    documents = describe(items(*DAYS), grid=grid)
    everything = [json.loads(documents.collection.data)]
    everything.append(json.loads(collection_pointer(documents.collection.data, MARK)))
    everything.append(json.loads(describe_catalogue(CATALOGUE, listed(s2="Sentinel-2")).data))
    everything.append(pointer(CATALOGUE, s2="Sentinel-2"))
    for file in documents.files:
        if not file.name.endswith(".json"):
            continue
        document = json.loads(file.data)
        everything += document["features"] if "/items-" in file.name else [document]
    assert [validate(document) for document in everything] == [[]] * (4 + 3 + 3 + 2)


def test_names_carry_the_hash_of_the_content() -> None:
    """Each file's name holds the first 16 digits of its SHA-256, and its year's folder."""
    for file in describe(items(*DAYS)).files:
        assert f"-{file.checksum[4:20]}" in file.name
        assert file.name[:5] in ("2018/", "2019/")


def test_the_collection_is_what_readers_are_promised() -> None:
    """`collection.json` reads as the contract's type, with grid, bands, mask and parts."""
    documents = describe(items(*DAYS))
    document = decode(documents.collection.data, CollectionDocument, "collection.json")
    assert (document.grid.crs, document.grid.shape) == ("EPSG:32630", (30, 40))
    assert document.bands == BANDS
    assert document.mask == MaskDocument(band="SCL", clear=(4, 5))
    assert [part.dates for part in document.parts] == [
        ("2018-01-02", "2018-01-09"),
        ("2019-05-01",),
    ]
    files = {f"./{file.name}": file for file in documents.files}
    for part in document.parts:
        assert (part.size, part.checksum) == (len(files[part.href].data), files[part.href].checksum)


def test_a_part_holds_the_items_as_they_stand_in_their_own_files() -> None:
    """The features of a part are the items, one by one."""
    documents = describe(items(*DAYS[:2]))
    features = file_of(documents, "2018/items-")["features"]
    assert features == [
        file_of(documents, "2018/2018-01-02-"), file_of(documents, "2018/2018-01-09-")
    ]  # fmt: skip
    part = next(file.data for file in documents.files if "/items-" in file.name)
    assert len(decode(part, PartDocument, "part").features) == 2


def test_an_item_says_when_and_where() -> None:
    """A day's item has its three times, its date, its projection and its clear share."""
    item = file_of(describe(items(DAYS[0])), "2018/2018-01-02-")
    own = item["properties"]
    assert item["id"] == "s2_2018-01-02"
    assert own["datetime"] == own["start_datetime"] == "2018-01-02T00:00:00Z"
    assert own["end_datetime"] == "2018-01-02T23:59:59Z"
    assert (own["shoestring:date"], own["shoestring:clear_percent"]) == ("2018-01-02", 40)
    assert (own["proj:code"], own["proj:epsg"]) == ("EPSG:32630", 32630)
    assert own["proj:shape"] == [30, 40]
    assert own["proj:transform"] == [10, 0, 500_000, 0, -10, 4_000_000]
    assert own["proj:bbox"] == [500_000, 3_999_700, 500_400, 4_000_000]
    assert own["gsd"] == 10


def test_an_instant_has_no_colon_in_its_name() -> None:
    """An instant's item is named for every file system and says its instant."""
    item = file_of(describe(items(datetime(2018, 1, 2, 13, 5, tzinfo=UTC))), "2018/2018-01-02T1305")
    assert item["id"] == "s2_2018-01-02T130500Z"
    assert item["properties"]["datetime"] == "2018-01-02T13:05:00Z"
    assert item["properties"]["shoestring:date"] == "2018-01-02T13:05:00Z"


def test_a_numbered_red_edge_is_one_in_stac() -> None:
    """What STAC has one name for is called so in items, and by its own name in our documents."""
    own = BandDocument(name="B05", data_type="uint16", common_name="rededge1")
    table = msgspec.structs.replace(TABLE, bands={"B05": BandTable(common_name="rededge1")})
    fields = band_fields(frame_of(table, Survey(UTM, (own,), {}, None)), own)
    assert fields["bands"] == [{"name": "B05", "eo:common_name": "rededge"}]
    assert fields["eo:bands"] == [{"name": "B05", "common_name": "rededge"}]


def test_an_asset_says_all_of_a_layer() -> None:
    """A layer's asset has bands in three spellings, statistics, size, checksum and fingerprint."""
    asset = file_of(describe(items(DAYS[0])), "2018/2018-01-02-")["assets"]["B04"]
    assert asset["roles"] == ["data"]
    assert asset["bands"] == [
        {"name": "B04", "eo:common_name": "red", "eo:center_wavelength": 0.665}
    ]
    assert asset["eo:bands"] == [{"name": "B04", "common_name": "red", "center_wavelength": 0.665}]
    (raster,) = asset["raster:bands"]
    assert (raster["data_type"], raster["nodata"], raster["scale"]) == ("uint16", 0, 0.0001)
    assert raster["spatial_resolution"] == 10
    assert raster["statistics"] == {
        "minimum": 1, "maximum": 5, "mean": 2.5, "stddev": 0.5, "valid_percent": 80
    }  # fmt: skip
    assert (asset["file:size"], asset["shoestring:header_size"]) == (10, 5)
    assert asset["shoestring:source"] == "f" * 32


def test_a_coarser_band_says_its_own_pixels() -> None:
    """An asset of a band with a factor has its own shape, transform and resolution."""
    asset = file_of(describe(items(DAYS[0])), "2018/2018-01-02-")["assets"]["SCL"]
    assert asset["proj:shape"] == [15, 20]
    assert asset["proj:transform"] == [20, 0, 500_000, 0, -20, 4_000_000]
    assert (asset["gsd"], asset["raster:bands"][0]["spatial_resolution"]) == (20, 20)


def test_a_layer_without_data_has_no_minimum() -> None:
    """Statistics that do not exist are left out, and the item is valid."""
    empty = layer("B04", statistics=Statistics(None, None, None, None, 0.0))
    item = file_of(describe([ItemRecord(DAYS[0], {"B04": empty})]), "2018/2018-01-02-")
    assert item["assets"]["B04"]["raster:bands"][0]["statistics"] == {"valid_percent": 0}
    assert validate(item) == []


def test_the_sources_of_a_vrt_are_listed() -> None:
    """The files that a VRT reads stand in its asset, as the contract reads them."""
    source = SourceFile(href="../a.tif", size=7, checksum="1220" + "2" * 64)
    record = ItemRecord(DAYS[0], {"B04": layer("B04", header_size=None, sources=(source,))})
    documents = describe([record])
    (data,) = [
        file.data
        for file in documents.files
        if file.name.startswith("2018/2018-") and file.name.endswith(".json")
    ]
    asset = decode(data, ItemDocument, "item").assets["B04"]
    assert (asset.sources, asset.header_size) == ((source,), None)


def test_a_custom_crs_is_written_out() -> None:
    """A CRS without a code stands as WKT 2, with the codes null."""
    own = file_of(describe(items(DAYS[0]), grid=SINUSOIDAL), "2018/2018-01-02-")["properties"]
    assert (own["proj:code"], own["proj:epsg"]) == (None, None)
    assert own["proj:wkt2"] == SINUSOIDAL.crs
    assert own["gsd"] == 231.5


def test_degrees_have_no_gsd() -> None:
    """A grid in degrees says nothing in metres."""
    grid = Grid("EPSG:4326", (0.25, 0, 0, 0, -0.25, 50), (9, 9))
    item = file_of(describe(items(DAYS[0]), grid=grid), "2018/2018-01-02-")
    assert "gsd" not in item["properties"]
    assert "spatial_resolution" not in item["assets"]["B04"]["raster:bands"][0]


def test_every_link_leads_to_a_document() -> None:
    """From the catalogue, relative links reach every item and come back; each has a title."""
    documents = describe(items(*DAYS))
    files = {
        f"s2/{file.name}": json.loads(file.data) if file.name.endswith(".json") else {}
        for file in documents.files
    }
    files["s2/collection.json"] = json.loads(documents.collection.data)
    files["catalog.json"] = pointer(CATALOGUE, s2="Sentinel-2")
    files["snapshots.json"] = {}
    reached = _walk(files, "catalog.json")
    assert sum(files[name]["type"] == "Feature" for name in reached) == 3
    for name, document in files.items():
        for own in document.get("links", ()):
            assert _resolve(name, own["href"]) in files
            if own["rel"] in ("child", "item"):
                assert own["title"]


def _walk(files: Mapping[str, dict[str, Any]], start: str) -> set[str]:
    reached = {start}
    for own in files[start]["links"]:
        if own["rel"] in ("child", "item"):
            reached |= _walk(files, _resolve(start, own["href"]))
    return reached


def _resolve(name: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), href))


def test_the_plain_form_has_null_where_a_band_is_missing() -> None:
    """`database.json` lists hrefs in the bands' order, relative to itself."""
    records = items(DAYS[0]) + items(DAYS[2], bands=("SCL",))
    database = describe(records).database
    assert database is not None
    assert json.loads(database) == {
        "2018-01-02": [
            "2018/B04-0123456789abcdef.tif",
            "2018/SCL-0123456789abcdef.tif",
        ],
        "2019-05-01": [None, "2019/SCL-0123456789abcdef.tif"],
    }
    assert database.count(b"\n") == 4


def test_a_public_address_makes_links_absolute_where_they_must_be() -> None:
    """With `base_url`, `database.json` has URLs, and the catalogue a link to itself."""
    public = CatalogueTable(id="ghana", base_url="https://example.org/ghana/")
    database = describe(items(DAYS[0]), catalogue=public).database
    assert database is not None
    assert json.loads(database)["2018-01-02"][0] == (
        "https://example.org/ghana/s2/2018/B04-0123456789abcdef.tif"
    )
    links = pointer(public, s2="x")["links"]
    assert [own["href"] for own in links if own["rel"] == "self"] == [
        "https://example.org/ghana/catalog.json"
    ]


def test_the_plain_form_can_be_switched_off() -> None:
    """With database = false there is none."""
    assert (
        describe(items(DAYS[0]), catalogue=CatalogueTable(id="g", database=False)).database is None
    )


def test_the_catalogue_lists_its_collections() -> None:
    """Snapshot and pointer read as the contract's type; their children are found again."""
    file = describe_catalogue(CATALOGUE, listed(s2="Sentinel-2", era5="Weather"))
    for data, mark in ((file.data, None), (catalogue_pointer(file.data, MARK), MARK)):
        document = decode(data, CatalogDocument, "catalog.json")
        assert (document.id, document.title, document.version) == ("ghana", "Ghana", "1.0")
        assert children_of(document.links) == {"s2": "Sentinel-2", "era5": "Weather"}
        assert [own.id for own in document.collections or ()] == ["s2", "era5"]
        assert document.snapshot == mark


def test_other_tools_stay_in_the_snapshot_that_they_opened() -> None:
    """A snapshot links to documents that never change, the pointer to addresses that stay."""
    snapshot = json.loads(describe_catalogue(CATALOGUE, listed(s2="Sentinel-2")).data)
    hrefs = [
        [own["href"] for own in document["links"] if own["rel"] == "child"]
        for document in (snapshot, pointer(CATALOGUE, s2="Sentinel-2"))
    ]
    assert hrefs == [["./s2/collection-0123456789abcdef.json"], ["./s2/collection.json"]]


def test_documents_are_the_same_each_time() -> None:
    """The same layers give the same bytes."""
    assert describe(items(*DAYS)) == describe(items(*DAYS))

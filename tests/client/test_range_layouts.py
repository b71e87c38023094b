"""Layers that are made of foreign files: by their blocks, the pixels that GDAL reads from them."""

import itertools
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.enums import Resampling

import shoestring
from shoestring import Options
from shoestring.stack import Stack
from shoestring_builder.build import build
from shoestring_schema.grid import Grid
from support.faulty_server import FaultyServer
from support.index import read_collection, read_index
from support.indexed import add_index
from support.mosaics import write_configuration
from support.nginx import Nginx
from support.site import SiteFolder, box_in

pytestmark = pytest.mark.pixels

Array = NDArray[Any]
Corners = tuple[int, int, int, int]

CRS, LEFT, TOP = "EPSG:32630", 500_000, 4_000_000
FEW = settings(
    deadline=None,
    max_examples=10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes longer than a test may
)


def write(path: Path, pixels: Array, place: tuple[int, int] = (0, 0), size: int = 10,
          mask: Array | None = None, **options: Any) -> Path:  # fmt: skip  # noqa: ANN401
    """Write a GeoTIFF, in tiles unless told otherwise, at a row and column of 10 m."""
    bands = pixels if pixels.ndim == 3 else pixels[None]
    row, column = place
    profile = {
        "driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2],
        "dtype": bands.dtype, "crs": CRS, "tiled": True, "blockxsize": 64, "blockysize": 32,
        "transform": Affine(size, 0, LEFT + 10 * column, 0, -size, TOP - 10 * row),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", **(profile | options)) as dataset,
    ):
        dataset.write(bands)
        if mask is not None:
            dataset.write_mask(mask)
    return path


def extract(address: Any, reader: Any, name: str, bands: Any, roi: Any, **wish: Any) -> Stack:  # noqa: ANN401
    """An extraction with one of the readers."""
    with shoestring.open(address, options=Options(reader=reader)) as catalogue:
        return catalogue[name].extract(bands, roi, **wish)


def require_same(one: Stack, other: Stack) -> None:
    """Two stacks are the same, bit for bit."""
    assert (one.dates, one.clear, one.left_out) == (other.dates, other.clear, other.left_out)
    assert list(one.bands) == list(other.bands)
    for band in one.bands:
        assert list(one[band]) == list(other[band])
        for day in one[band]:
            found, expected = one[band][day], other[band][day]
            assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
            assert found.tobytes() == expected.tobytes()


# --- Mosaics of tiles ---

SHAPE = (420, 380)
GRID = Grid(CRS, (10.0, 0.0, float(LEFT), 0.0, -10.0, float(TOP)), SHAPE)
DAYS = [date(2018, 1, 2), date(2018, 1, 5), date(2018, 3, 1)]
TILES = {"a": (-20, -32, 280, 232), "b 1#é%20": (40, 152, 430, 460), "c": (196, 100, 372, 220)}
"""First row and column, and those behind the last: they overlap, reach beyond the grid, and leave
its lower left corner empty."""

STORED = {
    "a": {"compress": "deflate", "blockxsize": 128, "blockysize": 64, "predictor": 2},
    "b 1#é%20": {"compress": "zstd", "blockxsize": 48, "blockysize": 80, "SPARSE_OK": True},
    "c": {"compress": "lzw", "blockxsize": 256, "blockysize": 256, "ENDIANNESS": "BIG"},
}
"""Each tile in its own way; the second leaves out blocks without data."""

KINDS = {"B04": ("uint16", 1), "B11": ("float32", 2), "SCL": ("uint8", 2)}
"""Type of a band, and its pixel in those of the grid."""

MOSAICS = f"""\
[catalogue]
id = "test"
[[collections]]
id = "tiled"
source = "site/raw/{{date}}_{{tile}}_{{band}}.tif"
layout = "vrt"
grid = {{ crs = "{CRS}", resolution = 10, bounds = [{LEFT}, {TOP - 4200}, {LEFT + 3800}, {TOP}] }}
[collections.bands.B04]
nodata = 0
[collections.bands.B11]
nodata = -5
[collections.bands.SCL]
nodata = 0
resampling = "nearest"
[collections.mask]
band = "SCL"
clear = [4, 5]
"""


def tile_pixels(day: date, band: str, tile: str) -> Array:
    """Noise with large holes; for classes, large pieces."""
    kind, factor = KINDS[band]
    top, left, bottom, right = TILES[tile]
    shape = (bottom - top) // factor, (right - left) // factor
    random = np.random.default_rng([day.toordinal(), *f"{band}{tile}".encode()])
    if band == "SCL":
        pieces = random.choice([0, 3, 4, 4, 5, 9], (4, 4))
        return pieces.repeat(60, 0).repeat(60, 1)[: shape[0], : shape[1]].astype(kind)
    pixels = random.integers(1, 3000, shape).astype(kind)
    for _ in range(3):
        row, column = random.integers(0, shape[0]), random.integers(0, shape[1])
        pixels[row : row + 110, column : column + 130] = -5 if band == "B11" else 0
    return pixels


@pytest.fixture(scope="module")
def mosaics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A site of VRTs over tiles, behind a server that counts; a tile of one date is missing."""
    folder = tmp_path_factory.mktemp("mosaics")
    for day, band, tile in itertools.product(DAYS, KINDS, TILES):
        if (day, tile) != (DAYS[1], "c"):
            nodata = -5 if band == "B11" else 0
            own = STORED[tile] | ({"predictor": 1} if band == "B11" else {})
            write(folder / f"site/raw/{day}_{tile}_{band}.tif", tile_pixels(day, band, tile),
                  TILES[tile][:2], 10 * KINDS[band][1], nodata=nodata, **own)  # fmt: skip
    assert build(write_configuration(folder, MOSAICS)).failed == ()
    with FaultyServer(folder / "site") as server:
        yield server


@pytest.fixture(scope="module")
def layers(mosaics: FaultyServer) -> dict[tuple[str, date], Array]:
    """What rasterio reads from each VRT on the disk, on the grid."""
    found = {}
    for day, (band, (_, factor)) in itertools.product(DAYS, KINDS.items()):
        (path,) = mosaics.folder.glob(f"tiled/2018/{day}_{band}-*.vrt")
        with rasterio.open(path) as dataset:
            found[band, day] = dataset.read(1).repeat(factor, 0).repeat(factor, 1)
        assert found[band, day].shape == SHAPE
    return found


WINDOWS = st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[0] - 1),
                    st.integers(0, SHAPE[1] - 1), st.integers(0, SHAPE[1] - 1))  # fmt: skip


def window_of(corners: Corners) -> tuple[slice, slice]:
    """Rows and columns between two corners."""
    rows, columns = sorted(corners[:2]), sorted(corners[2:])
    return slice(rows[0], rows[1] + 1), slice(columns[0], columns[1] + 1)


def region(window: tuple[slice, slice], *, slanted: bool = False) -> dict[str, Any]:
    """A window as a polygon; slanted, the half of it without the upper left corner."""
    rows, columns = window
    roi = box_in(GRID, (rows.start, rows.stop), (columns.start, columns.stop))
    if slanted:
        ring = roi["coordinates"][0]
        roi["coordinates"][0] = [ring[1], ring[2], ring[3], ring[1]]
    return roi


def test_the_mosaics_are_what_they_are_meant_to_be(
    mosaics: FaultyServer, layers: dict[tuple[str, date], Array]
) -> None:
    """All layers are told by their tiles' blocks; blocks are missing in files, pixels in the mosaic."""
    parts = range(len(read_collection(mosaics.folder, "tiled").parts))
    heads = [read_index(mosaics.folder, "tiled", part).head for part in parts]
    told = {
        len(pieces) for head in heads for own in head.layers.values() for pieces in own.values()
    }
    assert told == {2, 3}
    assert (layers["B04", DAYS[0]][380:, :90] == 0).all()
    assert (layers["B11", DAYS[0]][380:, :90] == -5).all()
    sparse = mosaics.folder / f"raw/{DAYS[0]}_b 1#é%20_B04.tif"
    assert 0 in {size for _, size in blocks_of(sparse)}


@FEW
@given(WINDOWS)
def test_a_window_of_mosaics_is_what_gdal_reads_from_their_vrts(
    mosaics: FaultyServer, layers: dict[tuple[str, date], Array], corners: Corners
) -> None:
    """Stored numbers: by ranges, through GDAL over HTTP, and by rasterio from the VRT on the disk."""
    window = window_of(corners)
    ranged, opened = (
        extract(mosaics.address, reader, "tiled", list(KINDS), region(window), masked=False)
        for reader in ("auto", "vsicurl")
    )
    require_same(ranged, opened)
    assert list(ranged.dates) == DAYS
    for (band, day), whole in layers.items():
        found = ranged[band][day]
        assert found.dtype == KINDS[band][0]
        assert np.array_equal(found, whole[window])


@FEW
@given(WINDOWS)
def test_clear_pixels_of_mosaics_are_those_of_their_vrts(
    mosaics: FaultyServer, layers: dict[tuple[str, date], Array], corners: Corners
) -> None:
    """Whatever blocks are spared: the pixels that are clear and hold data, and the clear share."""
    window = window_of(corners)
    stack = extract(mosaics.address, "auto", "tiled", ["B04", "B11"], region(window), min_clear=0)
    for day in DAYS:
        bands = {"B04": layers["B04", day][window], "B11": layers["B11", day][window]}
        data = {"B04": bands["B04"] != 0, "B11": bands["B11"] != -5}
        clear = np.isin(layers["SCL", day][window], (4, 5))
        assert stack.clear[day] == pytest.approx(np.mean(clear & (data["B04"] | data["B11"])))
        for band, pixels in bands.items():
            expected = np.where(clear & data[band], pixels, np.nan).astype("float32")
            assert np.array_equal(stack[band][day], expected, equal_nan=True)


@FEW
@given(WINDOWS, st.sampled_from([{}, {"min_clear": 0.4}, {"scaled": True}, {"bands": ["SCL"]}]))
def test_slanted_regions_of_mosaics_are_alike_by_both_readers(
    mosaics: FaultyServer, corners: Corners, wish: dict[str, Any]
) -> None:
    """What is spared of tiles that overlap changes nothing, bit for bit."""
    roi = region(window_of(corners), slanted=True)
    wish = {"bands": ["B11", "B04"]} | wish
    spared, whole = (
        extract(mosaics.address, reader, "tiled", roi=roi, **wish) for reader in ("auto", "vsicurl")
    )
    require_same(spared, whole)


def blocks_of(path: Path) -> set[tuple[int, int]]:
    """First byte and size of each block of full resolution, as GDAL tells them."""
    with rasterio.open(path) as dataset:
        (height, width), (rows, columns) = dataset.block_shapes[0], dataset.shape
        places = itertools.product(dataset.indexes, range(-(rows // -height)), range(-(columns // -width)))  # fmt: skip
        told = [
            [
                dataset.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", band)
                for what in ("OFFSET", "SIZE")
            ]
            for band, row, column in places
        ]
    return {(int(offset or 0), int(size or 0)) for offset, size in told}


def require_blocks_only(server: FaultyServer, since: int = 0) -> int:
    """All requests for TIFFs are ranges from a block's first byte to one's last; how many."""
    asked = [r for r in server.requests[since:] if not r.path.endswith((".json", ".bin"))]
    for request in asked:
        path = server.folder / unquote(request.path).lstrip("/")
        assert (path.suffix, request.method) == (".tif", "GET")
        assert request.range is not None
        blocks = {block for block in blocks_of(path) if block[1]}
        assert request.range[0] in {start for start, _ in blocks}
        assert request.range[1] in {start + size - 1 for start, size in blocks}
    return len(asked)


@FEW
@given(WINDOWS, st.booleans())
def test_no_header_of_a_tile_is_asked_for(
    mosaics: FaultyServer, corners: Corners, masked: bool
) -> None:
    """Neither VRTs nor items are fetched, nor headers of tiles: blocks are, and nothing else."""
    since = len(mosaics.requests)
    extract(mosaics.address, "auto", "tiled", ["B04", "B11"], region(window_of(corners)), masked=masked)  # fmt: skip
    require_blocks_only(mosaics, since)
    names = {request.path for request in mosaics.requests[since:]}
    assert not any("items" in name for name in names)
    assert {name.rpartition(".")[2] for name in names} <= {"json", "bin", "tif"}


def test_the_whole_mosaic_is_asked_for_by_its_blocks(mosaics: FaultyServer) -> None:
    """Of all tiles just the blocks, each byte of them at most once."""
    since = len(mosaics.requests)
    extract(mosaics.address, "auto", "tiled", "B04", region((slice(0, 420), slice(0, 380))), masked=False)  # fmt: skip
    assert require_blocks_only(mosaics, since) > 8
    asked: dict[str, list[tuple[int, int]]] = {}
    for request in mosaics.requests[since:]:
        if request.path.endswith(".tif") and request.range:
            asked.setdefault(request.path, []).append(request.range)
    assert len(asked) == 8
    for ranges in asked.values():
        pairs = itertools.pairwise(sorted(ranges))
        assert all(one[1] < other[0] for one, other in pairs)


# --- Files of several bands, stored in every way ---

PICTURE = (150, 208)
COLOURS = ["B1", "B2", "B3"]
STORAGES: dict[str, dict[str, Any]] = {
    "deflate pixel": {"compress": "deflate", "interleave": "pixel"},
    "deflate band": {"compress": "deflate", "interleave": "band"},
    "predictor pixel": {"compress": "lzw", "predictor": 2, "interleave": "pixel"},
    "predictor band": {"compress": "zstd", "predictor": 2, "interleave": "band"},
    "lzma pixel": {"compress": "lzma", "interleave": "pixel"},
    "packbits band": {"compress": "packbits", "interleave": "band"},
    "lerc pixel": {"compress": "lerc", "interleave": "pixel", "MAX_Z_ERROR": 3},
    "lerc_zstd band": {"compress": "lerc_zstd", "interleave": "band"},
    "jpeg": {"compress": "jpeg", "interleave": "pixel"},
    "jpeg of low quality": {"compress": "jpeg", "interleave": "pixel", "JPEG_QUALITY": 10},
    "jpeg band": {"compress": "jpeg", "interleave": "band"},
    "jpeg ycbcr": {"compress": "jpeg", "photometric": "ycbcr", "interleave": "pixel"},
    "jpeg ycbcr with overviews": {
        "compress": "jpeg", "photometric": "ycbcr", "interleave": "pixel", "overviews": True,
    },
    "jpeg ycbcr without tables": {
        "compress": "jpeg", "photometric": "ycbcr", "interleave": "pixel", "JPEGTABLESMODE": 0,
    },
    "webp": {"compress": "webp", "interleave": "pixel"},
    "webp without loss": {"compress": "webp", "interleave": "pixel", "WEBP_LOSSLESS": True},
    "rgb band": {"compress": "deflate", "photometric": "rgb", "interleave": "band"},
    "4 bits": {"compress": "deflate", "interleave": "pixel", "nbits": 4},
    "big endian": {"compress": "none", "interleave": "pixel", "ENDIANNESS": "BIG"},
    "bigtiff": {"compress": "deflate", "interleave": "band", "BIGTIFF": "YES"},
    "small blocks": {"compress": "deflate", "interleave": "pixel", "blockxsize": 16, "blockysize": 16},
    "one block": {"compress": "deflate", "interleave": "band", "blockxsize": 256, "blockysize": 256},
    "high blocks": {"compress": "zstd", "interleave": "pixel", "blockxsize": 16, "blockysize": 160},
    "sparse pixel": {"compress": "zstd", "interleave": "pixel", "SPARSE_OK": True, "hole": True},
    "sparse band": {"compress": "none", "interleave": "band", "SPARSE_OK": True, "hole": True},
    # Strips of 16 whole rows are as good as tiles to whoever looks at the blocks' shape alone.
    "strips pixel": {"tiled": False, "blockysize": 16, "interleave": "pixel", "compress": "deflate"},
    "strips band": {"tiled": False, "blockysize": 16, "interleave": "band"},
}  # fmt: skip
IN_STRIPS = {"strips pixel", "strips band"}
DATE_OF = {name: date(2018, 1, 1) + timedelta(days=day) for day, name in enumerate(STORAGES)}

PICTURES = """\
[catalogue]
id = "test"
[[collections]]
id = "pictures"
source = "site/raw/{date}.tif"
layout = "vrt"
bands.B1 = { source_band = 1, nodata = 0 }
bands.B2 = { source_band = 2, nodata = 0 }
bands.B3 = { source_band = 3, nodata = 0 }
"""


def picture(seed: int, *, top: int = 255, hole: bool = False) -> Array:
    """Three bands of waves and noise, which codecs with loss change, and pixels of 0."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices(PICTURE)
    waves = [np.sin(rows / 9 + n) + np.cos(columns / (11 + 3 * n)) for n in range(3)]
    pixels = np.array(waves) * 0.2 * top + 0.5 * top + random.normal(0, 0.05 * top, (3, *PICTURE))
    pixels = pixels.clip(1, top)
    pixels[:, random.integers(0, 90) :, random.integers(0, 120) :][:, :30, :40] = 0
    if hole:
        pixels[:, 20:110, 50:190] = 0
    return pixels.astype("uint8")


def stored_picture(path: Path, name: str, seed: int) -> Path:
    """A picture, stored in one of the ways."""
    options = dict(STORAGES[name])
    hole, overviews = options.pop("hole", False), options.pop("overviews", False)
    if not options.get("tiled", True):
        options["blockxsize"] = None
    pixels = picture(seed, top=15 if "nbits" in options else 255, hole=hole)
    write(path, pixels, nodata=0, **options)
    if overviews:
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4], Resampling.average)
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A site of VRTs whose three bands read one file: on each date it is stored in another way."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed, (name, day) in enumerate(DATE_OF.items()):
        stored_picture(folder / f"site/raw/{day}.tif", name, seed)
    assert build(write_configuration(folder, PICTURES)).failed == ()
    with FaultyServer(folder / "site") as server:
        yield server


PARTS = {
    "whole": ((0, 150), (0, 208)),
    "across an edge of blocks": ((31, 33), (63, 65)),
    "lower right": ((70, 150), (117, 208)),
}
"""Rows and columns."""

FRAME = Grid(CRS, GRID.transform, PICTURE)
Read = Callable[..., Stack]


@pytest.fixture(scope="module")
def read(pictures: FaultyServer) -> Read:
    """A region of all pictures as stored, or half of it masked, by one of the readers."""

    @cache
    def read(part: str, reader: str = "auto", *, slanted: bool = False) -> Stack:
        roi = region(tuple(slice(*span) for span in PARTS[part]), slanted=slanted)
        return extract(pictures.address, reader, "pictures", COLOURS, roi, masked=slanted)

    return read


@pytest.mark.parametrize("name", STORAGES)
def test_bands_of_a_file_are_what_gdal_reads(pictures: FaultyServer, read: Read, name: str) -> None:
    """However bands and blocks lie in it and are packed: by ranges, and by rasterio from the disk."""
    day = DATE_OF[name]
    with rasterio.open(pictures.folder / f"raw/{day}.tif") as dataset:
        whole = dataset.read()
    for part, (rows, columns) in PARTS.items():
        stack = read(part)
        found = np.array([stack[band][day] for band in COLOURS])
        assert found.dtype == whole.dtype
        assert np.array_equal(found, whole[:, slice(*rows), slice(*columns)])


@pytest.mark.parametrize("slanted", [False, True])
def test_bands_of_files_are_alike_by_both_readers(read: Read, slanted: bool) -> None:
    """The whole, and a half of it where blocks at the upper left are spared: bit for bit."""
    require_same(*(read("whole", reader, slanted=slanted) for reader in ("auto", "vsicurl")))


@pytest.mark.parametrize("name", STORAGES)
def test_files_in_tiles_are_read_by_blocks_and_files_in_strips_are_opened(
    pictures: FaultyServer, name: str
) -> None:
    """The index tells of files in tiles, whatever their codec; those in strips are left to GDAL."""
    day = DATE_OF[name]
    layers = read_index(pictures.folder, "pictures").head.layers
    assert {len(layers[band][str(day)]) for band in COLOURS} == {0 if name in IN_STRIPS else 1}
    roi = box_in(FRAME, (70, 131), (17, 180))
    with FaultyServer(pictures.folder) as server:  # of which GDAL remembers nothing
        extract(server.address, "auto", "pictures", "B2", roi, dates=day, masked=False)
        asked = [request.range for request in server.requests if request.path.endswith(".tif")]
        if name in IN_STRIPS:
            assert 0 in {start for start, _ in filter(None, asked)}
        else:
            assert require_blocks_only(server) == len(asked) > 0


def test_tiles_beside_strips_are_told_of_together_or_not_at_all(tmp_path: Path) -> None:
    """A mosaic of a file in tiles and one in strips has no blocks, and is read right."""
    pixels = picture(1)[0]
    write(tmp_path / "site/raw/2018-01-01_a.tif", pixels, nodata=0)
    write(tmp_path / "site/raw/2018-01-01_b.tif", pixels[::-1, :160], (20, 100), nodata=0,
          tiled=False, blockxsize=None, blockysize=16)  # fmt: skip
    write(tmp_path / "site/raw/2018-01-02_a.tif", pixels, nodata=0)
    text = PICTURES.partition("bands.B1")[0].replace("{date}.tif", "{date}_{tile}.tif")
    assert build(write_configuration(tmp_path, text + "bands.B04 = { nodata = 0 }\n")).failed == ()
    (layers,) = read_index(tmp_path / "site", "pictures").head.layers.values()
    assert {day: len(pieces) for day, pieces in layers.items()} == {
        "2018-01-01": 0,
        "2018-01-02": 1,
    }
    with FaultyServer(tmp_path / "site") as server:
        roi = box_in(GRID, (5, 149), (60, 200))
        ranged, opened = (
            extract(server.address, reader, "pictures", "B04", roi, masked=False)
            for reader in ("auto", "vsicurl")
        )
    require_same(ranged, opened)
    for day in ("2018-01-01", "2018-01-02"):
        (path,) = (tmp_path / "site/pictures/2018").glob(f"{day}_B04-*.vrt")
        with rasterio.open(path) as dataset:
            assert np.array_equal(ranged["B04"][day], dataset.read(1)[5:149, 60:200])


# --- Masks inside of files ---

MASKED: dict[str, dict[str, Any]] = {
    "tiles": {"compress": "deflate"},
    "strips": {"tiled": False, "blockxsize": None, "blockysize": 16, "compress": "lzw"},
    "pixel": {"compress": "zstd", "interleave": "pixel", "blockxsize": 16, "blockysize": 48},
    "jpeg ycbcr": {"compress": "jpeg", "photometric": "ycbcr", "interleave": "pixel"},
}


def mask_of(seed: int) -> Array:
    """Which pixels hold data: 255, or 0 in a part that no block ends at."""
    mask = np.full(PICTURE, 255, "uint8")
    mask[40 + seed : 101, 30:170] = 0
    return mask


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files with masks inside of them, one a date."""
    folder = tmp_path_factory.mktemp("masked")
    for day, options in enumerate(MASKED.values(), 1):
        path = folder / f"site/raw/2018-01-{day:02}.tif"
        write(path, picture(day), mask=mask_of(day), **options)
        with rasterio.open(path) as dataset:
            assert rasterio.enums.MaskFlags.per_dataset in dataset.mask_flag_enums[0]
        assert not path.with_name(f"{path.name}.msk").exists()
    return folder


def test_a_vrt_over_a_file_with_a_mask_is_refused(masked: Path) -> None:
    """No reader of stored numbers would see the mask, so there is no such site."""
    text = PICTURES.replace('id = "test"', 'id = "test"\noutput = "site"')
    failed = build(write_configuration(masked, text)).failed
    assert len(failed) == len(MASKED)
    assert all("a mask or alpha band cuts pixels out of it" in sentence for sentence in failed)


def test_masks_of_sources_become_nodata(masked: Path, tmp_path: Path) -> None:
    """As COGs the same files are read alike by both readers: masked pixels are without data."""
    text = PICTURES.replace('layout = "vrt"\n', "").replace("site/raw", f"{masked}/site/raw")
    assert build(write_configuration(tmp_path, text)).failed == ()
    roi = box_in(FRAME, (3, 149), (5, 207))
    with FaultyServer(tmp_path / "site") as server:
        ranged, opened = (
            extract(server.address, reader, "pictures", COLOURS, roi, masked=False)
            for reader in ("auto", "vsicurl")
        )
        assert server.count("items.json") == 0
    require_same(ranged, opened)
    for day in range(1, len(MASKED) + 1):
        with rasterio.open(masked / f"site/raw/2018-01-{day:02}.tif") as dataset:
            expected = dataset.read(masked=True).filled(0)[:, 3:149, 5:207]
        found = np.array([ranged[band][date(2018, 1, day)] for band in COLOURS])
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("name", MASKED)
def test_a_foreign_layer_with_a_mask_is_read_alike(
    masked: Path, name: str, nginx: Callable[..., Nginx], tmp_path: Path
) -> None:
    """A layer that another program has put into a site: stored numbers, by blocks or by GDAL."""
    day = list(MASKED).index(name) + 1
    source = masked / f"site/raw/2018-01-{day:02}.tif"
    site = SiteFolder(tmp_path, {"B04": {"data_type": "uint8", "nodata": 0}}, grid=FRAME)
    path = tmp_path / "fields/2018-01-01_B04.tif"
    path.parent.mkdir()
    path.write_bytes(source.read_bytes())
    site.link("2018-01-01", "B04", f"./{path.name}", size=path.stat().st_size)
    add_index(site.write())
    (pieces,) = read_index(tmp_path, "fields").head.layers["B04"].values()
    assert len(pieces) == (0 if name == "strips" else 1)
    roi = box_in(FRAME, (20, 120), (10, 190))
    # A server of its own process: while rasterio looks for a mask far behind in a file, no thread
    # of this one can answer.
    address = f"{nginx(tmp_path).http}/"
    for masks in (False, True):
        ranged, opened = (
            extract(address, reader, "fields", "B04", roi, masked=masks)
            for reader in ("auto", "vsicurl")
        )
        require_same(ranged, opened)
        with rasterio.open(source) as dataset:
            expected = dataset.read(1)[20:120, 10:190]
        found = ranged["B04"]["2018-01-01"]
        assert np.array_equal(np.nan_to_num(found), expected)

"""The header of a TIFF: every block of every file that GDAL writes is found and decoded."""

import itertools
import random
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp, Resampling

from shoestring_builder.index.blocks import read_blocks
from shoestring_builder.index.tiff import Tiff, read_tiff
from shoestring_schema.errors import SourceError
from shoestring_schema.tile_index import blocks_of, offsets_of
from support.wrap import decode, tag_of

Options = Mapping[str, Any]

CODECS: list[Options] = [
    {"compress": "NONE"},
    {"compress": "PACKBITS"},
    {"compress": "LZW", "predictor": 2},
    {"compress": "DEFLATE"},
    {"compress": "DEFLATE", "predictor": 2},
    {"compress": "ZSTD", "predictor": 2},
    {"compress": "LZMA"},
    {"compress": "LERC"},
    {"compress": "LERC_ZSTD"},
    {"compress": "LERC_DEFLATE", "MAX_Z_ERROR": 0.5},
]
TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def pixels_of(
    dtype: str, count: int = 1, shape: tuple[int, int] = (150, 210)
) -> "np.ndarray[Any, Any]":
    """Bands with noise, a smooth part, and a part without data (0)."""
    numbers = np.random.default_rng(3).integers(0, 120, (count, *shape))
    numbers[:, 60:, :90] = np.arange(90) // 3
    numbers[:, 30:110, 100:] = 0
    return numbers.astype(dtype)


def write(path: Path, pixels: "np.ndarray[Any, Any]", **options: Any) -> Path:  # noqa: ANN401
    """Write a tiled GeoTIFF in blocks of 32 x 48 pixels; with overviews where they are asked for."""
    overviews, mask = options.pop("overviews", ()), options.pop("mask", None)
    profile = {
        "driver": "GTiff", "count": pixels.shape[0], "height": pixels.shape[1],
        "width": pixels.shape[2], "dtype": pixels.dtype, "crs": "EPSG:32630",
        "transform": Affine(10, 0, 500_000, 0, -10, 4_000_000),
        "tiled": True, "blockxsize": 48, "blockysize": 32,
    }  # fmt: skip
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, GDAL_TIFF_OVR_BLOCKSIZE=64),
        rasterio.open(path, "w", **(profile | options)) as dataset,
    ):
        dataset.write(pixels)
        if mask is not None:
            dataset.write_mask(mask)
        if overviews:
            dataset.build_overviews(list(overviews), Resampling.nearest)
    return path


def require_found(path: Path) -> Tiff:
    """Every block of every band and level is where GDAL says, and decodes to what GDAL reads."""
    tiff = read_tiff(path)
    assert tiff is not None
    data = path.read_bytes()
    assert tiff.size == len(data)
    with rasterio.open(path) as dataset:
        assert len(tiff.levels) == 1 + len(dataset.overviews(1))
        for number, band in itertools.product(range(len(tiff.levels)), dataset.indexes):
            _require_places(tiff, number, band, dataset)
            _require_pixels(tiff, number, band, path, data)
    return tiff


def _require_places(
    tiff: Tiff, number: int, band: int, dataset: "rasterio.io.DatasetReader"
) -> None:
    level = tiff.levels[number]
    rows, columns = blocks_of(level.document)
    for row, column in itertools.product(range(rows), range(columns)):
        told = [
            int(dataset.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", band,
                                     number - 1 if number else None) or 0)
            for what in ("OFFSET", "SIZE")
        ]  # fmt: skip
        place = level.plane(band), row, column
        assert told == [level.offsets[place], level.sizes[place]]


def _require_pixels(tiff: Tiff, number: int, band: int, path: Path, data: bytes) -> None:
    level = tiff.levels[number]
    options = {"overview_level": number - 1} if number else {}
    with rasterio.open(path, **options) as dataset:
        expected = dataset.read(band)
        assert dataset.block_shapes[0] == level.document.block
    assert expected.shape == level.document.shape
    plane, shape = level.plane(band), blocks_of(level.document)
    pairs = zip(level.offsets[plane].ravel(), level.sizes[plane].ravel(), strict=True)
    blocks = [data[int(offset) : int(offset + size)] for offset, size in pairs]
    found = decode(level.format(band), blocks, shape, level.document.block)
    found = found[: expected.shape[0], : expected.shape[1]]
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f")


@pytest.mark.parametrize("options", CODECS, ids=lambda own: "-".join(map(str, own.values())))
@pytest.mark.parametrize("dtype", TYPES)
def test_every_codec_and_type(options: Options, dtype: str, tmp_path: Path) -> None:
    """Blocks of every codec and type are found on every level, and decode alone."""
    predictor = options.get("predictor", 1)
    if dtype.startswith("float") and predictor == 2:
        options = {**options, "predictor": 3}
    if dtype == "int8" and options["compress"].startswith("LERC"):
        options = {"compress": "LZMA"}  # GDAL has no LERC of int8
    require_found(write(tmp_path / "a.tif", pixels_of(dtype), overviews=(2, 4), **options))


@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("compress", ["DEFLATE", "ZSTD", "LERC", "NONE"])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_several_bands(interleave: str, compress: str, count: int, tmp_path: Path) -> None:
    """A band is found whether its pixels lie beside those of others or in planes of their own."""
    pixels = pixels_of("uint16", count)
    path = write(
        tmp_path / "a.tif", pixels, interleave=interleave, compress=compress, overviews=(2,)
    )
    tiff = require_found(path)
    formats = {tiff.levels[0].format(band) for band in range(1, count + 1)}
    assert len(formats) == (1 if interleave == "band" else count)


@pytest.mark.parametrize(
    "options",
    [
        {"compress": "JPEG"},
        {"compress": "JPEG", "photometric": "YCBCR", "interleave": "pixel"},
        {"compress": "JPEG", "interleave": "band"},
        {"compress": "WEBP", "interleave": "pixel"},
        {"compress": "WEBP", "WEBP_LOSSLESS": True, "interleave": "pixel"},
        {"compress": "DEFLATE", "photometric": "RGB", "interleave": "band"},
        {"compress": "DEFLATE", "photometric": "CMYK", "count": 4},
        {"compress": "DEFLATE", "photometric": "RGB", "alpha": "yes", "count": 4},
    ],
)
def test_pictures(options: dict[str, Any], tmp_path: Path) -> None:
    """Bands of a picture, where they are stored as colours too."""
    count = options.get("count", 3)
    options = {key: value for key, value in options.items() if key != "count"}
    if options["compress"] in ("JPEG", "WEBP"):
        options |= {"blockxsize": 64, "blockysize": 64}
    require_found(write(tmp_path / "a.tif", pixels_of("uint8", count), overviews=(2,), **options))


@pytest.mark.parametrize("endianness", ["BIG", "LITTLE"])
@pytest.mark.parametrize("bigtiff", ["YES", "NO"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
def test_byte_orders_and_sizes(endianness: str, bigtiff: str, dtype: str, tmp_path: Path) -> None:
    """Either byte order, 32 or 64 bits: the same blocks."""
    path = write(tmp_path / "a.tif", pixels_of(dtype, 2), ENDIANNESS=endianness, BIGTIFF=bigtiff,
                 compress="DEFLATE", overviews=(2, 4, 8))  # fmt: skip
    tiff = require_found(path)
    assert tiff.levels[0].big_endian == (endianness == "BIG")
    assert path.read_bytes()[2:4] in (b"\0\x2a", b"\x2a\0", b"\0\x2b", b"\x2b\0")


@pytest.mark.parametrize("nodata", [None, 0, 7])
@pytest.mark.parametrize("interleave", ["pixel", "band"])
def test_sparse_files(nodata: int | None, interleave: str, tmp_path: Path) -> None:
    """Blocks that are not in the file have neither offset nor size, and read as nodata."""
    pixels = np.zeros((2, 150, 210), np.uint16)
    pixels[:, 100:, 150:] = 9
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", count=2, height=150, width=210, dtype="uint16",
        nodata=nodata, tiled=True, blockxsize=48, blockysize=32, SPARSE_OK=True, compress="LZW",
        crs="EPSG:32630", transform=Affine(10, 0, 500_000, 0, -10, 4_000_000),
        interleave=interleave,
    ) as dataset:  # fmt: skip
        dataset.write(pixels[:, 96:, 144:], window=rasterio.windows.Window(144, 96, 66, 54))
    tiff = require_found(tmp_path / "a.tif")
    missing = tiff.levels[0].sizes == 0
    assert missing.any()
    assert not missing.all()
    assert (tiff.levels[0].offsets[missing] == 0).all()


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_masks_are_no_levels(dtype: str, tmp_path: Path) -> None:
    """A mask inside of the file, and its overviews, are left out."""
    mask = np.zeros((150, 210), np.uint8)
    mask[20:90] = 255
    path = write(tmp_path / "a.tif", pixels_of(dtype), mask=mask, overviews=(2, 4), compress="LZW")
    assert len(require_found(path).levels) == 3


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("nbits", [None, 4])
def test_colour_tables_are_left_out(dtype: str, nbits: int | None, tmp_path: Path) -> None:
    """Classes with a table of colours decode to the classes, without the table."""
    path = tmp_path / "a.tif"
    options = {} if nbits is None else {"nbits": nbits}
    pixels = np.minimum(pixels_of(dtype), 15)
    write(path, pixels, compress="DEFLATE", photometric="PALETTE", **options)
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {number: (number, 0, 0, 255) for number in range(16)})
        assert dataset.colorinterp[0] == ColorInterp.palette
    tiff = require_found(path)
    assert tag_of(tiff.levels[0].format(1), 320) is None


@pytest.mark.parametrize("nbits", [1, 2, 5, 12])
def test_bits_that_are_no_whole_bytes(nbits: int, tmp_path: Path) -> None:
    """Pixels of a few bits are found as well."""
    pixels = np.minimum(pixels_of("uint16" if nbits > 8 else "uint8"), 2**nbits - 1)
    require_found(write(tmp_path / "a.tif", pixels, nbits=nbits, compress="DEFLATE"))


@pytest.mark.parametrize(
    ("dtype", "compress"),
    [
        pair
        for pair in itertools.product(TYPES, ["ZSTD", "DEFLATE", "LERC", "NONE"])
        if pair != ("int8", "LERC")  # which GDAL does not have
    ],
)
def test_cogs(dtype: str, compress: str, tmp_path: Path) -> None:
    """COGs, whose overviews lie before the pixels; the header is what lies before the first block."""
    write(tmp_path / "plain.tif", pixels_of(dtype, 1, (300, 410)), nodata=0)
    options = {} if compress in ("LERC", "NONE") else {"PREDICTOR": "YES"}
    rasterio.shutil.copy(tmp_path / "plain.tif", tmp_path / "a.tif", driver="COG", BLOCKSIZE=128,
                         COMPRESS=compress, **options)  # fmt: skip
    tiff = require_found(tmp_path / "a.tif")
    assert len(tiff.levels) == 3
    header = tmp_path / "header.tif"
    header.write_bytes((tmp_path / "a.tif").read_bytes()[: tiff.header_size])
    with rasterio.open(header) as dataset:
        first = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", 1, 1))
    assert first == tiff.header_size


def test_records_are_those_of_the_file(tmp_path: Path) -> None:
    """Offsets, sizes and checksums of all levels, one after the other."""
    path = write(tmp_path / "a.tif", pixels_of("uint16", 2), interleave="band", overviews=(2, 4))
    data, tiff = path.read_bytes(), read_tiff(path)
    found = read_blocks(path, 2, 0)
    assert found is not None
    assert tiff is not None
    stored, records = found
    assert (stored.size, stored.header_size) == (len(data), tiff.header_size)
    assert stored.levels == tuple(level.document for level in tiff.levels)
    offsets = np.concatenate([level.offsets[1].ravel() for level in tiff.levels])
    assert (offsets_of(records) == offsets).all()
    for offset, record in zip(offsets, records, strict=True):
        block = data[int(offset) : int(offset) + int(record["size"])]
        assert zlib.crc32(block) == record["crc"]


@pytest.mark.parametrize("driver", ["GTiff", "PNG", "VRT"])
def test_what_is_not_tiled(driver: str, tmp_path: Path) -> None:
    """A TIFF in strips has no blocks to tell of; what is no TIFF is an error."""
    path = write(tmp_path / "plain.tif", pixels_of("uint8"), tiled=False, blockxsize=210)
    if driver == "GTiff":
        assert read_tiff(path) is None
        assert read_blocks(path, 1, 0) is None
        return
    rasterio.shutil.copy(path, tmp_path / "a.tif", driver=driver)
    with pytest.raises(SourceError, match=r"a\.tif can't be indexed \(it does not begin as one\)"):
        read_tiff(tmp_path / "a.tif")


def test_overviews_in_strips(tmp_path: Path) -> None:
    """A file is not told of in part: one level in strips, and it must be opened."""
    path = write(tmp_path / "a.tif", pixels_of("uint8"))
    strips = write(
        tmp_path / "b.tif", pixels_of("uint8", 1, (75, 105)), tiled=False, blockxsize=105
    )
    one, other = path.read_bytes(), strips.read_bytes()
    path.write_bytes(_chained(one, other))
    assert read_tiff(path) is None


def _chained(one: bytes, other: bytes) -> bytes:
    """A TIFF whose second image, an overview in strips, has a header of just what it needs."""
    at = struct.unpack_from("<I", one, 4)[0]
    count = struct.unpack_from("<H", one, at)[0]
    tags = [(254, 1), (256, 105), (257, 75), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1),
            (278, 75), (279, 105 * 75)]  # fmt: skip
    header = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", c, 4, 1, v) for c, v in tags
    )
    chained = bytearray(one + header + bytes(4) + other[:0])
    struct.pack_into("<I", chained, at + 2 + 12 * count, len(one))
    return bytes(chained)


def test_headers_without_end(tmp_path: Path) -> None:
    """Headers that lead back to each other are an error, soon."""
    path = write(tmp_path / "a.tif", pixels_of("uint8"))
    data = bytearray(path.read_bytes())
    at = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<I", data, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], at)
    path.write_bytes(data)
    with pytest.raises(SourceError, match="its headers have no end"):
        read_tiff(path)


@pytest.mark.parametrize("left", [0, 1, 7, 8, 100, 2000, -1])
def test_files_cut_short(left: int, tmp_path: Path) -> None:
    """A file that ends too soon is an error that names it."""
    path = write(tmp_path / "a.tif", pixels_of("uint8"))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(SourceError, match=r"a\.tif can't be indexed"):
        read_blocks(path, 1, 0)


def test_a_missing_file(tmp_path: Path) -> None:
    """It is said like damage, with the system's reason."""
    with pytest.raises(SourceError, match=r"No such file"):
        read_tiff(tmp_path / "a.tif")


def test_damaged_blocks(tmp_path: Path) -> None:
    """A block that can't be unpacked is found when the file is read to its end."""
    path = write(tmp_path / "a.tif", pixels_of("uint8"), compress="ZSTD")
    tiff = read_tiff(path)
    assert tiff is not None
    data = bytearray(path.read_bytes())
    start = int(tiff.levels[0].offsets[0, 1, 1])
    data[start : start + 9] = bytes(9)
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"a\.tif can't be indexed"):
        read_blocks(path, 1, 0)


def _samples(folder: Path) -> Iterator[Path]:
    yield write(folder / "a.tif", pixels_of("uint8", 1, (70, 100)), overviews=(2,))
    yield write(
        folder / "b.tif", pixels_of("int16", 3, (70, 100)), interleave="band", BIGTIFF="YES"
    )
    yield write(folder / "c.tif", pixels_of("int16", 1, (70, 100)), ENDIANNESS="BIG", nodata=0)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Some small files."""
    return [path.read_bytes() for path in _samples(tmp_path_factory.mktemp("samples"))]


@given(seed=st.integers(0, 2**32), which=st.integers(0, 2), flips=st.integers(1, 6))
@settings(deadline=None, max_examples=300)
def test_any_damage_of_the_header(
    samples: list[bytes],
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    which: int,
    flips: int,
) -> None:
    """Whatever bytes a header holds: blocks that are in the file, none, or one of our errors."""
    chance, data = random.Random(seed), bytearray(samples[which])
    for _ in range(flips):
        data[chance.randrange(min(len(data), 900))] = chance.choice(
            [0, 1, 255, chance.randrange(256)]
        )
    path = tmp_path_factory.mktemp("damage") / "a.tif"
    path.write_bytes(data)
    try:
        tiff = read_tiff(path)
    except SourceError:
        return
    for level in tiff.levels if tiff else ():
        assert (level.offsets + level.sizes <= len(data)).all()
        assert level.format(1).tags

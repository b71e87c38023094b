"""`shoestring check` holds a tile index against the files: whatever it says wrongly is named."""

import hashlib
import json
import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import rasterio.shutil
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_schema.site import IndexDocument
from shoestring_schema.tile_index import (
    RECORD,
    SEAL,
    Head,
    Layout,
    Piece,
    RunKey,
    blocks_of,
    pack_head,
    seal,
    unpack_head,
)
from support.mosaics import republish, write_configuration, write_raster
from support.remembered import contents_looked_at_once

pytestmark = pytest.mark.pixels

Json = dict[str, Any]
Runs = dict[RunKey, "np.ndarray[Any, Any]"]

CONFIGURATION = """\
[catalogue]
id = "test"
settle = "0 seconds"

[[collections]]
id = "s2"
source = "mosaics/{date}_{band}.tif"
[collections.bands.B04]
nodata = 0
[collections.bands.SCL]
nodata = 0
resampling = "nearest"
[collections.mask]
band = "SCL"
clear = [4]

[[collections]]
id = "tiled"
source = "site/raw/{date}_{tile}.tif"
layout = "vrt"
[collections.bands.B08]
nodata = 0
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of COGs with a mask, and of VRTs; not to be changed."""
    folder = tmp_path_factory.mktemp("built")
    random = np.random.default_rng(1)
    for date in ("2018-01-02", "2018-01-05"):
        write_raster(folder / f"mosaics/{date}_B04.tif", random.integers(0, 2000, (300, 280)))
        classes = random.integers(3, 6, (3, 3)).repeat(100, 0).repeat(100, 1)[:, :280]
        write_raster(folder / f"mosaics/{date}_SCL.tif", classes, dtype="uint8")
        for number in range(2):
            _write_tile(folder / f"site/raw/{date}_{number}.tif", 5 + number, number)
    assert build(write_configuration(folder, CONFIGURATION)).failed == ()
    return folder / "site"


def _write_tile(path: Path, value: int, number: int) -> None:
    plain = path.with_name("plain.tif")
    origin = 500_000.0 + 640 * number, 4_000_000.0
    write_raster(plain, value, shape=(128, 128), origin=origin, nodata=0)
    rasterio.shutil.copy(plain, path, driver="GTiff", TILED="YES", BLOCKXSIZE=64, BLOCKYSIZE=64)
    plain.unlink()


@pytest.fixture(autouse=True, scope="module")
def looked_at_once() -> Iterator[None]:
    """Most documents and files are the same in all tests."""
    with contents_looked_at_once():
        yield


@pytest.fixture
def site(built: Path, tmp_path: Path) -> Path:
    """A copy of that site, to be broken."""
    return Path(shutil.copytree(built, tmp_path / "site"))


class Broken:
    """An index that can be changed and published again, with all of its sums right."""

    def __init__(self, site: Path, name: str = "s2") -> None:
        self.site, self.name = site, name
        self.pointer = json.loads((site / name / "collection.json").read_text())
        stated = self.pointer["shoestring:parts"][0]["index"]
        self.document = msgspec.convert(stated, IndexDocument)
        self.path = site / name / self.document.href
        data = self.path.read_bytes()
        self.head = unpack_head(data[: self.document.head_size], "index")
        layout = Layout(self.document)
        self.runs: Runs = {}
        for key in self._keys():
            start, end = layout.run(key)
            self.runs[key] = np.frombuffer(data[start : end - SEAL], RECORD).copy()

    def _keys(self) -> list[RunKey]:
        return [
            RunKey(stack, level, row, column, band)
            for stack, document in enumerate(self.document.stacks)
            for level, shapes in enumerate(document.levels)
            for row in range(blocks_of(shapes)[0])
            for column in range(blocks_of(shapes)[1])
            for band in range(len(document.files))
        ]

    def publish(self, *, head: bytes | None = None, sealed_as: RunKey | None = None) -> None:
        """Write the index and what names it; `sealed_as` bears the next run's seal."""
        packed = pack_head(self.head) if head is None else head
        runs = b"".join(
            records.tobytes()
            + seal(replace(key, row=key.row + 1) if key == sealed_as else key, records.tobytes())
            for key, records in self.runs.items()
        )
        data = packed + runs
        digest = hashlib.sha256(data).hexdigest()
        self.path.unlink()
        path = self.path.with_name(f"index-{digest[:16]}.bin")
        path.write_bytes(data)
        stated = msgspec.structs.replace(
            self.document, href=f"./2018/{path.name}", size=len(data), head_size=len(packed),
            checksum=f"1220{digest}",
        )  # fmt: skip
        self.point(msgspec.to_builtins(stated))

    def point(self, stated: Any) -> None:  # noqa: ANN401
        """Let the collection say this of the index."""
        self.pointer["shoestring:parts"][0]["index"] = stated
        (self.site / self.name / "collection.json").write_text(json.dumps(self.pointer))
        republish(self.site)


def faults(site: Path) -> list[str]:
    """What the check says."""
    return list(check(site).faults)


def test_an_index_that_was_published_again(site: Path) -> None:
    """The helper of these tests breaks nothing by itself, and an index is read and named."""
    for name in ("s2", "tiled"):
        Broken(site, name).publish()
    report = check(site)
    assert (report.faults, report.notes) == ((), ())


def spoil_byte(path: Path) -> None:
    """Change one byte."""
    data = bytearray(path.read_bytes())
    data[-9] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (Path.unlink, "is no file of the site"),
        (lambda path: path.write_bytes(path.read_bytes()[:-4]), "bytes, the catalogue says"),
        (spoil_byte, "is not the file that was published: its checksum differs"),
    ],
)
def test_damaged_files(site: Path, spoil: Callable[[Path], None], sentence: str) -> None:
    """An index that is missing, cut short or changed by one bit is named."""
    spoil(Broken(site).path)
    found = faults(site)
    assert found
    assert all("2018/index-" in fault for fault in found)
    assert sentence in found[0]


def test_a_name_of_other_content(site: Path) -> None:
    """An index by a name that is not that of its content is named."""
    broken = Broken(site)
    broken.path.rename(broken.path.with_name("index-0123456789abcdef.bin"))
    stated = msgspec.structs.replace(broken.document, href="./2018/index-0123456789abcdef.bin")
    broken.point(msgspec.to_builtins(stated))
    (fault,) = faults(site)
    assert fault.endswith("does not hold the content that its name has the hash of.")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"head_size": 3}, "is not the index that its collection names"),
        ({"stacks": ()}, "is not the index that its collection names"),
        ({"size": 3}, "bytes, the catalogue says 3"),
        ({"href": "../../x.bin"}, "outside of the site"),
    ],
)
def test_what_the_collection_says(site: Path, changes: Json, sentence: str) -> None:
    """Size, head and stacks must be those of the file."""
    broken = Broken(site)
    broken.point(msgspec.to_builtins(msgspec.structs.replace(broken.document, **changes)))
    assert any(sentence in fault for fault in faults(site))


@pytest.mark.parametrize("head", [b"", b"x", pack_head(Head((), (), {}))[:-1]])
def test_heads_that_are_none(site: Path, head: bytes) -> None:
    """A head that can't be unpacked is named."""
    Broken(site).publish(head=head)
    (fault,) = faults(site)
    assert "is no tile index, or damaged" in fault


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("offset_low", "offsets"),
        ("offset_high", "offsets"),
        ("size", "sizes"),
        ("crc", "checksums"),
        ("valid", "valid shares"),
        ("clear", "clear shares"),
    ],
)
@pytest.mark.parametrize("name", ["s2", "tiled"])
@pytest.mark.parametrize("level", [0, -1])
def test_wrong_records(site: Path, field: str, what: str, name: str, level: int) -> None:
    """A record that is not what the file says is named, on every level, of COGs and of sources."""
    broken = Broken(site, name)
    key = list(broken.runs)[level]
    broken.runs[key][field][-1] ^= 1
    broken.publish()
    (fault,) = faults(site)
    assert f"has wrong {what} for a block of " in fault


def test_wrong_seals(site: Path) -> None:
    """A run that bears another one's seal is named."""
    broken = Broken(site)
    broken.publish(sealed_as=list(broken.runs)[1])
    (fault,) = faults(site)
    assert "has a run with a wrong seal (stack 0, level 0, row 0)" in fault


def swap_files(head: Head) -> Head:
    """Let the two files of a band change their places."""
    files = dict(head.files[0])
    files["B04"] = files["B04"][::-1]
    return msgspec.structs.replace(head, files=(files, *head.files[1:]))


def other_format(head: Head) -> Head:
    """Let blocks be decoded in another way."""
    how = head.formats[0]
    return msgspec.structs.replace(
        head,
        formats=(msgspec.structs.replace(how, tags=how.tags[1:]), *head.formats[1:]),
    )


def lacking(head: Head) -> Head:
    """Leave a layer out."""
    layers = {band: dict(dates) for band, dates in head.layers.items()}
    del layers["B04"]["2018-01-05"]
    return msgspec.structs.replace(head, layers=layers)


def extra(head: Head) -> Head:
    """Tell of a layer that there is not."""
    layers = {band: dict(dates) for band, dates in head.layers.items()}
    layers["B04"]["2018-01-06"] = layers["B04"]["2018-01-05"]
    return msgspec.structs.replace(head, layers=layers)


def twice(head: Head) -> Head:
    """Make a layer of a file that it is not made of."""
    layers = {band: dict(dates) for band, dates in head.layers.items()}
    layers["B04"]["2018-01-05"] *= 2
    return msgspec.structs.replace(head, layers=layers)


def beyond(head: Head) -> Head:
    """Make a layer of a file that the index does not have."""
    layers = {band: dict(dates) for band, dates in head.layers.items()}
    layers["B04"]["2018-01-05"] = (Piece(stack=0, file=2),)
    return msgspec.structs.replace(head, layers=layers)


def no_format(head: Head) -> Head:
    """Name a format that is not there."""
    return msgspec.structs.replace(head, formats=head.formats[:1])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (swap_files, "is made of other files, or in another way, than it is"),
        (other_format, "is made of other files, or in another way, than it is"),
        (lacking, "does not tell of 2018-01-05 'B04'"),
        (lacking, "which no layer is made of"),
        (extra, "tells of 2018-01-06 'B04', which no item has"),
        (twice, "is made of other files, or in another way, than it is"),
        (beyond, "has a layer of 'B04' made of a file that it lacks"),
        (no_format, "has no format for the blocks of"),
    ],
)
def test_wrong_heads(site: Path, change: Callable[[Head], Head], sentence: str) -> None:
    """A head that tells of other layers or files than there are is named."""
    broken = Broken(site)
    broken.head = change(broken.head)
    broken.publish()
    assert any(sentence in fault for fault in faults(site))


def moved(document: IndexDocument) -> IndexDocument:
    """Let the first stack begin elsewhere on the grid."""
    first = msgspec.structs.replace(document.stacks[0], place=(0, 1))
    return msgspec.structs.replace(document, stacks=(first, *document.stacks[1:]))


def test_wrong_places(site: Path) -> None:
    """A stack that begins elsewhere on the grid is named."""
    broken = Broken(site, "tiled")
    broken.document = moved(broken.document)
    broken.publish()
    assert any("is made of other files, or in another way" in fault for fault in faults(site))


@pytest.mark.parametrize("field", ["source", "target", "nodata"])
def test_wrong_pieces(site: Path, field: str) -> None:
    """A piece of a VRT that is cut, placed or laid over others otherwise is named."""
    broken = Broken(site, "tiled")
    layers = {band: dict(dates) for band, dates in broken.head.layers.items()}
    first, *others = layers["B08"]["2018-01-02"]
    wrong: Any = 9.0 if field == "nodata" else (0, 0, 1, 1)
    changed = msgspec.structs.replace(first, **{field: wrong})
    layers["B08"]["2018-01-02"] = (changed, *others)
    broken.head = msgspec.structs.replace(broken.head, layers=layers)
    broken.publish()
    (fault,) = faults(site)
    assert "is made of other files, or in another way, than it is" in fault


def test_a_layer_that_must_be_opened(site: Path) -> None:
    """An index may leave a layer to be opened; its file then belongs to no layer."""
    broken = Broken(site)
    layers = {band: dict(dates) for band, dates in broken.head.layers.items()}
    layers["B04"]["2018-01-05"] = ()
    broken.head = msgspec.structs.replace(broken.head, layers=layers)
    broken.publish()
    (fault,) = faults(site)
    assert "which no layer is made of" in fault


def test_a_damaged_layer_is_told_once(site: Path) -> None:
    """What is wrong with a file is not told again of its index."""
    (path,) = (site / "s2/2018").glob("2018-01-02_B04-*.tif")
    spoil_byte(path)
    assert len(faults(site)) == 2  # the checksum, and the name
    (path,) = (site / "s2/2018").glob("2018-01-02_SCL-*.tif")
    spoil_byte(path)
    assert len(faults(site)) == 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_hostile_indexes(
    built: Path, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever a collection or a head says of an index, the check says sentences and goes on."""
    site = tmp_path_factory.mktemp("hostile") / "site"
    shutil.copytree(built, site)
    broken = Broken(site, data.draw(st.sampled_from(["s2", "tiled"])))
    if data.draw(st.booleans()):
        stated = msgspec.to_builtins(broken.document)
        stack = stated["stacks"][0]
        place: Any = data.draw(st.sampled_from([stated, stack, stack["levels"][0]]))
        place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
        broken.point(stated)
    else:
        head = json.loads(msgspec.json.encode(broken.head))
        place = data.draw(
            st.sampled_from([head, head["files"][0], head["layers"], head["formats"][0]])
        )
        place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
        broken.publish(head=zlib.compress(json.dumps(head).encode()))
    assert all(isinstance(fault, str) for fault in check(site).faults)
    shutil.rmtree(site)

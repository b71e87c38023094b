"""`shoestring check` knows snapshots: whatever of them is broken is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.publish.rollback import list_snapshots
from support.mosaics import write_configuration, write_raster, write_season

Json = dict[str, Any]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that keeps two snapshots: a layer was reprocessed and a date added."""
    folder = write_season(tmp_path_factory.mktemp("built"), dates=2)
    config = write_configuration(folder)
    build(config)
    write_raster(folder / "mosaics" / "S2_2018-01-01_B04.tif", 99)
    write_raster(folder / "mosaics" / "S2_2018-01-03_B04.tif", 98)
    build(config)
    assert (check(folder / "site").faults, check(folder / "site").notes) == ((), ())
    return folder / "site"


@pytest.fixture
def site(built: Path, tmp_path: Path) -> Path:
    """A copy of that site, to be broken."""
    return Path(shutil.copytree(built, tmp_path / "site"))


def edit(path: Path, change: Callable[[Json], object]) -> None:
    """Change a document where it stands."""
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def faults(site: Path) -> list[str]:
    """What the check says."""
    return list(check(site).faults)


def of_old(site: Path, pattern: str) -> Path:
    """The one file of a pattern that only the older snapshot names."""
    old, new = (own.id for own in list_snapshots(site)[0])
    texts = []
    for name in (old, new):
        (entry,) = json.loads((site / f"catalog-{name}.json").read_text())["shoestring:collections"]
        document = json.loads((site / entry["href"]).read_text())
        parts = [(site / "s2" / part["href"]).read_text() for part in document["shoestring:parts"]]
        texts.append(json.dumps([entry, document]) + "".join(parts))
    (found,) = [
        path for path in site.glob(pattern) if path.name in texts[0] and path.name not in texts[1]
    ]
    return found


@pytest.mark.parametrize(
    "pattern",
    ["s2/collection-*.json", "s2/2018/items-*.json", "s2/2018/catalog-*.json",
     "s2/2018/index-*.bin", "s2/2018/2018-01-01_B04-*.tif", "s2/2018/2018-01-01-*.png"],
)  # fmt: skip
def test_a_damaged_file_of_a_kept_snapshot(site: Path, pattern: str) -> None:
    """A bit that changed in a file which only an older snapshot names is found, and its loss too."""
    path = of_old(site, pattern)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert any(path.name in fault for fault in faults(site))
    path.unlink()
    assert any(path.name in fault for fault in faults(site))


@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_snapshot(site: Path, which: int) -> None:
    """The document of a snapshot that is not what its name says, or not there, is named."""
    name = f"catalog-{list_snapshots(site)[0][which].id}.json"
    edit(site / name, lambda document: document.update(title="another"))
    assert f"{name} does not hold the content that its name has the hash of." in faults(site)
    (site / name).unlink()
    assert any(f"names '{name}', which is no file of the site" in fault for fault in faults(site))


@pytest.mark.parametrize("pattern", ["catalog-*.json", "s2/collection-*.json"])
def test_a_byte_that_is_no_text(site: Path, pattern: str) -> None:
    """It is told of the document that holds it, also where it stands in what no reader of ours reads."""
    for path in site.glob(pattern):
        data = path.read_bytes()
        assert b'"stac_version"' in data
        path.write_bytes(data.replace(b'"stac_version"', b'"stac\x8eversion"'))
        assert any(path.name in fault for fault in faults(site))
        path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("catalog.json", lambda d: d.pop("shoestring:snapshot"),
         "catalog.json names a snapshot or its collections, but not both."),
        ("catalog.json", lambda d: d["shoestring:collections"][0].update(size=1),
         "catalog.json does not say what catalog-"),
        ("catalog.json", lambda d: d["shoestring:snapshot"].update(time="2001-01-01T00:00:00Z"),
         "snapshots.json and catalog.json disagree on the time of "),
        ("catalog.json", lambda d: d["shoestring:snapshot"].update(id="f" * 16),
         "which is no file of the site"),
        ("catalog.json", lambda d: d.update(links=[]),
         "catalog.json does not link to just the collections of its snapshot."),
        ("s2/collection.json", lambda d: d.update(title="another"),
         "s2/collection.json does not say what s2/collection-"),
        ("s2/collection.json", lambda d: d.pop("shoestring:snapshot"),
         "s2/collection.json is not marked as of snapshot "),
        ("s2/database.json", lambda d: None, "s2/database.json is not that of snapshot "),
        ("snapshots.json", lambda d: d["snapshots"].pop(), "snapshots.json lacks "),
        ("snapshots.json", lambda d: d["snapshots"].append(d["snapshots"][0]),
         "snapshots.json lists a snapshot twice."),
        ("snapshots.json", lambda d: d["snapshots"][0].update(time="2999-01-01T00:00:00Z"),
         "snapshots.json does not list its snapshots in the order of their times."),
        ("snapshots.json", lambda d: d["snapshots"][0].update(id="../x"), "snapshots.json is not"),
        ("snapshots.json", lambda d: d.update({"shoestring:version": "2.0"}),
         "snapshots.json follows catalogue schema 2.0"),
    ],
)  # fmt: skip
def test_pointers_that_do_not_agree(
    site: Path, name: str, change: Callable[[Json], object], sentence: str
) -> None:
    """A pointer that shows another snapshot than `catalog.json` says, or none, is named."""
    edit(site / name, change)
    assert any(sentence in fault for fault in faults(site))


@pytest.mark.parametrize("name", ["s2/database.json", "snapshots.json", "s2/collection.json"])
def test_a_pointer_that_is_lost(site: Path, name: str) -> None:
    """A pointer that is not there is named."""
    (site / name).unlink()
    assert any(name.rpartition("/")[2] in fault for fault in faults(site))


def test_the_next_build_mends_pointers(site: Path, built: Path, tmp_path: Path) -> None:
    """Pointers other than `catalog.json` that were damaged or lost are right after the next run."""
    shutil.copytree(built.parent / "mosaics", tmp_path / "mosaics")
    config = write_configuration(tmp_path)
    (site / "snapshots.json").unlink()
    (site / "s2" / "database.json").write_text("{")
    edit(site / "s2" / "collection.json", lambda document: document.update(title="another"))
    assert faults(site)
    assert build(config).collections[0].rendered == 0
    assert faults(site) == []

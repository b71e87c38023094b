"""A site that moves: what holds absolute addresses is written anew, and nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.publish.rebase import rebase
from shoestring_builder.publish.site_folder import open_site
from shoestring_schema.errors import BusyError, CatalogueError, ConfigError
from support.command import run_here
from support.mosaics import (
    CONFIGURATION,
    timeless,
    times,
    tree,
    write_configuration,
    write_raster,
    write_season,
)

BASE = "https://example.org/ghana"
ELSEWHERE = "https://example.com/sites/ghana"


def configured(base: str | None) -> str:
    """The usual configuration with an address."""
    lines = [
        "status = false",
        'description = "Of a test."',
        *([f'base_url = "{base}"'] if base else []),
    ]
    second = CONFIGURATION[CONFIGURATION.index("[[collections]]") :].replace('"s2"', '"t2"')
    second = second.replace("id =", 'title = "Again"\nattribution = "A test"\nid =')
    return CONFIGURATION.replace("settle", "\n".join([*lines, "settle"])) + second


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources of two parts of two collections."""
    folder = write_season(tmp_path_factory.mktemp("rebase"))
    for band, dtype in (("B04", "uint16"), ("SCL", "uint8")):
        write_raster(folder / f"mosaics/S2_2017-06-01_{band}.tif", 4, dtype=dtype)
    return folder


@pytest.fixture(scope="module")
def built(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, Path]:
    """The same site with each address, and with none; not to be changed."""
    found = {}
    for base in (None, BASE, ELSEWHERE):
        project = Path(shutil.copytree(sources, tmp_path_factory.mktemp("built") / "project"))
        build(write_configuration(project, configured(base)))
        found[base] = project
    return found


def shown(site: Path) -> str:
    """The snapshot that a site shows."""
    found: str = json.loads((site / "catalog.json").read_text())["shoestring:snapshot"]["id"]
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [(BASE, ELSEWHERE), (None, BASE), (BASE, None), (BASE, BASE), (None, None)],
    ids=["moved", "given", "taken away", "the same", "none as before"],
)
def test_rebase_is_a_build_with_that_address(
    built: dict[str | None, Path], tmp_path: Path, before: str | None, after: str | None
) -> None:
    """Without configuration or sources: the same snapshot, all of whose files are the same."""
    site = Path(shutil.copytree(built[before] / "site", tmp_path / "site"))
    done = rebase(site, after)
    expected = timeless(built[after] / "site")
    assert done.snapshot == shown(site) == shown(built[after] / "site")
    assert done.changed == (before != after)
    ours = timeless(site)
    assert {name: ours.get(name) for name in expected} == expected
    assert check(site).faults == ()


def test_the_next_build_has_nothing_to_do(built: dict[str | None, Path], tmp_path: Path) -> None:
    """With the new address in its configuration it renders and writes nothing."""
    project = Path(shutil.copytree(built[BASE], tmp_path / "project"))
    rebase(project / "site", ELSEWHERE)
    before = times(project / "site")
    report = build(write_configuration(project, configured(ELSEWHERE)))
    assert not report.changed
    assert times(project / "site") == before


def test_without_it_the_next_build_goes_back(built: dict[str | None, Path], tmp_path: Path) -> None:
    """The configuration is what counts; nothing is rendered for it either."""
    project = Path(shutil.copytree(built[BASE], tmp_path / "project"))
    rebase(project / "site", ELSEWHERE)
    report = build(project / "site.toml")
    assert [own.rendered for own in report.collections] == [0, 0]
    assert shown(project / "site") == shown(built[BASE] / "site")


def test_no_address_of_before_is_left(built: dict[str | None, Path], tmp_path: Path) -> None:
    """No file of the new snapshot has the old address in it, in any of its bytes."""
    site = Path(shutil.copytree(built[BASE] / "site", tmp_path / "site"))
    old = set(tree(site))
    rebase(site, ELSEWHERE)
    pointers = [name for name in tree(site) if name.count("/") < 2 and name in old]
    for name in {*(tree(site).keys() - old), *pointers} - {"snapshots.json"}:
        if "-" not in name.rpartition("/")[2]:
            assert b"example.org" not in (site / name).read_bytes(), name


def test_the_command_reminds_of_the_configuration(
    built: dict[str | None, Path], tmp_path: Path
) -> None:
    """`shoestring rebase` tells the snapshot, and the line that belongs into the configuration."""
    site = Path(shutil.copytree(built[BASE] / "site", tmp_path / "site"))
    ran = run_here("rebase", site, ELSEWHERE)
    assert ran.code == 0
    assert shown(site) in ran.out
    assert f'base_url = "{ELSEWHERE}"' in ran.err
    ran = run_here("rebase", site, "--none")
    assert "no base_url" in ran.err
    assert run_here("rebase", site).code == 2
    assert run_here("rebase", site, BASE, "--none").code == 2


@pytest.mark.parametrize(
    "address", ["ftp://example.org", "example.org", f"{BASE}?a=1", f"{BASE}\n"]
)
def test_what_is_no_address(built: dict[str | None, Path], tmp_path: Path, address: str) -> None:
    """It is refused, and nothing is written."""
    site = Path(shutil.copytree(built[BASE] / "site", tmp_path / "site"))
    before = times(site)
    with pytest.raises(ConfigError, match="no public address"):
        rebase(site, address)
    assert times(site) == before


def test_a_site_that_is_not_whole(built: dict[str | None, Path], tmp_path: Path) -> None:
    """It stays as it is, and the sentence names the file."""
    site = Path(shutil.copytree(built[BASE] / "site", tmp_path / "site"))
    layer = next((site / "s2/2018").glob("*.tif"))
    layer.unlink()
    before = tree(site)
    with pytest.raises(CatalogueError, match=layer.name):
        rebase(site, ELSEWHERE)
    assert tree(site) == before


def test_not_while_a_builder_is_at_work(built: dict[str | None, Path], tmp_path: Path) -> None:
    """It needs the lock of builders."""
    site = Path(shutil.copytree(built[BASE] / "site", tmp_path / "site"))
    with open_site(site), pytest.raises(BusyError):
        rebase(site, ELSEWHERE)


def test_what_is_no_site(tmp_path: Path) -> None:
    """A folder without a catalogue is refused."""
    with pytest.raises(CatalogueError, match="is not a site"):
        rebase(tmp_path, BASE)

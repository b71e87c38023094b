"""What a run that came to no end has finished is used by the next one, and nothing else is."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shoestring_builder import build as building
from shoestring_builder.build import build
from shoestring_builder.check.site import check
from shoestring_builder.layer import RenderedLayer, RenderTask
from shoestring_builder.render.layer_file import render
from shoestring_schema.errors import LostWorkerError
from support.mosaics import (
    CONFIGURATION,
    hidden,
    timeless,
    write_configuration,
    write_raster,
    write_season,
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A season of three dates, and the site of it as a run makes it that nothing disturbs."""
    folder = write_season(tmp_path_factory.mktemp("finished"))
    build(write_configuration(folder))
    return folder


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """The same season without the site."""
    ignore = shutil.ignore_patterns("site")
    return Path(shutil.copytree(finished, tmp_path / "project", ignore=ignore))


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Build, and come to no end after so many layers: ``interrupt(config, 4)``."""

    def run(config: Path, layers: int) -> None:
        made: list[RenderTask] = []

        def some(task: RenderTask) -> RenderedLayer:
            if len(made) == layers:
                raise KeyboardInterrupt
            made.append(task)
            return render(task)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012
            patch.setattr(building, "render", some)
            build(config)

    return run


def counts(config: Path) -> tuple[int, int, int]:
    """Build, and tell how many layers were rendered, used again and kept."""
    report = build(config).collections[0]
    return report.rendered, report.reused, report.kept


Interrupt = Callable[[Path, int], None]


def test_finished_layers_are_not_rendered_again(
    project: Path, finished: Path, interrupt: Interrupt
) -> None:
    """The next run takes over what is finished, and the site is as if nothing had happened."""
    interrupt(project / "site.toml", 4)
    assert not (project / "site" / "catalog.json").exists()
    assert counts(project / "site.toml") == (2, 4, 0)
    assert timeless(project / "site") == timeless(finished / "site")
    assert hidden(project / "site") == []


def test_several_interrupted_runs_add_up(
    project: Path, finished: Path, interrupt: Interrupt
) -> None:
    """Each run goes on where the one before it ended, however often that happens."""
    for _ in range(3):
        interrupt(project / "site.toml", 1)
    assert counts(project / "site.toml") == (3, 3, 0)
    assert timeless(project / "site") == timeless(finished / "site")


def test_a_torn_line_is_passed_over(project: Path, finished: Path, interrupt: Interrupt) -> None:
    """A journal whose end is missing, or that holds rubbish, tells of what can still be read."""
    interrupt(project / "site.toml", 4)
    journal = project / "site" / ".staging" / "journal"
    data = journal.read_bytes()
    assert data.count(b"\n") == 4
    journal.write_bytes(b"\xff\0rubbish\n{}\n" + data[:-9])
    assert counts(project / "site.toml") == (3, 3, 0)
    assert timeless(project / "site") == timeless(finished / "site")


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_finished_file_that_was_damaged_is_made_again(
    project: Path, finished: Path, interrupt: Interrupt, damage: str
) -> None:
    """Nothing is taken over that is not what the journal says, to the last byte."""
    interrupt(project / "site.toml", 4)
    path = min((project / "site" / ".staging").glob("*/*.tif"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data[:-1] if damage == "cut" else data)
    if damage == "gone":
        path.unlink()
    assert counts(project / "site.toml") == (3, 3, 0)
    assert timeless(project / "site") == timeless(finished / "site")


def test_records_that_were_damaged_are_read_again(
    project: Path, finished: Path, interrupt: Interrupt
) -> None:
    """Where only what was noted of a layer's blocks is damaged, the layer itself is taken over."""
    interrupt(project / "site.toml", 4)
    for path in (project / "site" / ".staging").glob("*/*.records"):
        path.write_bytes(b"x" * path.stat().st_size)
    assert counts(project / "site.toml") == (2, 4, 0)
    assert timeless(project / "site") == timeless(finished / "site")


def test_a_source_that_has_changed_is_rendered(project: Path, interrupt: Interrupt) -> None:
    """A finished layer of a source that is another now is not used, and its file goes."""
    interrupt(project / "site.toml", 6 - 1)
    write_raster(project / "mosaics" / "S2_2018-01-01_B04.tif", 42)
    assert counts(project / "site.toml") == (2, 4, 0)
    assert check(project / "site").faults == ()
    assert hidden(project / "site") == []


def test_a_wrong_configuration_does_not_cost_what_is_finished(
    project: Path, interrupt: Interrupt
) -> None:
    """A run that fails before it begins leaves the journal to the next."""
    config = project / "site.toml"
    interrupt(config, 4)
    write_configuration(project, CONFIGURATION.replace("mosaics/", "nowhere/"))
    with pytest.raises(Exception, match="no file matches"):
        build(config)
    write_configuration(project)
    assert counts(config) == (2, 4, 0)


def test_a_lost_worker_does_not_cost_what_is_finished(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a worker process dies, the next run takes over what the others have made."""
    made: list[RenderTask] = []

    def some(task: RenderTask) -> RenderedLayer:
        if len(made) == 2:
            raise LostWorkerError("it died")
        made.append(task)
        return render(task)

    with monkeypatch.context() as patch, pytest.raises(LostWorkerError):  # noqa: PT012
        patch.setattr(building, "render", some)
        build(project / "site.toml")
    assert counts(project / "site.toml") == (4, 2, 0)


def test_what_was_placed_is_found_in_its_place(
    project: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends between placing layers and publishing them has rendered for the next one."""

    def never(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        patch.setattr(building, "describe_collection", never)
        build(project / "site.toml")
    assert len(list((project / "site" / "s2" / "2018").glob("*.tif"))) == 6
    assert counts(project / "site.toml") == (0, 6, 0)
    assert timeless(project / "site") == timeless(finished / "site")


def test_leftovers_that_no_journal_names_go(project: Path, interrupt: Interrupt) -> None:
    """What a killed run had only begun is removed by the next one, also where that adds nothing."""
    interrupt(project / "site.toml", 2)
    litter = project / "site" / ".staging" / "run-0" / "render-1"
    litter.mkdir(parents=True)
    (litter / "mosaic.tif").write_bytes(b"x" * 1000)
    build(project / "site.toml")
    assert hidden(project / "site") == []
    litter.mkdir(parents=True)
    (litter / "mosaic.tif").write_bytes(b"x" * 1000)
    assert build(project / "site.toml").changed is False
    assert sorted(path.name for path in (project / "site" / ".staging").iterdir()) == ["lock"]

"""Doing many things at once."""

from pathlib import Path

import pytest

from shoestring_builder.pool import open_pool
from shoestring_schema.errors import PublishError
from support.tasks import die, die_once, double, full


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    """Whatever finishes first, results stand in order; a bad source is one of them."""
    with open_pool(workers, progress=False) as pool:
        results = pool.run(double, range(6), "test")
    assert [str(result) for result in results] == ["0", "2", "4", "three.tif is bad.", "8", "10"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_stops_all(workers: int) -> None:
    """An error of writing is raised, not collected."""
    with open_pool(workers, progress=False) as pool, pytest.raises(PublishError, match="no room"):
        pool.run(full, range(50), "test")


def test_half_as_many_take_the_place_of_those_who_died(tmp_path: Path) -> None:
    """Where a worker dies, what is left is done by half as many: mostly memory has run out."""
    tasks = [tmp_path / str(number // 20) for number in range(40)]
    with open_pool(4, progress=False) as pool:
        processes = pool.run(die_once, tasks, "test")
    assert len(processes) == 40
    assert all(isinstance(own, int) for own in processes)
    with open_pool(2, progress=False) as pool:
        pool.run(die_once, [tmp_path / "another"], "test")
        assert len(set(pool.run(die_once, tasks, "test"))) == 1


def test_a_dead_worker_is_one_sentence() -> None:
    """Where the last worker dies as well, that is told with the remedy."""
    with (
        open_pool(2, progress=False) as pool,
        pytest.raises(PublishError, match="fewer --workers; the site is as it was"),
    ):
        pool.run(die, [1, 1], "test")


def test_no_progress_bar_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    """Off a terminal nothing is drawn."""
    with open_pool(1, progress=None) as pool:
        pool.run(double, range(3), "test")
    assert capsys.readouterr() == ("", "")

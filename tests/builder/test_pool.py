"""Doing many things at once."""

import pytest

from shoestring_builder.pool import open_pool
from shoestring_schema.errors import PublishError
from support.tasks import die, double, full


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


def test_a_dead_worker_is_one_sentence() -> None:
    """A worker that dies is told with the remedy."""
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

"""How far a transfer is, for people and for log files."""

import pytest

from shoestring_pull.transfer import meter as meters
from shoestring_pull.transfer.meter import Lines, Silence, line, meter


def test_a_line_tells_bytes_rate_and_time_left() -> None:
    """Percent, bytes of all, bytes a second, and how long it takes at that rate."""
    text = line(400_000_000, 0, 100_000_000, 10)
    assert text == "pull: 25%, 100M of 400M, 10.0MB/s, 00:30 left"


def test_what_was_there_already_is_not_counted_as_fast() -> None:
    """The rate is that of what came in this run."""
    assert "5.00MB/s" in line(400_000_000, 300_000_000, 350_000_000, 10)


def test_a_log_file_gets_lines_and_no_carriage_returns(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal, each sign of life is a line of its own."""
    lines = Lines(1000, 0, every=0)
    lines.add(250)
    lines.add(750)
    lines.close()
    said = capsys.readouterr().err
    assert "\r" not in said
    assert [row.partition(",")[0] for row in said.splitlines()] == [
        "pull: 25%", "pull: 100%", "pull: 100%",
    ]  # fmt: skip


def test_a_short_transfer_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """What is done within half a minute leaves no line."""
    lines = Lines(1000, 0)
    lines.add(1000)
    lines.close()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("wanted", "terminal", "kind"),
    [(None, False, Silence), (False, True, Silence), (True, False, Lines)],
)
def test_who_looks_decides_what_is_shown(
    wanted: bool | None, terminal: bool, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default nothing without a terminal; lines where they are asked for; nothing where not."""
    monkeypatch.setattr(meters, "someone_looks", lambda: terminal)
    assert isinstance(meter(10, 0, wanted=wanted), kind)


def test_a_terminal_gets_a_bar_with_bytes_and_rate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bar shows what is there, what there will be, and bytes a second."""
    monkeypatch.setattr(meters, "someone_looks", lambda: True)
    monkeypatch.setattr(meters, "DELAY", 0)
    bar = meter(4_000_000, 1_000_000, wanted=None)
    bar.add(1_000_000)
    bar.close()
    said = capsys.readouterr().err
    assert "pull:  25%" in said
    assert "1.00M/4.00M" in said
    assert "B/s" in said

"""How long to go on asking."""

from shoestring.options import Options
from shoestring_pull.transfer.patience import Patience
from shoestring_schema.errors import TransferError

CUT = TransferError("https://example.org/a was cut.", passing=True)


def test_what_does_not_pass_is_not_tried_again() -> None:
    """An error that no new try mends ends it at once."""
    assert Patience(Options()).wait(TransferError("no"), 0) is None


def test_no_retries_means_none() -> None:
    """Options(retries=0) gives up at the first failure."""
    assert Patience(Options(retries=0)).wait(CUT, 0) is None


def test_a_line_may_be_down_for_five_minutes() -> None:
    """Tries go on for five minutes, however many they are, then end."""
    patience, now, tries = Patience(Options()), 0.0, 0
    while (wait := patience.wait(CUT, now)) is not None:
        assert 0 < wait <= 12
        now += wait
        tries += 1
    assert 300 <= now < 315
    assert 25 < tries < 90


def test_slow_failures_are_tried_as_often_as_was_asked() -> None:
    """Where each try takes ten minutes, there are still as many as Options.retries says."""
    patience = Patience(Options(retries=3))
    assert [patience.wait(CUT, now * 600.0) is None for now in range(4)] == [
        False, False, False, True,
    ]  # fmt: skip


def test_every_byte_renews_it() -> None:
    """Failures count in a row: after a byte has come, the five minutes begin anew."""
    patience = Patience(Options(retries=1))
    for minute in range(30):
        assert patience.wait(CUT, minute * 240.0) is not None
        patience.progressed()


def test_a_server_that_says_when_is_obeyed_for_a_minute_at_most() -> None:
    """Retry-After counts instead of our own wait, up to 60 seconds."""
    later = TransferError("busy", passing=True, retry_after=7)
    assert Patience(Options()).wait(later, 0) == 7
    never = TransferError("busy", passing=True, retry_after=1e9)
    assert Patience(Options()).wait(never, 0) == 60

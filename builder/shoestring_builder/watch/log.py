"""Where the builder's log goes: to standard error, as lines for people or as JSON."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

import click
import msgspec

from shoestring_builder.clock import format_instant
from shoestring_schema.errors import ShoestringError

Form = Literal["text", "json"]

_ROOT = "shoestring_builder"
_log = logging.getLogger(__name__)


class _Lines(logging.Formatter):
    """``2018-01-02T02:15:04Z s2: render: 4 rendered (3.1 s)``."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{_time(record)} {super().format(record)}"


class _Json(logging.Formatter):
    """One JSON object a line: what a step did as numbers, all else as a message."""

    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", None) or {"message": record.getMessage()}
        entry = {"time": _time(record), "level": record.levelname.lower()}
        return msgspec.json.encode(entry | facts).decode()


class Voice:
    """Says what the builder has to say on standard error.

    Args:
        form: ``json``: all of it is JSON, a line each.
    """

    def __init__(self, form: Form | None) -> None:
        self._form = form

    @property
    def structured(self) -> bool:
        """Whether programs are listening."""
        return self._form == "json"

    def say(self, sentence: str, level: int = logging.WARNING) -> None:
        """Say a sentence."""
        if self.structured:
            _log.log(level, sentence)
        else:
            click.echo(sentence, err=True)


@contextmanager
def logging_to_stderr(form: Form | None) -> Iterator[Voice]:
    """Show the log while the context lasts.

    Args:
        form: ``text`` or ``json``; None shows text on a terminal, where somebody looks, and
            nothing elsewhere: cron mails whatever is printed, and no news must be no mail.
    """
    if form is None and sys.stderr.isatty():
        form = "text"
    voice, logger = Voice(form), logging.getLogger(_ROOT)
    if form is None:
        yield voice
        return
    handler, level = logging.StreamHandler(sys.stderr), logger.level
    handler.setFormatter(_Json() if form == "json" else _Lines())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield voice
    except ShoestringError as error:
        if not voice.structured:
            raise
        voice.say(str(error), logging.ERROR)
        raise SystemExit(error.exit_code) from None
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _time(record: logging.LogRecord) -> str:
    return format_instant(datetime.fromtimestamp(record.created, UTC))

"""When a builder runs, and what is run; values."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shoestring_schema.errors import ConfigError

Every = Literal["hour", "day", "week"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a builder runs.

    Attributes:
        every: How often; ``week``: on Mondays.
        hour: Of the day, 0 to 23.
        minute: Of the hour, 0 to 59.
    """

    every: Every
    hour: int
    minute: int


@dataclass(frozen=True, slots=True)
class Job:
    """What is run.

    Attributes:
        catalogue: Identifier of the site's catalogue.
        config: The configuration file, from the root on.
        site: The site's folder.
        programs: The folder of the commands ``shoestring`` and ``shoestring-cron``.
        workers: Processes that render.
    """

    catalogue: str
    config: Path
    site: Path
    programs: Path
    workers: int = 1


def parse_schedule(every: Every, at: str) -> Schedule:
    """Read a time of the day.

    Args:
        every: How often.
        at: ``02:15``; of an hourly builder only the minute counts.

    Raises:
        ConfigError: It is no time of the day.
    """
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", at)
    if match is None:
        raise ConfigError(f"{at[:40]!r} is not a time of the day: write it like 02:15.")
    return Schedule(every, int(match[1]), int(match[2]))


def require_plain(path: Path) -> str:
    """A path as text, for files whose lines have an end.

    Raises:
        ConfigError: It can't stand there.
    """
    text = str(path)
    if not text.isprintable():
        raise ConfigError(
            f"{text!r} has a character in its name that neither cron nor systemd can be told: "
            "rename the folder or file."
        )
    return text

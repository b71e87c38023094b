"""A length of time as a person writes it: ``30 days``."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

PATTERN = r"^[0-9]{1,6} (second|minute|hour|day|week)s?$(?!\n)"
"""A number and a unit."""

Duration = Annotated[str, Meta(pattern=PATTERN)]

_UNITS = ("seconds", "minutes", "hours", "days", "weeks")


def parse_duration(text: str) -> timedelta:
    """Read a `Duration`."""
    number, unit = text.split()
    return timedelta(**{next(known for known in _UNITS if known.startswith(unit)): int(number)})

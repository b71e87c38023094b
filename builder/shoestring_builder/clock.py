"""What time it is, as documents write it. Nothing that is hashed depends on it."""

from datetime import UTC, datetime

from shoestring_schema.moment import format_moment


def now() -> datetime:
    """The time in UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def format_instant(time: datetime) -> str:
    """``2018-01-02T13:00:00Z``."""
    return format_moment(time.replace(microsecond=0))


def parse_instant(text: str) -> datetime:
    """Read what `format_instant` wrote, and what the contract allows."""
    return datetime.fromisoformat(text)

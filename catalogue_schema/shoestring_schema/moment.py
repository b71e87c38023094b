"""When a layer was taken: a day, or an instant in UTC.

A collection holds days (`datetime.date`) or, where there are several layers a
day, instants (aware `datetime.datetime` in UTC); never both.
"""

from datetime import UTC, date, datetime, time, timedelta

from shoestring_schema.errors import SelectionError

Moment = date | datetime
"""A day or an instant in UTC."""


def parse_moment(text: str) -> Moment:
    """Read ``2018-01-02`` as a day and ``2018-01-02T13:00:00Z`` as an instant in UTC.

    Args:
        text: ISO 8601. An instant without an offset is taken as UTC.

    Raises:
        SelectionError: The text is neither.
    """
    try:
        if len(text) <= 10:
            return date.fromisoformat(text)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise SelectionError(
            f"{text[:40]!r} is not a date: write it like 2018-01-02 or 2018-01-02T13:00:00Z."
        ) from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def format_moment(moment: Moment) -> str:
    """Write a moment as the catalogue does; `parse_moment` reads it back."""
    if isinstance(moment, datetime):
        spec = "microseconds" if moment.microsecond else "seconds"
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=spec) + "Z"
    return moment.isoformat()


def file_stem(moment: Moment) -> str:
    """A moment as part of a file name, on every file system: no colons."""
    return format_moment(moment).replace(":", "")


def interval(moment: Moment) -> tuple[datetime, datetime]:
    """First and last second (inclusive) that a moment stands for, in UTC.

    A day lasts until 23:59:59, so that the next day's start lies after it.
    """
    if isinstance(moment, datetime):
        return moment, moment
    start = datetime.combine(moment, time(), UTC)
    return start, start + timedelta(days=1, seconds=-1)

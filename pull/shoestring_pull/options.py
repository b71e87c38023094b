"""How to pull: what belongs together beside what is pulled."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shoestring_pull.transfer.pace import Pace, parse_hours, parse_rate
from shoestring_schema.duration import PATTERN, parse_duration
from shoestring_schema.errors import SelectionError


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOptions:
    """Options of a pull.

    Attributes:
        limit_rate: Bytes a second, over all connections: 500000 or ``500k``; None for as many as
            the line bears.
        at_night: Only in these hours of each day, by the local clock: ``22:00-06:00``.
        keep: How long a snapshot of the copy can still be read after it shows another.
        follow: Other hosts whose files are fetched too, where the catalogue names any.
        moved: The site is the one that the folder is a copy of, at another address.
        dry_run: Tell what there is to do, and do nothing.
    """

    limit_rate: int | str | None = None
    at_night: str | None = None
    keep: str = "20 hours"
    follow: Sequence[str] = ()
    moved: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        if not re.match(PATTERN, self.keep):
            raise SelectionError(
                f'keep is a number and a unit, such as "30 days" or "1 hour", not {self.keep[:40]!r}.'
            )
        _ = self.pace  # what can't be read is told now

    @property
    def pace(self) -> Pace:
        """How fast, and at which hours."""
        rate = parse_rate(self.limit_rate) if isinstance(self.limit_rate, str) else self.limit_rate
        return Pace(rate, None if self.at_night is None else parse_hours(self.at_night))

    @property
    def kept_for(self) -> timedelta:
        """See `keep`."""
        return parse_duration(self.keep)

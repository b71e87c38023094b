"""Keeping a pace."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from shoestring_pull.transfer.pace import Bucket, Pace

_LOOK = 60.0
"""Seconds after which the clock on the wall is looked at again: it may have been set."""


class Throttle:
    """Holds a transfer back to its pace.

    Args:
        pace: The pace.
        say: Takes a sentence for the user.
        clock: Tells the time on the wall.
    """

    def __init__(
        self,
        pace: Pace,
        say: Callable[[str], object],
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._hours, self._say, self._clock = pace.hours, say, clock
        self._bucket = Bucket(pace.rate) if pace.rate else None
        self._paused = False

    @property
    def closed(self) -> bool:
        """Whether it is not the time to transfer."""
        return self._hours is not None and self._hours.wait(self._clock()) > 0

    async def admit(self) -> None:
        """Wait until it is the time to transfer."""
        while self._hours is not None and (wait := self._hours.wait(self._clock())) > 0:
            if not self._paused:
                self._paused = True
                self._say(
                    f"It is {self._clock():%H:%M}: this goes on at {self._hours.start:%H:%M} (hours: {self._hours}); "
                    "Ctrl-C ends it, and what has come is kept."
                )
            await asyncio.sleep(min(wait, _LOOK))
        self._paused = False

    async def pay(self, size: int) -> None:
        """Wait as long as so many bytes should take."""
        if self._bucket is not None:
            wait = self._bucket.wait(size, asyncio.get_running_loop().time())
            if wait > 0:
                await asyncio.sleep(wait)

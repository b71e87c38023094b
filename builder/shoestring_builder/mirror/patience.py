"""Trying again what a line or an overloaded server has spoilt."""

import time
from collections.abc import Callable
from typing import TypeVar

from shoestring_schema.errors import TransferError

ATTEMPTS = 6
WAIT = 1.0
"""Seconds before the second attempt, twice as long before the next, and so on: half a minute in all."""

T = TypeVar("T")


def persist(call: Callable[[], T], *, pause: Callable[[float], object] = time.sleep) -> T:
    """Call a function until it succeeds, or what fails will not pass by itself.

    Args:
        call: What may be called several times.
        pause: Waits for so many seconds.

    Raises:
        TransferError: It can't pass, or has come six times.
    """
    for attempt in range(ATTEMPTS - 1):
        try:
            return call()
        except TransferError as error:
            if not error.passing:
                raise
        pause(WAIT * 2**attempt)
    return call()

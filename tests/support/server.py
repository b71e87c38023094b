"""What all servers under test need: an edited example, and waiting until they listen."""

import socket
import time
from collections.abc import Callable

DEADLINE = 20.0
"""Seconds until a server that does not answer is given up."""


def edit(text: str, changes: dict[str, str]) -> str:
    """Replace what a publisher would; a passage that is not there just once is an error."""
    for old, new in changes.items():
        if text.count(old) != 1:
            raise ValueError(f"The example holds {old!r} {text.count(old)} times, not once.")
        text = text.replace(old, new)
    return text


def listens(port: int) -> bool:
    """Whether somebody answers at a port of the loopback interface."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; a server that never gets there is an error."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"The server did not get there within {DEADLINE} s.")
        time.sleep(0.01)

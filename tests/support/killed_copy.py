"""A pull that kills itself: ``python killed_copy.py EVENT BEFORE ARGUMENTS…``.

An event is a call by which a pull changes what is on the disk; before or after one of them, the
process gets a real SIGKILL. With EVENT 0 it comes to its end and prints how many events there were.
The arguments are those of ``shoestring pull``.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

EVENTS = ("replace", "unlink", "fsync", "mkdir", "link", "rmdir")


def main() -> None:
    """Pull until the event."""
    event, before, *arguments = sys.argv[1:]
    seen, lock = 0, threading.Lock()

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **more: Any) -> Any:  # noqa: ANN401
            nonlocal seen
            with lock:
                seen += 1
                now = seen == int(event)
            if now and before == "1":
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*given, **more)
            if now:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return run

    from shoestring_pull.cli import pull

    for name in EVENTS:
        setattr(os, name, watched(getattr(os, name)))
    pull.main([*arguments, "--quiet"], standalone_mode=False)
    print(seen)


if __name__ == "__main__":
    main()

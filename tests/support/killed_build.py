"""A build that kills itself: ``python killed_build.py CONFIG WORKERS EVENT BEFORE SCHEDULER``.

An event is a call by which the builder changes what is on the disk; before or after one of
them, the process gets a real SIGKILL. With EVENT 0 it comes to its end and prints how many
events there were.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS = ("replace", "unlink", "fsync", "mkdir", "rmdir")


def main() -> None:
    """Build until the event."""
    config, workers, event, before, scheduler = sys.argv[1:]
    seen = 0

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401
            nonlocal seen
            seen += 1
            if seen == int(event) and before == "1":
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*arguments, **more)
            if seen == int(event):
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return run

    from shoestring_builder.build import build

    for name in EVENTS:
        setattr(os, name, watched(getattr(os, name)))
    build(Path(config), workers=int(workers), scheduler=scheduler or None, progress=False)
    print(seen)


if __name__ == "__main__":
    main()

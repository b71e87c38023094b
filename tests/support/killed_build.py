"""A build that kills itself: ``python killed_build.py CONFIG WORKERS EVENT BEFORE [SCHEDULER]``.

An event is a call by which the builder changes what is on the disk; before or after one of
them, the process gets a real SIGKILL. With EVENT 0 it comes to its end and prints how many
events there were. The environment's variable `CLOCK` says by how many seconds its clock is
behind.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

CLOCK = "SHOESTRING_TEST_CLOCK_BEHIND"
EVENTS = ("replace", "unlink", "fsync", "mkdir", "rmdir")


def main() -> None:
    """Build until the event."""
    config, workers, event, before, *scheduler = sys.argv[1:]
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

    from shoestring_builder import clock

    behind = timedelta(seconds=int(os.environ.get(CLOCK, "0")))
    time = clock.now
    clock.now = lambda: time() - behind  # before anything else takes it from there
    from shoestring_builder.build import build
    from shoestring_schema.errors import ShoestringError

    for name in EVENTS:
        setattr(os, name, watched(getattr(os, name)))
    try:
        report = build(
            Path(config),
            workers=int(workers),
            scheduler="".join(scheduler) or None,
            progress=False,
        )
    except ShoestringError as error:
        sys.exit(str(error))
    if report.failed:
        sys.exit("\n".join(report.failed))
    print(seen)


if __name__ == "__main__":
    main()

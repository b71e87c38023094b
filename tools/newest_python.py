"""Print the newest CPython on this machine, if it is newer than the one that runs this.

Looked for on the PATH and where pyenv and uv keep theirs.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROBE = (
    "import sys; sys.implementation.name == 'cpython' and sys.version_info.releaselevel == 'final' "
    "and print(*sys.version_info[:3])"
)


def candidates() -> Iterator[str]:
    """Interpreters that may be there; some may be shims that do not run."""
    for minor in range(12, 30):
        if found := shutil.which(f"python3.{minor}"):
            yield found
    for root, pattern in (
        (".pyenv/versions", "3.*/bin/python3"),
        (".local/share/uv/python", "cpython-3.*/bin/python3"),
    ):
        yield from map(str, (Path.home() / root).glob(pattern))


def version(python: str) -> tuple[int, ...]:
    """The interpreter's version; nothing where it does not run."""
    result = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, check=False)
    return tuple(map(int, result.stdout.split()))


if __name__ == "__main__":
    newest = max(candidates(), key=version, default="")
    if newest and version(newest) > sys.version_info[:3]:
        print(newest)

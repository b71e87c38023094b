"""Running what is measured: each case in a cold process at the near end of the link."""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from link import NEAR

HERE = Path(__file__).parent
PATIENCE = 900.0
"""Seconds after which a case has failed."""

Job = Mapping[str, Any]
Numbers = dict[str, float]


class CaseError(Exception):
    """A case that did not come to an end, with the reason in a line."""


def ours(job: Job) -> Numbers:
    """Our client, from opening the catalogue to the last array."""
    return cold([sys.executable, HERE / "runs.py", "ours"], job)


def by_hand(job: Job) -> Numbers:
    """The same windows by rasterio in threads, tuned."""
    return cold([sys.executable, HERE / "peers" / "rasterio_threads.py"], job)


def limit(job: Job) -> Numbers:
    """The same ranges of bytes by curl in parallel: offsets known, nothing decoded."""
    lines = [
        f'url = "{url}"\nrange = "{first}-{last}"\noutput = "/dev/null"\n'
        for url in job["files"]
        for first, last in job["ranges"]
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".curl") as config:
        config.write("".join(lines))
        config.flush()
        parallel = ["--parallel", "--parallel-max", "32", "--parallel-immediate"]
        command = [*NEAR, "curl", "--silent", "--fail", "--http1.1", *parallel]
        command += ["--cacert", job["ca"], "--config", config.name]
        start = time.perf_counter()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return {"seconds": time.perf_counter() - start}


def cold(command: Sequence[str | Path], job: Job) -> Numbers:
    """Run a program of ours at the near end of the link, and take the numbers that it prints.

    Raises:
        CaseError: It failed, or ran out of time.
    """
    try:
        done = subprocess.run(
            [*NEAR, *command], input=json.dumps(job), capture_output=True, text=True,
            check=True, timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        raise CaseError(last_line(error.stderr)) from error
    except subprocess.TimeoutExpired as error:
        raise CaseError(f"not done after {PATIENCE:.0f} s") from error
    numbers: Numbers = json.loads(done.stdout)
    return numbers


def last_line(text: str) -> str:
    """The last line of what a program said, as a table can hold it, without folders and hosts."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else "no word of why"
    return re.sub(r"/\S*/", "…/", last).replace("|", "/")[:160]

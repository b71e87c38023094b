"""What all programs under measurement share: a job comes in, measured numbers go out.

A job is JSON on standard input; `jobs.py` says what is in it. The numbers are
one line of JSON on standard output. Nothing here needs more than NumPy, so
that it runs in everybody's environment.
"""

import contextlib
import json
import resource
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

THREADS = 32

Job = dict[str, Any]
Arrays = Iterable[np.ndarray[Any, Any]]
Dates = Mapping[str, Sequence[np.ndarray[Any, Any]]]


def total(arrays: Arrays) -> int:
    """The sum of all pixels; where there is no data, nothing is added."""
    return int(sum(np.nansum(array, dtype=np.float64) for array in arrays))


def digest(dates: Dates) -> int:
    """A number that tells dates and every pixel of their arrays, as float32 and NaN."""
    crc = 0
    for date in sorted(dates):
        crc = zlib.crc32(date.encode(), crc)
        for array in dates[date]:
            plain = np.nan_to_num(array.astype(np.float32), nan=-1)  # there are several NaN
            crc = zlib.crc32(plain.tobytes(), crc)
    return crc


def measure(
    read: Callable[[Job], Arrays],
    prepare: Callable[[Job], object] | None = None,
    checksum: Callable[[Arrays], int] = total,
) -> None:
    """Run a reader, or with the argument ``prepare`` what goes before it, and print the numbers.

    Args:
        read: From the job to the arrays, all of them in memory.
        prepare: Makes in ``job["prepared"]`` what the reader wants to find on its disk.
        checksum: Of what was read.
    """
    job = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        if prepare is not None and sys.argv[1:] == ["prepare"]:
            result = _timed(lambda: prepare(job))[1]
        else:
            arrays, result = _timed(lambda: list(read(job)))
            size = sum(array.nbytes for array in arrays) / 1e6
            result |= {"result_mb": size, "checksum": checksum(arrays)}
    print(json.dumps(result))


def measure_dates(read: Callable[[Job], Dates]) -> None:
    """The same for a reader that gives the dates that it found clear, each with its bands."""
    found: dict[str, Sequence[np.ndarray[Any, Any]]] = {}

    def arrays(job: Job) -> Arrays:
        found.update(read(job))
        return [array for bands in found.values() for array in bands]

    measure(arrays, checksum=lambda _: digest(found))


def _timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    done = work()
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done, {"seconds": seconds, "cpu": cpu, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """Peak memory of this program alone; ru_maxrss would count the parent's from before exec."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1e3
    raise RuntimeError("the kernel does not tell VmHWM")

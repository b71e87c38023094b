"""What a worker writes at a place that its order names."""

import os
from pathlib import Path
from uuid import uuid4


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one step.

    A worker that was given up may still be at it while another does its task again.

    Raises:
        OSError: It can't be written.
    """
    beside = path.with_name(f"{path.name}-{uuid4().hex}")
    beside.write_bytes(data)
    os.replace(beside, path)

"""A real Dask cluster on this machine: a scheduler and workers, each a process that can be killed."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

from support.server import wait_for

QUIET = {
    "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "10s",
}


class DaskCluster:
    """Context manager: it runs as long as the context lasts.

    Attributes:
        file: The JSON file that tells where the scheduler listens.
        workers: The workers' processes.
    """

    def __init__(
        self,
        workers: int = 2,
        threads: int = 1,
        *,
        environment: Mapping[str, str] | None = None,
        protocol: str = "tcp",
    ) -> None:
        """Prepare one.

        Args:
            workers: Number of workers.
            threads: Threads of each.
            environment: More of it, such as Dask's configuration.
            protocol: ``tcp`` or ``tls``.
        """
        self._count, self._threads, self._protocol = workers, threads, protocol
        self._environment = {**os.environ, **QUIET, **(environment or {})}
        self._folder = tempfile.TemporaryDirectory()
        self.file = Path(self._folder.name) / "scheduler.json"
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return str(json.loads(self.file.read_text())["address"])

    def __enter__(self) -> Self:
        self._scheduler = self._start(
            "scheduler", "--port", "0", "--no-dashboard", "--no-show", "--protocol", self._protocol
        )
        wait_for(self._is_told)
        for _ in range(self._count):
            self.add_worker()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in (*self.workers, self._scheduler):
            process.kill()
            process.wait()
        self._folder.cleanup()

    def add_worker(self, *before: str) -> None:
        """Start a worker, by a program that goes before it or not."""
        self.workers.append(
            self._start(
                "worker", "--nthreads", str(self._threads), "--no-nanny", "--no-dashboard",
                "--memory-limit", "0", "--local-directory", self._folder.name,
                "--protocol", self._protocol, before=before,
            )
        )  # fmt: skip

    def kill_worker(self, number: int) -> None:
        """End a worker without a word."""
        worker = self.workers.pop(number)
        worker.kill()
        worker.wait()

    def kill_scheduler(self) -> None:
        """End it without a word."""
        self._scheduler.kill()

    def _start(self, *arguments: str, before: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        command = [*before, sys.executable, "-m", "dask", *arguments]
        more = ["--host", "127.0.0.1", "--scheduler-file", str(self.file)]
        return subprocess.Popen(
            [*command, *more],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _is_told(self) -> bool:
        try:
            return bool(self.address)
        except (OSError, ValueError):
            return False


def when(condition: Callable[[], bool], action: Callable[[], Any]) -> Thread:
    """Do something in another thread as soon as a condition holds; join it."""

    def run() -> None:
        while not condition():
            time.sleep(0.001)
        action()

    thread = Thread(target=run, daemon=True)
    thread.start()
    return thread

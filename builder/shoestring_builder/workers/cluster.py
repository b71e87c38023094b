"""The workers of a Dask cluster, which may be on many machines.

Dask alone decides who does what, and does again what was lost with a worker. Orders are small,
results too: pixels travel through the file system that all share.
"""

import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from shoestring_builder.publish.site_folder import told
from shoestring_builder.workers.fitness import Needs, require_fit, state_needs
from shoestring_builder.workers.work import Result, Task, caught
from shoestring_schema.errors import LostWorkerError, MissingExtraError, SourceError

if TYPE_CHECKING:
    from distributed import Client, Future

Scheduler: TypeAlias = "str | Client"
"""Where a scheduler listens (or the JSON file that tells it), or a client that is connected."""

AHEAD = 1000
"""Tasks that the scheduler knows of at a time: more than workers can begin, and a few megabytes."""

_PATIENCE = 5.0
"""Seconds after which one looks whether there still is a scheduler."""


class Cluster:
    """The workers of a Dask cluster: see `Workers`. It is connected to when there is work.

    Args:
        scheduler: See `Scheduler`.
        staging: The folder that workers write into, which exists when there is work.
        folders: Folders that they read sources from.
    """

    def __init__(self, scheduler: Scheduler, staging: Path, folders: Iterable[Path]) -> None:
        self._scheduler, self._staging, self._folders = scheduler, staging, tuple(folders)
        self._connected: tuple[Client, Needs] | None = None

    def finished(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result | SourceError]]:
        """See `Workers.finished`."""
        if not tasks:
            return
        client, needs = self._connect()
        waiting = enumerate(tasks)
        running: dict[str, tuple[int, Future[Any]]] = {}
        ready: SimpleQueue[Future[Any]] = SimpleQueue()
        try:
            while True:
                for index, task in islice(waiting, AHEAD - len(running)):
                    order = pickle.dumps((function, task))
                    future = client.submit(_work, needs, order, pure=False)
                    running[future.key] = index, future
                    future.add_done_callback(ready.put)
                if not running:
                    return
                future = self._next(client, ready)
                result = self._result(client, future)
                yield running.pop(future.key)[0], result
        finally:
            if running and client.status == "running":
                client.cancel([future for _, future in running.values()])

    def close(self) -> None:
        """Leave it as it is, and forget what is not begun."""
        if self._connected is not None and self._connected[0] is not self._scheduler:
            self._connected[0].close(timeout=5)
        self._connected = None

    def _connect(self) -> "tuple[Client, Needs]":
        if self._connected is None:
            client = _client(self._scheduler)
            with told(self._staging):
                self._connected = client, state_needs(self._staging, self._folders)
        return self._connected

    def _next(self, client: "Client", ready: "SimpleQueue[Future[Any]]") -> "Future[Any]":
        """A task that has come to its end."""
        while True:
            try:
                return ready.get(timeout=_PATIENCE)
            except Empty:
                if client.status != "running":
                    raise self._lost() from None

    def _result(self, client: "Client", future: "Future[Any]") -> Any:  # noqa: ANN401 (any task's)
        """What a task gave, or what became of it instead, as one of our errors if it is known."""
        while True:
            try:
                return future.result(timeout=_PATIENCE)
            except CancelledError:
                raise self._lost() from None
            except Exception as error:
                if future.status == "error":
                    raise _told(error) from error
                if not isinstance(error, TimeoutError) or client.status != "running":
                    raise self._lost() from error

    def _lost(self) -> LostWorkerError:
        return LostWorkerError(
            f"The Dask scheduler {_name(self._scheduler)} was lost: see why it ended, and build "
            "again, which goes on from here; the site is as it was."
        )


def _client(scheduler: Scheduler) -> "Client":
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise MissingExtraError("--scheduler", "dask") from None
    if isinstance(scheduler, Client):
        return scheduler
    try:
        return _reached(scheduler)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise LostWorkerError(
            f"The Dask scheduler {scheduler!r} can't be reached ({reason}): start it, or correct "
            "its address, and build again; the site is as it was."
        ) from error


def _reached(scheduler: str) -> "Client":
    from distributed import Client

    if not scheduler:  # Dask would start a cluster of its own
        raise ValueError("there is no address")
    named = "address"
    if scheduler.endswith(".json"):
        named = "scheduler_file"
        Path(scheduler).stat()  # Dask would wait until it is there
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of versions: those that matter are compared by us
        return Client(**{named: scheduler}, set_as_default=False)


def _work(needs: Needs, order: bytes) -> Any:  # noqa: ANN401 (any task's)
    """Do a task; runs in a worker."""
    require_fit(needs)
    function, task = pickle.loads(order)
    return caught(function, task)


def _told(error: BaseException) -> BaseException:
    """What failed in a worker, as one of our errors where the cluster is at fault."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return LostWorkerError(
            "Workers of the Dask cluster died again and again while they rendered, most likely for "
            "want of memory: give them more, or fewer threads each, and build again; the site is "
            "as it was."
        )
    if isinstance(error, ImportError) or "deserializ" in str(error):
        return LostWorkerError(
            f"The Dask cluster can't read its orders ({' '.join(str(error).split()).rstrip('.')}): "
            'install "shoestring[builder,dask]" where its scheduler and its workers run, and build '
            "again; the site is as it was."
        )
    return error


def _name(scheduler: Scheduler) -> str:
    return scheduler if isinstance(scheduler, str) else str(scheduler.scheduler_info()["address"])

"""A copy in an object store: S3 and what is compatible with it, Google Cloud Storage, Azure.

An object appears in one step, so there is nothing to rename, and a pointer is replaced in one
step too. No object is compressed as it lies there: a store sends it as it is to everybody, also
to those who ask for a range of it, as GDAL and our client do, or who can't decompress it.
"""

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shoestring_builder.media import FOR_EVER, is_hashed, media_type
from shoestring_builder.mirror.patience import persist
from shoestring_builder.mirror.target import Outgoing, Sent, Stored
from shoestring_schema.errors import MissingExtraError, TransferError

if TYPE_CHECKING:
    from obstore import Attributes
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

SHORT = "public, max-age=60"
"""``Cache-Control`` of what changes: a reader is a minute late at most."""

PIECE = 8 * 2**20
"""Bytes that a large file is cut into; two pieces of each file are in memory."""

RETRIES = 10
"""So often obstore asks again, for three minutes at most, where a server is overloaded."""

_PATIENCE = timedelta(minutes=15)
_PIECES = 2
_AT_ONCE = 1000  # names in one request to remove them
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ObjectTarget:
    """A bucket, or what lies in it under a prefix.

    Who we are and where the store is, obstore takes from the environment (`AWS_ACCESS_KEY_ID`,
    `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS`, `AZURE_STORAGE_ACCOUNT_NAME`, …).

    Args:
        address: ``s3://bucket/prefix``, ``gs://…`` or ``az://…``.
        jobs: How many files travel at once.

    Raises:
        MissingExtraError: obstore is not installed.
        TransferError: The address or the environment is not enough to reach the store.
    """

    def __init__(self, address: str, jobs: int) -> None:
        self._address, self._jobs = address.rstrip("/"), jobs
        self._store = _open(self._address)

    def listing(self) -> dict[str, Stored]:
        """See `Target`."""
        return persist(self._listing)

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        """See `Target`."""
        found = {name: persist(lambda name=name: self._read(name)) for name in names}  # type: ignore[misc]
        return {name: data for name, data in found.items() if data is not None}

    def send(self, files: Sequence[Outgoing], sent: Sent) -> None:
        """See `Target`."""
        threads = ThreadPoolExecutor(self._jobs)
        try:
            done, _ = wait([threads.submit(self._send, file, sent) for file in files],
                           return_when=FIRST_EXCEPTION)  # fmt: skip
            for future in done:
                future.result()
        finally:  # what has not begun is left undone, also after Ctrl-C
            threads.shutdown(cancel_futures=True)

    def show(self, pointers: Mapping[str, bytes]) -> None:
        """See `Target`."""
        for name, data in pointers.items():
            with self._told("written", name):
                self._store.put(name, data, attributes=attributes(name))

    def remove(self, names: Sequence[str]) -> None:
        """See `Target`."""
        for start in range(0, len(names), _AT_ONCE):
            with self._told("removed"), suppress(FileNotFoundError):
                self._store.delete(list(names[start : start + _AT_ONCE]))

    def _listing(self) -> dict[str, Stored]:
        found: dict[str, Stored] = {}
        with self._told("listed"):
            for chunk in self._store.list(chunk_size=1000):
                for meta in chunk:
                    found[meta["path"]] = Stored(meta["size"], meta["last_modified"].timestamp())
        return found

    def _read(self, name: str) -> bytes | None:
        with self._told("read", name), suppress(FileNotFoundError):
            return bytes(self._store.get(name).bytes())
        return None

    def _send(self, file: Outgoing, sent: Sent) -> None:
        with self._told("written", file.name):
            self._store.put(file.name, file.path, attributes=attributes(file.name),
                            chunk_size=PIECE, max_concurrency=_PIECES)  # fmt: skip
        sent(file)

    @contextmanager
    def _told(self, done: str, name: str = "") -> Iterator[None]:
        """Turn a store's refusal into a sentence; what it says at length is for the log."""
        from obstore import exceptions

        try:
            yield
        except (exceptions.BaseError, OSError, ValueError) as error:
            where = f"{self._address}/{name}" if name else self._address
            status = _status(error)
            kinds = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)
            denied = isinstance(error, kinds) or status in (401, 403)
            remedy = (
                "check the credentials in the environment and what they allow"
                if denied
                else "check the address and the line, and publish again: what is there already stays"
            )
            generic = isinstance(error, exceptions.GenericError)
            raise TransferError(
                f"{where} can't be {done} ({_reason(error)}): {remedy}.",
                passing=generic and (status is None or status >= 500 or status in (408, 429)),
            ) from None


def attributes(name: str) -> "Attributes":
    """What the store shall tell readers of an object: pure.

    Args:
        name: The object's.
    """
    return {
        "Content-Type": media_type(name),
        "Cache-Control": FOR_EVER if is_hashed(name) else SHORT,
    }


def _open(address: str) -> "ObjectStore":
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError:
        raise MissingExtraError("Publishing to an object store", "publish") from None
    # A piece takes minutes on a slow line; obstore's own limit is half a minute.
    options: ClientConfig = {"timeout": _PATIENCE, "connect_timeout": timedelta(seconds=15)}
    if _is_near(os.environ):
        options["allow_http"] = True
    retry: RetryConfig = {"max_retries": RETRIES}
    try:
        return from_url(address, client_options=options, retry_config=retry)
    except (BaseError, ValueError) as error:
        raise TransferError(
            f"{address} can't be opened ({_reason(error)}): docs/publish.md tells what to set."
        ) from None


def _is_near(environment: Mapping[str, str]) -> bool:
    """Whether the store is on this machine, so that nobody listens where there is no TLS."""
    hosts = (urlsplit(environment.get(name, "")).hostname for name in _ENDPOINTS)
    return any(host in _LOOPBACK for host in hosts)


def _status(error: Exception) -> int | None:
    """What the store answered, as far as obstore tells."""
    found = re.search(r"status code: ([0-9]{3})", str(error))
    return int(found[1]) if found else None


def _reason(error: Exception) -> str:
    """The first line of what obstore says, without the tale of what it is made of."""
    line = str(error).partition("\n")[0].partition(": <")[0].strip().rstrip(".:")
    return line.removeprefix("Generic ").partition(" error: ")[2][:300] or line[:300]

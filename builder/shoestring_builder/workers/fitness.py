"""What a worker on another machine must see and must be, so that its files are ours."""

import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from shoestring_schema.errors import LostWorkerError

Versions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Needs:
    """What is asked of a worker.

    Attributes:
        mark: A file in the staging folder.
        token: What is written in it: another machine may have a folder of the same name.
        folders: Folders that sources lie in.
        versions: Of everything that the bytes of a layer depend on.
    """

    mark: Path
    token: str
    folders: tuple[Path, ...]
    versions: Versions


def state_needs(staging: Path, folders: Iterable[Path]) -> Needs:
    """Leave a mark in the staging folder by which workers know it.

    Args:
        staging: The folder; it exists.
        folders: See `Needs`.

    Raises:
        OSError: The mark can't be written.
    """
    token = secrets.token_hex(8)
    mark = staging / f"mark-{token}"
    mark.write_text(token, "ascii")
    return Needs(mark, token, tuple(folders), own_versions())


@lru_cache(maxsize=8)
def require_fit(needs: Needs) -> None:
    """Find out, once in each worker, whether it is fit.

    Raises:
        LostWorkerError: It is not.
    """
    theirs = dict(own_versions())
    for name, ours in needs.versions:
        if theirs[name] != ours:
            raise LostWorkerError(
                f"The worker on {_host()} has {name} {theirs[name]}, the builder has {ours}: install "
                "the same versions, as others may write other bytes, and build again; the site is "
                "as it was."
            )
    unseen = [folder for folder in needs.folders if not folder.is_dir()]
    if not _is_marked(needs):
        unseen.insert(0, needs.mark.parent.parent.parent)
    if unseen:
        raise LostWorkerError(
            f"The worker on {_host()} does not see {unseen[0]} as the builder does: put the site and "
            "the sources on a file system that all of them share, under the same paths, and build "
            "again; the site is as it was."
        )


def own_versions() -> Versions:
    """Of what the bytes of a layer depend on, in this process."""
    import rasterio

    names = ("shoestring", "rasterio", "numpy")
    return (*((name, version(name)) for name in names), ("GDAL", rasterio.__gdal_version__))


def _is_marked(needs: Needs) -> bool:
    try:
        return needs.mark.read_text("ascii") == needs.token
    except (OSError, UnicodeDecodeError):
        return False


def _host() -> str:
    return socket.gethostname()

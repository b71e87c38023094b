"""What a copy remembers: where it came from, and what was wanted of it."""

import os
import secrets
from pathlib import Path

import msgspec

from shoestring_builder.publish.current import CATALOG
from shoestring_pull.crop.cut import Cut
from shoestring_pull.holdings import HIDDEN
from shoestring_pull.selection import Selection
from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError, OutputError
from shoestring_schema.site import SnapshotMark

ORIGIN = f"{HIDDEN}/origin.json"

_PRIVATE = 0o600  # an address may hold a password


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a copy comes from.

    Attributes:
        address: Of the site's `catalog.json`.
        catalogue: Its identifier.
        selection: What is wanted of it.
        follow: Other hosts whose files are fetched too.
        snapshot: The site's snapshot that the copy is of; None while the first pull is not done.
        cuts: Where collections are cut, by their names.
    """

    address: str
    catalogue: str
    selection: Selection = Selection()
    follow: tuple[str, ...] = ()
    snapshot: SnapshotMark | None = None
    cuts: dict[str, Cut] = {}


def read_origin(copy: Path) -> Origin | None:
    """What a copy remembers; None where it is none yet.

    Raises:
        CatalogueError: It is damaged.
    """
    path = copy / ORIGIN
    try:
        return decode(path.read_bytes(), Origin, str(path))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    except OSError as error:
        raise CatalogueError(
            f"{path} can't be read ({error.strerror}): set its rights right."
        ) from None


def write_origin(copy: Path, origin: Origin) -> None:
    """Remember.

    Raises:
        OutputError: The copy's folder can't be written.
    """
    path = copy / ORIGIN
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(file, "wb") as opened:
            opened.write(msgspec.json.format(msgspec.json.encode(origin), indent=2) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(
            f"{path} can't be written ({error.strerror or error}): make room or set its rights right and pull again."
        ) from None


def require_fit(copy: Path, origin: Origin | None, address: str, *, moved: bool) -> None:
    """Refuse a folder that holds anything else than a copy of this site.

    Args:
        copy: The folder.
        origin: What it remembers.
        address: The site that is to be pulled.
        moved: The user says that it is the same site, at another address.

    Raises:
        OutputError: It holds something else.
    """
    if copy.exists() and not copy.is_dir():
        raise OutputError(f"{copy} is a file: name a folder for the copy.")
    if origin is not None:
        if origin.address != address and not moved:
            raise OutputError(
                f"{copy} is a copy of {origin.address}: name another folder for {address}, or say --moved if it is the "
                "same site at another address."
            )
        return
    there = sorted(entry.name for entry in copy.iterdir()) if copy.is_dir() else []
    there = [name for name in there if name not in (HIDDEN, ".staging")]
    if CATALOG in there:
        raise OutputError(
            f"{copy} holds a site that was not pulled: name another folder for the copy."
        )
    if there:
        raise OutputError(
            f"{copy} holds other files ({', '.join(there[:3])}): name a new or empty folder for the copy."
        )


def require_same_catalogue(copy: Path, origin: Origin | None, catalogue: str) -> None:
    """Refuse to make another catalogue's copy of a copy.

    Raises:
        OutputError: It is one of another.
    """
    if origin is not None and origin.catalogue != catalogue:
        raise OutputError(
            f'{copy} is a copy of the catalogue "{origin.catalogue[:64]}", and this is "{catalogue[:64]}": name '
            "another folder."
        )

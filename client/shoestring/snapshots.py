"""Holding on to a snapshot of a site, while others are published."""

import hashlib
import re
from urllib.parse import urlsplit

from shoestring.location import Location
from shoestring.transport import Transport
from shoestring_schema.document import MAX_BYTES, decode
from shoestring_schema.errors import CatalogueError, SelectionError
from shoestring_schema.site import CollectionEntry, SnapshotDocument, SnapshotsDocument
from shoestring_schema.version import require_readable

_SHOWN = 5


async def fetch_snapshot(location: Location, snapshot: str, transport: Transport) -> bytes:
    """The document of a snapshot.

    Args:
        location: Of the site's `catalog.json`.
        snapshot: Which one.
        transport: Gets it.

    Raises:
        SelectionError: The site does not keep such a snapshot; the message tells those that it
            does keep. Or the address is not that of a site.
        CatalogueError: It is not the one that was published.
        TransferError: It did not arrive.
    """
    if _file_name(location) != "catalog.json":
        raise SelectionError(
            f"{location.address} has no snapshots, its site has: give the address of the site's "
            "catalog.json."
        )
    if not re.fullmatch("[0-9a-f]{16}", snapshot):
        raise await _unknown(location, snapshot, transport)
    place = location.resolve(f"./catalog-{snapshot}.json")
    try:
        data = await transport.fetch(place, max_bytes=MAX_BYTES)
    except CatalogueError as error:
        raise (await _unknown(location, snapshot, transport)) from error
    if hashlib.sha256(data).hexdigest()[:16] != snapshot:
        raise _another(place)
    return data


async def fetch_collection(
    location: Location, entry: CollectionEntry, transport: Transport
) -> bytes:
    """The document of a collection, as a snapshot names it.

    Args:
        location: Where it lies.
        entry: What the snapshot says of it.
        transport: Gets it.

    Raises:
        CatalogueError: It is not there, or not the one that the snapshot names.
        TransferError: It did not arrive.
    """
    data = await transport.fetch(location, max_bytes=MAX_BYTES)
    if "1220" + hashlib.sha256(data).hexdigest() != entry.checksum:
        raise _another(location)
    return data


async def _unknown(location: Location, snapshot: str, transport: Transport) -> SelectionError:
    """The error for a snapshot that is not there."""
    start = f"{location.address} keeps no snapshot {snapshot[:40]!r}"
    place = location.resolve("./snapshots.json")
    try:
        data = await transport.fetch(place, max_bytes=MAX_BYTES)
        document = decode(data, SnapshotsDocument, place.address)
        require_readable(document.version, place.address)
    except CatalogueError:
        return SelectionError(f"{start}, nor a list of any: open it without one.")
    if any(own.id == snapshot for own in document.snapshots):
        return SelectionError(
            f"{start}, although it lists it: it is just being removed, or was lost; open another."
        )
    return SelectionError(f"{start}; there are {_listed(document.snapshots)}.")


def _listed(snapshots: tuple[SnapshotDocument, ...]) -> str:
    """The newest first."""
    shown = [f"{own.id} ({own.time})" for own in reversed(snapshots[-_SHOWN:])]
    more = len(snapshots) - len(shown)
    return ", ".join(shown) + (f" and {more} older ones" if more else "")


def _another(location: Location) -> CatalogueError:
    return CatalogueError(
        f"{location.address} is not the file that its catalogue names (its checksum differs): open the "
        "catalogue again, and tell its publisher if that does not help."
    )


def _file_name(location: Location) -> str:
    if location.is_local:
        return location.path.name
    return urlsplit(location.address).path.rpartition("/")[2]

"""What ``status.json`` says: how a site's builder is doing, as typed values.

It stands beside the snapshots: nothing that reads data depends on it. It is the memory of
``status.html`` and of the feeds as well, both of which are made from it alone.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from shoestring_schema.configuration import Name
from shoestring_schema.site import (
    ChangeDocument,
    Checksum,
    Count,
    Instant,
    SnapshotDocument,
    SnapshotId,
)

Outcome = Literal["done", "unchanged", "partly", "failed", "killed"]


class _Status(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all: frozen; what is not listed is left alone."""


class Sentences(_Status, frozen=True):
    """What there is to say of files.

    Attributes:
        count: How many sentences there are.
        first: The first of them; fewer in older runs.
    """

    count: Count = 0
    first: tuple[str, ...] = ()


class CollectionRun(_Status, frozen=True):
    """What a run did to a collection.

    Attributes:
        id: The collection.
        rendered: Layers that were made.
        reused: Layers that were there already, of a run that came to no end or of an earlier
            snapshot.
        kept: Published layers that were left as they are.
        dropped: Published layers that went with their sources.
        missing: Published layers whose sources are gone, and which are kept.
        failed: What was set aside, and why.
        left: What was left for the next run, as it is still being copied.
        change: What is new to readers.
    """

    id: Name
    rendered: Count = 0
    reused: Count = 0
    kept: Count = 0
    dropped: Count = 0
    missing: Count = 0
    failed: Sentences = Sentences()
    left: Sentences = Sentences()
    change: ChangeDocument | None = None


class RunDocument(_Status, frozen=True):
    """A run of the builder that held the site's lock.

    Attributes:
        begun: When it began, UTC.
        outcome: ``done``: readers see something new; ``unchanged``: there was nothing new;
            ``partly``: what could be built is published, and something could not be;
            ``failed``: nothing was published; ``killed``: it came to no end, by a power cut or a
            signal, and the next run did the rest.
        seconds: How long it took; not known of one that was killed.
        exit: Its exit code; not known of one that was killed.
        snapshot: The snapshot that the site showed afterwards.
        error: Why it failed.
        size: Bytes of all layers that the site showed afterwards.
        freed: Bytes that the clean-up of earlier snapshots removed.
        collections: What it did to each.
    """

    begun: Instant
    outcome: Outcome
    seconds: Annotated[float, Meta(ge=0)] | None = None
    exit: int | None = None
    snapshot: SnapshotId | None = None
    error: str | None = None
    size: Count = 0
    freed: Count = 0
    collections: tuple[CollectionRun, ...] = ()


class DayStatus(_Status, frozen=True, array_like=True):
    """What there is of a day.

    Attributes:
        date: The day, ``2018-01-02``.
        bands: Which bands there are: the sum of 2 to the power of their places in the part's
            `bands`.
        clear: Per cent of the pixels with data that are clear, on average of the day's items;
            null where no mask tells.
    """

    date: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)")]
    bands: Count
    clear: Annotated[int, Meta(ge=0, le=100)] | None


class PartStatus(_Status, frozen=True):
    """What a part of a collection holds: read once, as the part never changes.

    Attributes:
        checksum: Multihash of the part.
        bands: The bands that there are in it.
        days: Its days, in order.
        items: Number of its items.
        layers: Number of their layers.
        size: Bytes of these.
    """

    checksum: Checksum
    bands: tuple[Name, ...] = ()
    days: tuple[DayStatus, ...] = ()
    items: Count = 0
    layers: Count = 0
    size: Count = 0


class CollectionStatus(_Status, frozen=True):
    """What the site shows of a collection.

    Attributes:
        id: The collection.
        title: A name for people.
        bands: Its bands, in order.
        parts: Its parts, in order of time.
    """

    id: Name
    title: str
    bands: tuple[Name, ...] = ()
    parts: tuple[PartStatus, ...] = ()


class GrowthPoint(_Status, frozen=True, array_like=True):
    """How large the site was.

    Attributes:
        time: When, UTC.
        size: Bytes of all layers that it showed.
        layers: Their number.
    """

    time: Instant
    size: Count
    layers: Count


class StatusDocument(_Status, frozen=True):
    """``status.json``: how the builder is doing.

    Attributes:
        version: Version of the catalogue contract.
        catalogue: The catalogue's identifier.
        title: A name for people.
        snapshot: The snapshot that `collections` tells of.
        runs: The last runs, in order of time.
        news: The last snapshots that changed something, in order of their times: also those that
            are no longer kept.
        collections: What the site shows.
        growth: How it grew, in order of time; the older, the fewer.
    """

    version: str = field(name="shoestring:version")
    catalogue: str
    title: str
    snapshot: SnapshotId | None = None
    runs: tuple[RunDocument, ...] = ()
    news: tuple[SnapshotDocument, ...] = ()
    collections: tuple[CollectionStatus, ...] = ()
    growth: tuple[GrowthPoint, ...] = ()

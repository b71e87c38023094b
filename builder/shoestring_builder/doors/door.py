"""A kind of files for other tools, and such a file."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shoestring_builder.doors.part import DoorPart, DoorSite
from shoestring_builder.record import hashed_name


@dataclass(frozen=True, slots=True)
class DoorFile:
    """A file for other tools, as a function of documents.

    Attributes:
        stem: What its name begins with, such as ``B04-2018``.
        suffix: What it ends with: ``.vrt``, ``.gti.gpkg``, or nothing.
        data: Its bytes.
        kind: Media type.
        title: What it is, for people.
    """

    stem: str
    suffix: str
    data: bytes
    kind: str
    title: str

    @property
    def checksum(self) -> str:
        """Multihash of the content."""
        return "1220" + hashlib.sha256(self.data).hexdigest()

    @property
    def name(self) -> str:
        """Its name for ever, in its folder."""
        return hashed_name(self.stem, self.checksum, self.suffix)

    @property
    def pointer(self) -> str:
        """The name of the copy that always shows the newest."""
        return self.stem + self.suffix


Maker = Callable[[DoorPart], Iterable[DoorFile]]
SiteMaker = Callable[[DoorSite], Iterable[DoorFile]]


@dataclass(frozen=True, slots=True)
class Door:
    """How a kind of files is made; each function may give none, where there is nothing to say.

    Attributes:
        version: Raised where the same documents give other files of a part.
        item: Files of a date, from a part of one item. Its item links to them, so they hold no
            public address.
        part: Files of a part; its STAC catalogue links to them.
        collection: Files of a collection, from its newest dates: it names them as assets.
        site: Files of a site, from the newest dates of all collections: its catalogue links to them.
        addressed: Whether the files of a part depend on its public address.
    """

    version: int
    item: Maker | None = None
    part: Maker | None = None
    collection: Maker | None = None
    site: SiteMaker | None = None
    addressed: bool = False

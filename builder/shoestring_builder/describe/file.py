"""A document as it will stand in the site."""

import hashlib
from dataclasses import dataclass

from shoestring_builder.record import hashed_name


@dataclass(frozen=True, slots=True)
class File:
    """A document as it will stand in the site.

    Attributes:
        name: Relative to the collection's folder.
        data: Its bytes.
    """

    name: str
    data: bytes

    @property
    def checksum(self) -> str:
        """Multihash of the content."""
        return "1220" + hashlib.sha256(self.data).hexdigest()


def hashed_file(stem: str, data: bytes, suffix: str = ".json") -> File:
    """A file under a name that stands for its content."""
    return File(hashed_name(stem, File(stem, data).checksum, suffix), data)

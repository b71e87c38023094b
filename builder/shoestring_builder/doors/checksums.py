"""What a part's items name, by its checksum (``SHA256SUMS``) and by its address; pure."""

from collections.abc import Iterator
from urllib.parse import unquote

from shoestring_builder.doors.address import public
from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.part import DoorPart

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
"""What coreutils write of names that would not be one line; a line that has any begins with a backslash."""


def sha256sums(part: DoorPart) -> bytes:
    """The lines that ``sha256sum --check`` reads in the folder that doors lie in.

    All files that the part's items name: layers, what VRTs read, pictures and other doors of a date.

    Args:
        part: Its items tell the files' checksums.
    """
    return "".join(_line(unquote(href), digest) for href, digest in _files(part)).encode()


def url_list(part: DoorPart) -> bytes:
    """The same files by their addresses, one a line, for ``wget -i`` and ``xargs curl``.

    Args:
        part: With its public address.
    """
    return "".join(f"{public(part.address, href)}\n" for href, _ in _files(part)).encode()


def list_files(part: DoorPart) -> Iterator[DoorFile]:
    """Both lists of a part; the one of addresses where it has a public one."""
    title = f"Checksums of {part.period} (sha256sum)"
    yield DoorFile(f"SHA256SUMS-{part.period}", "", sha256sums(part), "text/plain", title)
    if part.address:
        title = f"Addresses of {part.period} (wget, curl)"
        yield DoorFile(f"urls-{part.period}", ".txt", url_list(part), "text/plain", title)


def _files(part: DoorPart) -> Iterator[tuple[str, str]]:
    """The href of each file, relative to the folder, and its SHA-256; each file once."""
    found: dict[str, str] = {}
    for item in part.items:
        for asset in item["assets"].values():
            for own in (asset, *asset.get("shoestring:sources", ())):
                digest = own.get("file:checksum") or own.get("checksum")
                if digest:
                    found.setdefault(own["href"].removeprefix("./"), digest)
        for link in item["links"]:
            if link["rel"] == "alternate" and "file:checksum" in link:
                found.setdefault(link["href"].removeprefix("./"), link["file:checksum"])
    return ((href, digest.removeprefix("1220")) for href, digest in found.items())


def _line(path: str, digest: str) -> str:
    escaped = "".join(_ESCAPES.get(letter, letter) for letter in path)
    return f"{'' if escaped == path else chr(92)}{digest}  {escaped}\n"

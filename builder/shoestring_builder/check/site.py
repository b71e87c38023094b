"""Is every file of a site there, whole and right?"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import rasterio
from rasterio.errors import NotGeoreferencedWarning

from shoestring_builder.check.collection import Job, check_collection
from shoestring_builder.check.document import document_faults
from shoestring_builder.check.site_reader import SiteReader
from shoestring_builder.check.snapshots import kept_snapshots, pointer_faults, snapshot_faults
from shoestring_builder.watch.feed import FEED
from shoestring_builder.watch.watcher import PAGE, STATUS
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import CatalogDocument
from shoestring_schema.version import require_readable

_GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # a file is what is in it,
    "GDAL_PAM_ENABLED": "NO",  # not what lies beside it
}


_FEED = re.compile(rf"[^/]+/{re.escape(FEED)}")


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found.

    Attributes:
        faults: One sentence for each.
        notes: What is worth knowing and no fault.
        collections: How many were checked.
        items: Items of them.
        files: Files that were read whole.
        size: Bytes of these files.
        unread: Files of which only the size was compared.
    """

    faults: tuple[str, ...]
    notes: tuple[str, ...]
    collections: int
    items: int
    files: int
    size: int
    unread: int = 0

    @property
    def summary(self) -> str:
        """What was checked, in half a line."""
        what = (
            f"{counted(self.collections, 'collection')}, {counted(self.items, 'item')}, "
            f"{counted(self.files, 'file')}, {self.size / 1e6:.1f} MB"
        )
        others = counted(self.unread, "other file")
        return f"{what}; the sizes of {others}, which --deep reads" if self.unread else what


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def check(site: Path, *, deep: bool = True) -> Report:
    """Check every link, file, size, checksum, COG, tile index and STAC document of a site.

    Without `deep` documents are read, whose checksums state what all others are: of layers,
    pictures and indexes only the sizes are compared, and neither COGs nor STAC are validated.
    That is done in little time, every day; what a disk lost silently, only a deep check finds.

    A progress bar goes to standard error where that is a terminal and it takes over two
    seconds. No content of the site can make this fail: whatever is broken is a sentence.

    Args:
        site: The site's folder.
        deep: Whether every byte is read.

    Raises:
        CatalogueError: The folder has no `catalog.json`, so it is no site.
        MissingExtraError: The packages of the extra ``builder`` are not installed.
    """
    if not (site / "catalog.json").is_file():
        raise CatalogueError(
            f"{site} is not a site: it has no catalog.json. Name the folder that "
            "`shoestring build` wrote."
        )
    reader = SiteReader(site.resolve(), deep, named={"catalog.json", STATUS, PAGE})
    faults, document = _catalogue(reader)
    checked = [check_collection(reader, name, document) for name in _collections(reader, document)]
    faults += [fault for collection in checked for fault in collection.faults]
    jobs = [job for collection in checked for job in collection.jobs]
    if document is not None:
        wrong, snapshots = kept_snapshots(reader, document.snapshot)
        faults += [*pointer_faults(reader, document), *wrong]
        jobs += [partial(snapshot_faults, reader, snapshot) for snapshot in snapshots]
    with rasterio.Env(**_GDAL), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # it is told as a fault
        faults += [fault for job in _told(jobs) for fault in job()]
    return Report(
        faults=tuple(dict.fromkeys(faults)),  # what several documents name is told once
        notes=tuple(_notes(reader)),
        collections=len(checked),
        items=sum(len(collection.features) for collection in checked),
        files=len(reader.digests),
        size=sum(digest.size for digest in reader.digests.values()),
        unread=len(reader.sizes),
    )


def _catalogue(reader: SiteReader) -> tuple[list[str], CatalogDocument | None]:
    """Faults of `catalog.json`, and what it says, if it can be read."""
    name = "catalog.json"
    try:
        document = reader.read(name, CatalogDocument)
        require_readable(document.version or "", name)
        return list(document_faults(reader, name, reader.read(name, dict))), document
    except CatalogueError as error:
        return [str(error)], None


def _collections(reader: SiteReader, document: CatalogDocument | None) -> list[str]:
    """The collections that `catalog.json` names."""
    collections = []
    for link in document.links if document else ():
        if link.rel == "child":
            try:
                collections.append(reader.follow("catalog.json", link.href))
            except CatalogueError:  # told by document_faults
                continue
    return list(dict.fromkeys(collections))


def _told(jobs: list[Job]) -> Iterator[Job]:
    from tqdm import tqdm

    yield from tqdm(jobs, desc="check", unit=" steps", delay=2, disable=None, leave=False)


def _notes(reader: SiteReader) -> Iterator[str]:
    """Tell of files that nothing names: of snapshots no longer kept, or a user's own."""
    others = [name for name in reader.others() if not _FEED.fullmatch(name)]
    if others:
        # Of a link itself, where it leads to nothing or out of the site.
        size = sum((reader.root / name).lstat().st_size for name in others)
        first = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        yield (
            f"Nothing names {counted(len(others), 'file')} of {size / 1e6:.1f} MB ({first}); "
            "those of earlier builds are removed by a later one."
        )

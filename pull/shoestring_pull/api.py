"""`catalogue.pull(...)`: what the client finds through the entry-point group."""

from collections.abc import Iterable
from pathlib import Path

from shoestring.catalogue import CatalogueInfo
from shoestring.options import Options
from shoestring.roi import RoiLike
from shoestring.selection import Dates
from shoestring_pull.options import PullOptions
from shoestring_pull.region import read_region
from shoestring_pull.report import PullReport
from shoestring_pull.run import Wish, pull
from shoestring_pull.selection import make_selection
from shoestring_schema.errors import SelectionError


def pull_catalogue(
    info: CatalogueInfo,
    options: Options,
    folder: str | Path,
    *,
    collections: str | Iterable[str] | None,
    bands: str | Iterable[str] | None,
    dates: Dates,
    roi: RoiLike | None,
    crop: bool,
    delete: bool,
    terms: PullOptions | None,
    progress: bool | None,
) -> PullReport:
    """Pull an open catalogue; see `AsyncCatalogue.pull`."""
    if info.snapshot is None:
        raise SelectionError(
            f"{info.address} has no snapshots: open the catalog.json of a site of Shoestring's to pull it."
        )
    region = None if roi is None else read_region(roi, options)
    selection = make_selection(collections, bands, dates, region, crop=crop)
    return pull(
        Wish(
            address=info.address,
            folder=Path(folder).expanduser(),
            selection=None if selection.is_all else selection,
            snapshot=info.snapshot,
            delete=delete,
            terms=terms or PullOptions(),
            options=options,
            progress=progress,
        )
    )

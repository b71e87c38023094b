"""`catalogue.pull(...)`: what the client finds through the entry-point group."""

from pathlib import Path
from typing import Unpack

from shoestring.catalogue import CatalogueInfo
from shoestring.options import Options
from shoestring.pulling import Pulled
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
    delete: bool,
    terms: PullOptions | None,
    progress: bool | None,
    **selected: Unpack[Pulled],
) -> PullReport:
    """Pull an open catalogue; see `AsyncCatalogue.pull`."""
    if info.snapshot is None:
        raise SelectionError(
            f"{info.address} has no snapshots: open the catalog.json of a site of Shoestring's to pull it."
        )
    roi = selected.get("roi")
    region = None if roi is None else read_region(roi, options)
    selection = make_selection(
        selected.get("collections"), selected.get("bands"), selected.get("dates"), region,
        crop=selected.get("crop", False),
    )  # fmt: skip
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

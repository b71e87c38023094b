"""`Catalogue.pull`: done by a package that knows more than the client, if it is there."""

from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from typing import Any, TypedDict

from shoestring.roi import RoiLike
from shoestring.selection import Dates
from shoestring_schema.errors import SelectionError

GROUP = "shoestring.extensions"


class Pulled(TypedDict, total=False):
    """What of a site is pulled: options of `AsyncCatalogue.pull`, told there."""

    collections: str | Iterable[str] | None
    bands: str | Iterable[str] | None
    dates: Dates
    roi: RoiLike | None
    crop: bool


def puller() -> Callable[..., Any]:
    """What pulls catalogues.

    Raises:
        SelectionError: It is not installed.
    """
    for found in entry_points(group=GROUP, name="pull"):
        return found.load()  # type: ignore[no-any-return]
    raise SelectionError(
        "This installation can't pull sites: install the whole distribution, pip install shoestring."
    )

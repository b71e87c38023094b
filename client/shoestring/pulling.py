"""`Catalogue.pull`: done by a package that knows more than the client, if it is there."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from shoestring_schema.errors import SelectionError

GROUP = "shoestring.extensions"


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

"""From a stranger's bytes to a checked document.

Size and depth are bounded before anything is built from them; what is wrong
is said in one sentence that names the document.
"""

from typing import TypeVar

import msgspec
import numpy as np

from shoestring_schema.errors import CatalogueError

MAX_BYTES = 64 * 2**20
"""No JSON document of a site is larger."""

MAX_DEPTH = 32
"""Nor nested deeper. (The deepest of ours, an item's geometry in a part, has 8 levels.)"""

T = TypeVar("T")


def decode(data: bytes, kind: type[T], where: str) -> T:
    """Decode a JSON document into a typed value.

    Args:
        data: The document.
        kind: One of the types of `shoestring_schema.site`, or any that msgspec knows.
        where: URL or path of the document, for messages.

    Raises:
        CatalogueError: Too large, too deep, not JSON, or not as the contract says.
    """
    if len(data) > MAX_BYTES:
        raise CatalogueError(
            f"{where} is larger than {MAX_BYTES} bytes, which no catalogue document is."
        )
    if _depth(data) > MAX_DEPTH:
        raise CatalogueError(
            f"{where} is nested deeper than {MAX_DEPTH} levels, which no catalogue document is."
        )
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise CatalogueError(
            f"{where} is not a catalogue that Shoestring can read: {error}."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CatalogueError(
            f"{where} is not JSON ({error}): check that the address names a catalogue."
        ) from None


def _depth(data: bytes) -> int:
    """An upper bound of the nesting depth: brackets within strings count as well.

    Strings hold few brackets, and in a document of ours they come in pairs.
    """
    brackets = np.frombuffer(data.translate(None, _NOT_BRACKETS), np.uint8)
    if not brackets.size:
        return 0
    steps = np.where((brackets == ord("[")) | (brackets == ord("{")), 1, -1)
    return int(steps.cumsum().max())


_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

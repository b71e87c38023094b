"""Which cache is meant: by argument, by environment, or none."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from shoestring.cache import CacheSettings
from shoestring.options import Options
from shoestring_schema.errors import SelectionError

CacheLike = str | os.PathLike[str] | bool | None
"""A folder; None is what the environment says; False is none, True the usual one."""

FOLDER = "SHOESTRING_CACHE"
"""Names the folder, where no other is given."""

SIZE = "SHOESTRING_CACHE_SIZE"
"""Names the size, where no other is given: ``500 MB``, ``20 GB``, or bytes."""

USUAL_FOLDER = "~/.cache/shoestring"

USUAL_SIZE = 2 * 10**9
"""Bytes. A season of a field of 300 pixels (three bands, 100 dates) is some 70 MB: nearly thirty of
them fit, and it is room that a laptop with a small disk still has."""

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
          "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}  # fmt: skip


def cache_settings(
    cache: CacheLike, options: Options, environment: Mapping[str, str] = os.environ
) -> CacheSettings | None:
    """Which cache to use; None for none.

    Args:
        cache: What the user gave.
        options: Its `cache_size` counts more than the environment.
        environment: The process's.

    Raises:
        SelectionError: The environment names a size that is none.
    """
    named = environment.get(FOLDER, "") if cache is None else cache
    if named is False or named == "":
        return None
    folder = Path(USUAL_FOLDER if named is True else named).expanduser()
    return CacheSettings(folder, _size(options, environment))


def parse_size(text: str) -> int:
    """Bytes from how a person writes them: ``500 MB``.

    Raises:
        SelectionError: That is no size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    if found is None or found[2].lower() not in _UNITS:
        raise SelectionError(f"{text[:40]!r} is no size: write it as 500 MB or 20 GB.")
    return int(float(found[1]) * _UNITS[found[2].lower()])


def _size(options: Options, environment: Mapping[str, str]) -> int:
    if options.cache_size is not None:
        return options.cache_size
    text = environment.get(SIZE, "")
    try:
        return parse_size(text) if text else USUAL_SIZE
    except SelectionError as error:
        raise SelectionError(f"{SIZE} can't be used: {error}") from None

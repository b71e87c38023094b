"""What the check finds out of a document or a file, once for each content.

Nearly all documents and files of a site are the same in all tests that break one of them.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import rio_cogeo.cogeo

from shoestring_builder.check import stac
from shoestring_builder.index import layer_files


@contextmanager
def contents_looked_at_once() -> Iterator[None]:
    """Validate each document, read each file's blocks and judge each COG once only.

    What a file's blocks hold and whether it is a COG follow from its bytes, so a file that
    differs in one of them is read. What fails is not remembered.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stac, "validate", _remembered(stac.validate, json.dumps))
        patch.setattr(layer_files, "read_blocks", _remembered(layer_files.read_blocks, _digest))
        judge = _remembered(rio_cogeo.cogeo.cog_validate, _digest)
        patch.setattr(rio_cogeo.cogeo, "cog_validate", judge)
        yield


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remembered(work: Callable[..., Any], content: Callable[[Any], str]) -> Callable[..., Any]:
    """A function that works once for each content of its first argument."""
    known: dict[Any, Any] = {}

    def remembered(first: Any, *others: Any, **named: Any) -> Any:  # noqa: ANN401
        key = content(first), others, tuple(named.items())
        if key not in known:
            known[key] = work(first, *others, **named)
        return known[key]

    return remembered

"""What a server says of a document so that it can be asked later whether it has changed."""

import re
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime

import msgspec

_TAG = re.compile(r'(W/)?"[\x21\x23-\x7e]{0,200}"')
_MOMENT = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")

_SETTLED = 2.0
"""Seconds. A document that is younger may change within the second that its validators tell."""


class Validators(msgspec.Struct, frozen=True, omit_defaults=True):
    """Validators of a document; none at all where a server gives none, or none to be trusted.

    Attributes:
        tag: Its entity tag, as the server wrote it.
        modified: When it was last changed, as the server wrote it.
    """

    tag: str | None = None
    modified: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Those of a request for the document, should it have changed."""
        if self.tag is not None:
            return {"If-None-Match": self.tag}
        return {} if self.modified is None else {"If-Modified-Since": self.modified}


class Copy(msgspec.Struct, frozen=True):
    """A document that was fetched.

    Attributes:
        data: Its bytes.
        validators: What its server said of it.
    """

    data: bytes
    validators: Validators


def read_validators(headers: Mapping[str, str]) -> Validators:
    """The validators in a stranger's headers.

    Whatever is not written as HTTP has it is as if it were not there. Many servers make the tag of
    a file from its size and the second of its last change, so both are trusted only when that
    second is over.

    Args:
        headers: Of an answer.
    """
    tag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if _is_settling(modified, headers.get("Date", "")):
        return Validators()
    return Validators(
        tag=tag if _TAG.fullmatch(tag) else None,
        modified=modified if _MOMENT.fullmatch(modified) else None,
    )


def _is_settling(modified: str, now: str) -> bool:
    with suppress(ValueError, TypeError, OverflowError):
        age = parsedate_to_datetime(now) - parsedate_to_datetime(modified)
        return age.total_seconds() < _SETTLED
    return False

"""By what names a cache keeps things, and which of them never change. Pure.

A name is a hash of an address: no name on the disk is of a server's choice.
"""

import hashlib
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

_SIGNATURES = (
    ("x-amz-signature", re.compile("x-amz-.*")),
    ("x-goog-signature", re.compile("x-goog-.*")),
    ("sig", re.compile("sig|s[tevrpk]|spr|sip|srt|ss|sk[a-z]{1,3}|sdd|saoid|suoid|scid")),
    ("signature", re.compile("signature|expires|policy|key-pair-id|awsaccesskeyid|googleaccessid")),
)
"""A parameter that signs a URL, and those that do it together with it: of S3, Google's and Azure's
stores, and of CloudFront and the old signatures of S3. They differ each time, the file does not."""

_HASHED = re.compile(r"-([0-9a-f]{16})\.json$")


def identity(url: str) -> str:
    """A URL without what differs from time to time or user to user: credentials, signatures."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    given = {name.lower() for name, _ in query}
    for sign, family in _SIGNATURES:
        if sign in given:
            query = [pair for pair in query if not family.fullmatch(pair[0].lower())]
    host = parts.netloc.rpartition("@")[2].lower()
    return parts._replace(netloc=host, query=urlencode(query), fragment="").geturl()


def name_of_document(url: str) -> bytes:
    """The name of a whole document."""
    return _hash("document", identity(url))


def name_of_file(url: str, size: int) -> bytes:
    """The name under which spans of a file of this size are kept."""
    return _hash("file", str(size), identity(url))


def proves_itself(url: str, data: bytes) -> bool:
    """Whether a document's name carries the hash of these bytes: then it never changes."""
    found = _HASHED.search(urlsplit(url).path)
    return found is not None and hashlib.sha256(data).hexdigest().startswith(found[1])


def _hash(*words: str) -> bytes:
    return hashlib.blake2b("\n".join(words).encode(), digest_size=16).digest()

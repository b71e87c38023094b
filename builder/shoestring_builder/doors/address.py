"""Absolute addresses of what items name; pure."""

from urllib.parse import quote, urljoin

_OF_ADDRESSES = "!#$%&'()*+,/:;=?@~"
"""With letters, digits, ``-._``: what stays as it is. Brackets and braces go: curl makes lists of them."""


def public(address: str, href: str) -> str:
    """Where a file lies, for programs that take an address as it stands there.

    Args:
        address: Of the folder, with a slash at its end.
        href: The file, relative to it.
    """
    return quote(urljoin(address, href), safe=_OF_ADDRESSES)

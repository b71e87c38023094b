"""The Range header of a request, as bytes of a file."""

import re

_SINGLE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


def parse_range(text: str, size: int) -> range | None:
    """Which bytes of a file a Range header asks for (RFC 9110, section 14).

    Args:
        text: The header's value, such as ``bytes=0-99``, ``bytes=100-`` or ``bytes=-7``.
        size: Bytes of the file.

    Returns:
        The bytes' positions; an empty range where the header asks for none that exist (the
        answer is 416); None where it is to be ignored: another unit, no range at all, or
        several ranges at once, which a server need not support.
    """
    match = _SINGLE.fullmatch(text)
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        return range(max(0, size - int(match[2])), size)
    first = int(match[1])
    if match[2] and int(match[2]) < first:
        return None
    stop = int(match[2]) + 1 if match[2] else size
    return range(min(first, size), min(stop, size))

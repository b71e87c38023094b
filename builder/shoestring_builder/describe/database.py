"""`database.json`, the plain form: dates and their files; pure."""

from collections.abc import Iterable, Sequence

import msgspec

from shoestring_builder.record import ItemRecord, year_of
from shoestring_schema.moment import format_moment


def database_of(bands: Sequence[str], items: Iterable[ItemRecord], base: str) -> bytes:
    """`database.json`: ``{"2018-01-02": [url, …]}``, one date a line, None where a band is missing.

    Args:
        bands: Names of the collection's bands, in order.
        items: Its items, in order of time.
        base: See `address_of`.
    """
    lines = []
    for item in items:
        hrefs = [
            f"{base}{year_of(item.moment)}/{item.layers[band].href}"
            if band in item.layers
            else None
            for band in bands
        ]
        lines.append(f"{_text(format_moment(item.moment))}: {_text(hrefs)}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()

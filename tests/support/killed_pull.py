"""A transfer in a process of its own, to be killed: ``python killed_pull.py BOOK STAGING``.

The book is JSON: the URL, the folder, and for each file its name, size and SHA-256; or instead
of that its spans, with a CRC-32 each.
"""

import json
import sys
from pathlib import Path
from typing import Any

from shoestring.location import Location
from shoestring.options import Options
from shoestring.spans import Span
from shoestring_pull.transfer.order import Order, Piece
from shoestring_pull.transfer.transfer import transfer


def main() -> None:
    """Transfer what the book says and nobody has transferred yet."""
    book = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(book["folder"])
    missing = [file for file in book["files"] if not (folder / file["name"]).exists()]
    orders = [_order(book["url"], folder, **file) for file in missing]
    options = Options(connections=book["connections"], retry_delay=0.05, timeout=10)
    report = transfer(orders, staging=Path(sys.argv[2]), options=options, progress=False)
    print(report.fetched)


def _order(
    url: str, folder: Path, name: str, size: int, checksum: str | None, spans: list[Any]
) -> Order:
    source = Location(f"{url}/{name}")
    pieces = tuple(Piece(source, Span(begin, end), size, crc32) for begin, end, crc32 in spans)
    return Order(folder / name, sum(piece.span.size for piece in pieces), checksum, pieces)


if __name__ == "__main__":
    main()

"""Our transfer in a cold process: ``python pull_run.py BOOK URL CA TARGET``."""

import json
import sys
from pathlib import Path

from shoestring.location import Location
from shoestring.options import Options
from shoestring.spans import Span
from shoestring_pull.transfer.order import Order, Piece
from shoestring_pull.transfer.transfer import transfer


def main() -> None:
    """Transfer what the book of `pull_files.py` names."""
    book, url, ca, target = sys.argv[1:]
    sizes, sums = json.loads(Path(book).read_text())
    orders = [
        Order(
            Path(target) / name,
            size,
            f"1220{sums[name]}",
            (Piece(Location(f"{url}/{name}"), Span(0, size), size),),
        )
        for name, size in sizes.items()
    ]
    report = transfer(orders, staging=Path(target) / ".staging", options=Options(ca_bundle=ca))
    print(report)


if __name__ == "__main__":
    main()

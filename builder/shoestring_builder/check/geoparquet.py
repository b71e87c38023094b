"""Does the GeoParquet of a part say what its items say?"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from shapely.errors import ShapelyError

from shoestring_builder.check.layer import file_faults
from shoestring_builder.check.site_reader import SiteReader
from shoestring_builder.describe.item_rows import Row, rows_of
from shoestring_schema.document import MAX_BYTES
from shoestring_schema.errors import CatalogueError, MissingExtraError
from shoestring_schema.site import AssetDocument

Faults = Iterator[str]
Json = dict[str, Any]

_UNLIKE = (
    AttributeError, KeyError, OSError, TypeError, ValueError, msgspec.MsgspecError, ShapelyError,
)  # fmt: skip
"""What comes of bytes, or of items, that are not what they should be."""


def geoparquet_faults(
    reader: SiteReader, name: str, asset: AssetDocument, part: str | None, items: Sequence[Json]
) -> Faults:
    """Check that a file is there and whole, and in a deep check that it says what the items say.

    Args:
        reader: The site.
        name: The collection's document.
        asset: What that says of the file.
        part: The part that it mirrors; None where there is no such part.
        items: Those of the part.
    """
    try:
        target = reader.follow(name, asset.href)
        faults = list(file_faults(reader, target, asset.size, asset.checksum))
        yield from faults
        if part is None:
            yield f"{name} names {target}, which is of none of its parts."
        elif reader.deep and not faults:
            yield from _row_faults(reader.path(target), target, part, items)
    except CatalogueError as error:
        yield str(error)


def _row_faults(path: Path, name: str, part: str, items: Sequence[Json]) -> Faults:
    try:
        found, address = _read(path, len(items))
        folder = f"{address}{part.rpartition('/')[0].rpartition('/')[2]}/"
        expected = [_without_nulls(row) for row in rows_of(items, folder)]
        pairs = list(zip(found, expected, strict=True))
    except _UNLIKE as error:
        yield f"{name} is not GeoParquet of the items of {part}: {' '.join(str(error).split())[:200]}."
        return
    for row, own in pairs:
        if row != own:
            yield f"{name} does not say what {part} says of {str(own.get('id'))[:80]}."


def _read(path: Path, count: int) -> tuple[list[Row], str]:
    """The rows of a file, and the address of the collection that it tells.

    Raises:
        ValueError: It has another number of rows, or far too large ones, or tells no address; one
            of `_UNLIKE` where it is something else.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        raise MissingExtraError("shoestring check", "builder") from None
    try:
        with pq.ParquetFile(path) as file:
            facts = file.metadata
            groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
            size = sum(group.total_byte_size for group in groups)
            if facts.num_rows != count or size > MAX_BYTES:
                raise ValueError(f"it has {facts.num_rows} rows of {size} bytes for {count} items")
            rows = [_without_nulls(row) for row in file.read().to_pylist()]
    except pa.ArrowException as error:
        raise ValueError(str(error)) from None
    return rows, _address(facts.metadata)


def _address(facts: Mapping[bytes, bytes]) -> str:
    """Where a file says that the folder of its collection is."""
    collections = msgspec.json.decode(facts[b"stac-geoparquet"])["collections"]
    links = [link for own in collections.values() for link in own["links"]]
    hrefs = [link["href"] for link in links if link["rel"] == "canonical"]
    if len(hrefs) != 1 or not hrefs[0].startswith(("https://", "http://")):
        raise ValueError("it does not tell where its collection is")
    return str(hrefs[0]).rpartition("/")[0] + "/"


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 (rows nest to any depth)
    """A column that an item lacks is null in its row."""
    if isinstance(value, dict):
        return {key: _without_nulls(own) for key, own in value.items() if own is not None}
    return [_without_nulls(own) for own in value] if isinstance(value, list) else value

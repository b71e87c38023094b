"""GeoParquet of the items of a part: a table that whole archives are searched by.

It follows stac-geoparquet 1.1 in GeoParquet 1.1. pyarrow writes it, with columns of our own choice:
the library of that name finds the columns in the items, so those of two parts would differ.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec

from shoestring_builder.describe.item_rows import SIDES, ItemTable
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow

GEOPARQUET_TYPE = "application/vnd.apache.parquet"
WRITER_VERSION = 1
"""Raised where the same rows give another file."""

_SEARCHED = (
    "id", "datetime", "start_datetime", "end_datetime", "shoestring:clear_percent",
    *(f"bbox.{side}" for side in SIDES),
)  # fmt: skip
_OPTIONS: dict[str, Any] = {
    "version": "2.6",
    "compression": "zstd",
    "write_statistics": list(_SEARCHED),  # those of all others would double a month's file
    "store_schema": False,  # Arrow's own words for what Parquet says already
}

_TEXT = ("proj:code", "proj:wkt2")
_WHOLE = ("proj:epsg",)
"""Properties that may be null in all items, and are of these types where they are not."""


def require_writer(catalogue: CatalogueTable) -> None:
    """Refuse a configuration that asks for what can't be written here.

    Raises:
        ConfigError: GeoParquet is to be written, and pyarrow is not installed.
    """
    if "parquet" in catalogue.written_doors and find_spec("pyarrow") is None:
        raise ConfigError(
            "catalogue.base_url lets GeoParquet be written, for which pyarrow is missing: "
            'pip install "shoestring[builder]", or state doors without "parquet".'
        )


def geoparquet_of(table: ItemTable) -> bytes:
    """Write items as a file of GeoParquet; the same bytes for the same items and pyarrow.

    Args:
        table: What the file says.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = pa.schema([(key, _type(key, value)) for key, value in table.example.items()])
    rows = pa.array(table.rows, type=pa.struct(list(columns)))
    batch = pa.RecordBatch.from_struct_array(rows)
    facts = {key: msgspec.json.encode(value) for key, value in _metadata(table).items()}
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, batch.schema, **_OPTIONS) as writer:
        writer.write_batch(batch)
        writer.add_key_value_metadata(facts)
    return bytes(sink.getvalue())


def _metadata(table: ItemTable) -> dict[str, Any]:
    """What readers of GeoParquet, and of STAC in it, look for."""
    column = {
        "encoding": "WKB",
        "geometry_types": [table.geometry_type],
        "bbox": table.collection["extent"]["spatial"]["bbox"][0],
        "covering": {"bbox": {side: ["bbox", side] for side in SIDES}},
    }
    named = {table.collection["id"]: table.collection}
    return {
        "geo": {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}},
        "stac-geoparquet": {"version": "1.1.0", "collections": named},
    }


def _type(name: str, value: object) -> "pyarrow.DataType":
    """The type of a column or a field, by an example."""
    import pyarrow as pa

    if isinstance(value, dict):
        return pa.struct([(key, _type(key, own)) for key, own in value.items()])
    if value is None:
        return pa.string() if name in _TEXT else pa.int64() if name in _WHOLE else pa.null()
    return pa.infer_type([value])

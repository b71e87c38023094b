"""A GeoPackage of one layer whose features all have one outline; pure.

SQLite itself writes it, in memory, by Python's own module. GDAL could as well, but would not write the
same bytes twice without being told the time, and comes in a package (pyogrio) that the builder can do
without.

Standard: https://www.geopackage.org/spec130/
"""

import sqlite3
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from rasterio.crs import CRS
from rasterio.errors import CRSError

from shoestring_builder.doors.raster_xml import xml_text

_APPLICATION, _VERSION = 0x47504B47, 10300  # "GPKG", 1.3
_WRITER = struct.pack(">I", 3_040_000)
"""The version of SQLite that a file says to be by: always the same one, as its bytes shall be."""

_LONG_AGO = "2000-01-01T00:00:00.000Z"
_OWN_CRS = 100_000
"""Identifier of a CRS that EPSG does not know."""

_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY,
  organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL,
  description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL,
  identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
  definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE gpkg_metadata (id INTEGER PRIMARY KEY NOT NULL, md_scope TEXT NOT NULL DEFAULT 'dataset',
  md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml',
  metadata TEXT NOT NULL DEFAULT '');
CREATE TABLE gpkg_metadata_reference (reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT,
  row_id_value INTEGER,
  timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  md_file_id INTEGER NOT NULL, md_parent_id INTEGER,
  CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
  CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id));
"""

_USUAL_CRSS = (
    ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined", None),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined", None),
)
"""With WGS 84, those that every GeoPackage tells of."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a layer.

    Attributes:
        name: Its name: letters and underscores.
        kind: The GeoPackage's name of its type: ``TEXT``.
    """

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of polygons.

    Attributes:
        name: Of its table: letters.
        title: What it holds, for people.
        crs: ``EPSG:32630``, or WKT.
        outline: The corners of the polygon that all features have, closed.
        columns: Its columns.
        rows: What they hold, feature by feature.
        facts: Metadata of the layer, in GDAL's XML.
    """

    name: str
    title: str
    crs: str
    outline: tuple[tuple[float, float], ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]
    facts: str


def geopackage(layer: Layer) -> bytes:
    """Write a layer; the same bytes for the same layer."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute("PRAGMA page_size = 1024")  # most tables hold a line: less to fetch
        database.execute("PRAGMA auto_vacuum = NONE")
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
        database.execute("BEGIN")
        for statement in _TABLES.strip().split(";\n"):
            database.execute(statement.rstrip(";"))
        _fill(database, layer)
        database.execute("COMMIT")
        return _timeless(database.serialize())


def _fill(database: sqlite3.Connection, layer: Layer) -> None:
    srs, name = _srs_id(layer.crs), layer.name
    crss = {row[1]: row for row in (*_USUAL_CRSS, _srs("EPSG:4326"), _srs(layer.crs))}
    _insert(database, "gpkg_spatial_ref_sys", crss.values())
    xs, ys = zip(*layer.outline, strict=True)
    box = min(xs), min(ys), max(xs), max(ys)
    about = (name, "features", name, xml_text(layer.title), _LONG_AGO, *box, srs)
    _insert(database, "gpkg_contents", [about])
    _insert(database, "gpkg_geometry_columns", [(name, "geom", "POLYGON", srs, 0, 0)])
    _insert(database, "gpkg_extensions", _extensions())
    _insert(database, "gpkg_metadata", [(1, "dataset", "http://gdal.org", "text/xml", layer.facts)])
    reference = ("table", name, None, None, _LONG_AGO, 1, None)
    _insert(database, "gpkg_metadata_reference", [reference])
    columns = "".join(f', "{column.name}" {column.kind}' for column in layer.columns)
    database.execute(
        f'CREATE TABLE "{name}" (fid INTEGER PRIMARY KEY NOT NULL, geom POLYGON{columns})'
    )
    geometry = _geometry(srs, layer.outline)
    numbered = ((number, geometry, *row) for number, row in enumerate(layer.rows, 1))
    _insert(database, name, numbered)


def _extensions() -> Iterator[tuple[object, ...]]:
    standard = "http://www.geopackage.org/spec130/#extension_metadata"
    for table in ("gpkg_metadata", "gpkg_metadata_reference"):
        yield table, None, "gpkg_metadata", standard, "read-write"


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    for row in rows:
        database.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', row)


def _srs_id(crs: str) -> int:
    authority, _, code = crs.partition(":")
    return int(code) if authority == "EPSG" and code.isdigit() else _OWN_CRS


def _srs(crs: str) -> tuple[object, ...]:
    number = _srs_id(crs)
    known = CRS.from_user_input(crs)
    try:
        text = known.to_wkt(version="WKT1_GDAL")
    except CRSError:  # the older language has no words for some
        text = known.to_wkt()
    authority = "NONE" if number == _OWN_CRS else "EPSG"
    return crs if number != _OWN_CRS else "Own", number, authority, number, text, None


def _geometry(srs: int, outline: tuple[tuple[float, float], ...]) -> bytes:
    """A polygon as GeoPackages hold it: a head with its box, and well-known binary."""
    xs, ys = zip(*outline, strict=True)
    head = struct.pack("<2sBBi4d", b"GP", 0, 0b11, srs, min(xs), max(xs), min(ys), max(ys))
    corners = b"".join(struct.pack("<2d", *corner) for corner in outline)
    return head + struct.pack("<BIII", 1, 3, 1, len(outline)) + corners


def _timeless(data: bytes) -> bytes:
    """Without the count of changes, and the version of SQLite, that a file's head tells."""
    once = struct.pack(">I", 1)
    return data[:24] + once + data[28:92] + once + _WRITER + data[100:]

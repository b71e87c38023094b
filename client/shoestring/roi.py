"""The region of interest: every kind that a person has at hand, on a grid.

Accepted: a GeoJSON file, text, dictionary or URL; a shapefile, GeoPackage or
FlatGeobuf; a shapely geometry or anything with ``__geo_interface__`` (a
GeoDataFrame, too); a bounding box. GeoJSON is EPSG:4326 unless it names a
CRS; a file's own CRS counts; so does an object's ``crs``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import shapely
import shapely.geometry
from rasterio._err import CPLE_BaseError  # what PROJ says comes through unchanged
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.features import geometry_mask
from rasterio.transform import Affine
from rasterio.warp import transform, transform_bounds

from shoestring.crs import parse_crs
from shoestring.location import Location, web_address
from shoestring.mask import Flags
from shoestring.transport import Transport
from shoestring_schema.errors import MissingExtraError, RoiError
from shoestring_schema.grid import Grid, Window

MAX_BYTES = 256 * 2**20
"""No GeoJSON that is read over the network is larger."""

LONGITUDE_LATITUDE = "EPSG:4326"

RoiLike = Any
"""Anything that `read_roi` takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Roi:
    """A region of interest: valid polygons in one CRS.

    Attributes:
        geometry: A shapely Polygon or MultiPolygon.
        crs: Its CRS: an EPSG code, WKT or PROJ string.
    """

    geometry: Any
    crs: str = LONGITUDE_LATITUDE

    def __post_init__(self) -> None:
        if shapely.is_empty(self.geometry):
            raise RoiError("The ROI is empty: give it at least one polygon.")
        if self.geometry.geom_type not in {"Polygon", "MultiPolygon"}:
            raise RoiError(
                f"The ROI holds a {self.geometry.geom_type} and no area: give polygons, or buffer it first."
            )
        if not np.isfinite(shapely.get_coordinates(self.geometry)).all():
            raise RoiError("The ROI has coordinates that are not finite numbers: repair it.")
        if not shapely.is_valid(self.geometry):
            reason = shapely.is_valid_reason(self.geometry)
            raise RoiError(
                f"The ROI is not valid ({reason}): repair it, for example with shapely.make_valid."
            )
        self._check_degrees()

    def _check_degrees(self) -> None:
        left, bottom, right, top = self.geometry.bounds
        if self.crs == LONGITUDE_LATITUDE and (
            left < -360 or right > 360 or bottom < -90 or top > 90
        ):
            raise RoiError(
                f"The ROI's coordinates ({left:g}, {bottom:g} to {right:g}, {top:g}) are no longitudes and "
                "latitudes: name its CRS, as in Roi(geometry, 'EPSG:32630')."
            )

    def on(self, grid: Grid) -> "GridRoi":
        """Bring the region onto a grid.

        Raises:
            RoiError: It lies outside of the grid, or has no place in the grid's CRS.
        """
        geometry = _reproject(self.geometry, self.crs, grid)
        if parse_crs(grid.crs).is_geographic:
            geometry = _around_the_globe(geometry, grid)
        window = grid.window_of(map(tuple, shapely.get_coordinates(geometry).tolist()))
        if window is None:
            raise RoiError(
                f"The ROI ({_degrees(self.geometry.bounds, self.crs)}) lies outside of the collection's grid "
                f"({_degrees(grid.bounds, grid.crs)}): choose another region or collection."
            )
        return GridRoi(geometry, grid, window)


@dataclass(frozen=True, slots=True, eq=False)
class GridRoi:
    """A region on a grid.

    Attributes:
        geometry: Polygons in the grid's CRS.
        grid: The grid.
        window: The geometry's bounding box, grown to whole pixels, cut at the grid's edges.
    """

    geometry: Any
    grid: Grid
    window: Window

    def inside(self) -> Flags:
        """True for the window's pixels that count, shape (rows, columns).

        A pixel counts by its centre. Where the region is so small that it holds no
        pixel's centre, the pixels that it touches count instead.

        Raises:
            RoiError: Not even one pixel is touched.
        """
        for all_touched in (False, True):
            flags = geometry_mask(
                [self.geometry],
                self.window.shape,
                Affine(*self.grid.crop(self.window).transform),
                all_touched=all_touched,
                invert=True,
            )
            if flags.any():
                return flags  # type: ignore[no-any-return]
        raise RoiError(
            "The ROI lies outside of the collection's grid: only its bounding box touches it."
        )


async def read_roi(roi: RoiLike, transport: Transport) -> Roi:
    """Make a `Roi` of anything that describes one.

    Args:
        roi: See the module's text.
        transport: For a URL.

    Raises:
        RoiError: Not a region, or one that can't be used.
        TransferError: Its URL can't be read.
    """
    if isinstance(roi, str) and roi.lstrip().startswith(("http://", "https://")):
        url = web_address(roi.strip())
        return _from_geojson(
            _parse(await transport.fetch(Location(url), max_bytes=MAX_BYTES), url), url
        )
    return to_roi(roi)


def to_roi(roi: RoiLike) -> Roi:
    """Make a `Roi` of anything but a URL.

    Raises:
        RoiError: Not a region, or one that can't be used.
    """
    if isinstance(roi, Roi):
        return roi
    if isinstance(roi, str | Path):
        return _from_text(str(roi))
    if isinstance(roi, Mapping):
        return _from_geojson(roi, "the ROI")
    if hasattr(roi, "__geo_interface__"):
        return _from_geojson(roi.__geo_interface__, "the ROI", _crs_of(roi))
    if (
        isinstance(roi, Sequence | np.ndarray)
        and len(roi) == 4
        and all(isinstance(n, Real) for n in roi)
    ):
        return Roi(_box(*map(float, roi)))
    raise RoiError(
        f"A {type(roi).__name__} is no ROI: give GeoJSON, a vector file, a geometry, or west, south, east, north."
    )


def _from_text(text: str) -> Roi:
    if text.lstrip().startswith("{"):
        return _from_geojson(_parse(text.encode(), "the ROI"), "the ROI")
    numbers = text.split(",")
    if len(numbers) == 4:
        try:
            return Roi(_box(*map(float, numbers)))
        except ValueError:
            pass
    return _from_file(Path(text).expanduser())


def _from_file(path: Path) -> Roi:
    if not path.exists():
        raise RoiError(
            f"{path} does not exist: give the ROI's file, GeoJSON text, or west,south,east,north."
        )
    if path.suffix.lower() in {".geojson", ".json"}:
        try:
            return _from_geojson(_parse(path.read_bytes(), str(path)), str(path))
        except OSError as error:
            raise RoiError(f"{path} can't be read: {error.strerror}.") from None
    return _from_vector_file(path)


def _from_vector_file(path: Path) -> Roi:
    try:
        from pyogrio import raw
        from pyogrio.errors import DataLayerError, DataSourceError
    except ImportError:
        raise MissingExtraError(f"Reading {path.name}", "vector") from None
    try:
        meta, _, geometries, _ = raw.read(path, columns=[])
    except (DataSourceError, DataLayerError) as error:
        raise RoiError(f"{path} can't be read as vector data: {error}.") from None
    if geometries is None:
        raise RoiError(f"{path} holds no geometries.")
    return Roi(_merge(shapely.from_wkb(geometries), str(path)), meta["crs"] or LONGITUDE_LATITUDE)


def _parse(data: bytes, where: str) -> Mapping[str, Any]:
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RoiError(f"{where} is not GeoJSON: {error}.") from None
    if not isinstance(document, dict):
        raise RoiError(f"{where} is not GeoJSON: it is no object.")
    return document


def _from_geojson(document: Mapping[str, Any], where: str, crs: str | None = None) -> Roi:
    try:
        geometries = [shapely.geometry.shape(geometry) for geometry in _geometries(document)]
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        shapely.errors.ShapelyError,
    ) as error:
        raise RoiError(f"{where} is not GeoJSON that can be read: {error}.") from None
    return Roi(_merge(geometries, where), crs or _named_crs(document, where))


def _geometries(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    kind = document.get("type")
    if kind == "FeatureCollection":
        return [geometry for feature in document["features"] for geometry in _geometries(feature)]
    if kind == "Feature":
        return [] if document["geometry"] is None else [document["geometry"]]
    return [document]


def _named_crs(document: Mapping[str, Any], where: str) -> str:
    """GeoJSON's former ``crs`` member, which GDAL and QGIS still write."""
    named = document.get("crs")
    if named is None:
        return LONGITUDE_LATITUDE
    try:
        crs = parse_crs(named["properties"]["name"])
    except (KeyError, TypeError, ValueError):
        raise RoiError(
            f"{where} names a CRS that can't be understood: {str(named)[:80]}."
        ) from None
    code = crs.to_epsg()
    return LONGITUDE_LATITUDE if code is None and crs.is_geographic else str(crs.to_string())


def _crs_of(roi: object) -> str | None:
    """The CRS of a GeoDataFrame or the like."""
    crs = getattr(roi, "crs", None)
    return None if crs is None else str(crs.to_wkt() if hasattr(crs, "to_wkt") else crs)


def _merge(geometries: Iterable[Any], where: str) -> Any:  # noqa: ANN401
    """One (multi)polygon of several; what has no area in a collection is left out."""
    parts = shapely.get_parts(list(geometries))
    while any(part.geom_type.startswith(("Multi", "GeometryCollection")) for part in parts):
        parts = shapely.get_parts(parts)
    areas = [part for part in parts if part.geom_type == "Polygon"]
    if len(parts) and not areas:
        raise RoiError(
            f"{where} holds a {parts[0].geom_type} and no polygon: buffer it first to give it an area."
        )
    for part in areas:
        if not shapely.is_valid(part):
            return part  # Roi says what is wrong with it
    return shapely.union_all(areas) if len(areas) != 1 else areas[0]


def _box(west: float, south: float, east: float, north: float) -> Any:  # noqa: ANN401
    """A bounding box; one whose west lies east of its east crosses the antimeridian."""
    finite = np.isfinite([west, south, east, north]).all()
    if not finite or not south < north or west == east:
        raise RoiError(
            f"The ROI {west:g}, {south:g}, {east:g}, {north:g} is no box: give west, south, east, north."
        )
    return shapely.box(west, south, east if west < east else east + 360, north)


def _reproject(geometry: Any, crs: str, grid: Grid) -> Any:  # noqa: ANN401
    """Transform a geometry, with vertices added where straight edges become curves.

    An edge that is straight in the one CRS is not in the other. Edges are cut until
    none is off by more than a tenth of a pixel; those of a field need no cut.
    """
    try:
        source, target = parse_crs(crs), parse_crs(grid.crs)
    except ValueError:
        raise RoiError(f"The ROI's CRS can't be understood: {crs[:80]!r}.") from None
    if source == target:
        return geometry
    longest = max(geometry.bounds[2] - geometry.bounds[0], geometry.bounds[3] - geometry.bounds[1])
    for pieces in (1, 8, 64, 512):
        cut = geometry if pieces == 1 else shapely.segmentize(geometry, longest / pieces)
        moved = shapely.transform(cut, lambda points: _move(points, source, target))
        if _sagitta(cut, moved, source, target) < min(grid.resolution) / 10:
            break
    return moved


def _move(points: Any, source: CRS, target: CRS) -> Any:  # noqa: ANN401
    try:
        xs, ys = transform(source, target, points[:, 0], points[:, 1])
    except (RasterioError, CPLE_BaseError):
        xs = ys = [np.inf]
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        raise RoiError(
            "The ROI has points that do not exist in the CRS of the collection's grid: choose a smaller one."
        )
    return np.column_stack([xs, ys])


def _sagitta(before: Any, after: Any, source: CRS, target: CRS) -> float:  # noqa: ANN401
    """How far the edges' middles are from where the transformation puts them."""
    rings = [shapely.get_rings(shapely.get_parts(geometry)) for geometry in (before, after)]
    old, ring = shapely.get_coordinates(rings[0], return_index=True)
    new = shapely.get_coordinates(rings[1])
    is_edge = ring[1:] == ring[:-1]
    middles = _move(((old[1:] + old[:-1]) / 2)[is_edge], source, target)
    return float(np.abs(middles - ((new[1:] + new[:-1]) / 2)[is_edge]).max())


def _around_the_globe(geometry: Any, grid: Grid) -> Any:  # noqa: ANN401
    """Copies of the region, whole turns apart, that share area with the grid.

    Longitude -5 is longitude 355 of a grid that counts from 0 to 360; a region over the
    antimeridian has one part at each end of a global grid.
    """
    extent = shapely.box(*grid.bounds)
    turns = (
        shapely.transform(geometry, lambda points, t=turn: points + np.array([t, 0.0]))
        for turn in (0, -360, 360)
    )
    copies = [copy for copy in turns if shapely.area(shapely.intersection(copy, extent)) > 0]
    return shapely.union_all(copies) if copies else geometry


def _degrees(bounds: tuple[float, float, float, float], crs: str) -> str:
    west, south, east, north = extent(bounds, crs)
    return f"{west:.4g}..{east:.4g} E, {south:.4g}..{north:.4g} N"


def extent(
    bounds: tuple[float, float, float, float], crs: str
) -> tuple[float, float, float, float]:
    """Bounds in longitude and latitude: west, south, east, north."""
    try:
        return transform_bounds(crs, LONGITUDE_LATITUDE, *bounds)  # type: ignore[no-any-return]
    except (RasterioError, CPLE_BaseError):
        return bounds

"""Layers that can be added to a project of QGIS, and a project; pure.

Written by hand, so that no QGIS is needed to build a site. What its version 3.22 reads, later ones do.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from xml.etree import ElementTree as ET

from shoestring_builder.doors.qgis_layers import QgisCollection, QgisLayer, Span
from shoestring_builder.doors.qgis_style import Composite, Ramp
from shoestring_builder.doors.qgis_time import step_of
from shoestring_builder.doors.qgis_xml import add, document, line, number
from shoestring_schema.grid import Grid
from shoestring_schema.moment import format_moment

EARLIER = "Earlier dates"
"""The group of all dates but the newest: one box shows or hides them."""

_QLR = "qgis-layer-definition"
_QGS = "qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'"
_ANIMATED = "1"
_SECOND = timedelta(seconds=1)
_CODE = re.compile(r"[A-Za-z0-9]+:[A-Za-z0-9]+")


def layer_definition(collection: QgisCollection) -> bytes:
    """A collection as layers for any project.

    Only its newest date is drawn at first: without the time slider QGIS draws all that is ticked.
    """
    root = ET.Element("qlr")
    tree = add(root, "layer-tree-group")
    _add_collection(tree, collection, ticked=True, earlier=False)
    _add_layers(add(root, "maplayers"), [collection])
    return document(root, _QLR)


def project(title: str, collections: Sequence[QgisCollection]) -> bytes:
    """A site as a project: a group a collection, under the control of the time slider.

    Args:
        title: The site's.
        collections: What is shown; at least one. The view, the time and the CRS are those of the
            first one that has a picture in colours, or of the first.
    """
    pictures = (own for own in collections if isinstance(_first(own).style, Composite))
    front = next(pictures, collections[0])
    name = line(title)
    root = ET.Element("qgis", version="3.22.0", projectname=name)
    add(root, "title", name)
    _add_crs(add(root, "projectCrs"), front.grid)
    tree = add(root, "layer-tree-group")
    for own in collections:
        _add_collection(tree, own, ticked=own is front, earlier=True)
    _add_view(root, front.grid)
    _add_layers(add(root, "projectlayers"), collections)
    properties = add(root, "properties")
    crs = add(properties, "SpatialRefSys")
    add(crs, "ProjectionsEnabled", "1", type="int")  # else the CRS is not read
    _add_time(root, properties, front)
    return document(root, _QGS)


def _first(collection: QgisCollection) -> QgisLayer:
    return collection.groups[0].layers[0]


def _add_collection(
    tree: ET.Element, collection: QgisCollection, *, ticked: bool, earlier: bool
) -> None:
    """A group of groups, of which the first is ticked."""
    branch = _add_group(tree, collection.title, ticked=ticked)
    for group in collection.groups:
        own = _add_group(branch, group.title, ticked=group is collection.groups[0])
        _add_leaf(own, group.layers[0])
        if len(group.layers) > 1:
            rest = _add_group(own, EARLIER, ticked=earlier, open_=False)
            for layer in group.layers[1:]:
                _add_leaf(rest, layer)


def _add_group(tree: ET.Element, name: str, *, ticked: bool, open_: bool = True) -> ET.Element:
    expanded = "1" if open_ else "0"
    return add(tree, "layer-tree-group", name=name, checked=_tick(ticked), expanded=expanded)


def _add_leaf(tree: ET.Element, layer: QgisLayer) -> None:
    names = {"id": layer.key, "name": layer.name}
    add(tree, "layer-tree-layer", **names, checked=_tick(True), expanded="0", providerKey="gdal")


def _tick(ticked: bool) -> str:
    return "Qt::Checked" if ticked else "Qt::Unchecked"


def _add_layers(parent: ET.Element, collections: Iterable[QgisCollection]) -> None:
    for collection in collections:
        for group in collection.groups:
            for layer in group.layers:
                _add_layer(parent, collection.grid, layer)


def _add_layer(parent: ET.Element, grid: Grid, layer: QgisLayer) -> None:
    element = add(parent, "maplayer", type="raster")
    add(element, "id", layer.key)
    add(element, "datasource", layer.source)
    add(element, "layername", layer.name)
    _add_crs(add(element, "srs"), grid)
    add(element, "provider", "gdal")
    temporal = add(element, "temporal", enabled="1", mode="0", fetchMode="0")
    _add_span(temporal, "fixedRange", _inside(layer.span))
    pipe = add(element, "pipe")
    if isinstance(layer.style, Composite):
        _add_composite(pipe, layer.style)
    else:
        _add_ramp(pipe, layer.style)


def _add_composite(pipe: ET.Element, style: Composite) -> None:
    colours = ("red", "green", "blue")
    bands = {f"{colour}Band": str(place) for place, colour in enumerate(colours, 1)}
    renderer = add(
        pipe, "rasterrenderer", type="multibandcolor", opacity="1", alphaBand="-1", **bands
    )
    for colour, limits in zip(colours, style.limits, strict=True):
        enhancement = add(renderer, f"{colour}ContrastEnhancement")
        add(enhancement, "minValue", number(limits.low))
        add(enhancement, "maxValue", number(limits.high))
        add(enhancement, "algorithm", "StretchToMinimumMaximum")


def _add_ramp(pipe: ET.Element, style: Ramp) -> None:
    low, high = number(style.limits.low), number(style.limits.high)
    ends = {"classificationMin": low, "classificationMax": high}
    kind = "singlebandpseudocolor"
    renderer = add(pipe, "rasterrenderer", type=kind, band="1", opacity="1", alphaBand="-1", **ends)
    shader = add(
        add(renderer, "rastershader"), "colorrampshader", colorRampType="INTERPOLATED",
        classificationMode="1", clip="0", minimumValue=low, maximumValue=high,
    )  # fmt: skip
    _add_gradient(shader, style)
    for value, colour in style.stops:
        words = number(value)
        add(shader, "item", value=words, label=words, color=colour, alpha="255")


def _add_gradient(shader: ET.Element, style: Ramp) -> None:
    """The same colours as QGIS's list of them knows them: they can be changed, and make a legend."""
    own = [",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5)) + ",255"
           for colour in style.colours]  # fmt: skip
    last = len(own) - 1
    stops = ":".join(f"{number(at / last)};{own[at]}" for at in range(1, last))
    ramp = add(shader, "colorramp", type="gradient", name="[source]")
    facts = {
        "color1": own[0],
        "color2": own[-1],
        "discrete": "0",
        "rampType": "gradient",
        "stops": stops,
    }
    for key, value in facts.items():
        add(ramp, "prop", k=key, v=value)


def _add_crs(parent: ET.Element, grid: Grid) -> None:
    element = add(parent, "spatialrefsys")
    if not _CODE.fullmatch(grid.crs):
        add(element, "wkt", grid.crs)
        return
    add(element, "srsid", "1")  # of QGIS's own list; without one the code is not looked at
    add(element, "authid", grid.crs)


def _add_view(root: ET.Element, grid: Grid) -> None:
    """The map opens on the data."""
    sides = dict(zip(("xmin", "ymin", "xmax", "ymax"), map(number, grid.bounds), strict=True))
    canvas = add(root, "mapcanvas", name="theMapCanvas")
    extent = add(canvas, "extent")
    for side, value in sides.items():
        add(extent, side, value)
    _add_crs(add(canvas, "destinationsrs"), grid)
    _add_crs(add(add(root, "ProjectViewSettings"), "DefaultViewExtent", **sides), grid)


def _add_time(root: ET.Element, properties: ET.Element, front: QgisCollection) -> None:
    """The slider is on, at the first date, and its steps are those of the dates."""
    spans = front.spans
    season = (spans[0][0], spans[-1][1] - _SECOND)
    length, unit = step_of(spans)
    steps = {"timeStep": str(length), "timeStepUnit": unit}
    times = add(root, "ProjectTimeSettings", **steps, frameRate="1", cumulativeTemporalRange="0")
    _add_span(times, "TemporalRange", season)
    widget = add(properties, "TemporalControllerWidget")
    add(widget, "NavigationMode", _ANIMATED, type="int")
    for name, moment in zip(("StartDateTime", "EndDateTime"), season, strict=True):
        add(widget, name, format_moment(moment), type="QString")


def _inside(span: Span) -> Span:
    """A span without a second on both sides.

    Where a layer begins at the very instant at which a frame of the slider ends, QGIS takes it for one
    of that frame, too, and draws the later date over the one that it should.
    """
    start, end = span
    last = max(start, end - _SECOND)
    return min(start + _SECOND, last), last


def _add_span(parent: ET.Element, tag: str, span: Span) -> None:
    element = add(parent, tag)
    for name, moment in zip(("start", "end"), span, strict=True):
        add(element, name, format_moment(moment))

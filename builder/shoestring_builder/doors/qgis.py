"""The doors of QGIS: a collection as layers, a site as a project; pure."""

from collections.abc import Iterator

from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.part import DoorPart, DoorSite
from shoestring_builder.doors.qgis_layers import shown
from shoestring_builder.doors.qgis_project import layer_definition, project

PROJECT_TYPE = "application/x-qgis-project"
DEFINITION_TYPE = "application/x-qgis-layer-definition"


def qgis_layers(newest: DoorPart) -> Iterator[DoorFile]:
    """The newest dates of a collection as a layer definition."""
    collection = shown(newest)
    if collection is not None:
        data = layer_definition(collection)
        title = "Layers of the newest dates (QGIS)"
        yield DoorFile(newest.collection, ".qlr", data, DEFINITION_TYPE, title)


def qgis_project(site: DoorSite) -> Iterator[DoorFile]:
    """The newest dates of all collections as a project."""
    collections = [own for part in site.collections if (own := shown(part)) is not None]
    if collections:
        data = project(site.title, collections)
        yield DoorFile(site.id, ".qgs", data, PROJECT_TYPE, "Project of the newest dates (QGIS)")

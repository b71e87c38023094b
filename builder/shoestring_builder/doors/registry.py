"""All kinds of doors, by the names that they have in the configuration."""

from collections.abc import Collection, Iterator, Mapping

from shoestring_builder.doors.checksums import list_files
from shoestring_builder.doors.door import Door
from shoestring_builder.doors.gdal_files import band_files, date_files, index_files, stacit_files
from shoestring_builder.doors.kerchunk import kerchunk_files
from shoestring_builder.doors.qgis import qgis_layers, qgis_project
from shoestring_schema.configuration import DoorName

DOORS: Mapping[DoorName, Door] = {
    "vrt": Door(version=1, item=date_files, part=band_files, collection=band_files),
    "gti": Door(version=1, part=index_files, collection=index_files),
    "stacit": Door(version=1, part=stacit_files, addressed=True),
    "qgis": Door(version=1, collection=qgis_layers, site=qgis_project),
    "checksums": Door(version=1, part=list_files, addressed=True),
    "kerchunk": Door(version=1, part=kerchunk_files, addressed=True),
}


def doors_of(names: Collection[DoorName]) -> Iterator[Door]:
    """The doors of these names, always in the same order."""
    return (door for name, door in DOORS.items() if name in names)

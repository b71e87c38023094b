"""A site at several times of its life, to be copied elsewhere."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from shoestring_builder.build import build
from shoestring_builder.publish.current import read_current
from shoestring_builder.publish.names import SnapshotNames
from support.mosaics import CONFIGURATION, age, write_configuration, write_raster


@dataclass(frozen=True, slots=True)
class Evolving:
    """A project and, each in a folder of its own, its site as it was.

    Attributes:
        project: Where to go on.
        evening: The site of two dates.
        morning: One date more, and another one reprocessed.
    """

    project: Path
    evening: Path
    morning: Path

    @property
    def obsolete(self) -> frozenset[str]:
        """The files that the evening's snapshot names and the morning's does not."""
        before, after = (
            SnapshotNames(site).of(_snapshot(site)) for site in (self.evening, self.morning)
        )
        return before - after


def evolve(folder: Path, *, hours: float = 13) -> Evolving:
    """Build the site in its stages.

    Args:
        folder: Where.
        hours: How long lies between them.
    """
    project = folder / "project"
    for date in (1, 2):
        write_date(project, date)
    config = write_configuration(project, CONFIGURATION.replace("settle", "status = false\nsettle"))
    build(config)
    evening = Path(shutil.copytree(project / "site", folder / "evening"))
    age(project / "site", hours)
    age(evening, hours)
    write_date(project, 3)
    write_raster(project / "mosaics" / "S2_2018-01-02_B04.tif", 4000)
    build(config)
    morning = Path(shutil.copytree(project / "site", folder / "morning"))
    return Evolving(project, evening, morning)


def _snapshot(site: Path) -> str:
    mark = read_current(site).mark
    assert mark is not None
    return mark.id


def write_date(project: Path, date: int) -> None:
    """Write the sources of a date."""
    for band, dtype in (("B04", "uint16"), ("SCL", "uint8")):
        write_raster(project / "mosaics" / f"S2_2018-01-{date:02}_{band}.tif", date, dtype=dtype)

"""What workers do for an index: read layers, read masks; and where they put what they found.

There may be far more records than fit into memory: they travel as files in the staging
folder, and are then kept in one, the pile.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shoestring_builder.index.clear import Geometry, MaskLayer, clear_shares, level_sizes
from shoestring_builder.index.index_file import Bytes, Slots
from shoestring_builder.index.layer_files import LayerFiles, read_layer
from shoestring_builder.render.geotiff import writing
from shoestring_builder.workers.output import write_whole


@dataclass(frozen=True, slots=True)
class BlocksTask:
    """An order: find the blocks of a layer.

    Attributes:
        path: The layer, in its place in the site.
        nodata: Stored number that means "no data", or None.
        out: The file to write their records into.
    """

    path: Path
    nodata: float | None
    out: Path


@dataclass(frozen=True, slots=True)
class ClearTask:
    """An order: find how clear blocks are.

    Attributes:
        mask: The mask of their date.
        geometries: Where they lie.
        own: Where the blocks of the mask itself lie, if it is one file; they are counted too.
        out: The file to write their shares into.
    """

    mask: MaskLayer
    geometries: tuple[Geometry, ...]
    own: Geometry | None
    out: Path


def find_blocks(task: BlocksTask) -> LayerFiles:
    """Read a layer; runs in worker processes.

    Raises:
        SourceError: A file of it can't be read, is cut short or damaged.
        PublishError: The staging folder can't be written.
    """
    files, records = read_layer(task.path, task.nodata)
    with writing(task.out.parent):
        write_whole(task.out, records.tobytes())
    return files


def find_clear(task: ClearTask) -> None:
    """Read the mask of a date; runs in worker processes.

    Raises:
        SourceError: The mask's layer can't be read, is cut short or damaged.
        PublishError: The staging folder can't be written.
    """
    shares = clear_shares(task.mask, task.geometries, task.own)
    with writing(task.out.parent):
        write_whole(task.out, np.concatenate(shares).tobytes())


class Pile:
    """A file of records and shares, one layer's after the other's.

    It is mapped anew where something was added since: add all first, then ask for slots.

    Args:
        path: The file to make.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._size = path, 0
        self._data: Bytes = np.zeros(0, np.uint8)

    def add(self, path: Path) -> int:
        """Take over what a file holds, and remove it; tell where it begins.

        Raises:
            PublishError: The pile can't be written.
        """
        start = self._size
        with writing(self._path.parent):
            with path.open("rb") as source, self._path.open("ab") as target:
                shutil.copyfileobj(source, target, 2**20)
                self._size = target.tell()
            path.unlink()
        return start

    def slots(self, start: int, geometries: Sequence[Geometry], width: int) -> list[Slots]:
        """Where the blocks of some files have their bytes.

        Args:
            start: Where those of the first one begin; the others follow.
            geometries: Of each file.
            width: Bytes of a block.
        """
        if len(self._data) < self._size:
            self._data = np.memmap(self._path, np.uint8, "r")
        found = []
        for geometry in geometries:
            sizes = [width * blocks for blocks in level_sizes(geometry)]
            ends = np.cumsum([start, *sizes])
            found.append(Slots(self._data, tuple(map(int, ends[:-1])), width, 0, width))
            start = int(ends[-1])
        return found

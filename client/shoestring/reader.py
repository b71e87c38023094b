"""What reads windows of layers: one protocol, so that there can be several.

All readers give the same pixels, bit for bit.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from shoestring.location import Location
from shoestring.plan import Read
from shoestring_schema.grid import Grid
from shoestring_schema.site import BandDocument

Pixels = npt.NDArray[np.generic]


class Reader(Protocol):
    """Reads windows of layers."""

    async def read(self, read: Read) -> Pixels:
        """The stored pixels that a result takes of a layer.

        Returns:
            Array of the result's shape (rows, columns), in the band's data type.

        Raises:
            TransferError: The bytes did not arrive, after all retries.
            CatalogueError: The file is not there, or not what the catalogue says.
        """
        ...

    async def inspect(self, location: Location, name: str) -> tuple[Grid, BandDocument]:
        """What a file says of itself: its grid, and its first raster band under a name.

        Raises:
            TransferError: See `read`.
            CatalogueError: See `read`.
        """
        ...

    async def close(self) -> None:
        """Stop, and let go of threads and connections."""
        ...

"""Where things stand in the picture, in inches from its upper left corner."""

from dataclasses import dataclass
from math import ceil

LEFT, RIGHT, TOP, BOTTOM = 0.7, 1.0, 0.95, 0.45
WIDTH = 15.0
GAP = 0.14
TITLE = 0.27
CURVES, RAIN, BETWEEN = 3.3, 0.9, 0.6


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in inches.

    Attributes:
        left: From the picture's left edge.
        top: From the picture's upper edge.
        width: Width.
        height: Height.
    """

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """The picture's parts: maps in rows, a colour bar beside them, two panels below.

    Attributes:
        maps: How many maps.
        aspect: Height of a map divided by its width.
    """

    maps: int
    aspect: float

    @property
    def columns(self) -> int:
        """Maps in a row."""
        return max(6, ceil(self.maps / 3))

    @property
    def rows(self) -> int:
        """Rows of maps."""
        return ceil(self.maps / self.columns)

    @property
    def _map_width(self) -> float:
        return (WIDTH - LEFT - RIGHT - (self.columns - 1) * GAP) / self.columns

    @property
    def _row_height(self) -> float:
        return TITLE + self._map_width * self.aspect + GAP

    @property
    def height(self) -> float:
        """Height of the picture."""
        return self.rain.top + RAIN + BOTTOM

    def map(self, number: int) -> Box:
        """A map, without its title."""
        row, column = divmod(number, self.columns)
        width = self._map_width
        left, top = LEFT + column * (width + GAP), TOP + row * self._row_height + TITLE
        return Box(left, top, width, width * self.aspect)

    @property
    def colour_bar(self) -> Box:
        """As tall as all maps together."""
        top = TOP + TITLE
        bottom = TOP + self.rows * self._row_height - GAP
        return Box(WIDTH - RIGHT + 0.2, top, 0.18, bottom - top)

    @property
    def curves(self) -> Box:
        """As wide as all maps together."""
        top = TOP + self.rows * self._row_height + BETWEEN
        return Box(LEFT, top, WIDTH - LEFT - RIGHT, CURVES)

    @property
    def rain(self) -> Box:
        """Under the curves, with the same days."""
        above = self.curves
        return Box(above.left, above.top + above.height + 0.3, above.width, RAIN)

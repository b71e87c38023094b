"""What the demo makes: when, and how much of it."""

from dataclasses import dataclass
from datetime import date, timedelta

SYNTHETIC = "Synthetic data, computed by `shoestring demo`: no satellite took it."
"""Everything that the demo writes says so."""


@dataclass(frozen=True, slots=True)
class Season:
    """A growing season in the savanna of northern Ghana, where it rains from May to October.

    Attributes:
        first: First date of the images.
        images: Number of images.
        days_between: Days from one image to the next.
        size: Rows and columns of the mosaics in pixels of 10 m; even.
    """

    first: date = date(2025, 5, 8)
    images: int = 12
    days_between: int = 15
    size: tuple[int, int] = (1500, 1800)

    @property
    def dates(self) -> tuple[date, ...]:
        """Dates of the images."""
        return tuple(
            self.first + timedelta(days=number * self.days_between) for number in range(self.images)
        )

    @property
    def days(self) -> tuple[date, ...]:
        """Every day, from as long before the first image as lies between two of them."""
        length = self.images * self.days_between
        start = self.first - timedelta(days=self.days_between - 1)
        return tuple(start + timedelta(days=number) for number in range(length))

    def __str__(self) -> str:
        rows, columns = self.size
        return (
            f"{self.images} dates of {rows} x {columns} pixels from {self.first}, "
            f"every {self.days_between} days"
        )

"""Crops: how much of the ground their green leaves cover on each day of the year.

Cover follows a double logistic curve, the usual description of a season in
vegetation indices (Beck et al. 2006, Remote Sensing of Environment 100, 321-334):
it rises around the day of green-up and falls around that of senescence.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from math import exp


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop, or anything else that grows.

    Attributes:
        name: For people.
        green_up: Day of the year on which cover rises fastest.
        senescence: Day of the year on which it falls fastest.
        pace: Days: the smaller, the steeper it rises and falls.
        cover: Largest share of the ground that green leaves may cover, 0 to 1.
        always: Share that is green all year.
    """

    name: str
    green_up: float
    senescence: float
    pace: float = 9.0
    cover: float = 0.9
    always: float = 0.02

    def green(self, day: float) -> float:
        """Share of the ground that is covered by green leaves.

        Args:
            day: Day of the year, from 1.

        Returns:
            0 to 1.
        """
        rise = 1 / (1 + exp((self.green_up - day) / self.pace))
        fall = 1 / (1 + exp((day - self.senescence) / self.pace))
        return self.always + (self.cover - self.always) * rise * fall

    @property
    def peak(self) -> float:
        """Day of the year on which most is green: both flanks are equally steep."""
        return (self.green_up + self.senescence) / 2

    def peak_date(self, year: int) -> date:
        """The date of the peak in a year."""
        return date(year, 1, 1) + timedelta(days=round(self.peak) - 1)


GROUNDNUT = Crop("groundnut", green_up=160, senescence=224)
MAIZE = Crop("maize", green_up=181, senescence=263, cover=0.95)
RICE = Crop("rice", green_up=218, senescence=288, cover=0.97)
SOYBEAN = Crop("soybean", green_up=192, senescence=270, cover=0.92)
SORGHUM = Crop("sorghum", green_up=196, senescence=296, pace=12, cover=0.75)
YAM = Crop("yam", green_up=150, senescence=300, pace=14, cover=0.7)
FALLOW = Crop("fallow", green_up=145, senescence=300, pace=15, cover=0.55, always=0.1)
TREES = Crop("trees", green_up=125, senescence=340, pace=18, cover=0.85, always=0.45)

ROTATION = (MAIZE, MAIZE, SOYBEAN, GROUNDNUT, SORGHUM, SORGHUM, RICE, YAM, FALLOW)
"""What stands on a field: as likely as it is often in this list."""

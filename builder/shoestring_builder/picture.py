"""Thumbnails for the items that need one."""

from shoestring_builder.item import Frame
from shoestring_builder.pool import Pool
from shoestring_builder.record import ItemRecord
from shoestring_builder.site_folder import SiteFolder


def add_thumbnails(
    frame: Frame, items: list[ItemRecord], site: SiteFolder, pool: Pool
) -> list[ItemRecord]:
    return items

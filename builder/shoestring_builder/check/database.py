"""Does `database.json` list just the layers of the items?"""

from collections.abc import Iterator

from shoestring_builder.check.item import Feature
from shoestring_builder.check.site_reader import SiteReader
from shoestring_schema.errors import CatalogueError
from shoestring_schema.site import CollectionDocument

Faults = Iterator[str]


def database_faults(
    reader: SiteReader, name: str, document: CollectionDocument, features: list[Feature]
) -> Faults:
    """Check that `database.json`, where there is one, lists just the items' layers."""
    database = f"{name.rpartition('/')[0]}/database.json"
    try:
        reader.path(database)
    except CatalogueError:  # it can be switched off
        return
    reader.named.add(database)
    try:
        listed = reader.read(database, dict[str, list[str | None]])
    except CatalogueError as error:
        yield str(error)
        return
    expected = {feature.typed.properties.date: feature for feature in features}
    for date in sorted(listed.keys() ^ expected.keys()):
        yield f"{database} and the items disagree on whether there is {date[:40]!r}."
    for date in sorted(listed.keys() & expected.keys()):
        if not _lists(listed[date], expected[date], document):
            yield f"{database} lists other files for {date} than the items."


def _lists(urls: list[str | None], feature: Feature, document: CollectionDocument) -> bool:
    """Whether URLs are those of an item's layers: relative, or absolute with the same end."""
    folder = feature.part.rpartition("/")[0]
    relative = folder.removeprefix(f"{document.id}/")
    if len(urls) != len(document.bands):
        return False
    for url, band in zip(urls, document.bands, strict=True):
        asset = feature.typed.assets.get(band.name)
        if asset is None or url is None:
            if asset is not None or url is not None:
                return False
            continue
        href = asset.href.removeprefix("./")
        absolute = url.startswith(("https://", "http://")) and url.endswith(f"/{folder}/{href}")
        if not absolute and url != f"{relative}/{href}":
            return False
    return True

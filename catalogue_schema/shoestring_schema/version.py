"""The version of the contract, as a site states it."""

from shoestring_schema.errors import CatalogueError

SCHEMA_VERSION = "1.0"
"""Version of the catalogue contract, ``major.minor``. A reader of one major
version reads every site of that major version."""


def require_readable(version: str, where: str) -> None:
    """Refuse a site that a newer major version of the contract wrote.

    Args:
        version: The site's ``shoestring:version``.
        where: URL or path of the document, for the message.

    Raises:
        CatalogueError: The major version is newer than ours, or no version at all.
    """
    major = version.partition(".")[0]
    if not (major.isascii() and major.isdigit()):
        raise CatalogueError(
            f"{where} states no schema version that can be read: {version[:40]!r}."
        )
    if int(major[:9]) > int(SCHEMA_VERSION.partition(".")[0]):
        raise CatalogueError(
            f"{where} follows catalogue schema {version[:40]}, this client reads {SCHEMA_VERSION}: "
            "update it with `pip install --upgrade shoestring`."
        )

"""The verb ``cache``: show, trim and clear the folder that keeps what was fetched."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shoestring.cache_folder import remove, sweep
from shoestring.cache_settings import FOLDER, cache_settings, parse_size
from shoestring.options import Options
from shoestring.show import size
from shoestring_schema.errors import CacheError

if TYPE_CHECKING:
    from shoestring.cache import CacheSettings
    from shoestring.cache_store import Store


@click.group()
def cache() -> None:
    """Show, trim or clear the cache for windows."""


def _folder(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--cache",
        "folder",
        type=click.Path(file_okay=False),
        help=f"The folder; by default what {FOLDER} names, else the usual one.",
    )(command)


@cache.command()
@_folder
def show(folder: str | None) -> None:
    """Tell what the cache holds, and how much it may."""
    settings = _settings(folder)
    click.echo(f"folder    {settings.folder}")
    click.echo(f"limit     {size(settings.limit)}")
    if not _file(settings).exists():
        click.echo("holds     nothing yet")
        return
    with closing(_store(settings)) as store:
        held = store.contents()
    click.echo(f"holds     {held.entries} blocks and documents, {size(held.size)} on the disk")
    if held.oldest is not None:
        click.echo(f"oldest    last used {datetime.fromtimestamp(held.oldest, UTC):%Y-%m-%d}")


@cache.command()
@_folder
@click.argument("most", metavar="SIZE")
def trim(folder: str | None, most: str) -> None:
    """Shrink the cache to SIZE, such as "500 MB": what was not used for the longest goes first."""
    settings = _settings(folder)
    limit = parse_size(most)
    if _file(settings).exists():
        with closing(_store(settings)) as store:
            store.trim(limit)
            held = store.contents()
        click.echo(f"{held.entries} blocks and documents are left, {size(held.size)} on the disk")


@cache.command()
@_folder
def clear(folder: str | None) -> None:
    """Remove all that the cache holds; also where it is damaged."""
    settings = _settings(folder)
    if _file(settings).exists():
        try:
            with closing(_store(settings)) as store:
                store.trim(0)
            sweep(settings.folder)
        except CacheError as error:
            if not error.damaged:
                raise
            remove(_file(settings))


def _settings(folder: str | None) -> "CacheSettings":
    given = cache_settings(folder, Options()) or cache_settings(True, Options())
    assert given is not None, "there is a usual folder"
    return given


def _file(settings: "CacheSettings") -> Path:
    from shoestring.cache_store import FILE

    return settings.folder / FILE


def _store(settings: "CacheSettings") -> "Store":
    from shoestring.cache_store import Store

    return Store(settings.folder, settings.limit)

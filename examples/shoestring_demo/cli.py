"""The verb ``shoestring demo``."""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="[DIR]", default="demo", type=click.Path(path_type=Path))
def demo(folder: Path) -> None:
    """The whole path on one machine, with synthetic data, in the folder DIR.

    Makes a season of mosaics, builds a site of them, serves it, reads three fields over
    HTTP, prints their NDVI and draws it. It takes about half a minute; DIR is `demo`
    where none is named.
    """
    from shoestring_demo.demo import run_demo

    run_demo(folder, tell=_tell, note=_note)


def _tell(text: str) -> None:
    """A result: to standard output."""
    click.echo(text)
    sys.stdout.flush()


def _note(text: str) -> None:
    """What is going on: to standard error."""
    click.echo(text, err=True)

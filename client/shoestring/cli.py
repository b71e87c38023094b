"""The command line: ``shoestring``, with the verbs ``info`` and ``extract``.

Other packages add verbs through the entry-point group ``shoestring.commands``;
each is imported only when it is called. Results go to standard output, all
else to standard error; a failure is one sentence and exit code 1, or that of its error.
"""

import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click

from shoestring import __version__
from shoestring_schema.errors import CacheWarning, ShoestringError


class Verbs(click.Group):
    """The client's own verbs and those of other packages; our errors as one sentence."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All verbs, sorted."""
        others = [verb.name for verb in entry_points(group="shoestring.commands")]
        return sorted({*super().list_commands(context), *others})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """A verb by its name, imported now."""
        own = super().get_command(context, name)
        if own is not None:
            return own
        found = entry_points(group="shoestring.commands", name=name)
        return next(iter(found)).load() if found else None

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401
        """Run a verb; tell a failure in one sentence."""
        try:
            with _warnings_as_sentences():
                return super().invoke(context)
        except ShoestringError as error:
            if context.params.get("verbose"):
                traceback.print_exc()
            click.echo(f"Error: {error}", err=True)
            context.exit(error.exit_code)


@contextmanager
def _warnings_as_sentences() -> Iterator[None]:
    """Our own warnings as a line on standard error; all others as Python shows them."""
    show = warnings.showwarning

    def tell(message: Warning | str, category: type[Warning], *place: Any) -> None:  # noqa: ANN401
        if issubclass(category, CacheWarning):
            click.echo(f"Warning: {message}", err=True)
        else:
            show(message, category, *place)

    warnings.showwarning = tell  # type: ignore[assignment]
    try:
        yield
    finally:
        warnings.showwarning = show


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="shoestring")
@click.option("--verbose", is_flag=True, help="Show the traceback of a failure.")
def main(verbose: bool) -> None:
    """Earth-observation time series from static files."""
    del verbose  # read in Verbs.invoke


ca_bundle = click.option(
    "--ca-bundle",
    type=click.Path(exists=True, dir_okay=False),
    help="PEM file of certificate authorities to trust.",
)


snapshot_option = click.option(
    "--snapshot", metavar="ID", help="Which snapshot of the site; without it, the current one."
)


cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False),
    help="Folder that keeps what is fetched; by default what SHOESTRING_CACHE names, if anything.",
)


offline_option = click.option(
    "--offline", is_flag=True, help="Open no connection: read what the cache holds."
)


@main.command()
@click.argument("address")
@snapshot_option
@cache_option
@offline_option
@ca_bundle
def info(
    address: str, snapshot: str | None, cache: str | None, offline: bool, ca_bundle: str | None
) -> None:
    """Tell what the catalogue at ADDRESS (a URL or folder) holds."""
    import shoestring

    options = shoestring.Options(ca_bundle=ca_bundle)
    with shoestring.open(
        address, snapshot=snapshot, options=options, cache=cache, offline=offline
    ) as catalogue:
        click.echo(repr(catalogue))
        if catalogue.snapshot is not None:
            click.echo(f"Snapshot {catalogue.snapshot}")
        for collection in catalogue.values():
            click.echo(f"\n{collection!r}")


@main.command()
@click.argument("address")
@click.argument("collection")
@click.option("--band", "bands", multiple=True, help="A band; may be repeated. Without it, all.")
@click.option("--roi", required=True, help="GeoJSON or vector file, URL, or west,south,east,north.")
@click.option("--from", "first", metavar="DATE", help="First date, such as 2018-03-01.")
@click.option("--to", "last", metavar="DATE", help="Last date.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for GeoTIFFs.",
)
@click.option("--unmasked", is_flag=True, help="The whole window as stored: no ROI, no cloud mask.")
@click.option(
    "--min-clear", type=click.FloatRange(0, 1), help="Leave out dates that are less clear, 0 to 1."
)
@click.option("--scaled", is_flag=True, help="Values in the band's unit instead of stored numbers.")
@click.option(
    "--resolution", type=float, help="Coarser pixels, of this side in units of the grid's CRS."
)
@snapshot_option
@cache_option
@offline_option
@ca_bundle
def extract(
    address: str,
    collection: str,
    bands: tuple[str, ...],
    roi: str,
    first: str | None,
    last: str | None,
    out: Path,
    snapshot: str | None,
    ca_bundle: str | None,
    cache: str | None,
    offline: bool,
    **wanted: Any,  # noqa: ANN401
) -> None:
    """Write a region's window of COLLECTION at ADDRESS as GeoTIFFs, one a band and date."""
    import shoestring
    from shoestring.show import listed

    options = shoestring.Options(ca_bundle=ca_bundle)
    with shoestring.open(
        address, snapshot=snapshot, options=options, cache=cache, offline=offline
    ) as catalogue:
        stack = catalogue[collection].extract(
            bands or None,
            roi,
            dates=None if first is None and last is None else (first, last),
            masked=not wanted["unmasked"],
            min_clear=wanted["min_clear"],
            scaled=wanted["scaled"],
            resolution=wanted["resolution"],
        )
    for path in stack.save(out):
        click.echo(path)
    if stack.left_out:
        click.echo(f"Left out, not clear enough: {listed(stack.left_out)}", err=True)


if __name__ == "__main__":
    sys.exit(main())

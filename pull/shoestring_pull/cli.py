"""The verb `pull` of the command ``shoestring``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from shoestring.options import Options
    from shoestring_pull.selection import Selection

EXIT_CODES = """\b
Exit codes:
  0    done, also when there was nothing new
  1    it could not be pulled; what has come is kept, and the next pull goes on
  2    wrong usage
  73   the copy's documents can't be written
  75   another pull, or a builder, is at work on DIR
  130  interrupted; the next pull goes on
"""

INTERRUPTED = 130


@click.command(epilog=EXIT_CODES)
@click.argument("address")
@click.argument("folder", metavar="[DIR]", required=False)
@click.option("--collection", "collections", multiple=True,
              help="A collection; may be repeated. Without it, all.")  # fmt: skip
@click.option("--band", "bands", multiple=True,
              help="A band; may be repeated. Without it, all. That of the mask comes along.")  # fmt: skip
@click.option("--from", "first", metavar="DATE", help="First date, such as 2018-03-01.")
@click.option("--to", "last", metavar="DATE", help="Last date.")
@click.option("--roi", help="Only what lies there: GeoJSON or vector file, URL, or "
              "west,south,east,north.")  # fmt: skip
@click.option("--crop", is_flag=True, help="Of each layer only the blocks that --roi touches.")
@click.option("--all", "everything", is_flag=True,
              help="The whole site, where DIR remembers a selection.")  # fmt: skip
@click.option("--delete", is_flag=True,
              help="Drop what the site has dropped, and what is selected no more.")  # fmt: skip
@click.option("--limit-rate", metavar="RATE", help="Bytes a second, such as 500k or 2M.")
@click.option("--at-night", metavar="HH:MM-HH:MM",
              help="Only in these hours of each day, such as 22:00-06:00.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 256), default=32, show_default=True,
              help="Requests that are on their way at once.")  # fmt: skip
@click.option("--keep", default="20 hours", show_default=True, metavar="DURATION",
              help="How long a snapshot of the copy can still be read after another is shown.")  # fmt: skip
@click.option("--follow", multiple=True, metavar="HOST",
              help="Fetch files of this host too, where the catalogue names any; may be "
              "repeated.")  # fmt: skip
@click.option("--moved", is_flag=True, help="DIR is a copy of this site from another address.")
@click.option("--dry-run", is_flag=True,
              help="Tell how many files and bytes there are to fetch, and for how long, and do "
              "nothing.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--snapshot", metavar="ID",
              help="Which snapshot of the site; without it, the current one.")  # fmt: skip
@click.option("--ca-bundle", type=click.Path(exists=True, dir_okay=False),
              help="PEM file of certificate authorities to trust.")  # fmt: skip
def pull(address: str, folder: str | None, **wanted: Any) -> None:  # noqa: ANN401
    """Copy the site at ADDRESS (a URL or folder) to DIR, and from then on what is new in it.

    All of it, bit for bit; or what is selected, as a site of its own, which can be opened, checked,
    served and pulled from like any other. `shoestring pull DIR` alone updates a copy: it remembers
    where it came from, and what of it was wanted. What was interrupted goes on where it stopped.
    """
    from shoestring.options import Options
    from shoestring_pull.options import PullOptions
    from shoestring_pull.run import Wish
    from shoestring_pull.run import pull as run

    copy = Path(address if folder is None else folder)
    options = Options(ca_bundle=wanted["ca_bundle"], connections=wanted["jobs"])
    try:
        report = run(
            Wish(
                address=None if folder is None else address,
                folder=copy,
                selection=_selection(wanted, options),
                snapshot=wanted["snapshot"],
                delete=wanted["delete"],
                terms=PullOptions(
                    limit_rate=wanted["limit_rate"],
                    at_night=wanted["at_night"],
                    keep=wanted["keep"],
                    follow=wanted["follow"],
                    moved=wanted["moved"],
                    dry_run=wanted["dry_run"],
                ),
                options=options,
                progress=False if wanted["quiet"] else None,
            )
        )
    except KeyboardInterrupt:
        click.echo(
            f"Interrupted: what has come is kept in {copy}; `shoestring pull {copy}` goes on.",
            err=True,
        )
        raise SystemExit(INTERRUPTED) from None
    click.echo(f"{copy}: {report}.")
    for note in report.notes:
        click.echo(note, err=True)


def _selection(wanted: dict[str, Any], options: "Options") -> "Selection | None":
    """What was selected; nothing where the folder's memory is to be asked."""
    from shoestring_pull.region import read_region
    from shoestring_pull.selection import Selection, make_selection

    own = [key for key in ("collections", "bands", "first", "last", "roi", "crop") if wanted[key]]
    if wanted["everything"]:
        if own:
            raise click.UsageError("--all goes with no selection.")
        return Selection()
    if not own:
        return None
    if wanted["crop"] and not wanted["roi"]:
        raise click.UsageError("--crop goes with --roi.")
    dates = (wanted["first"], wanted["last"])
    return make_selection(
        wanted["collections"] or None,
        wanted["bands"] or None,
        None if dates == (None, None) else dates,
        None if wanted["roi"] is None else read_region(wanted["roi"], options),
        crop=wanted["crop"],
    )

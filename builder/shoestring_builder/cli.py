"""The builder's verbs of the command ``shoestring``.

Each imports what it needs when it is called. Results go to standard output, all else to
standard error; errors of this project pass through to the command, which shows them.
"""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from shoestring_builder.report import BuildReport
    from shoestring_builder.serve.server import Address, Tls
    from shoestring_builder.unattended.schedule import Every
    from shoestring_builder.watch.log import Form, Voice


# --- build ---------------------------------------------------------------------------------

EXIT_CODES = """\b
Exit codes:
  0   done, also when there was nothing to do
  1   something could not be built, and all else is published; or the site can't be read
  2   wrong usage
  71  a worker process died; the next run goes on from there
  73  the site can't be written, as with a full disk; it is as it was
  75  another builder is at work on the site, and nothing was done
  78  the configuration can't be used; the site is as it was
"""


@click.command(epilog=EXIT_CODES)
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1),
              help="Processes that render, one if nothing is said; the site is the same.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS",
              help="Dask's scheduler, whose workers render instead: tcp://host:8786, or the JSON "
              "file that tells it.")  # fmt: skip
@click.option("--log", "form", flag_value="text",
              help="A line a step on standard error; without it, only on a terminal.")  # fmt: skip
@click.option("--log-json", "form", flag_value="json",
              help="The same, and all sentences, as one JSON object a line.")  # fmt: skip
@click.option("--retried", type=int, multiple=True, metavar="CODE",
              help="An exit code after which the caller tries again: not yet a failure to call "
              "on_failure for. May be repeated.")  # fmt: skip
def build(
    config: Path,
    workers: int | None,
    scheduler: str | None,
    form: "Form | None",
    retried: tuple[int, ...],
) -> None:
    """Bring the site that CONFIG (a TOML file) describes up to date with its source files."""
    from shoestring_builder.build import build as run
    from shoestring_builder.watch.log import logging_to_stderr
    from shoestring_builder.watch.on_failure import owner_told
    from shoestring_builder.watch.signals import ended_in_order

    if workers is not None and scheduler is not None:
        raise click.UsageError("--workers and --scheduler exclude each other.")
    with (
        ended_in_order(),
        logging_to_stderr(form) as voice,
        owner_told(config, retried, voice) as failed,
    ):
        report = run(config, workers=workers or 1, scheduler=scheduler)
        _tell(report, voice)
        failed += report.failed
    if failed:
        raise SystemExit(1)


def _tell(report: "BuildReport", voice: "Voice") -> None:
    for collection in report.collections:
        click.echo(str(collection))
    if report.freed.files:
        click.echo(str(report.freed))
    hindrances = (report.freed.hindrance, report.unwatched)
    damaged = (f"Made again where possible: {sentence}" for sentence in report.damaged)
    for sentence in (*filter(None, hindrances), *damaged, *report.left, *report.failed):
        voice.say(sentence)


# --- cron ----------------------------------------------------------------------------------


@click.group()
def cron() -> None:
    """Have the builder run by itself."""


@cron.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--crontab", "kind", flag_value="crontab", help="A line for cron (the default).")
@click.option("--systemd", "kind", flag_value="systemd", help="A service and a timer of systemd.")
@click.option("--every", type=click.Choice(["hour", "day", "week"]), default="day",
              show_default=True, help="How often; week: on Mondays.")  # fmt: skip
@click.option("--at", default="02:15", show_default=True, metavar="HH:MM", help="At what time.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True,
              help="Processes that render.")  # fmt: skip
@click.option("--account", metavar="USER",
              help="With --systemd: units of the system, that run as this user.")  # fmt: skip
@click.option("--install", "really", is_flag=True,
              help="Do it; without it, what would be installed is printed.")  # fmt: skip
def install(
    config: Path,
    kind: str | None,
    every: "Every",
    at: str,
    workers: int,
    account: str | None,
    really: bool,
) -> None:
    """Print, or with --install install, what builds CONFIG's site by itself.

    To install it again changes it in place.
    """
    from shoestring_builder.unattended import install as to
    from shoestring_builder.unattended.crontab import crontab_lines
    from shoestring_builder.unattended.schedule import parse_schedule

    if account is not None and kind != "systemd":
        raise click.UsageError("--account goes with --systemd: cron runs as you.")
    job, schedule = to.job_of(config, workers), parse_schedule(every, at)
    if kind != "systemd":
        click.echo("\n".join(crontab_lines(job, schedule)))
        place, changed = "your crontab", really and to.install_crontab(job, schedule)
    else:
        units = to.units_of(job, schedule, account)
        click.echo(str(units))
        place, changed = str(units.folder), really and to.install_units(job, units)
    done = "installed in" if changed else "already in" if really else "for"
    more = "" if really else "; --install puts it there"
    click.echo(f"This is {done} {place}{more}.", err=True)


# --- history, rollback ---------------------------------------------------------------------


@click.command()
@click.argument("site", type=click.Path(path_type=Path))
def history(site: Path) -> None:
    """List the snapshots that SITE keeps, the newest first; a star marks the current one."""
    from shoestring_builder.publish.rollback import list_snapshots
    from shoestring_builder.report import change_text

    snapshots, mark = list_snapshots(site)
    for own in reversed(snapshots):
        star = "*" if mark is not None and own.id == mark.id else " "
        changes = "; ".join(map(change_text, own.changes))
        click.echo(f"{star} {own.id}  {own.time}  {changes}".rstrip())
    if not snapshots:
        click.echo(f"{site} has no snapshots yet: the next build makes one.", err=True)


@click.command()
@click.argument("site", type=click.Path(path_type=Path))
@click.argument("snapshot")
def rollback(site: Path, snapshot: str) -> None:
    """Let SITE show an older SNAPSHOT again, one of those that `shoestring history` lists.

    Readers see the one or the other, never a mixture. The next build publishes what the source
    files say: put these right first, or stop the builder.
    """
    from shoestring_builder.publish.rollback import rollback as run

    found = run(site, snapshot)
    click.echo(f"{site} shows snapshot {found.id} of {found.time}.")


# --- publish -------------------------------------------------------------------------------


@click.command()
@click.argument("site", type=click.Path(path_type=Path))
@click.argument("target")
@click.option("--keep", default="20 hours", show_default=True, metavar="DURATION",
              help="How long a snapshot can still be read after another is shown.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 256), default=8, show_default=True,
              help="Files that travel at once to an object store.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Tell what there is to do, and do nothing.")
def publish(site: Path, target: str, keep: str, jobs: int, dry_run: bool) -> None:
    """Copy SITE to TARGET, and from then on what is new in it; no reader sees a half of it.

    TARGET is a folder, s3://bucket/prefix, gs://bucket/prefix, az://container/prefix,
    user@host:/path or rsync://host/module/path. Exit code 0: done, also when there was nothing to
    do; 1: it could not be copied; 75: another copy, or a
    builder, is at work on TARGET.
    """
    from shoestring_builder.mirror.run import copy_site
    from shoestring_schema.duration import PATTERN, parse_duration

    if not re.match(PATTERN, keep):
        raise click.UsageError('--keep is a number and a unit, such as "30 days" or "1 hour".')
    report = copy_site(site, target, keep=parse_duration(keep), jobs=jobs, dry_run=dry_run)
    click.echo(f"{target}: {report}.")
    if report.hindrance:
        click.echo(report.hindrance, err=True)


# --- rebase --------------------------------------------------------------------------------


@click.command()
@click.argument("site", type=click.Path(path_type=Path))
@click.argument("url", required=False)
@click.option("--none", "nowhere", is_flag=True,
              help="Take the address away, and all that can't be without one.")  # fmt: skip
def rebase(site: Path, url: str | None, nowhere: bool) -> None:
    """Let SITE tell another public address: URL, with what other tools read written anew.

    Nothing is rendered, and neither the configuration nor the source files are needed. Readers
    see the site as it was until all of the new is there.
    """
    from shoestring_builder.publish.rebase import rebase as run

    if (url is None) == (not nowhere):
        raise click.UsageError("give the new address, or --none for none.")
    done = run(site, url)
    click.echo(f"{site} shows snapshot {done.snapshot}{'' if done.changed else ', as before'}.")
    line = "no base_url" if url is None else f'base_url = "{url}"'
    click.echo(
        f"Put {line} into [catalogue] of its configuration, or the next build undoes it.", err=True
    )


# --- serve ---------------------------------------------------------------------------------


@click.command()
@click.argument("site", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True,
              help="TCP port; 0 for any that is free.")  # fmt: skip
@click.option("--tls", is_flag=True, help="HTTPS and HTTP/2, by a certificate made on the spot.")
@click.option("--cert", type=click.Path(path_type=Path), help="PEM file of a certificate.")
@click.option("--key", type=click.Path(path_type=Path), help="PEM file of its private key.")
def serve(site: Path, host: str, port: int, tls: bool, cert: Path | None, key: Path | None) -> None:
    """Serve SITE from this machine, as a web server would: ranges, HTTP/2, CORS.

    Only this machine can reach it, unless --host says otherwise.
    """
    from shoestring_builder.serve.server import serve as run

    if (cert is None) != (key is None):
        raise click.UsageError("--cert and --key go together.")
    kind: Tls = (cert, key) if cert and key else "self-signed" if tls else None
    run(site, host=host, port=port, tls=kind, ready=lambda address: _announce(site, address))


def _announce(site: Path, address: "Address") -> None:
    """Tell the URL, and the three lines of Python to read it."""
    from shoestring_builder.serve.server import read_catalogue

    children = [link.href for link in read_catalogue(site).links if link.rel == "child"]
    names = [href.split("/")[-2] for href in children if href.count("/")]
    click.echo(address.catalogue)
    sys.stdout.flush()
    lines = ["", "In Python:", "", "    import shoestring"]
    lines += [f'    catalogue = shoestring.open("{address.catalogue}")']
    lines += [f'    catalogue["{names[0]}"]' if names else "    catalogue"]
    if address.certificate is not None:
        lines += ["", "Its certificate was made just now and ends with the server. To trust it:"]
        shell = "$env:" if sys.platform == "win32" else "export "
        lines += ["", f'    {shell}SSL_CERT_FILE="{address.certificate}"']
        lines += [f"    curl --cacert {address.certificate} {address.catalogue}"]
    lines += ["", "Ctrl-C ends it."]
    click.echo("\n".join(lines), err=True)


# --- check ---------------------------------------------------------------------------------


@click.command()
@click.argument("site", type=click.Path(path_type=Path))
@click.option("--deep", is_flag=True, help="Read every byte, not only documents; validate COGs, "
              "tile indexes and STAC.")  # fmt: skip
def check(site: Path, deep: bool) -> None:
    """Check that every file of SITE is there, in its size, and that its documents are right.

    That is quick enough for every day. What a disk has silently lost within a file is found with
    --deep. Each fault is one sentence on standard output, and the exit code is 1.
    """
    from shoestring_builder.check.site import check as run
    from shoestring_builder.check.site import counted

    report = run(site, deep=deep)
    for fault in report.faults:
        click.echo(fault)
    for note in report.notes:
        click.echo(note, err=True)
    if report.faults:
        remedy = "delete the files that are damaged, and build the site again"
        click.echo(f"{site} has {counted(len(report.faults), 'fault')}: {remedy}.", err=True)
        raise SystemExit(1)
    click.echo(f"{site} is whole: {report.summary}.")

"""Taking note of a run, while it holds the site's lock.

What is written here is not part of any snapshot: a run that has published is well, whatever
becomes of its status.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from shoestring_builder.clock import format_instant, now, parse_instant
from shoestring_builder.publish.current import Current, read_current
from shoestring_builder.publish.history import read_history
from shoestring_builder.publish.journal import JOURNAL
from shoestring_builder.publish.site_folder import BEGAN, LOCK, SiteFolder
from shoestring_builder.report import BuildReport
from shoestring_builder.watch.coverage import look_at
from shoestring_builder.watch.feed import FEED, Feed, atom
from shoestring_builder.watch.outcome import run_of_failure, run_of_report
from shoestring_builder.watch.page import page
from shoestring_builder.watch.status import empty_status, size_of, with_runs, with_shown
from shoestring_builder.watch.steps import Steps
from shoestring_schema.configuration import Configuration
from shoestring_schema.document import decode
from shoestring_schema.errors import BusyError, CatalogueError, LostWorkerError, PublishError
from shoestring_schema.status import RunDocument, StatusDocument

STATUS = "status.json"
PAGE = "status.html"


@dataclass(slots=True)
class Watch:
    """What is known of a run that is at work.

    Attributes:
        begun: When it began.
        steps: Its log.
        report: What it did; nothing, until it has come to its end.
    """

    begun: datetime = field(default_factory=now)
    steps: Steps = field(default_factory=Steps)
    report: BuildReport = field(default_factory=lambda: BuildReport((), changed=False))

    def done(self, report: BuildReport) -> None:
        """The run has come to its end."""
        self.report = report


@contextmanager
def watched(site: SiteFolder, configuration: Configuration, folder: Path) -> Iterator[Watch]:
    """Take note of a run, however it ends, in `status.json`, `status.html` and the feeds.

    Where these can't be written, `BuildReport.unwatched` says why.

    Args:
        site: The site, open. A new one that the run does not come to make is left alone.
        configuration: That of the run.
        folder: The configuration's folder.
    """
    watch = Watch()
    scribe = _Scribe(site, configuration, folder)
    if not configuration.catalogue.status:
        yield watch
        return
    scribe.begin(watch)
    try:
        yield watch
    except BusyError:
        raise
    except BaseException as error:
        if isinstance(error, PublishError) and not isinstance(error, LostWorkerError):
            site.withdraw()  # makes room, where there was none
        scribe.end(run_of_failure(error, watch.begun, watch.steps.seconds, folder))
        with suppress(OSError):
            site.staging.rmdir()  # if that is all that was left in it
        raise
    watch.report = replace(watch.report, unwatched=scribe.end(watch))


@dataclass(slots=True)
class _Scribe:
    """Reads and writes the status of a site."""

    site: SiteFolder
    configuration: Configuration
    folder: Path
    killed: tuple[RunDocument, ...] = ()

    def begin(self, watch: Watch) -> None:
        """Find out whether the run before came to an end, and leave a note that this one began."""
        if not self.site.hidden.is_dir():
            return  # a new site, that gets its folder when something is to be written
        note = self.site.hidden / BEGAN
        begun = _begun(note) or self._begun_first()
        if begun is not None:
            self.killed = (RunDocument(begun=format_instant(begun), outcome="killed"),)
        with suppress(OSError):
            note.write_text(format_instant(watch.begun), "utf-8")

    def end(self, ended: Watch | RunDocument) -> str | None:
        """Write down how a run ended.

        Returns:
            Why that could not be, if so.
        """
        if not self.site.path.is_dir():
            return None
        try:
            self._write(ended)
        except (OSError, PublishError, CatalogueError) as error:
            return f"{STATUS} is not up to date: {error}"
        finally:
            with suppress(OSError):
                (self.site.hidden / BEGAN).unlink(missing_ok=True)
        return None

    def _write(self, ended: Watch | RunDocument) -> None:
        catalogue = self.configuration.catalogue
        before = _read(self.site.path / STATUS)
        current = read_current(self.site.path)
        status = self._shown(before or empty_status(catalogue), current)
        status = msgspec.structs.replace(
            status, catalogue=catalogue.id, title=catalogue.title or catalogue.id
        )
        status = with_runs(status, (*self.killed, self._run(ended, size_of(status.collections))))
        self.site.swap(STATUS, msgspec.json.encode(status) + b"\n")
        self.site.swap(PAGE, page(status))
        self._write_feeds(status, current.titles)

    def _shown(self, before: StatusDocument, current: Current) -> StatusDocument:
        snapshot = current.mark.id if current.mark else None
        if snapshot is not None and snapshot == before.snapshot:
            return before
        collections = look_at(self.site.path, current, before.collections)
        history = read_history(self.site.path, current.mark, now())
        return with_shown(before, snapshot, collections, history, now())

    def _run(self, ended: Watch | RunDocument, size: int) -> RunDocument:
        if isinstance(ended, RunDocument):
            return msgspec.structs.replace(ended, size=size)
        return run_of_report(ended.report, ended.begun, ended.steps.seconds, size, self.folder)

    def _write_feeds(self, status: StatusDocument, titles: Mapping[str, str]) -> None:
        catalogue = self.configuration.catalogue
        authors = {own.id: own.attribution for own in self.configuration.collections}
        for own in status.collections:
            author = authors.get(own.id) or status.title
            feed = Feed(catalogue, own.id, titles.get(own.id, own.title), author)
            data = atom(feed, status.news)
            if data is not None:
                self.site.swap(f"{own.id}/{FEED}", data)

    def _begun_first(self) -> datetime | None:
        """When the site's very first run began, if it was killed: it could not leave its note."""
        hidden = self.site.hidden
        left = (hidden / JOURNAL).exists() or any(hidden.glob("run-*"))
        if not left or (self.site.path / STATUS).exists():
            return None
        made = (hidden / LOCK).stat().st_mtime
        return datetime.fromtimestamp(made, UTC).replace(microsecond=0)


def _begun(note: Path) -> datetime | None:
    try:
        text = note.read_text("utf-8")
    except OSError:
        return None
    try:
        return parse_instant(text)
    except ValueError:  # cut off
        return datetime.fromtimestamp(note.stat().st_mtime, UTC).replace(microsecond=0)


def _read(path: Path) -> StatusDocument | None:
    """The last status; one that is damaged is as good as none."""
    try:
        return decode(path.read_bytes(), StatusDocument, STATUS)
    except (OSError, CatalogueError):
        return None

"""What there is to remember of a run; pure."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from shoestring_builder.clock import format_instant
from shoestring_builder.report import BuildReport, CollectionReport
from shoestring_schema.errors import ShoestringError
from shoestring_schema.status import CollectionRun, Outcome, RunDocument, Sentences

MOST_SENTENCES = 100
"""Of the last run, for each collection; the number of all is told as well."""

LONGEST = 400
"""Characters of a sentence."""


def run_of_report(
    report: BuildReport, begun: datetime, seconds: float, size: int, folder: Path
) -> RunDocument:
    """What to remember of a run that came to its end.

    Args:
        report: What it did.
        begun: When it began.
        seconds: How long it took.
        size: Bytes of all layers that the site shows.
        folder: The configuration's folder: paths in it are told from there on.
    """
    outcome: Outcome = "partly" if report.failed else "done" if report.changed else "unchanged"
    return RunDocument(
        begun=format_instant(begun),
        outcome=outcome,
        seconds=round(seconds, 1),
        exit=1 if report.failed else 0,
        snapshot=report.snapshot,
        size=size,
        freed=report.freed.size,
        collections=tuple(_collection(own, folder) for own in report.collections),
    )


def run_of_failure(
    error: BaseException, begun: datetime, seconds: float, folder: Path
) -> RunDocument:
    """What to remember of a run that ended by an error, or was ended by somebody."""
    return RunDocument(
        begun=format_instant(begun),
        outcome="failed",
        seconds=round(seconds, 1),
        exit=exit_code(error),
        error=told(sentence_of(error), folder),
    )


def exit_code(error: BaseException) -> int:
    """What the command ends with."""
    match error:
        case ShoestringError():
            return error.exit_code
        case SystemExit():
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        case KeyboardInterrupt():
            return 130
        case _:
            return 1


def sentence_of(error: BaseException) -> str:
    """An error in one sentence."""
    match error:
        case ShoestringError():
            return str(error)
        case SystemExit() | KeyboardInterrupt():
            return "The run was ended by a signal; the next one goes on from there."
        case _:
            return f"The builder itself failed: {type(error).__name__}: {error}"


def told(sentence: str, folder: Path) -> str:
    """A sentence for the public: bounded, and without the way to the configuration's folder."""
    plain = sentence.encode("utf-8", "replace").decode()  # names of files may be any bytes
    short = plain.replace(f"{folder}{os.sep}", "") if folder != folder.parent else plain
    return short if len(short) <= LONGEST else f"{short[: LONGEST - 1]}…"


def _collection(report: CollectionReport, folder: Path) -> CollectionRun:
    return CollectionRun(
        id=report.id,
        rendered=report.rendered,
        reused=report.reused,
        kept=report.kept,
        dropped=report.dropped,
        missing=len(report.missing),
        failed=_sentences(report.failed, folder),
        left=_sentences(report.left, folder),
        change=report.change,
    )


def _sentences(all_: Sequence[str], folder: Path) -> Sentences:
    first = tuple(told(sentence, folder) for sentence in all_[:MOST_SENTENCES])
    return Sentences(count=len(all_), first=first)

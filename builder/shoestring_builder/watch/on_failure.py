"""Telling the owner that a run has failed, by a command of theirs."""

import os
import signal
import subprocess
import tomllib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shoestring_builder.watch.log import Voice
from shoestring_builder.watch.outcome import exit_code, sentence_of
from shoestring_schema.errors import BusyError

SECONDS = 60.0
"""What a command may take."""

_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command, and what it gets to know.

    Attributes:
        text: The command.
        folder: Where it is run.
        facts: Environment variables.
    """

    text: str
    folder: Path
    facts: dict[str, str]


@contextmanager
def owner_told(config: Path, retried: Collection[int], voice: Voice) -> Iterator[list[str]]:
    """Call `on_failure` where what is done within fails.

    Not where another builder is at work, where somebody pressed Ctrl-C, or where the caller tries
    again.

    Args:
        config: The configuration file.
        retried: Exit codes after which the caller tries again.
        voice: Says what is wrong with the command itself.

    Yields:
        A list that takes sentences on what could not be built: exit code 1.
    """
    failed: list[str] = []
    try:
        yield failed
    except (BusyError, KeyboardInterrupt):
        raise
    except BaseException as error:
        _tell(config, exit_code(error), [sentence_of(error)], retried, voice)
        raise
    if failed:
        _tell(config, 1, failed, retried, voice)


def command_of(config: Path) -> Command | None:
    """The command that a configuration names, also where all else in it is wrong."""
    try:
        table = tomllib.loads(config.read_text("utf-8")).get("catalogue")
    except (OSError, ValueError):
        return None
    text = table.get("on_failure") if isinstance(table, dict) else None
    if not isinstance(text, str) or not isinstance(table, dict):
        return None
    path = config.resolve()
    site = path.parent / str(table.get("output", "site"))
    facts = {"CONFIG": str(path), "SITE": str(site), "CATALOGUE": str(table.get("id", ""))}
    return Command(text, path.parent, {f"SHOESTRING_{key}": own for key, own in facts.items()})


def call(command: Command, code: int, sentences: Sequence[str], seconds: float) -> str | None:
    """Run a command with sentences on its standard input.

    Args:
        command: The command.
        code: Exit code of the run that failed.
        sentences: Why it failed.
        seconds: When it takes longer, it is ended, with all that it has started.

    Returns:
        A sentence on what is wrong with the command, if so.
    """
    environment = {**os.environ, **command.facts, "SHOESTRING_EXIT": str(code)}
    text = "".join(f"{sentence}\n" for sentence in sentences)
    name = f"on_failure = {command.text!r}"
    process = subprocess.Popen(  # the owner's own command, from the owner's own file
        command.text, shell=True, cwd=command.folder, env=environment, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    with process:
        try:
            out, _ = process.communicate(text.encode("utf-8", "replace"), timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"{name} took longer than {seconds:.0f} seconds and was ended: try it by hand."
    if process.returncode == 0:
        return None
    said = out.decode("utf-8", "replace").strip()[-_SHOWN:]
    return f"{name} ended with exit code {process.returncode} ({said}): try it by hand."


def _tell(
    config: Path, code: int, sentences: Sequence[str], retried: Collection[int], voice: Voice
) -> None:
    command = None if code in retried or code == 0 else command_of(config)
    if command is None:
        return
    wrong = call(command, code, sentences, SECONDS)
    if wrong is not None:
        voice.say(wrong)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command with all that it has started, where the system knows such groups."""
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()

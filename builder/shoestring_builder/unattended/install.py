"""Handing the line to cron, or the units to systemd."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shoestring_builder.unattended.crontab import WRAPPER, with_job
from shoestring_builder.unattended.schedule import Job, Schedule
from shoestring_builder.unattended.units import is_of, service, timer, unit_name
from shoestring_schema.configuration import parse_configuration
from shoestring_schema.errors import ConfigError, OutputError


@dataclass(frozen=True, slots=True)
class Units:
    """Units of systemd.

    Attributes:
        folder: Where they belong.
        files: Their texts by their names.
        commands: What makes systemd take them up.
    """

    folder: Path
    files: Mapping[str, str]
    commands: Sequence[Sequence[str]]

    def __str__(self) -> str:
        """All of them, to be read and copied."""
        texts = [f"# --- {self.folder / name}\n{text}" for name, text in self.files.items()]
        return "\n".join([*texts, "# --- then:", *map(shlex.join, self.commands)])


def job_of(config: Path, workers: int) -> Job:
    """What is run for a configuration.

    Raises:
        ConfigError: The configuration can't be used, or the commands are not where they should be.
    """
    path = config.resolve()
    try:
        catalogue = parse_configuration(path.read_text("utf-8"), str(config)).catalogue
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config} can't be read ({error}): check the path.") from None
    programs = Path(sys.executable).parent
    if not (programs / WRAPPER).is_file():
        raise ConfigError(
            f"{programs / WRAPPER} is not there: install shoestring with pip on a system that has "
            "cron or systemd."
        )
    site = Path(os.path.abspath(path.parent / catalogue.output))
    return Job(catalogue.id, path, site, programs, workers)


def install_crontab(job: Job, schedule: Schedule) -> bool:
    """Put the job's line into the user's crontab, once.

    Returns:
        Whether it changed.

    Raises:
        ConfigError: A path can't stand in a crontab.
        OutputError: There is no cron, or it refuses.
    """
    listed = _run(["crontab", "-l"])
    nothing = listed.returncode == 1 and "no crontab" in listed.stderr
    if listed.returncode and not nothing:
        raise OutputError(f"crontab -l failed ({listed.stderr.strip()}): nothing was changed.")
    before = "" if nothing else listed.stdout
    after = with_job(before, job, schedule)
    if after == before:
        return False
    done = _run(["crontab", "-"], after)
    if done.returncode:
        raise OutputError(f"crontab refused the line ({done.stderr.strip()}).")
    return True


def units_of(job: Job, schedule: Schedule, account: str | None) -> Units:
    """The units of a job.

    Args:
        job: What is run.
        schedule: When.
        account: The user that they run as, for units of the system; else those of one's own.
    """
    name, how = unit_name(job), ["systemctl"] if account else ["systemctl", "--user"]
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    own = Path(home).expanduser() / "systemd" / "user"
    return Units(
        folder=Path("/etc/systemd/system") if account else own,
        files={f"{name}.service": service(job, account), f"{name}.timer": timer(job, schedule)},
        commands=([*how, "daemon-reload"], [*how, "enable", "--now", f"{name}.timer"]),
    )


def install_units(job: Job, units: Units) -> bool:
    """Write units and have systemd take them up.

    The site's folder is made, if it is not there: systemd lets the service write nothing else.

    Returns:
        Whether anything changed.

    Raises:
        ConfigError: A unit of this name belongs to another configuration.
        OutputError: They can't be written, or systemd refuses.
    """
    new = {name: text for name, text in units.files.items() if _read(units.folder / name) != text}
    for name in new:
        there = _read(units.folder / name)
        if there is not None and not is_of(there, job):
            raise ConfigError(
                f"{units.folder / name} belongs to another configuration: give this catalogue an "
                "id of its own, or remove the unit."
            )
    if not new:
        return False
    try:
        job.site.mkdir(parents=True, exist_ok=True)
        units.folder.mkdir(parents=True, exist_ok=True)
        for name, text in new.items():
            (units.folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise OutputError(f"{error.filename} can't be written ({error.strerror}).") from None
    for command in units.commands:
        done = _run(command)
        if done.returncode:
            raise OutputError(f"{' '.join(command)} failed ({done.stderr.strip()}).")
    return True


def _run(command: Sequence[str], text: str | None = None) -> "subprocess.CompletedProcess[str]":
    program = shutil.which(command[0])
    if program is None:
        raise OutputError(
            f"{command[0]} is not on this machine: install it, or take what is printed "
            "without --install to where it is."
        )
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(
        [program, *command[1:]], input=text, capture_output=True, text=True, check=False,
        env=environment,
    )  # fmt: skip


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None

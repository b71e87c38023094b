"""A service and a timer of systemd; pure.

The service may write its site and nothing else. systemd does what the wrapper does for cron: it
sets a limit of time, tries again, and keeps the log bounded.
"""

from pathlib import Path

from shoestring_builder.unattended.schedule import Job, Schedule, require_plain
from shoestring_schema.errors import ConfigError

LIMIT = "6h"
TRIES, PAUSE, WINDOW = 3, "10min", "35min"
"""After three starts in that time systemd tries no more, until the timer's next time; an hourly
timer's own starts are rarer than that."""

_SANDBOX = """\
# It may write the site, and nothing else.
ProtectSystem=strict
ReadWritePaths={site}
ProtectHome=read-only
PrivateTmp=yes
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0022
"""

_SYSTEM_SANDBOX = """\
CapabilityBoundingSet=
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
"""
"""What only the system's manager can grant."""


def unit_name(job: Job) -> str:
    """Without its ending: one for each catalogue."""
    return f"shoestring-{job.catalogue}"


def service(job: Job, account: str | None = None) -> str:
    """The service that builds once.

    Args:
        job: What is run.
        account: The user that it runs as, for a unit of the system; else one of the user's own.

    Raises:
        ConfigError: A path can't stand in a unit.
    """
    words = [_program(job.programs / "shoestring"), "build", "--log"]
    words += ["--workers", str(job.workers)] if job.workers > 1 else []
    sandbox = _SANDBOX.format(site=_quoted(job.site).replace("$$", "$"))
    return f"""\
# {_marker(job)}
[Unit]
Description=Shoestring: build the site {job.catalogue}
# It is tried {TRIES} times.
StartLimitIntervalSec={WINDOW}
StartLimitBurst={TRIES}

[Service]
Type=oneshot
ExecStart={" ".join(words)} {_quoted(job.config)}
{f"User={account}" if account else "# It runs as the user whose unit it is."}
TimeoutStartSec={LIMIT}
Restart=on-failure
RestartSec={PAUSE}
# 75: another builder is at work. 1, 2, 78: trying again would change nothing.
SuccessExitStatus=75
RestartPreventExitStatus=1 2 78
Nice=10
IOSchedulingClass=idle

{sandbox}{_SYSTEM_SANDBOX if account else ""}"""


def timer(job: Job, schedule: Schedule) -> str:
    """What starts the service; a run that was missed, as the machine was off, is made up for."""
    return f"""\
# {_marker(job)}
[Unit]
Description=Shoestring: when the site {job.catalogue} is built

[Timer]
OnCalendar={_when(schedule)}
Persistent=yes
RandomizedDelaySec=2min

[Install]
WantedBy=timers.target
"""


def is_of(unit: str, job: Job) -> bool:
    """Whether a unit that is there is this job's."""
    return unit.startswith(f"# {_marker(job)}\n")


def _marker(job: Job) -> str:
    return f"shoestring: {require_plain(job.config)}"


def _program(path: Path) -> str:
    """The first word of a command, in which systemd allows less."""
    text = require_plain(path)
    if set(text).intersection("\"'\\"):
        raise ConfigError(
            f"{text} has a quote or backslash in its name, which systemd does not start: rename "
            "the folder."
        )
    return f'"{text.replace("%", "%%")}"'


def _quoted(path: Path) -> str:
    """A word of a unit: systemd expands % and, in commands, $."""
    text = require_plain(path)
    for own in ("\\", '"'):
        text = text.replace(own, f"\\{own}")
    return f'"{text.replace("%", "%%").replace("$", "$$")}"'


def _when(schedule: Schedule) -> str:
    day = "Mon *-*-*" if schedule.every == "week" else "*-*-*"
    hour = "*" if schedule.every == "hour" else f"{schedule.hour:02d}"
    return f"{day} {hour}:{schedule.minute:02d}:00"

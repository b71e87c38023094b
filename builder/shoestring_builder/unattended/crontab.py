"""A line of a crontab; pure."""

import shlex

from shoestring_builder.unattended.schedule import Job, Schedule, require_plain

WRAPPER = "shoestring-cron"


def crontab_lines(job: Job, schedule: Schedule) -> list[str]:
    """A comment to find the line again, and the line.

    Raises:
        ConfigError: A path can't stand in a crontab.
    """
    words = [require_plain(job.programs / WRAPPER), require_plain(job.config)]
    if job.workers > 1:
        words += ["--workers", str(job.workers)]
    command = shlex.join(words).replace("%", r"\%")  # to cron, a bare % is the end of a line
    return [_comment(job), f"{_when(schedule)} {command}"]


def with_job(crontab: str, job: Job, schedule: Schedule) -> str:
    """A crontab with the line of a job: in the place where it was, or at the end.

    Args:
        crontab: The text that there is.
        job: What is run.
        schedule: When.
    """
    lines, own = crontab.splitlines(), crontab_lines(job, schedule)
    if own[0] in lines:
        place = lines.index(own[0])
        lines[place : place + 2] = own
    else:
        lines += own
    return "\n".join(lines) + "\n"


def _comment(job: Job) -> str:
    return f"# shoestring: {job.config}"


def _when(schedule: Schedule) -> str:
    hour = "*" if schedule.every == "hour" else str(schedule.hour)
    day = "1" if schedule.every == "week" else "*"
    return f"{schedule.minute} {hour} * * {day}"

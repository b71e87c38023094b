"""The table of a contest: each case beside the limit and the fastest peer."""

from collections.abc import Sequence

from outcome import LIMIT, Outcome, fastest, ratio
from report import number, table

HEAD = ["", "seconds", "x limit", "x fastest peer", "CPU s", "peak MB", "requests",
        "connections", "MB sent", "nginx CPU s", "index s"]  # fmt: skip


def standings(outcomes: Sequence[Outcome]) -> list[str]:
    """The table, as lines of Markdown."""
    limit = next((outcome for outcome in outcomes if outcome.name == LIMIT), None)
    bases = limit, fastest(outcomes)
    return table(HEAD, [_row(outcome, bases) for outcome in outcomes])


def _row(outcome: Outcome, bases: Sequence[Outcome | None]) -> list[str]:
    row = outcome.median
    if not row:
        return [outcome.title, outcome.trouble, *[""] * (len(HEAD) - 2)]
    return [
        outcome.title,
        number(row["seconds"]),
        *(number(ratio(outcome, base)) for base in bases),
        number(row.get("cpu")),
        number(row.get("peak_mb"), 0),
        number(row["requests"], 0),
        number(row["connections"], 0),
        number(row["mb"], 1),
        number(row["nginx_cpu"]),
        number(outcome.index, 1),
    ]
